"""Rights: may a document be used for training. An axis of its own that never moves the verdict on origin."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Provenance
from curate.provenance.credentials import Credentials
from curate.provenance.evidence import one_chunk

VERDICTS = ("unknown", "allow", "constrained", "deny")  # the later one wins

_WORDS = {
    "allow": "allow",
    "allowed": "allow",
    "train-ai=y": "allow",
    "constrained": "constrained",
    "deny": "deny",
    "denied": "deny",
    "notallowed": "deny",
    "noai": "deny",
    "train-ai=n": "deny",
}


def rights_of(credentials: Credentials) -> str:
    """The verdict of the training-mining assertions in an asset's credentials.

    A refusal is honoured whatever the state of the signature; a permission needs a valid one. `constrained` without
    constraints means notAllowed (CAWG Training and Data Mining Assertion 1.1).
    """
    use = credentials.training_mining
    if use == "notAllowed" or (use == "constrained" and not credentials.constraints_explained):
        return "deny"
    if use == "constrained":
        return "constrained"
    return "allow" if use == "allowed" and credentials.validation_state in ("Trusted", "Valid") else "unknown"


def declared_rights(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Verdicts of a column: `rights` words, AIPREF `train-ai=y|n`, or the booleans of a `noai` column.

    Returns:
        string[n], one of `VERDICTS`; null and unheard-of values give unknown.
    """
    values = one_chunk(column)
    if pa.types.is_boolean(values.type):
        return pc.if_else(pc.fill_null(values, False), "deny", "unknown")
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values.cast(pa.string())))
    index = pc.index_in(words, value_set=pa.array(list(_WORDS)), skip_nulls=True)
    return pc.fill_null(pa.array(list(_WORDS.values())).take(index), "unknown")


def most_restrictive(*columns: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The strictest of several verdicts per row, null counting as unknown.

    Args:
        columns: string[n] arrays of `VERDICTS`, at least one.
    """
    names = pa.array(VERDICTS)
    ranks = [
        pc.fill_null(pc.index_in(one_chunk(column), value_set=names), 0).to_numpy(zero_copy_only=False)
        for column in columns
    ]
    return names.take(pa.array(np.max(ranks, axis=0)))


def denied(rights: pa.ChunkedArray, provenance: Provenance) -> NDArray[np.bool_]:
    """Which documents are dropped for their rights, bool[n].

    Args:
        rights: string[n], `VERDICTS`, null counting as unknown.
        provenance: settings.
    """
    dropped = pa.array(provenance.drop_rights if provenance.enabled else (), pa.string())
    return pc.is_in(rights.fill_null("unknown"), value_set=dropped).to_numpy()
