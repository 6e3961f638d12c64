"""What of Dataflow can be checked without a cloud: options, the template and its image, staging, and the driver."""

import importlib.util
import json
import re
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

from curate.errors import UsageError
from curate.pipelines.cli import cli
from curate.pipelines.dataflow import launch
from curate.pipelines.runner import beam_options

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "pipelines" / "dataflow"
METADATA = json.loads((FOLDER / "metadata.json").read_text())
PARAMETERS = {parameter["name"]: parameter for parameter in METADATA["parameters"]}
GOOGLE = [
    "--runner=DataflowRunner",
    "--project=some-project",
    "--region=europe-west1",
    "--temp_location=gs://bucket/tmp",
    "--staging_location=gs://bucket/staging",
]
HAS_GCP = importlib.util.find_spec("google.auth") if importlib.util.find_spec("google") else None

# As documented for Flex Templates, and for ParameterMetadata and ParameterType in the Dataflow API v1b3.
TEMPLATE_FIELDS = {
    "name",
    "description",
    "streaming",
    "supportsAtLeastOnce",
    "supportsExactlyOnce",
    "defaultStreamingMode",
    "parameters",
}
PARAMETER_FIELDS = {
    "name": str,
    "label": str,
    "helpText": str,
    "isOptional": bool,
    "regexes": list,
    "paramType": str,
    "defaultValue": str,
    "enumOptions": list,
    "groupName": str,
    "parentName": str,
    "parentTriggerValues": list,
    "hiddenUi": bool,
    "customMetadata": dict,
}
PARAMETER_TYPES = {
    *("DEFAULT", "TEXT", "GCS_READ_BUCKET", "GCS_WRITE_BUCKET", "GCS_READ_FILE", "GCS_WRITE_FILE", "GCS_READ_FOLDER"),
    *("GCS_WRITE_FOLDER", "PUBSUB_TOPIC", "PUBSUB_SUBSCRIPTION", "BIGQUERY_TABLE", "JAVASCRIPT_UDF_FILE"),
    *("SERVICE_ACCOUNT", "MACHINE_TYPE", "KMS_KEY_NAME", "WORKER_REGION", "WORKER_ZONE", "BOOLEAN", "ENUM", "NUMBER"),
    *("KAFKA_TOPIC", "KAFKA_READ_TOPIC", "KAFKA_WRITE_TOPIC"),
}


def test_metadata_has_the_documented_fields_only():
    assert set(METADATA) <= TEMPLATE_FIELDS
    assert METADATA["name"] and METADATA["description"] and METADATA["streaming"] is False
    assert len(PARAMETERS) == len(METADATA["parameters"])
    for parameter in METADATA["parameters"]:
        assert {"name", "label", "helpText"} <= set(parameter) <= set(PARAMETER_FIELDS)
        assert all(isinstance(value, PARAMETER_FIELDS[key]) for key, value in parameter.items())
        assert re.fullmatch("[a-zA-Z][a-zA-Z0-9_]*", parameter["name"])
        assert parameter["paramType"] in PARAMETER_TYPES
        assert all(re.compile(regex) for regex in parameter.get("regexes", ()))


def test_parameters_are_options_of_a_run():
    options = {name for option in cli.commands["run"].params for name in option.opts}
    passed = {*launch.SEVERAL, *launch.ONE, *launch.FLAGS}
    assert set(PARAMETERS) - passed == {"sdk_container_image"}
    assert {f"--{name.replace('_', '-')}" for name in passed} <= options
    assert {name for name in PARAMETERS if not PARAMETERS[name]["isOptional"]} == {
        "input",
        "output",
        "sdk_container_image",
    }


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("input", "gs://bucket/crawl/*.parquet gs://other/forum.jsonl", True),
        ("input", "/local/path", False),
        ("output", "gs://bucket/out", True),
        ("set", "dedupe.threshold=0.9", True),
        ("overwrite", "yes", False),
    ],
)
def test_values_are_checked_where_they_are_typed(name, value, fits):
    assert all(bool(re.fullmatch(regex, value)) == fits for regex in PARAMETERS[name]["regexes"])


