from datetime import date
from itertools import pairwise

import pytest
import yaml
from pydantic import ValidationError

from curate.config import Config, Section, describe, load_config, make_config
from curate.errors import UsageError

SECTIONS = list(Config.model_fields)


def nested(key, value):
    """{"a": {"b": value}} for a.b."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def refusal(values):
    with pytest.raises(UsageError) as caught:
        make_config(values)
    message = str(caught.value)
    assert "\n" not in message and caught.value.exit_code == 2
    return message


@pytest.fixture
def yaml_file(tmp_path):
    def write(text):
        path = tmp_path / "curate.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_defaults_that_others_rely_on():
    config = make_config({})
    assert (config.run.seed, config.dedupe.threshold, config.dedupe.containment) == (1, 0.8, 0.9)
    assert (config.synthetic.alpha_suspect, config.synthetic.alpha_drop, config.synthetic.model) == (0.05, 0.01, None)
    assert (config.provenance.network, config.provenance.capture_cutoff) == (False, date(2022, 11, 30))
    assert (config.mixture.synthetic_cap, config.mixture.token_budget) == (0.3, 0)
    assert (config.mixture.max_copies, config.mixture.growth) == (4, 1.5)
    assert all(getattr(config, name).enabled for name in ("dedupe", "provenance", "synthetic", "mixture"))
    assert config.cutoff_us() == 1_669_766_400_000_000


@pytest.mark.parametrize("section", [*SECTIONS, "documents.columns"])
def test_unknown_keys_are_named(section):
    message = refusal(nested(f"{section}.no_such_key", 1))
    assert f"'{section}.no_such_key'" in message and "nearest valid one is" in message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("dedupe.treshold", "dedupe.threshold"),
        ("mixture.synthetic_capp", "mixture.synthetic_cap"),
        ("dedup", "dedupe"),
        ("documents.columns.txt", "documents.columns.text"),
    ],
)
def test_the_nearest_key_is_offered(key, nearest):
    assert f"unknown setting {key!r}; the nearest valid one is {nearest!r}" in refusal(nested(key, {}))


OUT_OF_RANGE = [
    ("dedupe.threshold", 0.0), ("dedupe.threshold", 1.0), ("dedupe.threshold", float("nan")),
    ("dedupe.containment", 1.01), ("dedupe.shingle", 0), ("dedupe.permutations", 8), ("dedupe.rounds", 0),
    ("documents.max_chars", 0), ("synthetic.alpha_suspect", 0), ("synthetic.alpha_drop", 1),
    ("synthetic.min_tokens", 0), ("synthetic.suspect_weight", 0), ("synthetic.suspect_weight", 1.5),
    ("mixture.alpha", 0), ("mixture.synthetic_cap", 1.0), ("mixture.token_budget", -1), ("mixture.max_copies", 0),
    ("mixture.growth", 0.99), ("mixture.growth", float("inf")), ("mixture.tail_mass", 0), ("mixture.dimensions", 4),
    ("report.examples", 101), ("run.seed", -1), ("run.seed", 2**32), ("run.max_error_rate", 1.1),
    ("run.block_rows", 0), ("provenance.drop_rights", ["everything"]), ("provenance.capture_cutoff", "yesterday"),
    ("dedupe.enabled", "maybe"), ("run.seed", 1.5), ("dedupe.threshold", None), ("documents.columns.text", 3),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), OUT_OF_RANGE)
def test_out_of_range(key, value):
    message = refusal(nested(key, value))
    assert message.startswith(key) and "expected" not in message[: len(key)]
    assert ("NaN" if value != value else repr(value)[1:-1]) in message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"synthetic": {"alpha_drop": 0.1}}, ["synthetic.alpha_drop is 0.1", "0.05"]),
        ({"dedupe": {"bands": 4}}, ["dedupe.bands is 4", "set both"]),
        ({"dedupe": {"bands": 50, "rows": 5}}, ["is 250", "(128)"]),
        ({"dedupe": 3}, ["dedupe is 3"]),
        ({3: 4}, ["3"]),
    ],
)
def test_settings_that_contradict(values, words):
    message = refusal(values)
    assert all(word in message for word in words)


@pytest.mark.parametrize("keys", [[123456789, 987], {"first": 123456789}, 123456789])
@pytest.mark.parametrize("other", [{"tokenizer": "t.json"}, {}])
def test_keys_of_watermarks_are_not_shown(keys, other):
    message = refusal(nested("synthetic.watermarks", [{"kind": "synthid", "name": "lab", "keys": keys, **other}]))
    assert message.startswith("synthetic.watermarks.0.synthid") and "123456789" not in message


@pytest.mark.parametrize(
    ("setting", "key", "expected"),
    [
        ("dedupe.threshold=0.85", "dedupe.threshold", 0.85),
        (" dedupe.threshold =0.85", "dedupe.threshold", 0.85),
        ("provenance.capture_cutoff=2021-06-30", "provenance.capture_cutoff", date(2021, 6, 30)),
        ("provenance.human_sources=[a, 'b=c']", "provenance.human_sources", ("a", "b=c")),
        ("provenance.drop_rights=[]", "provenance.drop_rights", ()),
        ("documents.columns.text=content", "documents.columns.text", "content"),
        ("synthetic.model=null", "synthetic.model", None),
        ("mixture.enabled=false", "mixture.enabled", False),
    ],
)
def test_set(setting, key, expected):
    value = load_config(settings=[setting])
    for name in key.split("."):
        value = getattr(value, name)
    assert value == expected


@pytest.mark.parametrize(
    "setting",
    ["", "dedupe", "threshold=1", "dedupe.threshold", "=3", "run.seed.x=1", "provenance.capture_cutoff=2022-13-45"],
)
def test_set_is_refused(setting):
    with pytest.raises(UsageError, match=r"^[^\n]+$") as caught:
        load_config(settings=[setting, "run.seed=2"] if setting != "run.seed.x=1" else ["run.seed=2", setting])
    assert str(caught.value)


def test_set_wins_over_the_file_and_the_last_one_over_the_first(yaml_file):
    path = yaml_file("dedupe: {threshold: 0.7, shingle: 3}\nsynthetic:\nrun: {seed: 5}\n")
    config = load_config(path, ["dedupe.threshold=0.9", "dedupe.threshold=0.95", "synthetic.min_tokens=60"])
    assert (config.dedupe.threshold, config.dedupe.shingle, config.run.seed) == (0.95, 3, 5)
    assert config.synthetic.min_tokens == 60


def test_the_file_and_settings_win_over_the_base_which_never_changes(yaml_file):
    base = make_config({"run": {"seed": 9}}).to_dict()
    assert load_config(settings=["dedupe.shingle=4"], base=base).run.seed == 9
    assert base == make_config({"run": {"seed": 9}}).to_dict()
    config = load_config(yaml_file("run: {seed: 4}\ndedupe: {shingle: 3}"), ["dedupe.shingle=2"], base)
    assert (config.run.seed, config.dedupe.shingle) == (4, 2)
    assert load_config(yaml_file("dedupe: {shingle: 3}"), base=base).run.seed == 9
    assert base == make_config({"run": {"seed": 9}}).to_dict()


# Nine aliases in a line, eight lines: 400 million values.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{key}: &{key} [{','.join(['*' + before] * 9)}]\n" for before, key in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    "text",
    [
        "dedupe: [",
        "a: b: c",
        "- dedupe",
        "3",
        b"\xff\xfe\xff",
        "run: !!python/object/apply:os.system ['true']",
        "provenance: {capture_cutoff: 2022-13-45}",
        "provenance: {capture_cutoff: 2022-11-30 10:00:00}",
        "dedupe: 1",
        "\x00",
        BOMB + "dedupe: {threshold: *i}",
        BOMB + "report: {dataset: {licence: *i}}",
        "dedupe: &a {threshold: *a}",
        "dedupe: " + "{a: " * 20_000,
        "dedupe: {threshold: " + "9" * 10_000 + "}",
        "dedupe: {threshold: " + "x" * 100_000 + "}",
        "dedupe: {" + "x" * 100_000 + ": 1}",
        "? [a]\n: b",
        "1: 2",
    ],
)
def test_bad_files_are_refused_in_one_line(yaml_file, text):
    with pytest.raises(UsageError) as caught:
        load_config(yaml_file(text))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 2_000


@pytest.mark.parametrize("value", ["[" * 20_000, "&a [*a]", BOMB.replace("\n", " ")])
def test_hostile_values_of_settings_are_refused_in_one_line(value):
    with pytest.raises(UsageError) as caught:
        load_config(settings=[f"dedupe.threshold={value}"])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 2_000


def test_missing_file_and_directory(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError, match="give the path of a readable YAML file"):
            load_config(str(path))


def test_an_empty_file_is_the_default(yaml_file):
    assert load_config(yaml_file("# nothing\n")) == Config()
    assert load_config(yaml_file("\n".join(f"{name}:" for name in SECTIONS))) == Config()


def test_describe_is_complete_and_round_trips(yaml_file):
    values = {}
    for key, default, meaning in describe():
        assert meaning and not meaning.endswith(".") and not isinstance(default, Section)
        section = values
        *path, name = key.split(".")
        for part in path:
            section = section.setdefault(part, {})
        section[name] = list(default) if isinstance(default, tuple) else default
    assert make_config(values) == Config()
    assert load_config(yaml_file(yaml.safe_dump(values))) == Config()
    assert list(values) == SECTIONS


def test_to_dict_round_trips():
    config = make_config({"provenance": {"capture_cutoff": "2020-01-01", "human_sources": ["a"]}})
    assert make_config(config.to_dict()) == config
    assert config.to_dict()["provenance"]["capture_cutoff"] == "2020-01-01"


def test_settings_never_change():
    with pytest.raises(ValidationError):
        make_config({}).run.seed = 3


@pytest.mark.parametrize(("day", "expected"), [("1970-01-01", 0), ("0001-01-01", -62_135_596_800_000_000)])
def test_cutoff_us(day, expected):
    assert make_config({"provenance": {"capture_cutoff": day}}).cutoff_us() == expected
