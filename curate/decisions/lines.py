"""Repeated lines in the decisions: whose lines count, and what becomes of the documents that lose some."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import lookup
from curate.config import Config
from curate.decisions.groups import DECIDED
from curate.decisions.verdict import ACCEPT, FILL
from curate.duplicates.repeated import CLASS_SHIFT, HOLDERS, spans
from curate.hashing import UInt64Array, hash_strings, stage_seed
from curate.provenance.origin import REAL, SYNTHETIC
from curate.schema import TEXT_EDITS

KEEPERS = pa.schema([("document", pa.uint64()), ("id", pa.string())])
"""Documents of which no token would be left, and the id of the document that keeps the longest unit of each."""


def holders(decided: pa.Table, config: Config) -> pa.Table:
    """The documents whose lines count: those that are accepted, or may fill shortages, and duplicate no other.

    They rank real before unknown before synthetic, so that no document loses a line to one of a lower class, and by a
    hash of the id within their class. Sources from which nothing is dropped (`dedupe.sources`) have none: their
    documents lose no line, and their copies make none look repeated.

    Args:
        decided: `curate.decisions.groups.DECIDED`.
        config: settings.

    Returns:
        `HOLDERS`.
    """
    spared = [source for source, rule in config.dedupe.sources.items() if rule.drop == "none"]
    exempt = pc.is_in(decided["source"], value_set=pa.array(spared, pa.string())).to_numpy()
    rows = decided.filter(pa.array(_surviving(decided) & ~exempt))
    own = rows["own"].to_numpy()
    synthetic = (rows["verdict"].to_numpy() == FILL) | (own == SYNTHETIC)
    place = hash_strings(rows["id"], stage_seed(config.run.seed, "lines")) >> np.uint64(64 - int(CLASS_SHIFT))
    rank = np.where(own == REAL, 0, np.where(synthetic, 2, 1)).astype(np.uint64) << CLASS_SHIFT | place
    return pa.table([rows["location"], pa.array(rank), rows["tokens"], rows["id"]], schema=HOLDERS)


def homes(decided: pa.Table) -> UInt64Array:
    """The location of the document that each one duplicates, its own where there is none; uint64[n].

    Args:
        decided: `curate.decisions.groups.DECIDED`, a closed set of documents.
    """
    leader = pc.index_in(decided["matched_id"], value_set=decided["id"].combine_chunks(), skip_nulls=True)
    return pc.coalesce(decided["location"].take(leader), decided["location"]).to_numpy()


def remove_lines(decided: pa.Table, removed: pa.Table, keepers: pa.Table, kind: str) -> pa.Table:
    """Takes repeated units out of the decided documents.

    What is left counts: `tokens` become those left. A document left without a token is dropped instead (stage dedupe,
    reason line) for the document that keeps its longest unit; so are its copies, whose similarity and containment
    stay those that were measured to it. Its containment is 1: all of its units are kept elsewhere.

    Args:
        decided: `curate.decisions.groups.DECIDED`, with all copies of every document that it has.
        removed: `curate.duplicates.repeated.REMOVED`, all that these documents lose.
        keepers: `KEEPERS` of those left without a token.
        kind: of the edits, line or paragraph.

    Returns:
        `DECIDED`, sorted by id.
    """
    decided = decided.take(pc.sort_indices(decided["id"].combine_chunks()))
    surviving, location = _surviving(decided), decided["location"].to_numpy()
    keepers = keepers.sort_by("document")
    keeper, gone = lookup(keepers["document"].to_numpy(), location)
    gone &= surviving
    edits = spans(removed, kind)
    edit, edited = lookup(edits["document"].to_numpy(), location)
    edited &= surviving & ~gone

    names = decided["id"].combine_chunks()
    gone_rows = np.flatnonzero(gone)
    leader = pc.index_in(
        decided["matched_id"].combine_chunks(), value_set=names.take(pa.array(gone_rows)), skip_nulls=True
    )
    copy = leader.is_valid().to_numpy(zero_copy_only=False)
    copy &= pc.equal(decided["stage"], "dedupe").fill_null(False).to_numpy()  # an evaluation text may bear the same id
    keeper[copy] = keeper[gone_rows[leader.filter(pa.array(copy)).to_numpy()]]
    lost = pa.array(gone | copy)
    tokens = decided["tokens"].to_numpy().copy()
    tokens[edited] -= edits["tokens"].to_numpy()[edit[edited]]
    changed = {
        "decision": pc.if_else(pa.array(gone), "dropped", decided["decision"]),
        "stage": pc.if_else(pa.array(gone), "dedupe", decided["stage"]),
        "reason": pc.if_else(lost, "line", decided["reason"]),
        "matched_id": pc.if_else(
            lost, keepers["id"].take(pa.array(keeper, mask=~(gone | copy))), decided["matched_id"]
        ),
        "containment": pc.if_else(pa.array(gone), pa.scalar(1.0, pa.float32()), decided["containment"]),
        "tokens": pa.array(tokens),
        "text_edits": _combined(
            decided["text_edits"].combine_chunks(),
            edits["text_edits"].combine_chunks().take(pa.array(edit, mask=~edited)),
        ),
    }
    columns = [changed[name] if name in changed else decided[name] for name in DECIDED.names]
    return pa.table(columns, schema=DECIDED)


def _surviving(decided: pa.Table) -> NDArray[np.bool_]:
    """The documents left to the mixture: no drop, no copy, not held."""
    verdict = decided["verdict"].to_numpy()
    return decided["decision"].is_null().to_numpy() & ((verdict == ACCEPT) | (verdict == FILL))


def _combined(*lists: pa.Array) -> pa.Array:
    """All edits of each row in the order of the text; null where there are none."""
    count = len(lists[0])
    row = np.concatenate([pc.list_parent_indices(part).to_numpy() for part in lists])
    edits = pa.concat_arrays([part.flatten() for part in lists])
    order = np.lexsort((edits.field("start").to_numpy(), row))
    offsets = np.searchsorted(row[order], np.arange(count + 1)).astype(np.int32)
    none = pa.array(offsets[1:] == offsets[:-1])
    return pa.ListArray.from_arrays(pa.array(offsets), edits.take(pa.array(order)), type=TEXT_EDITS, mask=none)
