"""The operator's model of quality is named by its digest, and another one does not pass for it."""

import hashlib
import shutil

import pytest

SETTINGS = ("--set", "mixture.clusters=4", "--set", "quality.label=good", "--set", "quality.min_group=100")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models of the same labels."""
    fasttext = pytest.importorskip("fasttext")
    folder = tmp_path_factory.mktemp("models")
    (folder / "lines.txt").write_text("__label__good bread and butter\n__label__bad win big now\n" * 50)
    for name, epochs in (("one", 5), ("two", 15)):
        model = fasttext.train_supervised(str(folder / "lines.txt"), epoch=epochs, thread=1, verbose=0, dim=4)
        model.save_model(str(folder / f"{name}.bin"))
    return folder


@pytest.fixture(scope="module")
def first(curate, corpus_file, models, tmp_path_factory, output_of):
    output = tmp_path_factory.mktemp("model") / "out"
    shutil.copy(models / "one.bin", models / "model.bin")
    outcome = curate("run", "--input", corpus_file, "--output", output, *SETTINGS,
                     "--set", f"quality.model={models / 'model.bin'}")  # fmt: skip
    assert outcome.code == 0, outcome.err
    return output_of(output)


def test_the_manifest_has_its_digest(first, models):
    content = (models / "one.bin").read_bytes()
    expected = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert first.manifest["resources"][str(models / "model.bin")] == expected


def test_another_model_is_refused(curate, first, models, corpus_file, tmp_path):
    shutil.copy(models / "two.bin", models / "model.bin")
    try:
        again = curate("decide", "--annotations", first.path, "--output", tmp_path / "again")
    finally:
        shutil.copy(models / "one.bin", models / "model.bin")
    assert again.code == 2 and "has changed since it judged the documents" in again.message
    assert curate("decide", "--annotations", first.path, "--output", tmp_path / "again").code == 0
    other = ("run", "--input", corpus_file, "--output", tmp_path / "out", *SETTINGS,
             "--set", f"quality.model={models / 'two.bin'}")  # fmt: skip
    for option, message in (("--artefacts", "the limits of the artefacts are of another model"),
                            ("--human-reference", "remembers a signal of another quality.model")):  # fmt: skip
        refused = curate(*other, option, first.path)
        assert refused.code == 2 and message in refused.message
        assert not (tmp_path / "out").exists()
