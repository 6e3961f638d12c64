"""Evidence of watermarks: one item for each discovery."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.provenance.evidence import WATERMARK, combine, one_per_row
from curate.schema import EVIDENCE_LIST
from curate.watermarks.discoveries import SURE, Discoveries, flat_results

STRONGEST = 6.0
"""Nats: as much as all unsigned evidence together may say (`curate.provenance.origin.fuse`)."""

_NOT_TESTED = Discoveries(0, 0, 0.0)


class Found(NamedTuple):
    """Results of one test that are discoveries.

    Attributes:
        results: as `flat_results` gives them.
        p_value: float64, corrected.
        tested: all results of the test.
    """

    results: pa.Table
    p_value: NDArray[np.float64]
    tested: int


def find(lists: pa.ChunkedArray, found: Mapping[str, Discoveries]) -> dict[str, Found]:
    """The discoveries of each test that any of the documents was long enough for.

    Args:
        lists: `curate.schema.WATERMARKS`[n].
        found: test → what it found in the corpus, or in the earlier one whose thresholds are used.
    """
    results, discovered = flat_results(lists), {}
    for name in sorted(pc.unique(results["detector"]).to_pylist()):
        of_corpus = found.get(name, _NOT_TESTED)
        own = results.filter(pc.equal(results["detector"], name))
        p_value = of_corpus.correct(own["p_value"].to_numpy())
        chosen = p_value <= max(SURE, of_corpus.threshold)
        discovered[name] = Found(own.filter(pa.array(chosen)), p_value[chosen], own.num_rows)
    return discovered


def watermark_evidence(
    lists: pa.ChunkedArray, found: Mapping[str, Discoveries]
) -> tuple[pa.ListArray, NDArray[np.bool_]]:
    """The evidence of documents, of −½ ln p nats and at most `STRONGEST`.

    Args:
        lists: `curate.schema.WATERMARKS`[n].
        found: as for `find`.

    Returns:
        EVIDENCE_LIST[n], and bool[n], the documents with a discovery.
    """
    count = len(lists)
    evidence: list[pa.Array] = [pa.nulls(count, EVIDENCE_LIST)]
    watermarked = np.zeros(count, bool)
    for name, discovered in find(lists, found).items():
        place = np.full(count, -1)
        place[discovered.results["row"].to_numpy()] = np.arange(discovered.results.num_rows)
        selected = place >= 0
        called, kind, *_ = name.split("/")
        llr = np.minimum(-0.5 * np.log(np.maximum(discovered.p_value, np.finfo(float).tiny)), STRONGEST)
        detail = _detail(called, discovered, found.get(name, _NOT_TESTED)).take(pa.array(place, mask=~selected))
        strength = np.zeros(count)
        strength[selected] = llr[place[selected]]
        evidence.append(one_per_row(selected, WATERMARK, kind, "synthetic", strength, detail))
        watermarked |= selected
    return combine(*evidence), watermarked


def _detail(called: str, discovered: Found, of_corpus: Discoveries) -> pa.Array:
    power = np.log10(np.maximum(discovered.p_value, np.finfo(float).tiny))
    numbers = (
        pa.array(np.round(discovered.results["statistic"].to_numpy(), 4)).cast(pa.string()),
        pa.array(np.round(power, 1)).cast(pa.string()),
        discovered.results["n"].combine_chunks().cast(pa.string()),
    )
    among = f"{of_corpus.found:,} of {of_corpus.tested:,} texts" if of_corpus.tested else "no corpus to compare with"
    return pc.binary_join_element_wise(
        f"{called}: statistic ", numbers[0], ", p = 10^", numbers[1], ", ", numbers[2],
        f" distinct n-grams; found in {among}", "",
    )  # fmt: skip
