"""Beam transforms of curate: wiring over the pure functions of the package `curate`."""

from curate.transforms.curate import AttachProvenance as AttachProvenance
from curate.transforms.curate import Curate as Curate
from curate.transforms.curate import DropDuplicates as DropDuplicates
from curate.transforms.curate import FilterSynthetic as FilterSynthetic
from curate.transforms.curate import ReweightClusters as ReweightClusters
from curate.transforms.metrics import MeasureCorpus as MeasureCorpus
from curate.transforms.models import TextDetector as TextDetector
from curate.transforms.models import TextEmbedder as TextEmbedder
from curate.transforms.models import TextVerifier as TextVerifier
