"""Beam transforms of curate: wiring over the pure functions of the package `curate`."""

from curate.transforms.curate import AttachProvenance, Curate, DropDuplicates, FilterSynthetic, ReweightClusters
from curate.transforms.metrics import MeasureCorpus
from curate.transforms.models import TextDetector, TextEmbedder, TextVerifier

__all__ = [
    "AttachProvenance",
    "Curate",
    "DropDuplicates",
    "FilterSynthetic",
    "MeasureCorpus",
    "ReweightClusters",
    "TextDetector",
    "TextEmbedder",
    "TextVerifier",
]
