import json
import math

import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon

from curate.config import Config
from curate.metrics.shares import effective_number, js_divergence
from curate.report.build import report_data
from curate.report.groups import Groups
from curate.report.integrity import removal_alarms
from curate.report.summary import Summary


def build(table, sources=None, **changes):
    summary = Summary.of(table, sources)
    counts = {name: summary.total("flow", decision=name).documents for name in ("kept", "dropped", "held")}
    counts |= {"read": table.num_rows, "errors": 0, "files_failed": 0, "duplicate_ids": 0}
    groups = Groups.of(table, pa.nulls(table.num_rows, pa.string()) if sources is None else sources)
    given = {
        "calibration": {},
        "prevalence": [],
        "mixture": {},
        "config": Config().to_dict(),
        "counts": counts,
        "artefacts": {},
    }
    return report_data(summary, groups, **given | changes)


def panel(report, name):
    return next(part for part in report["panels"] if part["name"] == name)


def figure(report, name):
    return next(f for part in report["panels"] for f in part["figures"] if f["name"] == name)


def test_report_is_json_and_every_figure_has_its_n(corpus):
    report = build(corpus[0], corpus[1])
    assert json.loads(json.dumps(report)) == json.loads(json.dumps(build(corpus[0], corpus[1])))
    assert [part["name"] for part in report["panels"]] == ["Mix", "Tail", "Diversity", "Integrity"]
    assert all(isinstance(f["n"], int) for part in report["panels"] for f in part["figures"])
    assert all({"band", "interval", "artefacts"} <= set(f) for part in report["panels"] for f in part["figures"])
    assert sum(row["documents"] for row in report["flow"]) == corpus[0].num_rows


def test_headline_says_what_happened(corpus):
    text = build(corpus[0])["headline"]
    assert text.startswith("Of 2,000 documents, ")
    for words in ("exact copies of a kept document", "near duplicates", "held for review", "without text"):
        assert words in text


def test_empty_run(ledgers):
    report = build(ledgers.ledger([]))
    assert report["headline"] == "The input held no documents, so the output is empty."
    assert panel(report, "Integrity")["status"] == "ok"


def test_healthy_run_has_no_alarm(ledgers):
    rows = [ledgers.row(f"d{i}", cluster=i % 4, tokens=100) for i in range(400)]
    shares = {"reference": 0.25, "before": 0.25, "after": 0.25, "missing": 0}
    mixture = {"clusters": [{"cluster": c} | shares for c in range(4)], "reference_documents": 300}
    report = build(ledgers.ledger(rows), mixture=mixture)
    assert report["status"] == "ok", [part["reasons"] for part in report["panels"]]


def language_loss(ledgers, reason, stage, misjudged=0):
    """100 documents in yo of which 60 are dropped; of the 40 kept, all trusted, so many are above the threshold."""
    rows = [ledgers.row(f"k{i}", language="en") for i in range(60)]
    lost = {"decision": "dropped", "stage": stage, "reason": reason, "language": "yo"}
    rows += [ledgers.row(f"y{i}", **lost) for i in range(60)]
    trusted = {"language": "yo", "tier": "trusted_human", "threshold": 1.0}
    rows += [ledgers.row(f"z{i}", **trusted, detector_score=2.0 if i < misjudged else 0.0) for i in range(40)]
    return build(ledgers.ledger(rows))


def test_a_language_lost_to_the_detector_is_an_alert_where_it_suspects_people(ledgers):
    (alarm,) = removal_alarms(language_loss(ledgers, "detector", "synthetic", misjudged=5))
    assert (alarm["dimension"], alarm["value"], alarm["n"], alarm["status"]) == ("language", "yo", 100, "alert")
    assert alarm["removed"] == 0.6
    assert "it suspects 5 of 40 trusted human documents there" in alarm["text"]


