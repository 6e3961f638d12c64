"""The story of one document, with its text found again and compared with that of its match."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa

from curate.columns import text_column
from curate.config import Config, make_config
from curate.errors import CurateError
from curate.io.blocks import SPLIT_BITS, read_split, split_start
from curate.io.sources import InputPlan
from curate.pipelines.annotations import load_annotations, same_inputs
from curate.pipelines.files import BeamFiles
from curate.provenance.text.find import strip_manifests
from curate.report.explain import find, matched_in, tell
from curate.report.manifest import JsonDict, load_manifest
from curate.report.texts import COMPARED, Part, told, word_diff, written_texts
from curate.review.describe import related
from curate.review.queue import annotations_of, identified

FILES = BeamFiles()
NOT_TEXTS = ("evaluation", "no_text", "too_long")
"""Reasons of documents that no other document was compared with."""


@dataclass(frozen=True)
class Explanation:
    """Why a document was decided as it was.

    Attributes:
        row: of the ledger.
        story: in paragraphs of plain text.
        matched_id: the document that it was compared with, None without one.
        difference: how the matched text becomes its own (`curate.report.texts.word_diff`); None without both.
        missing: id → why its text cannot be shown.
    """

    row: dict[str, Any]
    story: str
    matched_id: Optional[str]
    difference: Optional[list[Part]]
    missing: dict[str, str]

    def __str__(self) -> str:
        return self.story


def explain_document(directory: str, id: str) -> Explanation:
    """Explains a document (`curate explain`).

    Args:
        directory: output directory of a run.
        id: of the document, as in the ledger.

    Raises:
        UsageError: there is no such output, or no such document in it.
    """
    manifest = load_manifest(directory)
    row = find(directory, id)
    earlier = matched_in(directory, row, manifest)
    other = None if row["reason"] in NOT_TEXTS else related(row)
    difference, missing, compared = None, dict[str, str](), ""
    if other is not None:
        texts, missing = find_texts(directory, manifest, [id, other], earlier)
        compared = " ".join(f"The text of {name} cannot be shown: {why}." for name, why in missing.items())
        if not missing:
            difference = word_diff(texts[other], texts[id])
            cut = f" (their first {COMPARED:,} characters)" if max(map(len, texts.values())) > COMPARED else ""
            same = all(kind == "=" for kind, _ in difference)
            words = "no word differs" if same else told(difference)
            compared = f"Word by word, [-only in {other}-] {{+only in {id}+}}{cut}:\n  {words}"
    return Explanation(row, tell(row, manifest, earlier, compared), other, difference, missing)


def find_texts(
    directory: str, manifest: JsonDict, ids: Iterable[str], earlier: Optional[str] = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Texts of documents: as the output wrote them, else read again from the inputs.

    Args:
        directory: of the output.
        manifest: of the output.
        ids: of documents.
        earlier: an earlier output that some of them may be in.

    Returns:
        The texts by id, and why others have none by id.
    """
    config = make_config(manifest["config"])
    wanted = list(dict.fromkeys(ids))
    texts = written_texts(directory, wanted, config)
    if earlier is not None:
        texts = written_texts(earlier, wanted, config) | texts
    left = [id for id in wanted if id not in texts]
    if not left:
        return texts, {}
    try:
        found = _read_again(Path(directory), manifest, left)
    except (CurateError, OSError, ValueError, KeyError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        return texts, dict.fromkeys(left, f"it was not written (run.write_dropped), and of the inputs {why}")
    return texts | found, {id: "the inputs hold no text of it" for id in left if id not in found}


def _read_again(root: Path, manifest: JsonDict, ids: list[str]) -> dict[str, str]:
    """Texts from the inputs, which must be as they were."""
    _, record = load_annotations(str(annotations_of(root, manifest)))
    annotated = make_config(record["config"])
    documents = identified(root, manifest, pa.chunked_array([ids], pa.string()))
    places = dict(zip(documents["id"].to_pylist(), documents["location"].to_pylist(), strict=True))
    planned = same_inputs(record, annotated)
    # The splits of earlier outputs come after those of the inputs.
    own = {id: place for id, place in places.items() if place >> SPLIT_BITS < len(planned.splits)}
    texts = {id: _text_at(own[id], planned, annotated) for id in ids if id in own}
    return {id: text for id, text in texts.items() if text is not None}


def _text_at(location: int, planned: InputPlan, config: Config) -> Optional[str]:
    number = location >> SPLIT_BITS
    for block in read_split(planned.splits[number], planned, FILES):
        row = location - split_start(number, block.location_start)
        if 0 <= row < block.table.num_rows:
            text = text_column(block.table.slice(row, 1), config)
            value: Optional[str] = strip_manifests(text).texts[0].as_py()
            return value
    return None
