"""Repeated lines inside somebody's own pipeline: any kind of element, any number of partitions."""

import dataclasses
import random
import typing
from collections import Counter

import apache_beam as beam
import pyarrow as pa
import pytest

import curate.transforms.curate
from curate.transforms import DropDuplicates

CONFIG = {"dedupe": {"rounds": 2, "lines": {"enabled": True, "min_documents": 5}}}
BANNER = "Accept all of our cookies \U0001f36a now"
NOTICE = "Somebody reserves all of the rights"


class Named(typing.NamedTuple):
    id: str
    text: str


@dataclasses.dataclass
class Data:
    id: str
    text: str


def body(number):
    draw = random.Random(number)
    return " ".join("".join(draw.choices("abcdefgh", k=6)) for _ in range(40))


@pytest.fixture(scope="module")
def pages():
    """Pages with a banner, some with a notice; one that holds nothing else, its copy, and equal rows."""
    rows = [{"id": f"p{n}", "text": f"{BANNER}\n{body(n)}" + (f"\n{NOTICE}" if n % 2 else "")} for n in range(14)]
    rows += [{"id": name, "text": f"{NOTICE}\n{BANNER}"} for name in ("all", "all-copy")]
    rows += [dict(rows[3]), dict(rows[3])]
    return random.Random(2).sample(rows, len(rows))


def drop(apply, elements, **options):
    out = apply(DropDuplicates(config=CONFIG), elements, **options)
    return out, sorted(
        (row["id"], row["reason"], row["matched_id"], row["tokens"], str(row["text_edits"]))
        for table in out["ledger"]
        for row in table.to_pylist()
    )


@pytest.fixture(scope="module")
def dropped(apply, pages):
    return drop(apply, pages)


def check(kept, lost, texts):
    """One page keeps banner and notice, or one each; the others have their body only; what is dropped is whole."""
    assert len(kept) == 14
    assert Counter(line for text in kept.values() for line in text.split("\n") if line in (BANNER, NOTICE)) == {
        BANNER: 1,
        NOTICE: 1,
    }
    for name, text in kept.items():
        assert body(int(name.split("#")[0][1:])) in text
    assert sorted(lost.values()) == sorted([texts["all"]] * 2 + [texts["p3"]] * 2)


def test_dicts(dropped, pages):
    out, ledger = dropped
    texts = {row["id"]: row["text"] for row in pages}
    check(
        {row["curate_id"]: row["text"] for row in out["kept"]},
        dict(enumerate(r["text"] for r in out["dropped"])),
        texts,
    )
    reasons = {row["id"]: row["curate_reason"] for row in out["dropped"]}
    assert reasons == {"all": "line", "all-copy": "line", "p3": "exact"}
    assert {row[2] for row in ledger if row[1] == "line"} < {f"p{n}" for n in range(14)} | {"p3#2", "p3#3"}


@pytest.mark.parametrize("kind", [Named, Data, beam.Row])
def test_other_rows(apply, dropped, pages, kind):
    out, ledger = drop(apply, [kind(**row) for row in pages])
    assert ledger == dropped[1]
    assert sorted(row.text for row in out["kept"]) == sorted(row["text"] for row in dropped[0]["kept"])


@pytest.mark.parametrize(("partitions", "size"), [(1, 5), (3, 100)])
def test_tables_in_any_number_of_partitions(monkeypatch, apply, dropped, pages, partitions, size):
    monkeypatch.setattr(curate.transforms.curate, "PARTITIONS", partitions)
    kinds = [pa.large_string(), pa.dictionary(pa.int16(), pa.string())]
    tables = []
    for start in range(0, len(pages), size):
        schema = pa.schema([("id", pa.string()), ("text", kinds[start % 2])])
        tables.append(pa.Table.from_pylist(pages[start : start + size], schema=schema))
    out, ledger = drop(apply, tables, options=["--direct_runner_bundle_repeat=1"])
    assert ledger == dropped[1]
    found = [text for table in out["kept"] for text in table["text"].to_pylist()]
    assert sorted(found) == sorted(row["text"] for row in dropped[0]["kept"])
    assert {table.schema.field("text").type for table in out["kept"]} <= set(kinds)
