import numpy as np
import pyarrow as pa
import pytest

from curate.detector.calibration import Calibration, conformal_threshold
from curate.detector.groups import group_names
from curate.detector.sample import CalibrationSample
from curate.detector.thresholds import thresholds


def scores(n, shift=0.0):
    return (np.arange(1, n + 1) / n + shift).astype(np.float32)


def lookup(groups, language="en", source=None, tokens=300, cluster=None, checks=None, fallback=None, min_group=200):
    names = group_names(pa.array([language]), pa.array([source], pa.string()), np.array([tokens]),
                        pa.array([cluster], pa.int32()))  # fmt: skip
    return thresholds(Calibration(groups, checks or {}), names, 0.05, 0.01, min_group, fallback or {})


BACK_OFF = [
    # own groups, asked for, expected group and suspect threshold
    ({"en": 400}, {}, "en", 0.9525),
    ({"en": 400, "en/200-500": 300}, {}, "en/200-500", conformal_threshold(scores(300), 0.05)),
    ({"en": 400, "en/200-500": 199}, {}, "en", 0.9525),
    ({"en": 400, "en/200-500": 200}, {}, "en/200-500", conformal_threshold(scores(200), 0.05)),
    ({"en": 400, "en/200-500": 300, "en/source-web": 250}, {"source": "web"}, "en/source-web", 0.956),
    (
        {"en": 400, "en/source-web/200-500": 300, "en/source-web": 350},
        {"source": "web"},
        "en/source-web/200-500",
        0.9533333,
    ),
    ({"en": 400, "en/200-500": 300, "en/source-web": 250}, {"source": "law"}, "en", 0.9525),
    ({"en": 400, "en/cluster-3": 199}, {"cluster": 3}, "en", 0.9525),
    ({"en": 400, "en/cluster-3": 250}, {"cluster": 3}, "en/cluster-3", conformal_threshold(scores(250), 0.05)),
    ({"en": 400, "en/cluster-3": 250}, {"cluster": 4}, "en", 0.9525),
    ({"en": 400, "en/cluster-3": 250}, {"cluster": 3, "source": "web"}, "en", 0.9525),
    ({"en": 400}, {"language": "cs"}, "cs", None),
    ({"en": 400}, {"language": None}, "und", None),
    ({"en": 400, "cs": 18}, {"language": "cs"}, "cs", None),
    ({"en": 400, "cs": 19}, {"language": "cs"}, "cs", 1.0),
    ({}, {}, "en", None),
]


@pytest.mark.parametrize(("sizes", "asked", "group", "expected"), BACK_OFF)
def test_back_off(sizes, asked, group, expected):
    result = lookup({name: scores(n) for name, n in sizes.items()}, **asked)
    assert result.group.to_pylist() == [group]
    assert result.group_n.tolist() == [sizes.get(group, 0)]
    assert result.language_n.tolist() == [sizes.get(asked.get("language", "en"), 0)]
    np.testing.assert_allclose(result.suspect, [np.nan if expected is None else expected], rtol=1e-6)


def test_small_groups_take_the_larger_threshold():
    strict = lookup({"en": scores(400), "en/source-web": scores(100, shift=1.0)}, source="web")
    assert strict.group.to_pylist() == ["en/source-web"] and strict.suspect[0] > 1.9
    lenient = lookup({"en": scores(400), "en/source-web": scores(100, shift=-1.0)}, source="web")
    assert lenient.group.to_pylist() == ["en"] and lenient.suspect[0] > 0.9


def test_a_source_too_small_for_a_threshold_counts_its_largest_score():
    result = lookup({"en": scores(400), "en/source-web": scores(60, shift=0.5)}, source="web")
    assert result.group.to_pylist() == ["en/source-web"]
    assert result.drop[0] == 1.5 and result.suspect[0] < 1.5
    alone = lookup({"en": scores(18), "en/source-web": scores(18, shift=0.5)}, source="web")
    assert alone.group.to_pylist() == ["en"] and np.isnan(alone.suspect[0])


