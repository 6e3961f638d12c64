import numpy as np
import pyarrow as pa
import pytest
from slices_made import corpus, documents, words

from curate.config import make_config
from curate.metrics.catalogue import ALERT, BY_NAME, METRICS, OK, status
from curate.metrics.corpus import DOCUMENTS, MEMBERS, CorpusMetrics, join, labelled, sums_of
from curate.metrics.sample import SAMPLE
from curate.metrics.slices import SLICES

DIVERSITY = ("distinct_1", "distinct_2", "entropy_1", "entropy_2")


def statuses(table, part="accepted"):
    return {name: status(BY_NAME[name], by_slice[part]) for name, by_slice in CorpusMetrics.of(table).slices.items()}


@pytest.fixture(scope="module")
def alike():
    return CorpusMetrics.of(corpus())


def test_documents_like_those_of_people_raise_no_warning():
    for seed in (1, 2, 3):
        assert set(statuses(corpus(seed=seed)).values()) == {OK}


def test_every_metric_of_the_catalogue_is_measured_with_its_n_and_band(alike):
    assert set(alike.slices) == {metric.name for metric in METRICS}
    for name, by_slice in alike.slices.items():
        assert tuple(by_slice) == SLICES
        assert by_slice["suspected"].value is None and by_slice["suspected"].n == 0, name
        for part in ("human", "accepted", "input"):
            found = by_slice[part]
            if name == "zipf_tail":  # parts of 5,000 words do not have 2,000 distinct ones
                assert found.value is None
                continue
            assert found.value is not None and found.n > 0 and found.band[0] <= found.baseline <= found.band[1], name


def test_sharper_sampling_is_told_from_both_ends():
    """A generator that cuts the tail: less diverse, better covered, steeper, and the rare words of people are gone."""
    found = CorpusMetrics.of(corpus(power=1.3)).slices
    for name in (*DIVERSITY, "hapax", "zipf_head"):
        assert found[name]["accepted"].value < found[name]["accepted"].band[0], name
    assert found["coverage_1"]["accepted"].value > found["coverage_1"]["accepted"].band[1]
    got = statuses(corpus(power=1.3))
    assert {got[name] for name in (*DIVERSITY, "tail_1")} == {ALERT}


def test_flatter_sampling_is_told_too():
    """Noise: more diverse than people, which a one-sided alarm would miss."""
    found = CorpusMetrics.of(corpus(power=0.7)).slices
    for name in DIVERSITY:
        assert found[name]["accepted"].value > found[name]["accepted"].band[1], name
    assert ALERT in {statuses(corpus(power=0.7))[name] for name in DIVERSITY}


def test_a_truncated_tail_lowers_its_coverage():
    table = corpus()
    codes = np.array(table["codes"].to_pylist())
    frequent, counts = np.unique(codes[:400], return_counts=True)
    kept = frequent[counts >= 30]
    cut = np.where(np.isin(codes[400:], kept), codes[400:], kept[0])
    cut = documents(np.vstack([codes[:400], cut]), ["human"] * 400 + ["accepted"] * 400, 1)
    before, after = (CorpusMetrics.of(each).slices["tail_1"]["accepted"] for each in (table, cut))
    assert after.value < 0.2 * before.value
    assert status(BY_NAME["tail_1"], before) == OK and status(BY_NAME["tail_1"], after) == ALERT


def test_copies_and_templates_are_told():
    draw = np.random.default_rng(3)
    codes = words(draw, 800)
    codes[400:700, 20:26] = codes[400, 20:26]
    table = documents(codes, ["human"] * 400 + ["accepted"] * 400)
    found = CorpusMetrics.of(table)
    assert status(BY_NAME["templates"], found.slices["templates"]["accepted"]) == ALERT
    assert found.slices["templates"]["accepted"].value > 0.6 > 0.3 > found.slices["templates"]["human"].value


