import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.report.shortages import shortages
from curate.report.styles import LENGTHS, ClusterStyles


def cluster(number, missing, **values):
    row = {
        "cluster": number,
        "missing_tokens": missing,
        "reference": 0.1,
        "after": 0.05,
        "tail": True,
        "causes": ["gate"],
    }
    given = {"real": 700, "accepted": 600, "synthetic": 57, "frozen": False, "sites": 0, "top_sites": [], "cap": 0.3}
    return row | {"floor": 0.1}, {"cluster": number} | given | values


def listed(*clusters, styles=None, anchored=True):
    report = {"clusters": [row for row, _ in clusters]}
    mixture = {"anchored": anchored, "clusters": [given for _, given in clusters]}
    return shortages(report, mixture, styles or ClusterStyles())


def test_only_short_clusters_are_listed_the_shortest_first():
    found = listed(cluster(0, 5), cluster(1, 0), cluster(2, 90), cluster(3, 5))
    assert [row["cluster"] for row in found["clusters"]] == [2, 0, 3]
    assert found["missing_tokens"] == 100
    assert listed() == {"format": 1, "missing_tokens": 0, "clusters": []}


@pytest.mark.parametrize(
    ("values", "anchored", "room"),
    [
        ({}, True, 200.143),
        ({"cap": 0.5}, True, 543),
        ({"frozen": True}, True, 0),
        ({}, False, 0),
        ({"accepted": 0, "synthetic": 0}, True, 0),
    ],
)
def test_room_for_synthetic_text_is_what_the_cap_leaves(values, anchored, room):
    (row,) = listed(cluster(0, 5, **values), anchored=anchored)["clusters"]
    assert row["synthetic_room"] == room


def test_style_is_of_kept_documents_that_no_machine_wrote(ledgers):
    rows = [ledgers.row(f"d{i}", cluster=0, tokens=50 + i, language="de" if i % 3 else "cs") for i in range(9)]
    rows += [ledgers.row("bot", cluster=0, origin="synthetic", tokens=9_000, language="xx")]
    rows += [ledgers.row("held", cluster=0, decision="held", tokens=9_000, language="xx")]
    rows += [ledgers.row("other", cluster=1, tokens=3), ledgers.row("none", cluster=None)]
    styles = ClusterStyles.of(ledgers.ledger(rows), 3)
    (row,) = listed(cluster(0, 5, sites=2, top_sites=[{"site": "a", "documents": 5}]), styles=styles)["clusters"]
    assert row["style"]["languages"] == [{"language": "de", "documents": 6}, {"language": "cs", "documents": 3}]
    assert 0.9 * 54 < row["style"]["tokens"]["median"] <= 54
    assert 0.9 * 50 < row["style"]["tokens"]["p10"] <= 50 and 0.9 * 58 < row["style"]["tokens"]["p90"] <= 58
    assert row["style"]["sites"] == 2 and row["style"]["top_sites"][0]["site"] == "a"
    assert len(row["examples"]) == 3 and set(row["examples"]) <= {f"d{i}" for i in range(9)}
    assert styles.describe()[1]["tokens"]["median"] == 3
    (row,) = listed(cluster(7, 5), styles=styles)["clusters"]
    assert row["style"]["tokens"] == dict.fromkeys(("p10", "median", "p90")) and row["examples"] == []


def test_terms_are_passed_on_where_there_are_any():
    row, given = cluster(0, 5)
    assert "terms" not in listed((row, given))["clusters"][0]
    assert listed((row | {"terms": ["loom"]}, given))["clusters"][0]["terms"] == ["loom"]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_edges_are_close(lengths):
    for tokens in lengths:
        edge = max(edge for edge in LENGTHS.tolist() if edge <= tokens)
        assert edge == tokens if tokens <= 11 else 0.9 * tokens < edge


@pytest.mark.parametrize("cut", [0, 1, 700, 2_000])
def test_merging_parts_gives_the_whole(corpus, cut):
    whole = ClusterStyles.of(corpus[0], 4)
    parts = [ClusterStyles.of(corpus[0].slice(start, length), 4) for start, length in ((0, cut), (cut, 2_000))]
    for merged in (parts[0].merge(parts[1]), parts[1].merge(parts[0])):
        assert merged.to_dict() == whole.to_dict()
    assert ClusterStyles.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert ClusterStyles().merge(whole) == whole
