import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def labelled(prose, tmp_path):
    """Two classes of made-up text that differ in their words."""
    people, machines = prose(21), prose(22)
    human = [people.text(70) for _ in range(60)]
    machine = [machines.text(70) for _ in range(60)]
    pq.write_table(pa.table({"text": human}), tmp_path / "human.parquet")
    pq.write_table(pa.table({"text": machine}), tmp_path / "machine.parquet")
    labels = ["human"] * 60 + ["machine"] * 60
    pq.write_table(pa.table({"text": human + machine, "label": labels}), tmp_path / "both.parquet")
    return tmp_path


def test_train_and_evaluate(curate, labelled):
    (labelled / "notes.md").write_text("Made up on the spot.")
    outcome = curate(
        "detector", "train", "--input", labelled / "both.parquet", "--dev", labelled / "both.parquet",
        "--notes", labelled / "notes.md", "--output", labelled / "model",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (labelled / "model").iterdir()} == {
        "detector.npz", "detector.json", "metrics.json", "MODEL_CARD.md",
    }  # fmt: skip
    assert "Made up on the spot." in (labelled / "model" / "MODEL_CARD.md").read_text()
    evaluated = curate("detector", "evaluate", "--input", labelled / "both.parquet", "--model", labelled / "model")
    assert evaluated.code == 0
    assert "AUROC" in evaluated.out
    assert evaluated.out.strip() in outcome.out


def test_train_from_files_of_one_class(curate, labelled):
    outcome = curate(
        "detector", "train", "--human", labelled / "human.parquet", "--machine", labelled / "machine.parquet",
        "--output", labelled / "model",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err


def test_shipped_detector_is_evaluated_by_default(curate, labelled):
    assert "AUROC" in curate("detector", "evaluate", "--input", labelled / "both.parquet").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "no documents to train on"),
        (("--human", "human.parquet"), "hold no machine text"),
        (("--input", "human.parquet"), "has no column 'label'"),
        (("--input", "nowhere.parquet"), "is not readable Parquet"),
        (("--input", "both.parquet", "--notes", "nowhere.md"), "notes"),
        (("--input", "both.parquet", "--seed", "-1"), "Invalid value for '--seed'"),
    ],
)
def test_train_refuses(curate, labelled, arguments, expected):
    given = [labelled / name if "." in name else name for name in arguments]
    before = set(labelled.iterdir())
    outcome = curate("detector", "train", *given, "--output", labelled / "model")
    assert outcome.code == 2
    assert expected in outcome.message
    assert set(labelled.iterdir()) == before


def test_train_does_not_overwrite(curate, labelled):
    outcome = curate("detector", "train", "--input", labelled / "both.parquet", "--output", labelled)
    assert outcome.code == 2
    assert (labelled / "both.parquet").exists()
