"""What the windows of a document say of its origin: evidence that moves no zone, and the label mixed."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.reference import Reference
from curate.detector.windows import Windows, judge_windows
from curate.provenance.evidence import DETECTOR, one_per_row

MOST_SPANS = 5
"""Spans of suspect windows that the evidence names; more are counted."""


def window_evidence(
    documents: pa.Table, unknown: NDArray[np.bool_], reference: Reference, config: Config
) -> tuple[pa.ListArray, NDArray[np.bool_]]:
    """The share and spans of suspect windows, of the documents that have any.

    Places are given in tokens of the ledger, as far as windows of equal length in the detector's own tokens tell.

    Args:
        documents: columns windows, language and tokens; n rows.
        unknown: bool[n], documents whose origin is not known from their own or from travelled evidence.
        reference: windows of human documents.
        config: settings of the filter.

    Returns:
        EVIDENCE_LIST[n], and bool[n], the mixed documents.
    """
    settings = config.synthetic
    windows = Windows.of(pc.if_else(pa.array(unknown), documents["windows"], None))
    found = judge_windows(windows, documents["language"], reference.windows, settings.alpha_suspect, settings.min_group)
    suspect, counts = windows.each(found.suspect), windows.counts()
    spans = _spans(windows, found.suspect, documents["tokens"].fill_null(0).to_numpy().astype(np.int64))
    detail = pc.binary_join_element_wise(
        _text(suspect), " of ", _text(counts), " windows suspect, ", _text(found.human),
        " clearly human; suspect are about the tokens ", spans, "",
    )  # fmt: skip
    claim = pa.array(np.where(found.mixed, "mixed", "unknown"))
    return one_per_row(suspect > 0, DETECTOR, "windows", claim, 0.0, detail), found.mixed


def with_mixed(origin: pa.Array, mixed: NDArray[np.bool_]) -> pa.Array:
    """Labels mixed documents, unless something harder than windows tells of another origin.

    Args:
        origin: string[n], of `curate.provenance.origin.fuse`.
        mixed: bool[n].
    """
    soft = pc.is_in(origin, value_set=pa.array(["unknown", "human"]))
    return pc.if_else(pc.and_(pa.array(mixed), soft), "mixed", origin)


def _spans(windows: Windows, suspect: NDArray[np.bool_], tokens: NDArray[np.int64]) -> pa.Array:
    """Runs of suspect windows of each document in words, string[n]: 0-400, 800-1000 and 2 more."""
    of, counts = windows.documents(), windows.counts()
    before = np.concatenate([[False], suspect[:-1] & (of[1:] == of[:-1])]) if len(of) else suspect
    after = np.concatenate([suspect[1:] & (of[1:] == of[:-1]), [False]]) if len(of) else suspect
    first, last = np.flatnonzero(suspect & ~before), np.flatnonzero(suspect & ~after)
    document = of[first]
    runs = np.bincount(document, minlength=len(counts))
    number = np.arange(len(first)) - (np.cumsum(runs) - runs)[document]
    named = number < MOST_SPANS
    first, last, document = first[named], last[named], document[named]
    start = (first - windows.offsets[document]) * tokens[document] // counts[document]
    end = (last + 1 - windows.offsets[document]) * tokens[document] // counts[document]
    each = pc.binary_join_element_wise(_text(start), _text(end), "-")
    offsets = np.concatenate([[0], np.cumsum(np.minimum(runs, MOST_SPANS))]).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), each), ", ")
    more = pc.binary_join_element_wise(joined, " and ", _text(runs - MOST_SPANS), " more", "")
    return pc.if_else(pa.array(runs > MOST_SPANS), more, joined)


def _text(numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array(numbers, pa.int64()).cast(pa.string())