def test_a_language_lost_to_the_detector_is_a_warning_where_it_spares_people(ledgers):
    (alarm,) = removal_alarms(language_loss(ledgers, "detector", "synthetic", misjudged=4))
    assert alarm["status"] == "warn"


def test_a_cluster_without_trusted_documents_lost_to_the_detector_is_a_warning(ledgers):
    lost = {"decision": "dropped", "stage": "synthetic", "reason": "detector"}
    rows = [ledgers.row(f"d{i}", cluster=i % 2, **(lost if i % 2 else {})) for i in range(40)]
    (alarm,) = removal_alarms(build(ledgers.ledger(rows)))
    assert alarm["status"] == "warn" and alarm["text"].endswith("no trusted human document is there to check it")


def test_trusted_documents_not_kept_are_split_into_copies_and_others(ledgers):
    trusted = {"tier": "trusted_human", "decision": "dropped"}
    rows = [ledgers.row(f"k{i}", tier="trusted_human") for i in range(5)]
    rows += [ledgers.row(f"c{i}", **trusted, stage="dedupe", reason="near") for i in range(4)]
    rows += [ledgers.row("r", **trusted, stage="rights", reason="rights"), ledgers.row("u")]
    found = figure(build(ledgers.ledger(rows)), "human_loss")
    assert (found["value"], found["n"]) == (0.5, 10)
    assert found["note"] == "as copies of kept documents 4, otherwise 1"


def test_headline_speaks_of_one_copy(ledgers):
    copy = {"decision": "dropped", "stage": "dedupe", "reason": "exact"}
    text = build(ledgers.ledger([ledgers.row("a"), ledgers.row("b", **copy)]))["headline"]
    assert "1 was dropped: 1 exact copy of a kept document." in text


def test_a_language_lost_to_copies_is_a_warning(ledgers):
    report = language_loss(ledgers, "exact", "dedupe")
    assert [alarm["status"] for alarm in report["removal_alarms"]] == ["warn"]
    assert panel(report, "Integrity")["status"] == "warn"


def test_exactly_half_is_no_alarm(ledgers):
    lost = {"decision": "dropped", "stage": "dedupe", "reason": "exact"}
    rows = [ledgers.row(f"d{i}", **(lost if i % 2 else {})) for i in range(100)]
    assert build(ledgers.ledger(rows))["removal_alarms"] == []


def test_sources_raise_alarms_too(ledgers):
    lost = {"decision": "dropped", "stage": "dedupe", "reason": "near"}
    rows = [ledgers.row(f"d{i}", **(lost if i < 8 else {})) for i in range(20)]
    report = build(ledgers.ledger(rows), pa.array(["spam"] * 10 + ["good"] * 10))
    assert [alarm["value"] for alarm in report["removal_alarms"]] == ["spam"]


def test_a_source_lost_to_deduplication_alone_is_told_with_the_kinds(ledgers):
    fates = [{"reason": "near"}] * 4 + [{"reason": "exact"}] * 2 + [{"reason": "line"}]
    rows = [ledgers.row(f"d{i}", decision="dropped", stage="dedupe", **fate) for i, fate in enumerate(fates)]
    rows.append(ledgers.row("m", decision="dropped", stage="synthetic", reason="detector"))
    rows.append(ledgers.row("h", decision="held", stage="dedupe", reason="duplicate_of_held"))
    report = build(ledgers.ledger([*rows, ledgers.row("k")]), pa.array(["spam"] * 10))
    (row,) = report["sources"]
    assert (row["dropped_share"], row["dedupe_share"], row["copies"]) == (0.8, 0.7, 8)
    assert row["kinds"] == dict(exact=2, near=4, contained=0, line=1, evaluation=0, duplicate_of_held=1)
    alarm = next(alarm for alarm in report["removal_alarms"] if alarm["dimension"] == "source")
    assert alarm["by_dedupe"] == 0.7
    assert alarm["text"] == (
        "source spam lost 80.0% of its 10 documents, 70.0% as duplicates alone (2 exact, 4 near, 1 line)"
    )