@pytest.mark.parametrize(
    ("n", "suspects", "drops"), [(18, False, False), (19, True, False), (98, True, False), (99, True, True)]
)
def test_no_group_speaks_alone_with_too_few_scores_for_a_threshold(n, suspects, drops):
    """However few documents the settings ask for: the larger threshold of the language holds."""
    groups = {"en": scores(400), "en/source-web": scores(n, shift=-1.0)}
    result = lookup(groups, source="web", min_group=10)
    own, general = groups["en/source-web"], groups["en"]
    assert result.group.to_pylist() == ["en/source-web" if suspects else "en"]
    assert result.suspect[0] == np.float32(conformal_threshold(own if suspects else general, 0.05))
    assert result.drop[0] == np.float32(conformal_threshold(own if drops else general, 0.01))


def test_nothing_is_dropped_below_the_threshold_of_suspicion():
    """A length bin large enough to suspect by itself, and too small to drop."""
    result = lookup({"en": scores(400), "en/200-500": scores(60, shift=1.0)}, min_group=50)
    assert result.drop[0] == result.suspect[0] > 1.9


@pytest.mark.parametrize(("language", "drops"), [(49, False), (98, False), (99, True)])
def test_a_source_drops_only_where_its_language_does(language, drops):
    result = lookup({"en": scores(language), "en/source-web": scores(150)}, source="web", min_group=50)
    assert result.group.to_pylist() == ["en/source-web"] and np.isnan(result.drop[0]) != drops


def test_of_equal_thresholds_the_more_special_one_is_named():
    tied = np.full(100, 3.0, np.float32)
    result = lookup({"en": np.full(400, 3.0, np.float32), "en/source-web": tied}, source="web")
    assert (result.group.to_pylist(), result.group_n.tolist(), result.suspect.tolist()) == (
        ["en/source-web"],
        [100],
        [3],
    )


def test_a_frozen_source_has_no_threshold_of_a_part_either():
    """Nor is a smaller one of its language taken instead."""
    groups = {"en": scores(400), "en/source-web": scores(300), "en/source-web/200-500": scores(100)}
    frozen = {"en/source-web": scores(100, shift=0.5)}
    result = lookup(groups, source="web", checks=frozen, fallback={"en": scores(300)})
    assert np.isnan(result.suspect[0]) and np.isnan(result.drop[0])
    assert (result.group.to_pylist(), result.group_n.tolist()) == (["en/source-web"], [400])


def test_thresholds_of_many_documents_are_those_of_each():
    groups = {"en": scores(400), "de": scores(300, 0.1), "en/source-web": scores(250, 0.2), "en/cluster-3": scores(220)}
    rows = [
        ("en", None, 3),
        ("de", "web", 3),
        ("en", "web", None),
        ("cs", None, 3),
        ("en", "law", None),
        (None, None, 3),
    ]
    language, source, cluster = (list(column) for column in zip(*rows, strict=True))
    names = group_names(pa.array(language), pa.array(source), np.full(len(rows), 300), pa.array(cluster, pa.int32()))
    fallback = {"cs": scores(50, 2.0)}
    many = thresholds(Calibration(groups, {}), names, 0.05, 0.01, 200, fallback)
    for number, (language, source, cluster) in enumerate(rows):
        one = lookup(groups, language=language, source=source, cluster=cluster, fallback=fallback)
        assert [column[number] for column in many[2:]] == [column[0] for column in one[2:]]
        np.testing.assert_array_equal([limit[number] for limit in many[:2]], [limit[0] for limit in one[:2]])
    assert many.suspect.dtype == many.drop.dtype == np.float32
    assert many.group_n.dtype == many.language_n.dtype == np.int32


def test_small_clusters_say_nothing():
    result = lookup({"en": scores(400), "en/cluster-3": scores(199, shift=0.04)}, cluster=3)
    assert result.group.to_pylist() == ["en"] and not np.isnan(result.suspect[0])


@pytest.mark.parametrize(
    ("n", "shift", "own", "drops"), [(199, 0.2, True, True), (60, 0.5, True, False), (19, 0.5, False, True)]
)
def test_small_clusters_whose_people_exceed_the_threshold_have_their_own(n, shift, own, drops):
    people = scores(n, shift=shift)
    result = lookup({"en": scores(400), "en/cluster-3": people}, cluster=3)
    assert result.group.to_pylist() == ["en/cluster-3" if own else "en"]
    assert result.suspect[0] == np.float32(conformal_threshold(people if own else scores(400), 0.05))
    assert np.isnan(result.drop[0]) != drops