def test_documents_of_one_topic_lower_the_vendi_score():
    table = corpus()
    narrow = np.vstack([np.array(table["embedding"].to_pylist())[:400], np.eye(12)[np.zeros(400, int)]])
    vectors = pa.array(list(narrow.astype(np.float16)), pa.list_(pa.float16()))
    place = DOCUMENTS.get_field_index("embedding")
    found = CorpusMetrics.of(table.set_column(place, DOCUMENTS.field(place), vectors)).slices["vendi"]
    assert found["accepted"].value == pytest.approx(1.0, abs=0.01) and found["human"].value > 8
    assert status(BY_NAME["vendi"], found["accepted"]) == ALERT


def test_smooth_and_noisy_documents_are_told_by_human_quantiles():
    draw = np.random.default_rng(4)
    codes = words(draw, 900)
    levels = np.concatenate([draw.normal(150, 10, 500), draw.normal(120, 10, 400)]).astype(np.uint8)
    table = documents(codes, ["human"] * 500 + ["accepted"] * 400, surprise=pa.array(levels))
    found = CorpusMetrics.of(table).slices
    assert found["smooth"]["human"].value == pytest.approx(0.05, abs=0.02)
    assert found["smooth"]["accepted"].value > 0.8 and found["noise"]["accepted"].value == 0
    assert status(BY_NAME["smooth"], found["smooth"]["accepted"]) == ALERT


def test_the_order_and_the_chunks_of_documents_do_not_matter(alike):
    table = corpus()
    order = np.random.default_rng(0).permutation(table.num_rows)
    mixed = pa.concat_tables([table.take(pa.array(order[start : start + 77])) for start in range(0, 800, 77)])
    assert CorpusMetrics.of(mixed).to_dict() == alike.to_dict()


def test_reads_what_it_wrote(alike):
    assert CorpusMetrics.from_dict(alike.to_dict()).to_dict() == alike.to_dict()


def test_without_people_there_are_values_and_no_bands():
    codes = words(np.random.default_rng(1), 300)
    found = CorpusMetrics.of(documents(codes, ["accepted"] * 300)).slices
    assert found["distinct_1"]["accepted"].value and found["distinct_1"]["accepted"].band is None
    assert found["tail_1"]["accepted"].value is None
    assert {status(BY_NAME[name], by_slice["accepted"]) for name, by_slice in found.items()} == {OK}


def test_few_or_no_documents_measure_nothing():
    for count in (0, 3):
        codes = words(np.random.default_rng(1), count)
        found = CorpusMetrics.of(documents(codes, ["accepted"] * count))
        assert found.documents == count
        assert all(by_slice["accepted"].value is None for by_slice in _sampled_in_parts(found))


def _sampled_in_parts(found):
    return [by_slice for name, by_slice in found.slices.items() if name.startswith(("distinct", "templates", "vendi"))]


def test_join_is_by_location():
    table = corpus(people=20, others=20)
    members = table.select(MEMBERS.names).take(pa.array([39, 3, 17]))
    found = join(table.select(SAMPLE.names), members)
    assert found.schema == DOCUMENTS
    assert found.sort_by("id").to_pylist() == table.take(pa.array([3, 17, 39])).sort_by("id").to_pylist()


def test_a_table_says_the_slices_of_its_rows():
    rows = [
        {"id": "a", "text": "One two three", "slice": "human", "source": "x"},
        {"id": "b", "text": "four five", "slice": None, "source": "y"},
        {"id": "c", "text": "six", "slice": "suspected", "source": None},
        {"id": "d", "text": None, "slice": "human", "source": "x"},
    ]
    found = labelled(pa.Table.from_pylist(rows), "slice", make_config({}))
    assert found["id"].to_pylist() == ["a", "b", "c"]
    assert [[row[name] for name in SLICES] for row in found.to_pylist()] == [
        [True, False, True, False],
        [False, True, True, False],
        [False, False, True, True],
    ]
    sums = sums_of(found)
    assert sums.by("source", "input_tokens") == {"x": 3, "y": 2}
    assert sums.by("source", "accepted_documents") == {"x": 0, "y": 1}
