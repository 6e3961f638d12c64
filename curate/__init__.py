"""curate: data curation whose tails survive. Pure functions on Arrow tables and NumPy arrays; no Beam in here."""

from curate._version import __version__ as __version__