def image():
    """(instruction, rest) of the Dockerfile, with continued lines joined."""
    text = re.sub(r"\\\n", " ", (FOLDER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_serves_as_launcher_and_worker():
    steps = image()
    assert {step for step, _ in steps} <= {"FROM", "COPY", "ENV", "RUN", "ENTRYPOINT"}
    froms = [rest for step, rest in steps if step == "FROM"]
    assert froms[-1] == f"apache/beam_python3.11_sdk:{version('apache-beam')}"
    assert steps[-1] == ("ENTRYPOINT", '["/opt/apache/beam/boot"]')
    for source in (rest.split()[:-1] for step, rest in steps if step == "COPY" and not rest.startswith("--from")):
        assert all((ROOT / path).exists() for path in source)
    runs = [rest for step, rest in steps if step == "RUN"]
    installs = next(index for index, rest in enumerate(runs) if rest.startswith("pip install"))
    assert f"apache-beam[gcp]=={version('apache-beam')}" in runs[installs]
    assert any("curate demo" in rest for rest in runs[installs + 1 :])
    environment = dict(pair.split("=", 1) for step, rest in steps if step == "ENV" for pair in rest.split())
    assert environment["FLEX_TEMPLATE_PYTHON_PY_FILE"] in runs[-1].split() and "launch.py" in runs[-1]


@pytest.mark.skipif(HAS_GCP is not None, reason="Google's client libraries are installed")
def test_without_google_s_libraries_one_line_says_what_to_install(curate, corpus_file, tmp_path):
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *GOOGLE)
    assert (outcome.code, outcome.out) == (2, "")
    assert "pip install 'apache-beam[gcp]'" in outcome.message and len(outcome.err.splitlines()) == 1
    outcome = curate("run", "--input", "gs://bucket/a.parquet", "--output", tmp_path / "out")
    assert outcome.code == 2 and "with apache-beam[gcp]" in outcome.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (GOOGLE[:1], "Missing required option: project"),
        ([*GOOGLE[:3], "--temp_location=/tmp"], "Invalid GCS path"),
        ([*GOOGLE, "--sdk_container_imag=x"], "unknown option '--sdk_container_imag=x'"),
    ],
)
def test_what_dataflow_would_refuse_is_refused_before_anything_is_read(options, expected):
    with pytest.raises(UsageError, match=expected):
        beam_options(options, workers=1)


def test_the_template_calls_a_run(monkeypatch):
    monkeypatch.setattr(launch, "beam_options", lambda arguments, workers: None)  # needs Google's libraries
    image = "--sdk_container_image=some/image"
    assert launch.run_command(
        [
            "--input=gs://bucket/a/ 'gs://bucket/b c/'",
            "--output=gs://bucket/out",
            "--human_reference=gs://bucket/books",
            "--set=dedupe.threshold=0.9 run.seed=3",
            "--overwrite=true",
            "--template_location=gs://bucket/launches/1/job_object",
            "--job_name=curate-1",
            image,
            *GOOGLE,
        ]
    ) == [
        *("run", "--input", "gs://bucket/a/", "--input", "gs://bucket/b c/"),
        *("--set", "dedupe.threshold=0.9", "--set", "run.seed=3"),
        *("--output", "gs://bucket/out", "--human-reference", "gs://bucket/books", "--overwrite"),
        *(image, *GOOGLE, "--job_name=curate-1-run"),
    ]


def test_the_driver_runs_here_as_it_would_there(corpus_file, tmp_path, output_of, only_read):
    settings = " ".join(only_read[1::2])
    arguments = [f"--input={corpus_file}", f"--output={tmp_path}/out", f"--set={settings}", "--runner=FnApiRunner"]
    launch.main([*arguments, "--job_name=here"])
    output_of(tmp_path / "out").assert_whole()
    with pytest.raises(RuntimeError, match=r"exit code 2: curate: output .* is not empty"):
        launch.main(arguments)


def test_the_sdist_is_staged_for_workers_without_the_image(tmp_path, monkeypatch):
    pytest.importorskip("build")
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("building curate here needs setuptools>=77")
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.stager import Stager

    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "curate", "transforms", "pipelines"):
        (source / name).symlink_to(ROOT / name)
    monkeypatch.chdir(source)
    resources = Stager.create_job_resources(PipelineOptions(["--setup_file=./pyproject.toml"]), str(tmp_path))
    payloads = [beam_runner_api_pb2.ArtifactFilePayload.FromString(each.type_payload).path for each in resources]
    archive = next(path for path in payloads if path.endswith(".tar.gz"))
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"transforms/curate.py", "pipelines/cli.py", "pipelines/dataflow/metadata.json"} <= names
    assert "curate/annotate.py" in names
