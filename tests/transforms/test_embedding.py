"""Each public transform in somebody's own pipeline: any kind of element, between their steps, with Beam's furniture."""

# ruff: noqa: UP006, UP045 (Beam reads typing.Optional only)

import dataclasses
import typing
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.metrics import MetricsFilter
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.display import DisplayData

from curate.transforms import (
    AttachProvenance,
    Curate,
    DropDuplicates,
    FilterSynthetic,
    MeasureCorpus,
    ReweightClusters,
)
from curate.transforms.counters import NAMESPACE

FEW = {"dedupe": {"rounds": 1}}
PUBLIC = {
    "Curate": lambda: Curate(FEW),
    "DropDuplicates": lambda: DropDuplicates(config=FEW),
    "FilterSynthetic": FilterSynthetic,
    "AttachProvenance": AttachProvenance,
    "ReweightClusters": ReweightClusters,
    "MeasureCorpus": MeasureCorpus,
}
LABELS = Path(__file__).with_name("labels.txt")
FOX = "the quick brown fox jumps over the lazy dog near the old mill"
ROWS = [
    {"key": "a", "body": FOX, "when": "2019-05-01T00:00:00Z", "origin": None, "robots": None},
    {"key": "b", "body": FOX, "when": "2024-05-01T00:00:00Z", "origin": None, "robots": None},
    {"key": "c", "body": "an answer by a model", "when": None, "origin": "synthetic", "robots": None},
    {"key": "d", "body": "words that are kept back", "when": None, "origin": None, "robots": "noai"},
]
COLUMNS = {"documents": {"columns": {"id": "key", "text": "body", "timestamp": "when"}}}
KEPT = {
    Curate: {"a"},
    DropDuplicates: {"a", "c", "d"},
    FilterSynthetic: {"a", "b"},
    AttachProvenance: {"a", "b", "c"},
    ReweightClusters: {"a", "b"},
}


class Named(typing.NamedTuple):
    key: str
    body: str
    when: typing.Optional[str]
    origin: typing.Optional[str]
    robots: typing.Optional[str]
    curate_id: typing.Optional[str] = None


@dataclasses.dataclass
class Data:
    key: str
    body: str
    when: typing.Optional[str]
    origin: typing.Optional[str]
    robots: typing.Optional[str]
    curate_id: typing.Optional[str] = None


def _read(row):
    if isinstance(row, pa.Table):
        return [(row["curate_id"][n].as_py(), row["key"][n].as_py()) for n in range(row.num_rows)]
    fields = row if isinstance(row, dict) else {name: getattr(row, name) for name in ("curate_id", "key")}
    return [(fields["curate_id"], fields["key"])]


def _dict(row: typing.Dict[str, typing.Optional[str]]) -> typing.Dict[str, typing.Optional[str]]:
    return row


def _row(row: typing.Dict[str, typing.Optional[str]]):
    return beam.Row(key=str(row["key"]), body=row["body"], when=row["when"], origin=row["origin"], robots=row["robots"])


def _named(row: typing.Dict[str, typing.Optional[str]]) -> Named:
    return Named(**row)


def _data(row: typing.Dict[str, typing.Optional[str]]) -> Data:
    return Data(**row)


def _table(row: typing.Dict[str, typing.Optional[str]]) -> pa.Table:
    return pa.table({name: pa.array([value], pa.string()) for name, value in row.items()})


