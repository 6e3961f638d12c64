import pytest

from curate.report.panel import NOTHING, Panel, some, worst


def test_a_figure_has_its_band_interval_and_the_ids_of_its_artefacts():
    panel = Panel("Mix")
    panel.figure(
        "a", "of a", 1 / 3, 9, "share", band=(0, 0.3), interval=(0.1, 2 / 3), rests_on=["detector", "centroids"]
    )
    panel.figure("b", "of b", None, 0, "count", "a note", band=NOTHING)
    panel.figure("c", "of c", 4, 4, "number", band=(3, None))
    first, second, third = panel.to_dict({"detector": "detector-1"})["figures"]
    assert first["value"] == 0.333333 and first["band"] == [0, 0.3] and first["interval"] == [0.1, 0.666667]
    assert first["artefacts"] == ["detector-1"]  # a run without clusters has no centroids
    assert (second["value"], second["band"], second["interval"], second["artefacts"]) == (None, [0, 0], None, [])
    assert third["band"] == [3, None]


def test_reasons_make_the_status():
    panel = Panel("Tail")
    panel.flag("warn", "odd", 1)
    panel.flag("alert", "bad", 2)
    found = panel.to_dict({})
    assert found["status"] == "alert" and [reason["text"] for reason in found["reasons"]] == ["bad", "odd"]


@pytest.mark.parametrize(("given", "found"), [([], "ok"), (["warn", "ok"], "warn"), (["ok", "alert"], "alert")])
def test_worst(given, found):
    assert worst(given) == found


def test_some():
    assert some(["a", None]) == "a, unknown"
    assert some(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
