"""Results do not depend on partitions, blocks, order, repeated bundles, kinds of iterables or processes."""

import random
from collections import defaultdict
from itertools import pairwise

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

import curate.transforms.curate
from curate.decisions.contents import unresolved_pairs
from curate.pipelines.runner import beam_options, make_runner
from curate.schema import PAIRS
from curate.transforms import Curate
from curate.transforms.duplicates import CloseGroups
from curate.transforms.sample import SmallestHashes
from curate.transforms.tables import concat

CONTENT = pa.schema([("content", pa.uint64())])
KEYS = pa.schema([("key", pa.uint64())])


def _cut(documents, size):
    schema = pa.Table.from_pylist(documents).schema
    return [pa.Table.from_pylist(documents[start : start + size], schema) for start in range(0, len(documents), size)]


def test_one_partition_and_reversed_rows(monkeypatch, apply, documents, settings, ledger, ledger_of):
    monkeypatch.setattr(curate.transforms.curate, "PARTITIONS", 1)
    assert ledger_of(apply(Curate(settings), documents[::-1])["ledger"]) == ledger


def test_two_partitions_small_blocks_and_repeated_bundles(monkeypatch, apply, documents, settings, ledger, ledger_of):
    monkeypatch.setattr(curate.transforms.curate, "PARTITIONS", 2)
    out = apply(Curate(settings), _cut(documents, 17), ["--direct_runner_bundle_repeat=1"])
    assert ledger_of(out["ledger"]) == ledger


def test_five_partitions_large_blocks_and_lazy_iterables(monkeypatch, apply, documents, settings, ledger, ledger_of):
    monkeypatch.setattr(curate.transforms.curate, "PARTITIONS", 5)
    shuffled = random.Random(9).sample(documents, len(documents))
    out = apply(Curate(settings), _cut(shuffled, 180), runner=FnApiRunner(use_state_iterables=True))
    assert ledger_of(out["ledger"]) == ledger


@pytest.mark.slow
def test_two_processes(apply, documents, settings, ledger, ledger_of):
    options = beam_options([], workers=2)
    rows = [beam.Row(**{name: value or "" for name, value in row.items()}) for row in documents if row["id"]]
    one = apply(Curate(settings), rows)
    two = apply(Curate(settings), rows, options, runner=make_runner(options))
    assert ledger_of(two["ledger"]) == ledger_of(one["ledger"])
    assert {name: len(found) for name, found in two.items() if name != "ledger"} == {
        name: len(found) for name, found in one.items() if name != "ledger"
    }
    assert all(row.curate_id for row in two["kept"])


def _linked(seed):
    """Contents and pairs: a long chain, stars, a random graph, and contents without any pair."""
    draw = np.random.default_rng(seed)
    contents = np.unique(draw.integers(0, 2**64, 260, dtype=np.uint64))[:240]
    draw.shuffle(contents)
    chain = list(pairwise(contents[:61]))
    stars = [(contents[70], other) for other in contents[71:90]] + [(contents[95], other) for other in contents[96:110]]
    mesh = [tuple(contents[draw.integers(120, 200, 2)]) for _ in range(70)]
    pairs = sorted({(min(pair), max(pair)) for pair in chain + stars + mesh if pair[0] != pair[1]})
    left, right = (np.array(side, dtype=np.uint64) for side in zip(*pairs, strict=True))
    ones = pa.array(np.ones(len(left), np.float32))
    return pa.table([contents], schema=CONTENT), pa.table([left, right, ones, ones, ones], schema=PAIRS)


class _Close(beam.PTransform):
    """`CloseGroups` for tables that are told apart by their columns."""

    def __init__(self, rounds, partitions):
        self._close = CloseGroups(CONTENT, rounds, partitions)

    def expand(self, tables):
        documents = tables | "Documents" >> beam.Filter(lambda table: "content" in table.column_names)
        pairs = tables | "Pairs" >> beam.Filter(lambda table: "left" in table.column_names)
        return {"groups": {"documents": documents, "pairs": pairs} | self._close}


def _close(apply, rounds, partitions, seed=3):
    documents, pairs = _linked(seed)
    blocks = [*(table.slice(start, 50) for table in (documents, pairs) for start in range(0, table.num_rows, 50))]
    groups = apply(_Close(rounds, partitions), blocks, element_type=pa.Table)["groups"]
    place, placed_pairs = {}, defaultdict(list)
    for number, tables in groups:
        for content in concat(tables["documents"], CONTENT)["content"].to_pylist():
            assert place.setdefault(content, number) == number
        for row in concat(tables["pairs"], PAIRS).to_pylist():
            placed_pairs[row["left"], row["right"]].append(number)
    assert sorted(place) == sorted(documents["content"].to_pylist())
    assert sorted(placed_pairs) == sorted(zip(pairs["left"].to_pylist(), pairs["right"].to_pylist(), strict=True))
    assert {len(numbers) for numbers in placed_pairs.values()} == {1}
    unresolved = [
        unresolved_pairs(concat(tables["documents"], CONTENT), concat(tables["pairs"], PAIRS)) for _, tables in groups
    ]
    assert sum(unresolved) == sum(place[left] != place[right] for left, right in placed_pairs)
    return place, placed_pairs


@pytest.mark.parametrize("partitions", [1, 2, 5])
def test_linked_contents_meet_with_their_pairs(apply, partitions):
    place, pairs = _close(apply, rounds=8, partitions=partitions)
    assert all(place[left] == place[right] == number for (left, right), [number] in pairs.items())
    assert len(set(place.values())) == partitions


def test_too_few_rounds_leave_pairs_open_and_lose_nothing(apply):
    place, pairs = _close(apply, rounds=1, partitions=5)
    assert all(place[left] == number for (left, _), [number] in pairs.items())
    assert any(place[left] != place[right] for left, right in pairs)


@pytest.mark.parametrize("size", [5, 1_000])
def test_sample_does_not_depend_on_how_it_is_gathered(size):
    keys = np.random.default_rng(1).integers(0, 300, 500).astype(np.uint64)
    samples = []
    for order, cut in ((np.arange(500), 500), (np.arange(500)[::-1], 7), (np.argsort(keys), 60)):
        combine = SmallestHashes(size, 11, KEYS)
        parts = [pa.table([keys[order[start : start + cut]]], schema=KEYS) for start in range(0, 500, cut)]
        accumulators = [combine.create_accumulator()]
        for part in parts:
            accumulators.append(combine.compact(combine.add_input(combine.create_accumulator(), part)))
            accumulators[0] = combine.add_input(accumulators[0], part)
        samples.append(combine.extract_output(combine.merge_accumulators(iter(accumulators))))
    assert samples[0].equals(samples[1])
    assert samples[0].equals(samples[2])
    assert samples[0].num_rows == min(size, len(np.unique(keys)))
