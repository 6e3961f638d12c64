"""What is remembered is bounded, and stands for all documents in later runs."""

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.human import HumanReference, joined
from curate.decisions.memory import REMEMBERED, About, check_memory, kept_texts, remembered, space
from curate.decisions.reference import Reference, ReferenceSample
from curate.detector import sample
from curate.errors import UsageError
from curate.mixture import overlap
from curate.mixture.overlap import Totals
from curate.quality import calibration
from curate.schema import QUALITY, WATERMARKS

CONFIG = make_config({"quality": {"min_group": 100}})


def people(count, seed):
    rng = np.random.default_rng(seed)
    content = rng.integers(0, 2**64, count, dtype=np.uint64)
    columns = {
        "id": [f"{seed}-{number}" for number in range(count)],
        "content": content,
        "content_low": rng.integers(0, 2**64, count, dtype=np.uint64),
        "tokens": rng.integers(20, 900, count),
        "language": rng.choice(["en", "cs"], count, p=[0.9, 0.1]).tolist(),
        "source": rng.choice(["a", "b", "c"], count).tolist(),
        "timestamp": [None] * count,
        "detector_score": pa.array(rng.normal(size=count).round(3), mask=rng.random(count) < 0.1),
        "windows": [None] * count,
        "quality": [bytes(row) for row in rng.integers(0, 200, (count, QUALITY.byte_width), dtype=np.uint8)],
        "cluster": pa.array(rng.integers(0, 4, count)),
    }
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in REMEMBERED], schema=REMEMBERED)


def sampled(rows):
    documents = rows.append_column("watermarks", pa.nulls(len(rows), WATERMARKS))
    return ReferenceSample.collect(documents, documents, CONFIG)


@pytest.fixture
def small(monkeypatch):
    """Samples of few documents, so that bounds are met."""
    monkeypatch.setattr(sample, "_MOST_SCORES", 150)
    monkeypatch.setattr(sample, "_MOST_CLUSTER_SCORES", 40)
    monkeypatch.setattr(calibration, "MOST_DOCUMENTS", 120)
    monkeypatch.setattr(overlap, "MOST", 50)


def as_memory(rows, kept, known=()):
    return remembered(rows, kept, np.sort(np.array(known, np.uint64)))


def test_rows_are_bounded_and_thresholds_those_of_all(small):
    past, now = people(3_000, 1), people(400, 2)
    old = sampled(past)
    rows = as_memory(past, kept_texts(old))
    assert 200 < len(rows) < 2_000
    recalled = HumanReference.recall(rows.slice(900)).merge(HumanReference.recall(rows.slice(0, 900)))
    both = joined(sampled(now), recalled.with_totals(old.totals))
    all = sampled(pa.concat_tables([past, now]))
    for name in ("calibration", "quality", "texts"):
        assert getattr(both, name).table.equals(getattr(all, name).table), name
    assert both.totals == all.totals  # they share no text, and of none of these the samples suspect it
    assert Reference.of(both, CONFIG).quality.to_dict() == Reference.of(all, CONFIG).quality.to_dict()


def test_a_chain_keeps_what_one_run_would(small):
    parts = [people(1_500, seed) for seed in (1, 2, 3)]
    rows, totals = REMEMBERED.empty_table(), Totals.none()
    for part in parts:
        human = HumanReference.recall(rows).with_totals(totals)
        both = joined(sampled(part), human)
        kept, totals = kept_texts(both), both.totals
        rows = pa.concat_tables([as_memory(part, kept, human.contents), as_memory(rows, kept)])
    whole = pa.concat_tables(parts)
    assert rows.sort_by("content").equals(as_memory(whole, kept_texts(sampled(whole))))
    assert totals == sampled(whole).totals


def test_a_text_of_both_is_kept_and_counted_once():
    past = people(300, 1)
    now = pa.concat_tables([past.slice(0, 100), people(50, 2)])
    human = HumanReference.recall(past).with_totals(sampled(past).totals)
    both = joined(sampled(now), human)
    new = as_memory(now, kept_texts(both), human.contents)
    assert len(new) == 50 and set(new["id"].to_pylist()) == set(now["id"].to_pylist()[100:])
    assert both.totals == sampled(pa.concat_tables([past, new])).totals


def test_the_detectors_errors_on_remembered_people_count():
    """Whether a cluster's suspects are more than errors explain rests on the people of both."""
    past, now = people(300, 1), people(50, 2)
    both = joined(sampled(now), HumanReference.recall(past).with_totals(sampled(past).totals))
    assert both.scores_of_people == sampled(pa.concat_tables([past, now])).scores_of_people
    assert both.scores == sampled(now).scores  # the documents to judge are those of the corpus


def test_nobody_and_nothing_from_outside():
    own = sampled(people(30, 1))
    assert joined(own, None) is own and joined(None, None) is None
    human = HumanReference.recall(people(30, 2)).with_totals(Totals.none())
    assert joined(None, human).calibration.table.equals(human.sample.table)
    assert human.counts["documents"] == 30 and human.counts["remembered"] == 0


def about(**changes):
    made = {"detector": "d", "quality_model": "q", "embedder": None, "clusters": "c"}
    made |= {"space": space(CONFIG), "totals": Totals.none(), "reviewed": {"en": 0.5}, "alpha": 0.05}
    return About(**made | changes)


def test_about_survives_and_other_formats_are_refused():
    assert About.from_dict(about().to_dict()) == about()
    before = {name: value for name, value in about().to_dict().items() if name not in ("reviewed", "alpha")}
    assert About.from_dict(before) == about(reviewed={}, alpha=0.0)
    with pytest.raises(UsageError, match="its format is 7, expected 1"):
        About.from_dict(about().to_dict() | {"format": 7})


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({}, True),
        ({"synthetic": {"alpha_suspect": 0.02}}, True),
        ({"synthetic": {"alpha_suspect": 0.1}}, False),
        ({"review": {"enabled": False}}, False),
    ],
)
def test_answers_count_where_no_more_people_may_be_suspected_than_then(settings, counts):
    assert about().least_thresholds(make_config(settings)) == ({"en": 0.5} if counts else {})


@pytest.mark.parametrize(
    ("changes", "settings", "message"),
    [
        ({}, {}, None),
        ({"detector": None, "quality_model": None}, {}, None),
        ({"detector": "other"}, {}, "remembers scores of the detector other"),
        ({"embedder": "e-1"}, {}, "clusters of vectors of the embedder e-1, but this run has no embedder's vectors"),
        ({"embedder": "e-1"}, {"enabled": False}, None),
        ({"quality_model": "other"}, {}, "another quality.model"),
        ({}, {"dimensions": 32}, "mixture.dimensions is 32, but human reference 'run' remembers clusters made with 64"),
        ({"clusters": None}, {"dimensions": 32}, None),
        ({}, {"group_column": "topic"}, "mixture.group_column is 'topic'"),
        ({}, {"embedding_column": "vector"}, "mixture.embedding_column is 'vector'"),
    ],
)
def test_what_is_not_comparable_is_refused(changes, settings, message):
    config = make_config({"mixture": settings, "synthetic": {"human_reference": "run"}})
    if message is None:
        check_memory(about(**changes), config, "d", "q", None)
        check_memory(about(**changes), config, None, None, None)
    else:
        with pytest.raises(UsageError, match=message):
            check_memory(about(**changes), config, "d", "q", None)
