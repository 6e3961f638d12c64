"""The tools beside curate: what Hugging Face datasets saved is read, and they read what curate wrote."""

import pytest


@pytest.fixture
def datasets(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    return datasets


def test_a_saved_dataset_is_read_and_the_output_is_a_dataset_again(datasets, texts, tmp_path, curate, output_of):
    given = datasets.Dataset.from_dict({"id": list("abcdefghijkl"), "text": texts, "label": [0, 1] * 6})
    given = given.cast_column("label", datasets.ClassLabel(names=["prose", "verse"]))
    given.save_to_disk(tmp_path / "saved", num_shards=3)
    datasets.load_from_disk(tmp_path / "saved").map(lambda row: {"length": len(row["text"])})  # leaves a cache there
    assert list((tmp_path / "saved").glob("cache-*.arrow"))
    outcome = curate("run", "--input", tmp_path / "saved", "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    assert output.counts["kept"] == 12
    loaded = datasets.load_dataset("parquet", data_files=f"{tmp_path}/out/data/*.parquet", split="train")
    assert loaded.features["label"] == datasets.ClassLabel(names=["prose", "verse"])
    assert dict(zip(loaded["id"], loaded["text"], strict=True)) == dict(zip("abcdefghijkl", texts, strict=True))
    assert set(loaded["curate_weight"]) == {1.0}


def test_splits_of_a_saved_dataset_are_read_together(datasets, texts, tmp_path, curate, only_read, output_of):
    parts = {"train": texts[:8], "test": texts[8:]}
    saved = datasets.DatasetDict({name: datasets.Dataset.from_dict({"text": part}) for name, part in parts.items()})
    saved.save_to_disk(tmp_path / "saved")
    assert curate("run", *only_read, "--input", tmp_path / "saved", "--output", tmp_path / "out").code == 0
    assert output_of(tmp_path / "out").counts["read"] == 12


@pytest.mark.parametrize("folder", ["data", "ledger", "held"])
def test_every_table_loads_with_datasets(datasets, finished, output_of, folder):
    expected = output_of(finished).table(folder)
    loaded = datasets.load_dataset("parquet", data_files=f"{finished}/{folder}/*.parquet", split="train")
    assert loaded.column_names == expected.column_names
    assert loaded.num_rows == expected.num_rows


@pytest.mark.parametrize("folder", ["data", "ledger", "held"])
def test_every_table_loads_with_polars(finished, output_of, folder):
    polars = pytest.importorskip("polars")
    expected = output_of(finished).table(folder)
    loaded = polars.read_parquet(f"{finished}/{folder}/*.parquet")
    assert loaded.columns == expected.column_names
    key = "id" if folder == "ledger" else "curate_id"
    assert sorted(loaded[key].to_list()) == sorted(expected[key].to_pylist())


@pytest.mark.parametrize("folder", ["data", "ledger", "held"])
def test_every_table_loads_with_duckdb(finished, output_of, folder):
    duckdb = pytest.importorskip("duckdb")
    expected = output_of(finished).table(folder)
    loaded = duckdb.connect().sql(f"select * from '{finished}/{folder}/*.parquet'")
    assert loaded.columns == expected.column_names
    assert len(loaded.fetchall()) == expected.num_rows
