"""Beam YAML: the provider file, its documentation, and the examples with their own tests, run by Beam's runner of YAML.

Needs the extra `yaml`.
"""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from curate import transforms

pytest.importorskip("docstring_parser", reason="needs the extra yaml: pip install 'curate[yaml]'")
pytest.importorskip("jsonschema", reason="needs the extra yaml: pip install 'curate[yaml]'")

from apache_beam.yaml import main, yaml_provider
from apache_beam.yaml.json_utils import beam_schema_to_json_schema

GUIDE = Path(__file__).parents[2] / "pipelines" / "README.md"
FOX = "the quick brown fox jumps over the lazy dog near the old mill"
PUBLIC = ["AttachProvenance", "Curate", "DropDuplicates", "FilterSynthetic", "MeasureCorpus", "ReweightClusters"]


@pytest.fixture(scope="module")
def providers(curate):
    return Path(curate("yaml-providers").out.strip())


def arguments(providers, example, **variables):
    path = providers.parent / "examples" / f"{example}.yaml"
    given = json.dumps({"providers": str(providers), **variables})
    return [f"--yaml_pipeline_file={path}", "--runner=FnApiRunner", f"--jinja_variables={given}"]


@pytest.mark.parametrize("example", ["deduplicate", "filter", "curate"])
def test_examples_pass_their_own_tests(providers, example):
    main.run_tests(arguments(providers, example), exit=False)


def test_every_example_is_run_here(providers):
    assert sorted(path.stem for path in (providers.parent / "examples").iterdir()) == [
        "curate",
        "deduplicate",
        "filter",
    ]


def test_an_example_on_files(providers, tmp_path):
    rows = [{"id": name, "text": FOX, "timestamp": f"202{n}-05-01T00:00:00Z"} for n, name in enumerate("abc")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    main.run(arguments(providers, "deduplicate", input=str(tmp_path / "in.parquet"), output=str(tmp_path / "out")))
    (kept,) = (tmp_path / "out").glob("kept*")
    assert pq.read_table(kept).select(["id", "curate_weight"]).to_pylist() == [{"id": "c", "curate_weight": 1.0}]
    lines = "".join(path.read_text() for path in (tmp_path / "out").glob("dropped*")).splitlines()
    assert sorted((row["id"], row["matched"], row["reason"]) for row in map(json.loads, lines)) == [
        ("a", "c", "exact"),
        ("b", "c", "exact"),
    ]


def test_the_block_of_the_guide(providers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    rows = [{"id": name, "text": FOX, "crawl": 2020 + number} for number, name in enumerate("abc")]
    pq.write_table(pa.Table.from_pylist(rows), "corpus.parquet")
    given = json.dumps({"providers": str(providers)})
    main.run([f"--yaml_pipeline={block}", "--runner=FnApiRunner", f"--jinja_variables={given}"])
    lines = "".join(path.read_text() for path in tmp_path.glob("unique.jsonl*")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c"]


def test_every_public_transform_is_provided_with_schema_and_documentation(providers):
    (provider,) = yaml_provider.load_providers(str(providers))
    public = {
        name
        for name in vars(transforms)
        if isinstance(getattr(transforms, name), type) and issubclass(getattr(transforms, name), transforms.Curate)
    }
    assert sorted(provider.provided_transforms()) == PUBLIC == sorted({*public, "MeasureCorpus"})
    for name in PUBLIC:
        assert provider.description(name).startswith(getattr(transforms, name).__doc__.partition("\n")[0])
        fields = {field.name: field for field in provider.config_schema(name).fields}
        assert {"config", "error_handling"} <= set(fields)
        assert not {"detector", "embedder", "verifier"} & set(fields)
        assert all(field.description for field in fields.values()), name
        assert beam_schema_to_json_schema(provider.config_schema(name))["properties"].keys() == fields.keys()
    schema = {field.name: field.type for field in provider.config_schema("DropDuplicates").fields}
    assert schema["threshold"].atomic_type and schema["config"].HasField("map_type")


def run_yaml(providers, config, element):
    pipeline = {
        "pipeline": {
            "type": "chain",
            "transforms": [
                {"type": "Create", "config": {"elements": [element]}},
                {"type": "DropDuplicates", "config": config},
            ],
        },
        "providers": [{"include": str(providers)}],
    }
    main.run([f"--yaml_pipeline={yaml.safe_dump(pipeline)}", "--runner=FnApiRunner"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"treshold": 0.9}, "treshold"),
        ({"threshold": 2}, r"dedupe\.threshold is 2"),
        ({"config": {"dedupe": {"treshold": 0.9}}}, r"nearest valid one is 'dedupe\.threshold'"),
        ({"error_handling": {"to": "bad"}}, "Missing output in error_handling"),
    ],
)
def test_bad_settings_are_told_when_the_pipeline_is_built(providers, config, message):
    with pytest.raises(Exception, match=message):
        run_yaml(providers, config, {"id": "a", "text": FOX})