@pytest.mark.parametrize(("n", "drops"), [(199, False), (200, True)])
def test_few_documents_of_a_language_drop_nothing(n, drops):
    result = lookup({"cs": scores(n)}, language="cs")
    assert not np.isnan(result.suspect[0]) and np.isnan(result.drop[0]) != drops


def test_frozen_group_neither_holds_nor_drops():
    groups = {"en": scores(400), "en/200-500": scores(300)}
    bad = {"en/200-500": scores(100, shift=0.5)}
    result = lookup(groups, checks=bad)
    assert np.isnan(result.suspect[0]) and np.isnan(result.drop[0])
    assert result.group.to_pylist() == ["en/200-500"]
    assert not np.isnan(lookup(groups, checks={"en/200-500": scores(100)}).suspect[0])
    assert not np.isnan(lookup(groups, tokens=60, checks=bad).suspect[0])


def test_shipped_scores_suspect_and_never_drop():
    result = lookup({"en": scores(400)}, language="cs", fallback={"cs": scores(300, shift=2.0)})
    assert result.group.to_pylist() == ["shipped/cs"]
    assert result.group_n.tolist() == result.language_n.tolist() == [300]
    assert result.suspect[0] > 2.9 and np.isnan(result.drop[0])


def test_shipped_scores_stand_behind_a_small_language():
    few = {"cs": scores(60)}
    larger = lookup(few, language="cs", fallback={"cs": scores(300, shift=2.0)})
    assert larger.group.to_pylist() == ["shipped/cs"] and np.isnan(larger.drop[0])
    smaller = lookup(few, language="cs", fallback={"cs": scores(300, shift=-2.0)})
    assert smaller.group.to_pylist() == ["cs"] and smaller.group_n.tolist() == [60]
    assert smaller.language_n.tolist() == [300]


def test_shipped_scores_do_not_speak_where_the_corpus_does():
    fallback = {"en": scores(300, shift=2.0)}
    assert lookup({"en": scores(400)}, fallback=fallback).group.to_pylist() == ["en"]
    frozen = lookup({"en": scores(400)}, checks={"en": scores(100, shift=0.5)}, fallback=fallback)
    assert np.isnan(frozen.suspect[0])


def test_ties_are_not_above_their_threshold():
    tied = np.full(400, 3.0, np.float32)
    result = lookup({"en": tied})
    assert result.suspect[0] == result.drop[0] == 3.0


def test_thresholds_of_no_documents():
    empty = pa.array([], pa.string())
    names = group_names(empty, empty, np.array([], np.int32), pa.array([], pa.int32()))
    assert [len(column) for column in thresholds(Calibration({}, {}), names, 0.05, 0.01, 200, {})] == [0] * 5


def test_rates_of_unseen_humans_by_source_and_language():
    """Sources whose humans score differently: each keeps to α, and so do their languages, within binomial 99.9 %."""
    draw = np.random.default_rng(7)
    count = 40_000
    language = draw.choice(["en", "de"], count, p=[0.8, 0.2])
    source = draw.choice(["web", "law", "news", None], count, p=[0.4, 0.2, 0.2, 0.2])
    shift = {"web": 0.0, "law": 2.0, "news": -1.5, None: 0.5}
    values = (draw.normal(size=count) + [shift[name] for name in source]).astype(np.float32)
    names = group_names(
        pa.array(language), pa.array(source), draw.integers(50, 2_000, count),
        pa.array(draw.integers(0, 30, count), pa.int32()),
    )  # fmt: skip
    known = np.arange(count) < count // 2
    chosen = type(names)(*(level.filter(pa.array(known)) for level in names))
    keys = draw.integers(0, 2**63, count).astype(np.uint64)
    calibration = CalibrationSample.collect(chosen, values[known], keys[known]).calibrate(1)
    found = thresholds(calibration, names, 0.05, 0.01, 200, {})
    for group in (language == "en", language == "de", *(source == name for name in shift), np.ones(count, bool)):
        group &= ~known
        for alpha, limit in ((0.05, found.suspect), (0.01, found.drop)):
            n, above = group.sum(), (values > limit)[group].sum()
            # Both the calibration documents and those judged vary: √2 of the binomial deviation, where equally many.
            assert abs(above - alpha * n) < 3.3 * np.sqrt(2.25 * n * alpha * (1 - alpha))
