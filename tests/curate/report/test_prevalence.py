"""Score histograms of finished documents, and what the report makes of them."""

import json
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.decisions.mixing import FINISHED
from curate.decisions.reference import Reference
from curate.detector.calibration import Calibration
from curate.detector.model import ARRAYS_FILE, NUMBERS_FILE, detector_files, load_detector
from curate.provenance.origin import REAL, SYNTHETIC, UNKNOWN
from curate.report.prevalence import LEAST_HUMANS, MOST_PERIODS, NOTHING_LEFT_OUT, estimates, option_words, warnings
from curate.report.scores import HUMAN, KEPT_HUMAN, KEPT_OPEN, MACHINE, OPEN, ScoreCounts, alphas

CONFIG = make_config({})


def finished(rows):
    """Finished documents; every field has a default."""
    defaults = {
        "language": "en",
        "tokens": 150,
        "own": UNKNOWN,
        "decision": "kept",
        "source": "a",
        "timestamp": datetime(2024, 5, 1, tzinfo=timezone.utc),
        "evidence": [],
    }
    columns = {
        field.name: pa.array([{**defaults, **row}.get(field.name) for row in rows], field.type) for field in FINISHED
    }
    return pa.table(columns, schema=FINISHED)


@pytest.fixture(scope="module")
def reference():
    """People as the shipped detector's reference has them."""
    human = load_detector().reference_scores("human")
    return Reference(Calibration({"en": np.sort(np.tile(human, 3))}, {"en": human[:0]}), {}, {}, {})


def draws(label, n, seed):
    """Scores as the shipped detector gives them."""
    scores = load_detector().reference_scores(label)
    return np.random.default_rng(seed).choice(scores, n).astype(np.float32)


def corpus(source, people, humans, machines, seed, **columns):
    """Documents of a source: trusted people, others, and undeclared machine text."""
    rows = [{"own": REAL, "detector_score": score} for score in draws("human", people, seed)]
    rows += [{"detector_score": score} for score in draws("human", humans, seed + 1)]
    rows += [{"detector_score": score} for score in draws("machine", machines, seed + 2)]
    return [{**row, "id": f"{source}{place}", "source": source, **columns} for place, row in enumerate(rows)]


def test_known_origin_is_told_by_hard_evidence_and_copies(reference):
    def copied(kind):
        return [{"family": "duplicate", "kind": kind, "claim": "human", "llr": 5.0, "detail": "x"}]

    both = copied("copy_of_capture") + copied("copy_of_synthetic")
    rows = [
        {"own": REAL, "detector_score": 9.0},
        {"own": SYNTHETIC, "detector_score": -9.0, "decision": "dropped"},
        {"evidence": copied("copy_of_capture"), "detector_score": 9.0, "decision": "dropped"},
        {"evidence": copied("copy_of_synthetic"), "detector_score": 1.0, "decision": "dropped"},
        {"evidence": both, "detector_score": 1.0, "decision": "held"},
        {"own": REAL, "evidence": copied("copy_of_synthetic"), "detector_score": 1.0},
        {"tier": "trusted_human", "detector_score": -9.0},
        {"detector_score": None},
    ]
    counts = ScoreCounts.of(finished([{"id": str(n), **row} for n, row in enumerate(rows)]), reference, CONFIG)
    assert {
        kind: int(counts.by_source()["a"].total(kind).sum()) for kind in (OPEN, HUMAN, MACHINE, KEPT_OPEN, KEPT_HUMAN)
    } == {
        OPEN: 2,
        HUMAN: 3,
        MACHINE: 2,
        KEPT_OPEN: 1,
        KEPT_HUMAN: 2,
    }
    assert list(counts.by_source()) == ["a"] and counts.months() == [("a", "2024-05")]


def test_levels_count_what_the_thresholds_would_hold(reference):
    scores = np.linspace(-8, 8, 401).astype(np.float32)
    rows = [{"detector_score": score, "decision": "held" if score > 6 else "kept"} for score in scores]
    rows += [{"detector_score": 8.0, "decision": "dropped", "stage": "rights"}]
    rows += [{"detector_score": 8.0, "language": "xx"}, {"detector_score": 8.0, "own": REAL}]
    table = finished([{"id": str(n), **row} for n, row in enumerate(rows)])
    levels = ScoreCounts.of(table, reference, CONFIG).levels["a"]
    human = reference.calibration.scores["en"]
    limits = [np.sort(human)[int(np.ceil((len(human) + 1) * (1 - alpha))) - 1] for alpha in alphas(CONFIG)]
    assert levels.tolist() == [
        [401, *(int(np.sum(scores > limit)) for limit in limits)],
        [int(np.sum(scores <= 6)), *(int(np.sum((scores > limit) & (scores <= 6))) for limit in limits)],
    ]


