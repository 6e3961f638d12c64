"""Removal rates of rules of quality, by language and cluster."""

import json

import pyarrow as pa
import pytest

from curate.decisions.mixing import FINISHED
from curate.provenance.origin import REAL, SYNTHETIC, UNKNOWN
from curate.report.quality import QualityCounts


def item(kind, family="quality"):
    return {"family": family, "kind": kind, "claim": "unknown", "llr": 0.0, "detail": None}


def rows(count, language, cluster, kinds=(), own=UNKNOWN, removed=False):
    row = dict.fromkeys(FINISHED.names) | {"language": language, "cluster": cluster, "own": own, "tokens": 90}
    row |= {"tier": "trusted_human" if own == REAL else "uncertain", "reason": "quality" if removed else None}
    return [row | {"evidence": [item("cut", "lineage"), *map(item, kinds)]}] * count


LEDGER = pa.Table.from_pylist(
    [
        *rows(900, "en", 0, own=REAL),
        *rows(9, "en", 0, ["digits"], removed=True),
        *rows(2, "en", 0, ["gate"]),
        *rows(6, "mi", 1, ["gate", "digits"], removed=True),
        *rows(2, "mi", 1, ["digits"], own=REAL, removed=True),
        *rows(4, "mi", 1, own=REAL),
        *rows(3, None, None, ["digits"], removed=True),
        *rows(50, "mi", 1, ["gate", "digits"], own=SYNTHETIC, removed=True),
    ],
    schema=FINISHED,
)


def test_rates_by_rule_language_and_cluster():
    table = QualityCounts.of(LEDGER).table(["digits"])
    digits, gate = table["rules"]
    expected = {"rule": "digits", "drops": True, "documents": 926, "broken": 20, "removed": 20, "people": 906}
    assert expected.items() <= digits.items() and digits["people_broken"] == 2 and not digits["alarm"]
    assert {"rule": "gate", "drops": False, "broken": 8, "removed": 0, "share": 0.0}.items() <= gate.items()
    first = table["languages"][0]
    assert {"language": "mi", "rule": "digits", "documents": 12, "broken": 8, "people": 6, "people_broken": 2,
            "share": 0.666667, "others_share": 0.013129, "alarm": True}.items() <= first.items()  # fmt: skip
    assert [(row["language"], row["rule"]) for row in table["languages"][1:]] == [
        (None, "digits"), ("en", "digits"), ("mi", "gate"), ("en", "gate")]  # fmt: skip
    assert table["clusters"][0]["cluster"] == 1 and table["alarms"] == 2


def test_counts_merge_in_any_order_and_survive_json():
    whole = QualityCounts.of(LEDGER)
    parts = [QualityCounts.of(LEDGER.slice(start, 330)) for start in (330, 660, 0)]
    merged = QualityCounts().merge(parts[0]).merge(parts[1]).merge(parts[2])
    assert merged == whole == QualityCounts.from_dict(json.loads(json.dumps(merged.to_dict())))
    assert QualityCounts.of(LEDGER[:0]).table(["digits"])["rules"] == []


@pytest.mark.parametrize(
    ("lost", "of", "others", "alarm"),
    [(4, 4, 0, False), (5, 400, 0, True), (5, 100, 90, False), (30, 100, 90, True), (200, 400, 0, True)],
)
def test_the_alarm_needs_documents_a_factor_and_more_than_chance(lost, of, others, alarm):
    parts = [*rows(lost, "mi", 1, ["digits"], removed=True), *rows(of - lost, "mi", 1)]
    parts += [*rows(others, "en", 1, ["digits"], removed=True), *rows(3_000 - others, "en", 1)]
    table = QualityCounts.of(pa.Table.from_pylist(parts, schema=FINISHED)).table(["digits"])
    assert [row["language"] for row in table["languages"] if row["alarm"]] == (["mi"] if alarm else [])
