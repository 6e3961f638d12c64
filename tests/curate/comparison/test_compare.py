import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.comparison.compare import compare
from curate.comparison.words import to_text

NUMBERS = ("flow", "figures", "metrics", "prevalence")


def rows_of(comparison):
    found = {(part, row["section"], row["name"], row.get("slice")): row for part in NUMBERS for row in comparison[part]}
    return found | {("clusters", row["cluster"]): row for row in comparison["clusters"]["rows"]}


def row(comparison, part, name, **given):
    return next(
        row
        for row in comparison[part]
        if row["name"] == name and all(row[key] == value for key, value in given.items())
    )


def texts(comparison):
    return [f"{reason['status']} {reason['section']}: {reason['text']}" for reason in comparison["reasons"]]


def changed(run, change, **given):
    other = run("b", **given)
    change(other.report)
    return other


def test_a_run_has_not_changed_from_itself(run):
    comparison = compare([run("a"), run("b")])
    assert comparison["reasons"] == [] and comparison["status"] == "ok"
    assert all(row["status"] == "ok" and row["difference"] == 0 for row in rows_of(comparison).values())
    assert "large enough to matter: none" in to_text(comparison)
    assert json.loads(json.dumps(comparison, allow_nan=False)) == comparison


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_other_way_round_changes_are_negative(run, data):
    def scale(report):
        for part in report["metrics"]["rows"]:
            part["slices"]["accepted"]["value"] *= data.draw(factors)
            part["slices"]["accepted"]["change"] = data.draw(st.floats(-1, 1))
        for figure in report["panels"][0]["figures"]:
            figure["value"] *= data.draw(factors)
        for cluster in report["clusters"]:
            cluster["after"] *= data.draw(factors)
        for flow in report["flow"]:
            flow["documents"] = data.draw(st.integers(0, 10_000))

    factors = st.floats(0, 3)
    a, b = run("a"), changed(run, scale, documents=data.draw(st.integers(10, 20_000)))
    there, back = rows_of(compare([a, b])), rows_of(compare([b, a]))
    assert there.keys() == back.keys() and len(there) > 8
    for key, found in there.items():
        assert found["difference"] == -back[key]["difference"]
        assert (found["bands"] is None) == (back[key]["bands"] is None)
        assert found["bands"] is None or found["bands"] == pytest.approx(-back[key]["bands"])


def test_metrics_on_parts_are_compared_as_distances_from_human_documents(run, metric_row):
    """Parts of another size have other shares of distinct words, in human documents too."""
    smaller = metric_row("distinct_2", {"accepted": (0.50, 0.52), "human": (0.52, 0.52)}, half=0.02, n=60_000)
    worse = metric_row("distinct_2", {"accepted": (0.40, 0.52), "human": (0.52, 0.52)}, half=0.02, n=60_000)
    same = compare([run("a"), run("b", metrics={"rows": [smaller]})])
    found = row(same, "metrics", "distinct_2", slice="accepted")
    assert found["status"] == "ok" and found["difference"] == pytest.approx(0, abs=1e-6)
    assert row(same, "metrics", "distinct_2", slice="human")["status"] is None  # measured on unequal parts
    less = compare([run("a"), run("b", metrics={"rows": [worse]})])
    found = row(less, "metrics", "distinct_2", slice="accepted")
    assert found["status"] == "alert" and found["difference"] == pytest.approx(-0.12 / 0.52 + 0.01 / 0.26, abs=1e-6)
    assert found["distances"] == [pytest.approx(-0.01 / 0.26), pytest.approx(-0.12 / 0.52)]
    assert any("distance from human documents -3.8%, now -23.1%" in text for text in texts(less))


def test_a_value_that_rose_less_than_that_of_human_documents_is_told_as_it_is(run, metric_row):
    less = metric_row("distinct_2", {"accepted": (0.30, 0.40), "human": (0.40, 0.40)}, n=60_000)
    comparison = compare([run("a"), run("b", metrics={"rows": [less]})])
    assert row(comparison, "metrics", "distinct_2", slice="accepted")["difference"] < 0
    assert any("rose from 25.0% to 30.0%" in text and "-3.8%, now -25.0%" in text for text in texts(comparison))


def test_human_documents_are_compared_where_parts_are_equal(run, metric_row):
    fewer = metric_row("distinct_2", {"accepted": (0.20, 0.20), "human": (0.20, 0.20)})
    found = row(compare([run("a"), run("b", metrics={"rows": [fewer]})]), "metrics", "distinct_2", slice="human")
    assert found["status"] == "alert" and found["difference"] == pytest.approx(-0.06)