row = st.fixed_dictionaries(
    {
        "detector_score": st.none() | st.floats(-9, 9, width=32),
        "source": st.sampled_from([None, "a", "b"]),
        "tokens": st.integers(0, 3_000),
        "own": st.sampled_from([REAL, SYNTHETIC, UNKNOWN]),
        "decision": st.sampled_from(["kept", "held", "dropped"]),
        "timestamp": st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1)),
    }
)


@given(st.lists(row, max_size=25), st.integers(0, 25), st.integers(0, 25))
@settings(max_examples=25, deadline=None)
def test_parts_add_up_and_read_back(reference, rows, first, second):
    rows = [{"id": str(n), **row} for n, row in enumerate(rows)]
    cuts = sorted((first, second))
    parts = [rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :]]
    a, b, c = (ScoreCounts.of(finished(part), reference, CONFIG) for part in parts)
    whole = ScoreCounts.of(finished(rows), reference, CONFIG).to_dict()
    assert a.merge(b).merge(c).to_dict() == c.merge(a.merge(b)).to_dict() == whole
    assert ScoreCounts.from_dict(whole).to_dict() == whole
    read = ScoreCounts.from_dict(whole)
    origins = [int(counts.sum()) for (kind, _, _), counts in read.cells.items() if kind in (OPEN, HUMAN, MACHINE)]
    assert sum(origins) == sum(row["detector_score"] is not None for row in rows)


def test_shares_by_source_and_month(reference):
    rows = corpus("a", 200, 700, 300, 1) + corpus("b", 200, 300, 700, 11)
    old = corpus("b", 100, 0, 0, 21, timestamp=datetime(2021, 1, 1, tzinfo=timezone.utc))
    rows += [{**row, "id": f"old {row['id']}"} for row in old]
    rows += corpus(None, LEAST_HUMANS - 1, 50, 50, 31)
    found = estimates(ScoreCounts.of(finished(rows), reference, CONFIG), reference, CONFIG)
    shares = {(row["source"], row["month"]): row for row in found["prevalence"]}
    assert set(shares) == {("a", None), ("a", "2024-05"), ("b", None), ("b", "2021-01"), ("b", "2024-05")}
    assert shares["a", None]["estimate"] == pytest.approx(300 / 1_200, abs=0.05)
    assert shares["b", None]["estimate"] == pytest.approx(700 / 1_300, abs=0.05)
    assert shares["b", "2024-05"]["estimate"] == pytest.approx(700 / 1_200, abs=0.05)
    assert [shares["b", "2021-01"][name] for name in ("estimate", "low", "high", "n")] == [0, 0, 0, 100]
    for row in shares.values():
        assert 0 <= row["least"] <= row["estimate"] and row["low"] <= row["estimate"] <= row["high"]
        assert row["calibration"] == reference.calibration.id
    total = found["total"]
    assert total["n"] == 2_500 and total["sources"] == 2
    assert total["estimate"] == pytest.approx(1_000 / 2_500, abs=0.05)
    assert found["not_estimated"] == {"sources": [None], "sources_total": 1, "documents": LEAST_HUMANS + 99}


def test_declared_machine_text_counts_as_known(reference):
    rows = corpus("a", 200, 800, 0, 1)
    rows += [{"id": f"m{n}", "own": SYNTHETIC, "detector_score": -5.0, "decision": "kept"} for n in range(1_000)]
    found = estimates(ScoreCounts.of(finished(rows), reference, CONFIG), reference, CONFIG)
    assert found["total"]["estimate"] == pytest.approx(0.5, abs=0.03)
    assert found["total"]["least"] >= 0.5
    assert found["beta_res"]["n"] == 1_000 and found["beta_res"]["value"] < 0.05


