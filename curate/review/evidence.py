"""What answers mean for decisions: own evidence, and what becomes of the document.

`human` and `synthetic` say who wrote a text: they settle its own class, whatever else speaks against it. `keep` and
`drop` say what to do with it, and nothing of its origin. An answer settles what was asked, whether the text is held for
its origin: rights that deny use, duplicates and the mixture decide about it as about any other document.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.decisions.verdict import ACCEPT, REJECT, Verdicts
from curate.provenance.evidence import REVIEW, combine, one_per_row
from curate.provenance.lineage import OVERRIDE
from curate.provenance.origin import REAL, SYNTHETIC

REASON = "review"
"""Why a document is dropped that a reviewer wants dropped."""

_CLASSES = {"human": REAL, "synthetic": SYNTHETIC}
_LLR = {"human": -OVERRIDE, "synthetic": OVERRIDE}


def with_answers(documents: pa.Table, settled: pa.Table | None) -> pa.Table:
    """Gives answers to the documents that they are about: same id, same content.

    Args:
        documents: `curate.decisions.documents.DOCUMENTS` with their final ids.
        settled: `curate.review.answers.SETTLED`, None without any.

    Returns:
        The documents in the same order. An answer that says no more than the document itself does, whose own class it
        is, is told as evidence and leaves the column `answer` null.
    """
    if settled is None or not settled.num_rows:
        return documents
    index = _matches(documents, settled)
    selected = index >= 0
    if not selected.any():
        return documents
    taken = settled.take(pa.array(index, mask=~selected))
    verdict = taken["verdict"].combine_chunks()
    own, conflict = documents["own"].to_numpy().copy(), documents["conflict"].to_numpy().copy()
    llr, news = np.zeros(len(own)), selected.copy()
    for answer, settles in _CLASSES.items():
        said = pc.equal(verdict, answer).fill_null(False).to_numpy(zero_copy_only=False)
        news[said & (own == settles) & ~conflict] = False
        own[said], conflict[said], llr[said] = settles, False, _LLR[answer]
    claim = pc.if_else(pc.is_in(verdict, pa.array(list(_CLASSES))), verdict, "unknown")
    evidence = one_per_row(selected, REVIEW, "answer", claim, llr, taken["detail"].combine_chunks())
    columns = {
        "own": pa.array(own),
        "conflict": pa.array(conflict),
        "evidence": combine(evidence, documents["evidence"]),
        "answer": pc.if_else(pa.array(news), verdict, None),
    }
    return pa.table([columns.get(name, documents[name]) for name in documents.column_names], schema=documents.schema)


def _matches(documents: pa.Table, settled: pa.Table) -> NDArray[np.int64]:
    """The answer to each document, int64[n], -1 for none. Documents of earlier outputs have none."""
    index = np.full(documents.num_rows, -1, dtype=np.int64)
    named = pc.and_(
        pc.is_in(documents["id"], value_set=settled["id"].combine_chunks()), pc.invert(documents["earlier"])
    )
    rows = np.flatnonzero(named.to_numpy())
    if len(rows):
        keys = zip(settled["id"].to_pylist(), settled["content"].to_pylist(), strict=True)
        known = {key: number for number, key in enumerate(keys)}
        few = documents.select(["id", "content", "content_low"]).take(pa.array(rows))
        contents = content_names(few)
        for row, id, content in zip(rows.tolist(), few["id"].to_pylist(), contents, strict=True):
            index[row] = known.get((id, content), -1)
    return index


def content_names(documents: pa.Table) -> list[str]:
    """Both halves of the content hash of each document as 32 hex digits."""
    halves = zip(documents["content"].to_pylist(), documents["content_low"].to_pylist(), strict=True)
    return [f"{high:016x}{low:016x}" for high, low in halves]


def follow_answers(judged: Verdicts, answer: pa.ChunkedArray, own: NDArray[np.int8]) -> Verdicts:
    """Verdicts that do what reviewers said.

    A text that a reviewer found to be machine-made fills no shortage, other than one that says so itself: nobody
    vouches for it. One that says so itself is not made real by the answer keep, and stays under the cap.

    Args:
        judged: verdicts, in which own classes have had their say.
        answer: string[n], null for documents without one.
        own: own class of each document.
    """
    if answer.null_count == len(answer):
        return judged
    said = {name: pc.equal(answer, name).fill_null(False).to_numpy() for name in ("synthetic", "keep", "drop")}
    verdict, reason, weight = judged.verdict.copy(), judged.reason.copy(), judged.weight.copy()
    kept = said["keep"] & (own != SYNTHETIC)
    verdict[kept], reason[kept], weight[kept] = ACCEPT, None, 1.0
    verdict[said["synthetic"]], reason[said["synthetic"]] = REJECT, "declared"
    verdict[said["drop"]], reason[said["drop"]] = REJECT, REASON
    return replace(judged, verdict=verdict, reason=reason, weight=weight)


def dismissed(answer: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Documents that reviewers reject, bool[n]: they do not wait for a held copy of theirs, nor go for a kept one."""
    return pc.is_in(answer, value_set=pa.array(["synthetic", "drop"])).to_numpy()