@pytest.mark.parametrize(("copies", "told"), [(5, False), (6, True)])
def test_half_to_deduplication_is_no_alarm_of_its_own(ledgers, copies, told):
    rows = [ledgers.row(f"c{i}", decision="dropped", stage="dedupe", reason="near") for i in range(copies)]
    rows += [ledgers.row("m", decision="dropped", stage="synthetic", reason="detector")]
    rows += [ledgers.row(f"k{i}") for i in range(9 - copies)]
    alarms = build(ledgers.ledger(rows), pa.array(["spam"] * 10))["removal_alarms"]
    assert [("as duplicates alone" in alarm["text"]) for alarm in alarms] == [told] * 2  # the source and the language


def test_unresolved_pairs_are_a_warning_with_a_remedy(ledgers):
    table = ledgers.ledger([ledgers.row("a")])
    report = build(table, unresolved_pairs=3)
    assert report["duplicates"]["unresolved_pairs"] == figure(report, "unresolved")["value"] == 3
    (reason,) = (reason for reason in panel(report, "Integrity")["reasons"] if "duplicate pair" in reason["text"])
    assert (reason["status"], reason["n"]) == ("warn", 3) and "dedupe.rounds" in reason["text"]
    assert panel(build(table), "Integrity")["status"] == "ok"


def test_pairs_get_their_passages(ledgers):
    match = {"decision": "dropped", "stage": "dedupe", "reason": "near", "matched_id": "a", "containment": 0.95}
    rows = [ledgers.row("a"), ledgers.row("b", **match, similarity=0.9), ledgers.row("c", **match, similarity=0.8)]
    passage = {"text": "t", "differs": [], "begins": True, "ends": True}
    excerpt = {"id": "b", "matched_id": "a", "copy": passage, "survivor": None}
    found = build(ledgers.ledger(rows), excerpts=[excerpt])["duplicates"]
    assert found["texts_read"] and found["kinds"] == {"near": 2} and found["sizes"] == [[3, 1]]
    least = found["least_similar"]["near"]
    assert [(pair["id"], pair["similarity"], pair["containment"]) for pair in least] == [
        ("c", 0.8, 0.95),
        ("b", 0.9, 0.95),
    ]
    assert [pair["excerpts"] for pair in least] == [
        {"copy": None, "survivor": None},
        {"copy": passage, "survivor": None},
    ]
    (group,) = found["largest"]
    assert (group["id"], group["documents"]) == ("a", 3) and group["members"] == least
    assert not build(ledgers.ledger(rows))["duplicates"]["texts_read"]


@pytest.mark.parametrize(("after", "status"), [(0.2, "ok"), (0.17, "warn"), (0.1, "alert"), (0.35, "warn")])
def test_tail_mass_is_watched_in_both_directions(ledgers, after, status):
    rows = [ledgers.row(f"d{i}", cluster=i % 2) for i in range(100)]
    clusters = [
        {"cluster": 0, "reference": 0.2, "before": 0.2, "after": after, "tail": True},
        {"cluster": 1, "reference": 0.8, "before": 0.8, "after": 1 - after, "tail": False},
    ]
    report = build(ledgers.ledger(rows), mixture={"clusters": clusters, "reference_documents": 1000})
    assert panel(report, "Tail")["status"] == status
    retained = figure(report, "tail_retained")
    assert retained["value"] == pytest.approx(after / 0.2, abs=1e-6) and retained["band"] == [0.9, 1.5]


def test_of_clusters_without_a_reference_the_rarest_in_the_input_comes_first(ledgers):
    rows = [ledgers.row(f"a{n}", cluster=0) for n in range(9)] + [ledgers.row("b", cluster=1)]
    floor = 0.0001
    known = [{"cluster": 0, "before": 0.9, "after": 0.9, "reference": floor, "tail": True}]
    known += [{"cluster": 1, "before": 0.1, "after": 0.1, "reference": floor, "tail": True}]
    report = build(ledgers.ledger(rows), mixture={"clusters": known})
    assert [row["cluster"] for row in report["clusters"]] == [1, 0]
    assert [row["cluster"] for row in report["cluster_map"]["rarest"]] == [1, 0]


