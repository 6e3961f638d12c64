import json
import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from curate.decisions.mixing import FINISHED
from curate.metrics.composition import compose
from curate.metrics.slices import SLICES, SliceSums, slices_of


def finished(rows):
    defaults = {"tokens": 10, "copies": 1, "decision": "kept", "tier": "likely_human", "origin": "unknown"}
    return pa.Table.from_pylist([{**defaults, **row} for row in rows], FINISHED)


@pytest.mark.parametrize(
    ("row", "slices"),
    [
        ({"tier": "trusted_human"}, "human accepted input"),
        ({"tier": "trusted_human", "decision": "dropped", "stage": "dedupe", "reason": "exact", "copies": 0}, "input"),
        (
            {"tier": "trusted_human", "decision": "dropped", "stage": "mixture", "reason": "budget", "copies": 0},
            "human input",
        ),
        ({"copies": 0}, "input"),  # kept with a weight below 1, and not drawn
        ({"copies": 3}, "accepted input"),
        ({"tier": "uncertain", "decision": "held", "stage": "synthetic", "reason": "suspect"}, "input suspected"),
        ({"tier": "uncertain", "reason": "suspect"}, "accepted input suspected"),
        ({"tier": "likely_synthetic"}, "accepted input suspected"),
        ({"tier": "declared_synthetic", "origin": "synthetic"}, "accepted input suspected"),
        ({"decision": "dropped", "stage": "read", "reason": "no_text", "tokens": 0, "copies": 0}, ""),
        ({"tokens": None}, ""),  # media
    ],
)
def test_slices(row, slices):
    found = slices_of(finished([row]))
    assert {name for name in SLICES if found[name][0]} == set(slices.split())


def _ledger(count=200):
    draw = random.Random(2)
    return finished(
        [
            {
                "cluster": draw.choice([None, 0, 1, 2, 3]),
                "source": draw.choice([None, "a", "b"]),
                "timestamp": draw.choice([None, 1_600_000_000_000_000, 1_700_000_000_000_000]),
                "tier": draw.choice(["trusted_human", "likely_human", "likely_synthetic"]),
                "tokens": draw.randint(1, 90),
                "copies": draw.randint(0, 3),
            }
            for _ in range(count)
        ]
    )


def test_any_partition_gives_equal_sums():
    ledger = _ledger()
    whole = SliceSums.of(ledger)
    for cuts in ([0, 200], [0, 1, 77, 200], [0, 50, 100, 150, 200]):
        parts = [SliceSums.of(ledger.slice(a, b - a)) for a, b in pairwise(cuts)]
        for order in (parts, parts[::-1]):
            merged = SliceSums()
            for part in order:
                merged = merged.merge(part)
            assert merged.table.equals(whole.table) and merged.months == whole.months


def test_reads_what_it_wrote():
    whole = SliceSums.of(_ledger())
    for sums in (whole, SliceSums()):
        read = SliceSums.from_dict(json.loads(json.dumps(sums.to_dict())))
        assert read.table.equals(sums.table) and read.months == sums.months


def test_sums_are_those_of_the_ledger():
    ledger = _ledger()
    rows = ledger.to_pylist()
    sums = SliceSums.of(ledger)
    for cluster in range(4):
        here = [row for row in rows if row["cluster"] == cluster]
        assert sums.by("cluster", "accepted_tokens")[cluster] == sum(row["tokens"] * row["copies"] for row in here)
        assert sums.by("cluster", "input_documents")[cluster] == len(here)
    assert sums.months.total() == sum(bool(row["source"] and row["timestamp"]) for row in rows)


def test_what_a_corpus_is_made_of():
    people = [{"cluster": cluster, "source": "a", "tier": "trusted_human"} for cluster in (0, 0, 1, 2)]
    machine = [{"cluster": 0, "source": "b", "tier": "likely_synthetic"}] * 6
    found = compose(SliceSums.of(finished(people + machine)), {3: 2})
    assert found["cluster_coverage"]["human"].value == 1 and found["cluster_coverage"]["suspected"].value == 1 / 3
    assert found["cluster_divergence"]["human"].value == 0 < found["cluster_divergence"]["suspected"].value
    assert found["cluster_effective"]["suspected"].value == 1
    assert found["cluster_effective"]["human"].value == pytest.approx(np.exp(1.5 * np.log(2)))
    assert found["source_top"]["input"].value == 0.6 and found["source_herfindahl"]["human"].value == 1
    assert found["duplicates_herfindahl"]["input"].value == pytest.approx((9 + 9 + 4) / 100)
    assert found["cluster_coverage"]["input"].n == 10
    assert compose(SliceSums(), {}) == {}
