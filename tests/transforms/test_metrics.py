"""The public combiners: one result for any order, bundles, kind of element and place of merging."""

import math
import random

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from curate.metrics import diversity
from curate.metrics.composition import compose
from curate.metrics.slices import SliceSums
from curate.metrics.types import SampledTypes, Text, ngrams
from curate.metrics.vendi import VendiSums
from curate.transforms import MeasureCorpus
from curate.transforms.metrics import CountTypes, SumSlices, VendiScore

WORDS = 3_000


def _rows(people=300, others=300, power=1.0):
    draw = np.random.default_rng(1)
    p = 1 / np.arange(1, WORDS + 1) ** 1.05
    rows = []
    for count, name, exponent in ((people, "human", 1.0), (others, None, power)):
        chosen = draw.choice(WORDS, (count, 120), p=p**exponent / (p**exponent).sum())
        for words in chosen:
            text = " ".join(f"w{word}" for word in words)
            rows.append({"id": f"d{len(rows)}", "text": text, "slice": name, "source": f"s{len(rows) % 3}"})
            rows[-1]["curate_cluster"] = len(rows) % 2 if name else 0
    return rows


def _tables(rows, size):
    schema = pa.schema([(name, pa.int32() if name == "curate_cluster" else pa.string()) for name in rows[0]])
    return [pa.Table.from_pylist(rows[start : start + size], schema) for start in range(0, len(rows), size)]


def _measured(apply, elements, options=()):
    measure = beam.ptransform_fn(lambda documents: {"out": documents | MeasureCorpus()})
    (found,) = apply(measure(), elements, options)["out"]
    return found


@pytest.fixture(scope="module")
def measured(apply):
    return _measured(apply, _rows())


def test_a_corpus_like_people_write_is_fine_and_a_collapsed_one_is_not(apply, measured):
    assert measured["status"] == "ok" and measured["sample"] == 600
    assert measured["words"][1].startswith("  these documents: no sign of it in ")
    collapsed = _measured(apply, _rows(power=1.4))
    assert collapsed["status"] == "alert" and "  these documents: signs of it in " in collapsed["words"][1]
    by_name = {row["name"]: row["slices"] for row in collapsed["rows"]}
    assert by_name["distinct_2"]["accepted"]["status"] == "alert"
    assert by_name["cluster_coverage"]["accepted"]["value"] == 0.5
    assert by_name["source_top"]["input"]["value"] == pytest.approx(1 / 3, abs=0.001)


def test_order_tables_bundles_and_kinds_of_rows_do_not_matter(apply, measured):
    rows = _rows()
    random.Random(3).shuffle(rows)
    assert _measured(apply, rows) == measured
    assert _measured(apply, _tables(rows, 37), ["--direct_runner_bundle_repeat=1"]) == measured
    assert _measured(apply, [beam.Row(**{**row, "slice": row["slice"] or ""}) for row in rows]) == measured


def test_without_people_nothing_is_fine(apply):
    found = _measured(apply, _rows(people=0))
    assert found["status"] == "unknown" and "cannot be told" in found["words"][1]


def test_combiners_say_what_they_take():
    with pytest.raises(TypeError, match="CountTypes got a dict") as told:
        CountTypes().add_input(CountTypes().create_accumulator(), {"text": "a b"})
    remedy = eval(str(told.value).partition("before it: ")[2], {"beam": beam, "pa": pa})
    with beam.Pipeline(FnApiRunner()) as pipeline:
        tables = pipeline | beam.Create([{"text": "a b"}, {"text": "a c"}]) | remedy
        found = tables | beam.CombineGlobally(CountTypes())
        assert_that(found | beam.Map(lambda types: types.total), equal_to([4]))


def test_nothing_gives_nothing(apply):
    measure = beam.ptransform_fn(lambda documents: {"out": documents | MeasureCorpus()})
    assert apply(measure(), [], element_type=pa.Table)["out"] == []


def test_counts_of_types_are_those_of_all_texts():
    rows = _rows(60, 60)
    texts = Text.of_texts(pa.array([row["text"] for row in rows]))
    expected = SampledTypes.of(ngrams(texts, 2)[0], 500)

    def check(found):
        (types,) = found
        assert types.hashes.tolist() == expected.hashes.tolist() and types.counts.tolist() == expected.counts.tolist()
        assert diversity.coverage(types) == diversity.coverage(expected)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        counted = pipeline | beam.Create(_tables(rows, 7)) | beam.CombineGlobally(CountTypes(n=2, limit=500))
        assert_that(counted, check)


def test_vendi_score_in_one_pass():
    vectors = np.random.default_rng(2).normal(size=(90, 6))
    tables = [pa.table({"embedding": [*map(list, vectors[at : at + 13]), None]}) for at in range(0, 90, 13)]

    def check(found):
        assert found == [VendiSums.of(vectors).score()]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that(pipeline | beam.Create(tables) | beam.CombineGlobally(VendiScore(6)), check)


def test_slices_of_a_ledger(apply, curated):
    whole = SliceSums()
    for table in curated["ledger"]:
        whole = whole.merge(SliceSums.of(table))

    def check(found):
        assert [sums.to_dict() for sums in found] == [whole.to_dict()]
        assert compose(found[0], {})["cluster_coverage"]["accepted"].value == 1.0

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that(pipeline | beam.Create(curated["ledger"]) | beam.CombineGlobally(SumSlices()), check)


def test_accumulators_merge_in_any_order():
    tables, combine = _tables(_rows(40, 40), 9), CountTypes(n=1, limit=100)
    parts = [combine.add_input(combine.create_accumulator(), table) for table in tables]
    found = [combine.extract_output(combine.merge_accumulators(order)) for order in (parts, parts[::-1], iter(parts))]
    assert len({(types.threshold, types.total, tuple(types.counts.tolist())) for types in found}) == 1
    assert math.isnan(VendiScore(3).extract_output(VendiScore(3).merge_accumulators([])))