@pytest.mark.parametrize("kind", [_dict, _row, _named, _data, _table], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("transform", KEPT)
def test_between_steps_of_the_users_on_every_kind_of_element(apply, transform, kind):
    @beam.ptransform_fn
    def between(rows):
        outputs = rows | "Before" >> beam.Map(kind) | transform(config={**FEW, **COLUMNS})
        found = {name: output for name, output in outputs.items() if name in ("kept", "dropped", "held")}
        return {name: output | f"After {name}" >> beam.FlatMap(_read) for name, output in found.items()}

    out = apply(between(), ROWS)
    assert set(out["kept"]) == {(key, key) for key in KEPT[transform]}
    assert sorted(key for rows in out.values() for _, key in rows) == list("abcd")


@pytest.mark.parametrize("kind", [_dict, _row, _named, _data, _table], ids=lambda kind: kind.__name__)
def test_measures_of_every_kind_of_element(apply, kind):
    @beam.ptransform_fn
    def measured(rows):
        return {"out": rows | "Before" >> beam.Map(kind) | MeasureCorpus("origin", COLUMNS)}

    assert [found["sample"] for found in apply(measured(), ROWS)["out"]] == [4]


class _Labels(PipelineVisitor):
    """Labels of our own steps and of Beam's that they are made of, not of what those are made of."""

    def __init__(self):
        self.found, self._inside = [], []

    def enter_composite_transform(self, node):
        self.visit_transform(node)
        if type(node.transform).__module__.startswith("apache_beam."):
            self._inside.append(node)

    def leave_composite_transform(self, node):
        if self._inside and self._inside[-1] is node:
            self._inside.pop()

    def visit_transform(self, node):
        if node.transform is not None and not self._inside and not node.full_label.startswith("Create"):
            self.found.append(node.full_label)


def _labels(transform, element_type):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | "Create" >> beam.Create([]).with_output_types(element_type) | transform
    visitor = _Labels()
    pipeline.visit(visitor)
    return visitor.found


def test_labels_are_stable():
    """Runners that update a job, and dashboards, know steps by label. What is written here is what users have:

    add lines for new steps; change or remove one only in a release that says so.
    """
    found = sorted(
        {
            label
            for make in PUBLIC.values()
            for element_type in (typing.Dict[str, str], pa.Table)
            for label in _labels(make(), element_type)
        }
    )
    assert "\n".join(found) + "\n" == LABELS.read_text()


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (DropDuplicates(0.7), {"dedupe.threshold": 0.7, "dedupe.containment": 0.9, "synthetic.enabled": False}),
        (Curate({"dedupe": {"prefer": ["-crawl"]}}), {"dedupe.prefer": '["-crawl"]'}),
        (MeasureCorpus("part"), {"slice_column": "part"}),
    ],
)
def test_settings_are_displayed(transform, expected):
    items = {item.key: item.value for item in DisplayData.create_from(transform).items}
    assert expected.items() <= items.items()
    assert items["curate"]


def test_resource_hints_reach_every_step():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | beam.Create(ROWS) | DropDuplicates(config={**FEW, **COLUMNS}).with_resource_hints(min_ram="3GB")
    proto = pipeline.to_runner_api()
    environments = proto.components.environments
    steps = [step for step in proto.components.transforms.values() if step.unique_name.startswith("DropDuplicates/")]
    hinted = [step for step in steps if step.environment_id]
    assert len(hinted) > 20
    for step in hinted:
        hints = environments[step.environment_id].resource_hints
        assert hints["beam:resources:min_ram_bytes:v1"] == b"3000000000", step.unique_name


def _metrics(transform, rows):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | beam.Create(rows) | transform
    result = pipeline.run()
    result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    counters = {}
    for metric in found["counters"]:
        counters[metric.key.metric.name] = counters.get(metric.key.metric.name, 0) + metric.committed
    steps = {(metric.key.step, metric.key.metric.name) for kind in found.values() for metric in kind}
    distributions = {metric.key.metric.name: metric.committed for metric in found["distributions"]}
    namespaces = {metric.key.metric.namespace for kind in result.metrics().query().values() for metric in kind}
    return counters, distributions, steps, {name for name in namespaces if name.startswith("curate")}


def test_metrics_of_each_step_are_under_one_namespace():
    rows = [*ROWS, {**ROWS[0], "key": "e", "body": 1j}]
    counters, distributions, steps, namespaces = _metrics(Curate({**FEW, **COLUMNS}), rows)
    assert namespaces == {NAMESPACE}
    expected = {"rows": 4, "failed_rows": 1, "documents": 4, "kept": 1, "dropped": 3, "dropped.exact": 1}
    assert expected.items() <= counters.items()
    assert (distributions["block_documents"].sum, distributions["block_bytes"].min > 0) == (4, True)
    assert ("Curate/Decide/Finish", "kept") in steps and ("Curate/Annotate/Features", "documents") in steps
    counters, *_ = _metrics(MeasureCorpus("origin", COLUMNS), rows)
    assert counters == {"rows": 4, "failed_rows": 1, "documents": 4}
