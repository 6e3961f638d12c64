"""What a PCollection is to curate: one corpus, a corpus in each window, or a stream without an end."""

import apache_beam as beam
from apache_beam.transforms.trigger import DefaultTrigger
from apache_beam.transforms.window import NonMergingWindowFn


def check_corpora(documents: beam.PCollection, label: str) -> None:
    """Refuses what has no whole corpora: duplicates and shares are those of a whole one.

    Args:
        documents: input of a transform.
        label: of the transform.

    Raises:
        ValueError: the input is unbounded, its windows depend on the elements, or they fire before they are complete.
    """
    windowing = documents.windowing
    if not documents.is_bounded:
        raise ValueError(
            f"the input of {label} is unbounded, but it decides whole corpora; give a bounded PCollection, or use "
            "FilterSynthetic, AttachProvenance, or DropDuplicates against texts that dedupe.exclude names"
        )
    if not isinstance(windowing.windowfn, NonMergingWindowFn):
        raise ValueError(
            f"the windows of the input of {label} merge, so that a window is no corpus; use fixed or sliding windows"
        )
    if windowing.triggerfn != DefaultTrigger():
        raise ValueError(
            f"the trigger of the input of {label} is {windowing.triggerfn}, but it decides whole corpora; use the "
            "default trigger"
        )


def is_windowed(documents: beam.PCollection) -> bool:
    """Whether each window is a corpus of its own."""
    return not documents.windowing.is_default()
