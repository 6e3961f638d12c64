"""What repeated lines make of decided documents."""

import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.groups import DECIDED, decide_group
from curate.decisions.lines import KEEPERS, holders, homes, remove_lines
from curate.duplicates.repeated import CLASS_SHIFT, REMOVED
from curate.schema import TEXT_EDITS

CONFIG = make_config({})


def decided(world, rows, pairs=(), **settings):
    config = make_config({"synthetic": {"enabled": False}, **settings})
    documents = world.document_table(rows, config)
    return decide_group(documents, world.pair_table(pairs), world.reference(), config)


def lost(*rows):
    names = REMOVED.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=REMOVED)


def keepers(**named):
    rows = [{"document": int(name[1:]), "id": owner} for name, owner in named.items()]
    return pa.Table.from_pylist(rows, schema=KEEPERS)


ROWS = [
    {"id": "real", "captured": 2015},
    {"id": "unknown"},
    {"id": "declared", "origin": "synthetic"},
    {"id": "copy", "text": "real"},
    {"id": "disputed", "captured": 2015, "origin": "synthetic"},
    {"id": "unread", "read_reason": "no_text", "tokens": 0},
]


@pytest.mark.parametrize("mixture", [True, False])
def test_only_survivors_hold_lines_and_real_ones_come_first(world, mixture):
    table = holders(decided(world, ROWS, mixture={"enabled": mixture}), CONFIG).sort_by("rank")
    assert table["id"].to_pylist() == ["real", "unknown", "declared"]
    assert (table["rank"].to_numpy() >> CLASS_SHIFT).tolist() == [0, 1, 2]
    assert table["document"].to_pylist() == [0, 1, 2]


def test_held_and_rejected_documents_hold_none(world):
    scored = [{"id": f"d{i}", "detector_score": score} for i, score in enumerate((0.5, 0.96, 0.999))]
    table = decided(world, scored, synthetic={"enabled": True, "min_group": 20})
    assert table["verdict"].to_pylist() == [0, 2, 3]
    assert holders(table, CONFIG)["id"].to_pylist() == ["d0"]


def test_the_order_of_holders_hangs_on_the_seed_and_the_id(world):
    rows = [{"id": f"d{i}"} for i in range(50)]
    table = decided(world, rows)
    seeds = [make_config({"run": {"seed": seed}}) for seed in (1, 1, 2)]
    orders = [holders(table, config).sort_by("rank")["id"].to_pylist() for config in seeds]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_sources_that_nothing_is_dropped_from_hold_none(world):
    rows = [{"id": f"d{i}", "source": source} for i, source in enumerate(("wiki", "crawl", None, "archive"))]
    rules = {"wiki": {"drop": "none"}, "archive": {"drop": "exact"}}
    config = make_config({"dedupe": {"sources": rules}})
    assert sorted(holders(decided(world, rows), config)["id"].to_pylist()) == ["d1", "d2", "d3"]


def test_copies_go_where_their_leader_is(world):
    table = decided(world, ROWS)
    found = dict(zip(table["id"].to_pylist(), homes(table).tolist(), strict=True))
    assert found == {"real": 0, "unknown": 1, "declared": 2, "copy": 0, "disputed": 4, "unread": 5}


def test_tokens_and_spans_of_an_edited_document(world):
    table = decided(world, ROWS)
    found = world.by_id(
        remove_lines(table, lost((1, 0, 30, 10, 50, 10, 50), (1, 0, 9, 50, 60, 50, -1)), keepers(), "line")
    )
    assert (found["unknown"].tokens, found["unknown"].decision) == (61, None)
    assert found["unknown"].text_edits == [{"kind": "line", "start": 10, "end": 60}]
    assert all(row.text_edits is None for name, row in found.items() if name != "unknown")
    assert found["real"].tokens == 100


def test_earlier_edits_stay_and_all_are_in_order(world):
    table = decided(world, ROWS)
    payloads = [{"kind": "payload", "start": start, "end": start + 1} for start in (70, 5)]
    earlier = pa.array([payloads if name == "unknown" else None for name in table["id"].to_pylist()], TEXT_EDITS)
    table = table.set_column(DECIDED.get_field_index("text_edits"), DECIDED.field("text_edits"), earlier)
    found = world.by_id(remove_lines(table, lost((1, 0, 30, 10, 50, 9, 51)), keepers(), "paragraph"))
    assert [(edit["kind"], edit["start"]) for edit in found["unknown"].text_edits] == [
        ("payload", 5),
        ("paragraph", 10),
        ("payload", 70),
    ]
    untouched = world.by_id(remove_lines(table, lost(), keepers(), "line"))
    assert untouched["unknown"].text_edits == payloads[::-1]


def test_an_emptied_document_and_its_copies_are_dropped_for_the_keeper(world):
    rows = [
        {"id": "keeper"},
        {"id": "banner", "tokens": 40, "chars": 900},
        {"id": "banner-exact", "tokens": 40, "text": "banner"},
        {"id": "banner-near", "tokens": 39},
    ]
    rows.append({"id": "tested", "read_reason": "evaluation", "evaluation": "banner", "evaluation_containment": 0.9})
    table = decided(world, rows, [("banner", "banner-near", 0.85, 0.9, 0.95)])
    assert [row.reason for row in world.by_id(table).values()] == [None, "exact", "near", None, "evaluation"]
    removed = lost((1, 0, 40, 0, 200, -1, -1))
    found = world.by_id(remove_lines(table, removed, keepers(d1="keeper"), "line"))
    for name in ("banner", "banner-exact", "banner-near"):
        row = found[name]
        assert (row.decision, row.stage, row.reason, row.matched_id) == ("dropped", "dedupe", "line", "keeper")
        assert row.text_edits is None
    assert (found["banner"].similarity, found["banner"].containment, found["banner"].tokens) == (None, 1.0, 40)
    assert (found["banner-exact"].similarity, found["banner-exact"].containment) == (1.0, 1.0)
    near = found["banner-near"]
    assert (near.similarity, near.containment) == (pytest.approx(0.85), pytest.approx(0.95))
    assert found["keeper"].decision is None
    assert (found["tested"].reason, found["tested"].matched_id) == ("evaluation", "banner")  # a text of that name


def test_a_dropped_row_at_the_location_of_a_survivor_is_not_edited(world):
    """Where documents lie nowhere, rows equal in all columns have one location."""
    table = decided(world, [{"id": "a"}, {"id": "a#2", "text": "a"}])
    table = table.set_column(0, DECIDED.field("location"), pa.array([7, 7], pa.uint64()))
    found = world.by_id(remove_lines(table, lost((7, 9, 30, 10, 50, 9, 51)), keepers(), "line"))
    survivor, copy = sorted(found.values(), key=lambda row: row.decision is not None)
    assert (survivor.tokens, len(survivor.text_edits)) == (70, 1)
    assert (copy.tokens, copy.text_edits, copy.reason) == (100, None, "exact")


def test_nothing_removed_changes_nothing(world):
    table = decided(world, ROWS)
    assert remove_lines(table, lost(), keepers(), "line").equals(table)
    assert remove_lines(DECIDED.empty_table(), lost(), keepers(), "line").equals(DECIDED.empty_table())