def test_numbers_of_one_run_only_are_not_judged(run):
    bare = run("b", metrics={"rows": []}, prevalence=[], clusters=[], artefacts={})
    for both in ([run("a"), bare], [bare, run("a")]):
        comparison = compare(both)
        assert {row["status"] for part in ("metrics", "prevalence") for row in comparison[part]} == {None}
        assert comparison["clusters"]["why"] == "b has no clusters (mixture.enabled gives them)"
        assert "are known of one of the two runs only" in to_text(comparison)


def test_runs_without_documents_are_compared(run):
    empty = run("b", documents=0, clusters=[], sources=[], flow=[], metrics={"rows": []}, prevalence=[])
    for both in ([run("a"), empty], [empty, run("a")], [empty, empty]):
        comparison = compare(both)
        assert not [reason for reason in comparison["reasons"] if reason["section"] != "Tail"]
        to_text(comparison)


def test_counts_are_judged_as_shares_of_what_was_counted(run):
    def fragile(number, of):
        return changed(run, lambda report: report["panels"][0]["figures"][1].update(value=number, n=of))

    assert row(compare([run("a"), fragile(8.0, 100)]), "figures", "fragile")["status"] == "ok"
    more = compare([run("a"), fragile(40.0, 50)])
    assert row(more, "figures", "fragile")["difference"] == 36
    assert "alert Tail: fragile: 4 of 50, now 40 of 50 (1.8 × chance)" in texts(more)


def test_documents_that_come_in_groups_tell_less_of_duplicates(run):
    def near(number, sizes):
        rows = [{"decision": "dropped", "stage": "dedupe", "reason": "near", "documents": number, "tokens": 1}]
        return run("b", flow=rows, duplicates={"sizes": sizes})

    alone, together = [[1, 2000]], [[10, 200]]
    assert compare([near(2000, alone), near(2300, alone)])["flow"][0]["status"] == "warn"
    assert compare([near(2000, together), near(2300, together)])["flow"][0]["status"] == "ok"


def test_worse_panels_and_new_reasons_are_told(run):
    def worse(report):
        panel = report["panels"][0]
        panel["status"] = "alert"
        panel["reasons"][0]["text"] = "5 clusters left below the floor"  # the same, with another number
        panel["reasons"].append({"status": "alert", "text": "2 clusters lost every document", "n": 2})

    comparison = compare([run("a"), changed(run, worse)])
    (panel,) = comparison["panels"]
    assert panel["statuses"] == ["warn", "alert"] and panel["gone"] == []
    assert [reason["text"] for reason in panel["new"]] == ["2 clusters lost every document"]
    assert texts(comparison) == ["alert Tail: the panel is at an alert, was a warning, for 1 new reason"]
    better = compare([changed(run, worse), run("b")])
    assert better["reasons"] == [] and len(better["panels"][0]["gone"]) == 1


def test_prevalence_is_judged_by_its_intervals(run):
    def machine(share):
        values = {"estimate": share, "sampled_low": share - 0.02, "sampled_high": share + 0.02}
        return changed(run, lambda report: report["prevalence"][0].update(values))

    statuses = [compare([run("a"), machine(share)])["prevalence"][0]["status"] for share in (0.3, 0.34, 0.36, 0.2, 0.5)]
    assert statuses == ["ok", "ok", "warn", "warn", "alert"]


def test_clusters_are_compared_where_they_are_the_same(run):
    def shift(report):
        for cluster, share in zip(report["clusters"], (0.8, 0.2, 0.0, 0.0, 0.0), strict=True):
            cluster.update(after=share, kept=int(5000 * share))

    comparison = compare([run("a"), changed(run, shift)])
    found = comparison["clusters"]
    assert found["comparable"] and found["rows"][0]["cluster"] == 0
    assert [row["cluster"] for row in found["lost"]] == [2, 3, 4] and found["born"] == []
    numbers = {row["name"]: row for row in found["numbers"]}
    assert numbers["tail_share"]["values"] == [0.1, 0.0] and numbers["tail_share"]["status"] == "alert"
    assert numbers["clusters_after"]["status"] == "alert" and numbers["clusters_before"]["status"] == "ok"
    assert any("3 clusters lost, 0 of them not in the input any more: 2 (term2)" in text for text in texts(comparison))
    back = compare([changed(run, shift), run("b")])["clusters"]
    assert [row["cluster"] for row in back["born"]] == [2, 3, 4] and back["lost"] == []


def test_a_small_cluster_may_be_missing_by_chance(run):
    def lose(kept):
        def change(report):
            report["clusters"][4].update(after=0.0, kept=kept)

        return change

    for kept, by_chance in ((6, True), (7, False)):
        comparison = compare([changed(run, lose(kept)), changed(run, lose(0))])
        assert [row["by_chance"] for row in comparison["clusters"]["lost"]] == [by_chance]
        assert bool(comparison["reasons"]) != by_chance


