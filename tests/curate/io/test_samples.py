import json
import pickle
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.io.samples import WeightedSamples

WEIGHTS = [0.25, 0.5, 1.0, 1.75, 3.0]


@pytest.fixture
def output(tmp_path):
    """An output directory of 200 documents whose weights are of five kinds, in two files of small row groups."""
    rows = 200
    table = pa.table(
        {
            "text": [f"text {i}" for i in range(rows)],
            "curate_id": [f"doc-{i}" for i in range(rows)],
            "curate_weight": [WEIGHTS[i % 5] for i in range(rows)],
            "curate_split": ["validation" if i % 10 == 9 else "train" for i in range(rows)],
        }
    )
    (tmp_path / "data").mkdir()
    names = [f"data/part-{number}.parquet" for number in range(2)]
    for number, name in enumerate(names):
        pq.write_table(table.slice(number * 100, 100), tmp_path / name, row_group_size=30)
    manifest = {"counts": {}, "digests": dict.fromkeys(names, "")}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return str(tmp_path)


def ids(*arguments, **options):
    return [row["curate_id"] for row in WeightedSamples(*arguments, **options)]


def test_over_epochs_a_document_appears_as_often_as_its_weight_says(output):
    epochs = 60
    seen = Counter(id for epoch in range(epochs) for id in ids(output, epoch=epoch))
    for kind, weight in enumerate(WEIGHTS):
        times = np.array([seen[f"doc-{i}"] for i in range(kind, 200, 5)])
        fraction = weight % 1
        error = np.sqrt(max(fraction * (1 - fraction), 1e-9) / (epochs * len(times)))
        assert abs(times.mean() / epochs - weight) <= 5 * error
        if not fraction:
            assert set(times) == {epochs * int(weight)}
        else:  # the same documents are not taken each time
            assert len(set(times)) > 5


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(0, 3), st.integers(1, 5))
def test_shards_are_parts_of_the_epoch(output, shards, epoch, buffer):
    parts = [ids(output, epoch=epoch, shard=shard, shards=shards, buffer=buffer) for shard in range(shards)]
    assert Counter(id for part in parts for id in part) == Counter(ids(output, epoch=epoch))
    assert all(set(a).isdisjoint(b) for i, a in enumerate(parts) for b in parts[:i])


def test_more_shards_than_row_groups_all_have_rows(output):
    assert all(ids(output, shard=shard, shards=16) for shard in range(16))


def test_seed_and_epoch_decide_all(output):
    assert ids(output, seed=1, epoch=2) == ids(output, seed=1, epoch=2)
    others = [ids(output), ids(output, seed=1), ids(output, epoch=1)]
    assert len({tuple(other) for other in others}) == len({frozenset(Counter(o).items()) for o in others}) == 3


def test_rows_come_in_no_order(output):
    numbers = np.array([int(id.removeprefix("doc-")) for id in ids(output, buffer=7)])
    assert abs(np.corrcoef(numbers, np.arange(len(numbers)))[0, 1]) < 0.2


def test_columns_and_split(output):
    rows = list(WeightedSamples(output, columns=["text"], split="validation"))
    assert {frozenset(row) for row in rows} == {frozenset(["text"])}
    assert {int(row["text"].split()[1]) % 10 for row in rows} == {9}
    assert next(iter(WeightedSamples(output, columns=["curate_split"], split="train"))) == {"curate_split": "train"}
    assert set(ids(output, split="train")).isdisjoint(ids(output, split="validation"))


def test_loaders_pickle_what_they_iterate(output):
    samples = WeightedSamples(output, shard=1, shards=2)
    assert list(pickle.loads(pickle.dumps(samples))) == list(samples) == list(samples)


def test_what_is_no_output_is_refused(output, tmp_path):
    with pytest.raises(UsageError, match="no column 'nothing'"):
        list(WeightedSamples(output, columns=["nothing"]))
    with pytest.raises(UsageError, match="shard 2 of 2"):
        WeightedSamples(output, shard=2, shards=2)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "plain.parquet")
    with pytest.raises(UsageError, match="no column 'curate_id'"):
        list(WeightedSamples(str(tmp_path / "plain.parquet")))
