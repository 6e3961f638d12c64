import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HUMAN = "the rain came late and my brother said nothing , so we went home through mud ."
MACHINE = "overall it is important to note that these factors underscore the significance of growth ."
SHARED = " a of in to and for with on by year people house work water school road"


def sentences(words, start, count):
    """Deterministic sentences over a vocabulary."""
    steps = [words[(start * 7 + i * (3 + start % 5)) % len(words)] for i in range(count * 8)]
    return " ".join(" ".join(steps[i : i + 8]) + "." for i in range(0, len(steps), 8))


@pytest.fixture(scope="session")
def tiny_corpus():
    """Two hundred easy documents of two classes."""
    rows = []
    for i in range(200):
        label = "human" if i % 2 else "machine"
        words = ((HUMAN if i % 2 else MACHINE) + SHARED).split()
        rows.append(
            {"id": f"tiny/{i // 2}/{i}", "text": sentences(words, i, 10 + i % 9), "label": label, "language": "en"}
        )
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="session")
def dev():
    """The held-out documents of the shared corpus."""
    return shared("detector_dev.parquet")


@pytest.fixture(scope="session")
def mixed_corpus():
    """Texts of the mixed corpus, whether people wrote them, and their languages."""
    rows = shared("mixed_corpus.parquet").select(["id", "text", "language"])
    rows = rows.join(shared("mixed_corpus_truth.parquet").select(["id", "label"]), "id")
    human = [label == "human" for label in rows["label"].to_pylist()]
    return rows["text"].combine_chunks(), human, rows["language"].to_pylist()


def shared(name):
    """A file of the shared corpus."""
    path = Path(os.environ.get("CURATE_TEST_DATA", Path(__file__).parents[3].parent / "shared" / "data")) / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand; set CURATE_TEST_DATA")
    return pq.read_table(path)
