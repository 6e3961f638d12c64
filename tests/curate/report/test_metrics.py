import json

import numpy as np
import pyarrow as pa
import pytest

from curate.metrics.catalogue import ALERT, WARN
from curate.metrics.corpus import CorpusMetrics
from curate.metrics.parts import Measured
from curate.metrics.poisoning import SharedRun
from curate.metrics.slices import SLICES, SUMS, SliceSums
from curate.report.metrics import NO_METRICS, SIZES, judge_metrics, metrics_section
from curate.report.panel import OK, Panel

ARTEFACTS = {"detector": "detector-1", "thresholds": "thresholds-1", "reference": "reference-1", "embedding": "emb-1"}


def measured(accepted=0.5, **runs):
    band = (0.4, 0.6)
    by_slice = {name: Measured(accepted if name == "accepted" else 0.5, 9_000, band, 1.0, 0.5) for name in SLICES}
    found = {name: by_slice for name in ("distinct_2", "tail_1", "vendi")}
    return CorpusMetrics(found, **{"runs": [], "documents": 70, **runs})


def panels(section):
    made = [Panel(name) for name in ("Mix", "Tail", "Diversity", "Integrity")]
    for panel in made:
        judge_metrics(panel, section)
    return {panel.name: panel.to_dict({}) for panel in made}


def test_every_number_has_n_band_and_artefacts():
    section = metrics_section(measured(), SliceSums(), {}, ARTEFACTS)
    assert section["sample"] == 70
    assert [row["name"] for row in section["rows"]] == ["distinct_2", "vendi", "tail_1"]
    for row in section["rows"]:
        assert list(row["slices"]) == list(SLICES)
        for found in row["slices"].values():
            assert set(found) == {"value", "n", "band", "z", "change", "status", "artefacts"}
            assert found["n"] == 9_000 and found["band"] == [0.4, 0.6]
    vendi = section["rows"][1]["slices"]
    assert vendi["human"]["artefacts"] == ["emb-1", "reference-1"]
    assert vendi["suspected"]["artefacts"] == ["emb-1", "detector-1", "thresholds-1", "reference-1"]
    json.dumps(section, allow_nan=False)


def test_slices_have_their_documents_and_tokens():
    values = {"cluster": 0, "source": "a"}
    values |= {f"{name}_{what}": 10 * index + len(what) for index, name in enumerate(SLICES) for what in SIZES}
    sums = SliceSums(pa.Table.from_pylist([values, values | {"source": "b"}], schema=SUMS))
    found = metrics_section(None, sums, {}, ARTEFACTS)["slices"]
    assert found["human"] == {"documents": 18, "tokens": 12}
    assert found["suspected"] == {"documents": 78, "tokens": 72}
    nothing = metrics_section(None, SliceSums(), {}, ARTEFACTS)["slices"]
    assert nothing == {name: {"documents": 0, "tokens": 0} for name in SLICES}


@pytest.mark.parametrize(("value", "status"), [(0.5, OK), (0.63, ALERT), (0.61, ALERT), (0.37, ALERT), (0.39, ALERT)])
def test_what_was_accepted_is_judged_on_both_sides(value, status):
    found = panels(metrics_section(measured(value), SliceSums(), {}, ARTEFACTS))
    assert found["Diversity"]["status"] == status
    assert found["Mix"]["status"] == found["Integrity"]["status"] == OK
    assert found["Tail"]["status"] == (ALERT if value < 0.4 else OK)


def test_a_reason_says_the_value_and_the_band():
    found = panels(metrics_section(measured(0.37), SliceSums(), {}, ARTEFACTS))
    (reason,) = found["Tail"]["reasons"]
    assert reason["n"] == 9_000
    assert reason["text"].endswith(": 37.0% in what was accepted, 40.0% to 60.0% in human documents")


def test_planted_runs_are_listed_for_review():
    run = SharedRun(8, 60, 4, ["a", "b", "c"])
    section = metrics_section(measured(runs=[run]), SliceSums(), {}, ARTEFACTS)
    assert section["runs"] == [{"tokens": 8, "documents": 60, "sources": 4, "examples": ["a", "b", "c"]}]
    (reason,) = panels(section)["Integrity"]["reasons"]
    assert reason["status"] == WARN and "60 accepted documents (a, b, c)" in reason["text"]


def test_without_a_sample_there_is_what_was_counted():
    section = metrics_section(None, SliceSums(), {}, ARTEFACTS)
    assert section == NO_METRICS
    assert all(panel["status"] == OK for panel in panels(section).values())


def test_numbers_are_rounded_and_shares_bounded():
    by_slice = {name: Measured(np.float64(1 / 3), 5, (-0.2, 1.3), 0.123456789, 0.3) for name in SLICES}
    section = metrics_section(CorpusMetrics({"hapax": by_slice}, [], 5), SliceSums(), {}, {})
    found = section["rows"][0]["slices"]["input"]
    assert (found["value"], found["band"], found["z"], found["artefacts"]) == (0.333333, [0.0, 1.0], 0.123457, [])