def test_other_clusters_are_not_compared(run):
    other = run("b", artefacts={"centroids": "centroids-2", "detector": "detector-1", "thresholds": "thresholds-2"})
    comparison = compare([run("a"), other])
    assert not comparison["clusters"]["comparable"] and comparison["clusters"]["rows"] == []
    assert row(comparison, "metrics", "cluster_effective", slice="accepted")["status"] is None
    text = " ".join(to_text(comparison).split())
    assert "run the later one with --human-reference a, or with --artefacts a/artefacts" in text
    assert "The runs differ in centroids and thresholds: changes of what rests on them (marked *)" in text


def test_changes_name_the_artefacts_that_differ(run, metric_row):
    worse = metric_row("distinct_2", {"accepted": (0.1, 0.26), "human": (0.26, 0.26)}, ids=("thresholds-2",))
    ids = {"centroids": "centroids-1", "detector": "detector-1", "thresholds": "thresholds-2"}
    (reason,) = compare([run("a"), run("b", artefacts=ids, metrics={"rows": [worse]})])["reasons"]
    assert reason["differing"] == ["thresholds"] and reason["slice"] == "accepted"


def test_a_reason_that_names_others_is_the_same(run):
    def named(report, numbers="2, 7"):
        text = "3 clusters left below the floor: "
        report["panels"][0]["reasons"] = [{"status": "warn", "text": text + numbers, "what": text, "n": 3}]

    panel = compare([changed(run, named), changed(run, lambda report: named(report, "4"))])["panels"][0]
    assert panel["new"] == panel["gone"] == []


def test_sources_that_are_new_and_gone(run):
    def forum(report):
        report["sources"][1]["source"] = "forum"

    found = compare([run("a"), changed(run, forum)])["sources"]
    fates = {row["source"]: row["fate"] for row in found["rows"]}
    assert fates == {"web": None, "forum": "new", "books": "gone"}
    numbers = {row["name"]: (row["values"], row["status"]) for row in found["numbers"]}
    assert numbers["new_sources"] == ([0.0, 0.4], "alert") and numbers["gone_sources"] == ([0.4, 0.0], "alert")
    assert numbers["sources_after"][1] == "alert"
    cut = compare([run("a"), changed(run, forum, sources_total=400)])["sources"]
    assert not cut["complete"]
    fates = {row["source"]: (row["fate"], row["after"]) for row in cut["rows"]}
    assert fates == {"web": (None, [0.6, 0.6]), "forum": ("new", [0.0, 0.4]), "books": (None, [0.4, None])}


def test_sources_that_cut_lists_leave_out_are_not_taken_for_gone(run):
    """Two samples of one crawl of many sites list different ones of equally small sites."""

    def of_sites(first):
        shares = [("web", 0.5), *((f"site-{place:03}", 0.001) for place in range(first, first + 99))]
        return [
            {"source": name, "documents": 1, "kept": 1, "tokens": share * 1_000_000, "output_tokens": share * 600_000}
            for name, share in shares
        ]

    runs = [run(name, sources=of_sites(first), sources_total=500) for name, first in (("a", 0), ("b", 60))]
    found = compare(runs)
    assert found["reasons"] == [] and len(found["sources"]["rows"]) == 160
    numbers = {row["name"]: row["values"] for row in found["sources"]["numbers"]}
    assert numbers == {"sources_before": [0.0, 0.0], "sources_after": [0.0, 0.0]}
    flooded = [run(name, sources=of_sites(0), sources_total=500) for name in "ab"]
    flooded[1].report["sources"][0].update(tokens=300_000, output_tokens=180_000)
    assert "sources_after" in {row["name"] for row in compare(flooded)["sources"]["numbers"] if row["status"] != "ok"}


def test_small_corpora_differ_by_chance(run):
    """A mixture of a few documents is as far from another of its kind as sampling makes it."""

    def shift(report):
        for cluster, share in zip(report["clusters"], (0.45, 0.28, 0.14, 0.08, 0.05), strict=True):
            cluster.update(before=share, after=share)

    assert compare([run("a", documents=60), changed(run, shift, documents=60)])["reasons"] == []
    assert compare([run("a", documents=60_000), changed(run, shift, documents=60_000)])["reasons"] != []


def test_several_runs_are_judged_from_first_to_last(run):
    def drift(share):
        return changed(run, lambda report: report["panels"][0]["figures"][0].update(value=share))

    compared = [run("a"), drift(0.93), drift(0.91), drift(0.88)]
    found = row(compare(compared), "figures", "tail_retained")
    assert found["values"] == [0.95, 0.93, 0.91, 0.88] and found["status"] == "warn"
    assert row(compare(compared[2:]), "figures", "tail_retained")["status"] == "ok"
    assert len(to_text(compare(compared)).splitlines()[0].split()) == 4


def test_comparing_changes_no_run(run):
    a, b = run("a"), run("b")
    before = copy.deepcopy((a, b))
    compare([a, b])
    assert (a, b) == before