def test_residual_follows_the_decisions(reference):
    rows = [{"own": UNKNOWN, "decision": "kept", **row} for row in corpus("a", 100, 500, 500, 1)]
    suspect = [row["own"] == UNKNOWN and row["detector_score"] > 0 for row in rows]
    held = [{**row, "decision": "held"} if above else row for row, above in zip(rows, suspect, strict=True)]
    before, after = (
        estimates(ScoreCounts.of(finished(part), reference, CONFIG), reference, CONFIG) for part in (rows, held)
    )
    assert before["prevalence"] == after["prevalence"]
    assert before["beta_res"]["value"] == pytest.approx(500 / 1_100, abs=0.05)
    assert after["beta_res"]["machine"] == pytest.approx(500 - sum(suspect[600:]), abs=0.05 * 1_100)
    assert after["beta_res"]["n"] == 1_100 - sum(suspect)
    assert before["beta_res"]["over"] and not after["beta_res"]["over"]
    told = warnings(before["beta_res"])
    assert told[0].startswith("an estimated 4") and "mixture.synthetic_cap (30%)" in told[0]
    assert len(told) == 1 + len(before["beta_res"]["options"]) and warnings(after["beta_res"]) == []


def test_all_sources_that_are_not_estimated_are_counted(reference):
    rows = [row for site in range(60) for row in corpus(f"site-{site:02}", 1, 1, 0, site)]
    missing = estimates(ScoreCounts.of(finished(rows), reference, CONFIG), reference, CONFIG)["not_estimated"]
    assert len(missing["sources"]) == MOST_PERIODS and missing["sources_total"] == 60


def test_nothing_is_estimated_without_scores(reference):
    nothing = {"prevalence": [], "total": None, "not_estimated": NOTHING_LEFT_OUT, "beta_res": None}
    assert estimates(ScoreCounts(), reference, CONFIG) == nothing
    rows = finished(corpus("a", 40, 10, 10, 1))
    off = make_config({"synthetic": {"enabled": False}})
    assert estimates(ScoreCounts.of(rows, reference, CONFIG), reference, off) == nothing
    assert warnings(None) == []


def test_a_detector_without_numbers_gives_a_lower_bound(tmp_path, reference):
    files = detector_files()
    numbers = json.loads(files[NUMBERS_FILE])
    bare = {name: numbers[name] for name in ("sha256", "stack", "window_gain")}
    (tmp_path / ARRAYS_FILE).write_bytes(files[ARRAYS_FILE])
    (tmp_path / NUMBERS_FILE).write_text(json.dumps(bare))
    bare = make_config({"synthetic": {"model": str(tmp_path)}})
    nobody = Reference(Calibration({}, {}), {}, {}, {})
    found = estimates(ScoreCounts.of(finished(corpus("a", 0, 10, 10, 1)), nobody, bare), nobody, bare)
    assert found["prevalence"] == [] and found["not_estimated"]["documents"] == 20
    rows = finished(corpus("a", 1_000, 300, 700, 1))
    found = estimates(ScoreCounts.of(rows, reference, bare), reference, bare)
    share = found["prevalence"][0]
    assert 0.1 < share["estimate"] == share["low"] == share["least"] < 0.35 and share["high"] == 0.5
    assert found["beta_res"] is None


@pytest.mark.parametrize(
    ("alpha", "levels"), [(0.05, (0.05, 0.1, 0.2)), (0.2, (0.2, 0.4, 0.5)), (0.6, (0.6, 0.6, 0.6))]
)
def test_levels_stay_below_a_half(alpha, levels):
    assert alphas(make_config({"synthetic": {"alpha_suspect": alpha}})) == levels


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"option": "alpha", "alpha": 0.1}, "synthetic.alpha_suspect=0.1 holds another 12 human documents and 34 of"),
        ({"option": "thin", "alpha": 0.2, "keep": 0.5}, "keeping 50% of the suspects at α = 0.2 takes out 12 human"),
        ({"option": "drop", "sources": ["a", None]}, "leaving out a, documents without a source loses 12 human"),
        ({"option": "drop", "sources": list("abcdefg")}, "leaving out a, b, c, d, e and 2 more sources loses 12"),
        ({"option": "review"}, "reviewing the 1,046 most suspicious kept documents finds 34 of machines: leaves 9.0%"),
    ],
)
def test_options_in_words(option, words):
    assert words in option_words({"documents": 1_046, "human": 12, "machine": 34, "beta_res": 0.09, **option})
