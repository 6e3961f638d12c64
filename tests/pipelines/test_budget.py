"""A token budget is spent to within one document, whatever the workers."""

import pytest


def spent(rows):
    return sum(row["tokens"] * row["copies"] for row in rows.values() if row["decision"] == "kept")


@pytest.mark.parametrize("budget", [300, 5_000, 12_345])
def test_a_budget_is_spent_to_within_one_document(finished, curate, output_of, tmp_path, budget):
    out = tmp_path / "out"
    outcome = curate("decide", "--annotations", finished, "--output", out, "--set", f"mixture.token_budget={budget}")
    assert outcome.code == 0, outcome.err
    rows = output_of(out).rows
    longest = max(row["tokens"] for row in rows.values() if row["tokens"])
    assert budget - longest < spent(rows) <= budget
    left = [row for row in rows.values() if row["reason"] == "budget"]
    assert left and all(row["stage"] == "mixture" and row["weight"] == 0 for row in left)


def test_a_budget_beyond_the_supply_takes_what_the_weights_ask_for(finished, curate, output_of, tmp_path):
    out = tmp_path / "out"
    outcome = curate("decide", "--annotations", finished, "--output", out, "--set", "mixture.token_budget=10000000")
    assert outcome.code == 0, outcome.err
    rows = output_of(out).rows
    asked = sum(row["tokens"] * row["weight"] for row in rows.values() if row["decision"] == "kept")
    longest = max(row["tokens"] for row in rows.values() if row["tokens"])
    assert asked - longest - 1 < spent(rows) <= asked + 1
