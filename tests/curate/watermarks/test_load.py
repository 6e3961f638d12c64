import json

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.errors import UsageError
from curate.schema import WATERMARKS
from curate.watermarks.load import load_watermarks, watermark_results

TEXT = " ".join(f"w{number}" for number in range(80))


@pytest.fixture
def files(marking):
    words = marking.Words([f"w{number}" for number in range(80)])
    return {"tokenizer.json": words.to_json().encode(), "one": b" 12345 \n", "three": b"1, 2,\n3"}


def settings(**changed):
    return {"kind": "green-list", "name": "house", "tokenizer": "tokenizer.json", "keys": "one", **changed}


def synthid(**changed):
    return {"kind": "synthid", "name": "lab", "tokenizer": "tokenizer.json", "keys": "three", **changed}


def load(files, *watermarks, **section):
    config = make_config({"synthetic": {"watermarks": watermarks, **section}})
    return load_watermarks(config.synthetic, lambda path: files[path])


def test_results_of_all_tests_are_listed_by_name(files):
    pytest.importorskip("tokenizers")
    detectors = load(files, synthid(), settings())
    assert [name.split("/")[:2] for name in detectors] == [["house", "green-list"], ["lab", "synthid"]]
    results = watermark_results(pa.array([TEXT, None, "w1 w2", TEXT + " w0"]), detectors)
    assert results.type == WATERMARKS
    rows = results.to_pylist()
    assert rows[1] is None and rows[2] is None
    assert [item["detector"] for item in rows[0]] == list(detectors)
    for row, detector in enumerate(detectors.values()):
        score = detector.score(pa.array([TEXT]))
        item = rows[0][row]
        assert (item["statistic"], item["p_value"], item["n"]) == (score.statistic[0], score.p_value[0], score.n[0])


def test_tokens_are_those_of_the_tokenizer(files, marking):
    pytest.importorskip("tokenizers")
    from curate.watermarks.tokens import Tokenizer

    words = marking.Words([f"w{number}" for number in range(80)])
    content = json.loads(words.to_json()) | {"truncation": {
        "max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"
    }}  # fmt: skip
    texts = pa.array([TEXT, None, "", "w3 unheard w4"], pa.large_string())
    found, expected = Tokenizer(json.dumps(content).encode(), "t").encode(texts), words.encode(texts)
    assert np.array_equal(found.values, expected.values) and np.array_equal(found.offsets, expected.offsets)


def test_nothing_is_loaded_where_nothing_is_configured(files):
    assert load(files) == {} and load({}, settings(), enabled=False) == {}
    results = watermark_results(pa.array(["a", None]), {})
    assert results.type == WATERMARKS and results.null_count == 2


@pytest.mark.parametrize(
    ("changed", "content", "message"),
    [
        ({"tokenizer": "gone"}, {}, "tokenizer 'gone' cannot be read"),
        ({"keys": "gone"}, {}, "keys 'gone' cannot be read"),
        ({}, {"one": b"0x77abc"}, "keys 'one' is no list of 1 to 1,000 whole numbers"),
        ({}, {"one": b"-5"}, "keys 'one' is no list"),
        ({}, {"one": b""}, "keys 'one' is no list"),
        ({}, {"one": b"\xff"}, "keys 'one' is no list"),
        ({}, {"one": str(2**63).encode()}, "keys 'one' is no list"),
    ],
)
def test_wrong_files_are_told_without_their_content(files, changed, content, message):
    with pytest.raises(UsageError) as error:
        load(files | content, settings(**changed))
    assert message in str(error.value) and "77abc" not in str(error.value) and "\n" not in str(error.value)


def test_a_wrong_tokenizer_and_a_wrong_number_of_keys_are_told(files):
    pytest.importorskip("tokenizers")
    with pytest.raises(UsageError, match="tokenizer 'one' cannot be read"):
        load(files, settings(tokenizer="one"))
    with pytest.raises(UsageError, match="keys 'three' of 'house' has 3 keys, expected one"):
        load(files, settings(keys="three"))


def test_a_missing_library_is_named(files, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match=r"pip install 'curate\[watermarks\]'"):
        load(files, settings(name="not-loaded-before"))


@pytest.mark.parametrize(
    ("watermarks", "message"),
    [
        ([settings(kind="other")], "synthetic.watermarks.0"),
        ([settings(gamma=1.0)], "synthetic.watermarks.0.green-list.gamma is 1.0"),
        ([settings(hashing="google")], "unknown setting 'synthetic.watermarks.0.green-list.hashing'"),
        ([synthid(context=0)], "context is 0"),
        ([settings(name="a/b")], "name is 'a/b'"),
        ([settings(), synthid(name="house")], "synthetic.watermarks has 2 named 'house'"),
        ([{"kind": "synthid", "name": "x"}], "synthetic.watermarks.0.synthid.tokenizer"),
    ],
)
def test_wrong_settings_are_told(watermarks, message):
    with pytest.raises(UsageError) as error:
        make_config({"synthetic": {"watermarks": watermarks}})
    assert message in str(error.value)
