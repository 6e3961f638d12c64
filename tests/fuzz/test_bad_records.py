"""Ten thousand documents with every kind of bad record (`bad_records.py` makes a million): none lost, none crashing."""

import pytest
from bad_records import LINES, ROWS, tried


@pytest.mark.slow
def test_bad_records_cost_themselves_alone(tmp_path):
    table, wrong, _ = tried(tmp_path, 12_000, all_steps=True)
    assert wrong == []
    assert {"good", *LINES, *ROWS} == set(table)
    assert sum(expected for expected, _ in table.values()) == 12_000