def test_a_lost_cluster_is_an_alert(ledgers):
    lost = {"decision": "dropped", "stage": "rights", "reason": "rights"}
    rows = [ledgers.row(f"d{i}", cluster=i % 2, **(lost if i % 2 else {})) for i in range(20)]
    assert any(
        "lost every document" in reason["text"] for reason in panel(build(ledgers.ledger(rows)), "Tail")["reasons"]
    )


def test_synthetic_cap_prevalence_residual_and_frozen_groups(ledgers):
    rows = [ledgers.row(f"d{i}", tier="declared_synthetic" if i < 4 else "uncertain") for i in range(10)]
    prevalence = [
        {
            "source": "a",
            "month": None,
            "n": 10,
            "estimate": 0.6,
            "low": 0.5,
            "high": 0.7,
            "sampled_low": 0.5,
            "sampled_high": 0.7,
        }
    ]
    group = {"group": "en/short", "language": "en", "n": 250, "suspect": 1.0, "drop": 2.0, "fpr": 0.2, "fpr_n": 80}
    stricter = {"option": "alpha", "alpha": 0.1, "documents": 5, "human": 2, "machine": 3, "beta_res": 0.25}
    left = {"value": 0.4, "low": 0.3, "high": 0.5, "n": 10, "cap": 0.3, "over": True, "options": [stricter]}
    report = build(
        ledgers.ledger(rows),
        prevalence=prevalence,
        prevalence_total={"n": 10, "estimate": 0.6, "low": 0.5, "high": 0.7, "least": 0.2},
        not_estimated={"sources": ["b", None], "sources_total": 1_200, "documents": 7},
        calibration={"groups": [group | {"frozen": True}], "beta_res": left},
    )
    reasons = panel(report, "Mix")["reasons"]
    assert [reason["status"] for reason in reasons] == ["alert", "warn", "warn", "warn"]
    assert reasons[1]["n"] == 7 and reasons[1]["text"].endswith(
        "1,200 sources with too few trusted human documents: b, unknown and 1,198 more"
    )
    assert reasons[1]["what"].endswith("too few trusted human documents: ")
    assert "40.0% (30.0% to 50.0%)" in reasons[3]["text"]
    assert "synthetic.alpha_suspect=0.1 holds another 2 human documents and 3 of machines" in reasons[3]["text"]
    assert figure(report, "prevalence")["interval"] == [0.5, 0.7]
    assert figure(report, "prevalence")["band"] == [0, 0.5]  # a tenth more than the declared share
    assert (figure(report, "beta_res")["band"], figure(report, "beta_res")["interval"]) == ([0, 0.3], [0.3, 0.5])
    assert "group en/short is frozen" in panel(report, "Integrity")["reasons"][0]["text"]


def test_counts_that_do_not_reconcile_are_an_alert(ledgers):
    counts = {"read": 5, "kept": 1, "dropped": 0, "held": 0, "errors": 1, "files_failed": 0, "duplicate_ids": 0}
    report = build(ledgers.ledger([ledgers.row("a")]), counts=counts)
    assert panel(report, "Integrity")["status"] == "alert"


def test_measures_agree_with_references():
    left, right = [0.5, 0.25, 0.25, 0.0], [0.1, 0.4, 0.4, 0.1]
    assert js_divergence(left, right) == pytest.approx(jensenshannon(left, right, base=2) ** 2)
    assert effective_number([1, 1, 1, 1]) == pytest.approx(4)
    assert effective_number([0.5, 0.25, 0.25]) == pytest.approx(math.exp(1.5 * math.log(2)))
    assert effective_number([0, 0]) is None and js_divergence([0], [1]) is None
