import pytest

from curate.metrics.catalogue import ALERT, OK, WARN
from curate.report.collapse import OF_DOCUMENTS, TOLD, collapse_words

BAND = [0.25, 0.5]


def row(label, **slices):
    numbers = {name: {"value": 0.125, "z": z, "band": band, "status": status}
               for name, (status, z, band) in slices.items()}  # fmt: skip
    return {"label": label, "kind": "share", "slices": numbers}


def test_signs_are_told_the_worst_first():
    rows = [
        row("a", input=(WARN, -9.0, BAND), accepted=(OK, 0.1, BAND)),
        row("b", input=(ALERT, 3.5, BAND)),
        row("c", input=(OK, 1.0, BAND)),
        row("d", input=(WARN, 9.5, BAND)),
        row("e", input=(OK, None, None)),
    ]
    assert collapse_words({"rows": rows}) == [
        "is this corpus collapsing?",
        "  as it is read: signs of it in 3 of 4 metrics",
        "    alert: b: 12.5%, in human documents 25.0% to 50.0%",
        "    warn: d: 12.5%, in human documents 25.0% to 50.0%",
        "    warn: a: 12.5%, in human documents 25.0% to 50.0%",
        "  as it is built: no sign of it in 1 metric",
    ]


def test_many_signs_are_counted():
    words = collapse_words({"rows": [row("a", accepted=(WARN, 4.0, BAND))] * 7}, OF_DOCUMENTS)
    assert words[1] == f"  these documents: signs of it in 7 of 7 metrics, the worst {TOLD} of them"
    assert len(words) == 2 + TOLD


@pytest.mark.parametrize("rows", [[], [row("a", human=(OK, 0.0, BAND))]])
def test_nothing_measured_tells_nothing(rows):
    assert collapse_words({"rows": rows}) == []


def test_without_people_it_cannot_be_told():
    (_, told) = collapse_words({"rows": [row("a", input=(OK, None, None))]})
    assert told == "  as it is read: cannot be told, too few trusted human documents to compare with"
