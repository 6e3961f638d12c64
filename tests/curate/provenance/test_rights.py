import itertools

import pyarrow as pa
import pytest

from curate.provenance.credentials import Credentials
from curate.provenance.rights import VERDICTS, declared_rights, most_restrictive, rights_of


@pytest.mark.parametrize(
    ("use", "explained", "state", "expected"),
    [
        (None, True, None, "unknown"),
        ("allowed", True, "Trusted", "allow"),
        ("allowed", True, "Valid", "allow"),
        ("allowed", True, "Invalid", "unknown"),
        ("constrained", True, "Valid", "constrained"),
        ("constrained", False, "Valid", "deny"),
        ("notAllowed", True, "Trusted", "deny"),
        ("notAllowed", True, "Invalid", "deny"),
    ],
)
def test_rights_of_credentials(use, explained, state, expected):
    found = Credentials(
        has_credentials=True, training_mining=use, constraints_explained=explained, validation_state=state
    )
    assert rights_of(found) == expected


def test_declared_rights():
    words = pa.array(["allow", " NotAllowed", "noai", "constrained", "train-ai=n", "whatever", None])
    assert declared_rights(words).to_pylist() == ["allow", "deny", "deny", "constrained", "deny", "unknown", "unknown"]
    assert declared_rights(pa.array([True, False, None])).to_pylist() == ["deny", "unknown", "unknown"]


def test_the_most_restrictive_wins():
    pairs = list(itertools.product([*VERDICTS, None], repeat=2))
    left, right = (pa.array([pair[k] for pair in pairs], pa.string()) for k in (0, 1))
    strictest = most_restrictive(left, pa.chunked_array([right])).to_pylist()
    assert strictest == most_restrictive(right, left).to_pylist()
    for (one, other), result in zip(pairs, strictest, strict=True):
        assert result == max(one or "unknown", other or "unknown", key=VERDICTS.index)
