import io
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest

from curate.annotate import annotate, annotate_lines, features_schema, readable_texts
from curate.clusters.embedding import document_features, fit_embedding
from curate.columns import origin_claim, text_column
from curate.config import make_config
from curate.duplicates.evaluation import index_texts
from curate.errors import UsageError
from curate.media import has_media, refuse_foreign
from curate.provenance.text import unstructured
from curate.text.kernel import token_hashes
from curate.timestamps import to_timestamp

CONFIG = make_config({"mixture": {"dimensions": 8, "clusters": 2}})
SENTENCE = "the river runs past old stone mills where children used to swim every summer before winter came"
WORDS = SENTENCE.split()
TEXTS = [
    " ".join(WORDS * 5),
    "!!!",
    None,
    "",
    " \t\n\u2003",
    "Der Fluss fließt an den alten Mühlen vorbei, und im Sommer schwammen dort die Kinder aus dem Dorf.",
    "короткий текст",
    "川は古い水車小屋のそばを流れ、子供たちは毎年夏になるとそこで泳いだ。",
    " ".join(reversed(WORDS * 4)),
    " ".join(WORDS * 5),
]
COUNT = len(TEXTS)
FILES = {"a.bin": b"one", "b.bin": b"one", "c.bin": b"two"}
TIMES = [1_600_000_000_000_000 + i for i in range(COUNT)]


def open_file(path):
    return io.BytesIO(FILES[path]) if path in FILES else (_ for _ in ()).throw(FileNotFoundError(path))


def columns(**changed):
    """Every column that curate reads; two rows without text have media."""
    values = {
        "id": pa.array([f"d{i}" for i in range(COUNT)]),
        "text": pa.array(TEXTS, pa.string()),
        "media": pa.array([None, None, b"bytes", b""] + [None] * (COUNT - 4), pa.binary()),
        "media_path": pa.array([None] * 4 + ["a.bin"] + [None] * (COUNT - 5), pa.string()),
        "url": pa.array(["https://user@Example.ORG:80/x", None, "no url"] + [None] * (COUNT - 3), pa.string()),
        "source": pa.array(["crawl"] * COUNT),
        "timestamp": pa.array(TIMES, pa.timestamp("us", "UTC")),
        "published": pa.array([date(2020, 1, 2)] * COUNT, pa.date32()),
        "language": pa.array(["en", None] * (COUNT // 2), pa.string()),
        "origin": pa.array(["human", None] * (COUNT // 2), pa.string()),
        **changed,
    }
    return pa.table({name: array for name, array in values.items() if array is not None})


@pytest.fixture(scope="module")
def embedding():
    texts = pa.array([text for text in TEXTS if text] * 3)
    return fit_embedding(document_features(*token_hashes(texts), texts), 8, 1)


@pytest.fixture(scope="module")
def whole(embedding):
    return run(columns(), embedding)


def run(table, embedding, config=CONFIG, start=0):
    return annotate(table, start, "part.parquet", config, embedding, open_file)


def test_schema_and_places(whole):
    assert whole.schema == features_schema(CONFIG) and whole.num_rows == COUNT
    assert whole["location"].to_pylist() == list(range(COUNT))
    assert set(whole["source_file"].to_pylist()) == {"part.parquet"}


@pytest.mark.parametrize("size", [1, 3, COUNT])
def test_features_do_not_depend_on_the_block(whole, embedding, size):
    table = columns()
    blocks = [run(table.slice(start, size), embedding, start=start) for start in range(0, COUNT, size)]
    assert pa.concat_tables(blocks).to_pylist() == whole.to_pylist()


def test_a_block_without_a_row_and_a_block_of_chunks(whole, embedding):
    table = columns()
    assert run(table.slice(0, 0), embedding).schema == whole.schema
    chunked = pa.concat_tables([table.slice(0, 4), table.slice(4)])
    assert run(chunked, embedding).to_pylist() == whole.to_pylist()


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
)
def test_types_of_text_do_not_matter(whole, embedding, kind):
    table = columns()
    for name in ("text", "source", "language", "origin", "url", "media_path", "id"):
        values = table[name].combine_chunks()
        values = values.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else values.cast(kind)
        table = table.set_column(table.schema.get_field_index(name), name, values)
    assert run(table, embedding).drop(["row_hash"]).to_pylist() == whole.drop(["row_hash"]).to_pylist()


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.binary_view(), pa.dictionary(pa.int32(), pa.binary())])
def test_types_of_media_do_not_matter(whole, embedding, kind):
    media = columns()["media"].combine_chunks()
    media = media.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else media.cast(kind)
    assert run(columns(media=media), embedding)["content"].to_pylist() == whole["content"].to_pylist()


def test_media_of_another_type_are_none():
    table = columns(media=pa.array([{"bytes": b"x"}] * COUNT), media_path=pa.array([3] * COUNT))
    assert not any(has_media(table, CONFIG).to_pylist())


def test_what_is_read(whole):
    reasons = [None, None, None, "no_text", None, None, None, None, None, None]
    assert whole["read_reason"].to_pylist() == reasons
    assert whole["media"].to_pylist() == [i in (2, 4) for i in range(COUNT)]
    assert whole["tokens"].to_pylist()[:5] == [85, 0, 0, 0, 0]
    assert whole["embedding"].is_valid().to_pylist() == [text is not None and bool(text.strip()) for text in TEXTS]
    scored = whole["detector_score"].is_valid().to_pylist()
    assert scored[0] and not any(scored[1:8])


def test_lineage(whole):
    assert whole["site"].to_pylist()[:3] == ["example.org", "crawl", "crawl"]
    assert whole["timestamp"].cast(pa.int64()).to_pylist() == TIMES
    assert whole["published"].to_pylist()[0] == datetime(2020, 1, 2, tzinfo=timezone.utc)
    assert whole["origin_claim"].to_pylist()[:2] == ["human", None]


def test_language_is_identified_where_it_is_missing(whole, embedding):
    given = whole["language"].to_pylist()
    assert given[::2] == ["en"] * 5 and given[5] == "de" and given[7] == "ja"
    without = run(columns(language=None), embedding)["language"].to_pylist()
    assert without[0] == "en" and without[1::2] == given[1::2]
    off = make_config({"synthetic": {"enabled": False}, "mixture": {"enabled": False}})
    assert run(columns(language=None), None, off)["language"].null_count == COUNT


def test_text_alone_is_enough(embedding):
    found = run(pa.table({"text": TEXTS}), embedding)
    assert found["read_reason"].to_pylist() == [None, None, "no_text", "no_text", "no_text", *[None] * 5]
    for name in (
        "source",
        "site",
        "timestamp",
        "published",
        "origin_claim",
        "license",
        "parent",
        "findings",
        "text_edits",
    ):
        assert found[name].null_count == COUNT
    assert found["id"][0] == found["id"][9] and found["content"][0] == found["content"][9]


def test_disabled_steps_leave_nulls():
    names = ("dedupe", "provenance", "synthetic", "mixture")
    found = run(columns(), None, make_config({name: {"enabled": False} for name in names}))
    for name in ("bands", "embedding", "detector_score", "findings", "signature_trusted"):
        assert found[name].null_count == COUNT


@pytest.fixture
def evaluation():
    """A text that two documents contain, and a short one that one is, which has media besides."""
    return index_texts(pa.array(["q", "s"]), pa.array([" ".join(WORDS * 4), "Короткий текст"]), 5, 8)


def test_scores_of_another_detector(embedding, evaluation):
    """Those of documents that take no part are left out; without any, curate's own may not stand in."""
    settings = {"mixture": {"dimensions": 8, "clusters": 2}, "synthetic": {"handler": "mine"}}
    given = pa.array([float(number) for number in range(COUNT)], pa.float32())
    found = annotate(columns(), 0, "", make_config(settings), embedding, open_file, evaluation, given)
    assert found["detector_score"].to_pylist() == [
        None if row in (0, 2, 3, 4, 6, COUNT - 1) else float(row) for row in range(COUNT)
    ]
    with pytest.raises(ValueError, match="scores of mine are missing"):
        annotate(columns(), 0, "", make_config(settings), embedding, open_file)
    settings["synthetic"]["enabled"] = False
    assert annotate(columns(), 0, "", make_config(settings), embedding, open_file)["detector_score"].null_count == COUNT


def test_what_contains_an_evaluation_text_takes_part_in_nothing(whole, embedding, evaluation):
    table = columns()
    found = annotate(table, 0, "part.parquet", CONFIG, embedding, open_file, evaluation)
    held = [text in (TEXTS[0], TEXTS[6]) for text in TEXTS]
    names = {TEXTS[0]: "q", TEXTS[6]: "s"}
    assert found["evaluation"].to_pylist() == [names.get(text) for text in TEXTS]
    assert found["evaluation_containment"].to_pylist() == [1.0 if one else None for one in held]
    reasons = ["evaluation" if one else why for one, why in zip(held, whole["read_reason"].to_pylist(), strict=True)]
    assert found["read_reason"].to_pylist() == reasons
    changed = ("bands", "detector_score", "quality", "embedding")
    for name in changed:
        kept = [None if one else value for one, value in zip(held, whole[name].to_pylist(), strict=True)]
        assert found[name].to_pylist() == kept
    rest = [name for name in whole.column_names if name not in (*changed, "read_reason") and "evaluation" not in name]
    assert found.select(rest).to_pylist() == whole.select(rest).to_pylist()
    blocks = [
        annotate(table.slice(i, 1), i, "part.parquet", CONFIG, embedding, open_file, evaluation) for i in range(COUNT)
    ]
    assert pa.concat_tables(blocks).to_pylist() == found.to_pylist()


def test_evaluation_texts_need_no_other_step(evaluation):
    names = ("dedupe", "provenance", "synthetic", "mixture")
    config = make_config({name: {"enabled": False} for name in names})
    found = annotate(columns(), 0, "part.parquet", config, None, open_file, evaluation)
    assert found["evaluation"].to_pylist() == ["q", *[None] * 5, "s", None, None, "q"]


def test_over_long_texts():
    config = make_config({"documents": {"max_chars": 15}})
    table = pa.table({"text": ["ä" * 15, "ä" * 16, " " * 16, None], "media": [None, b"x", b"x", None]})
    assert readable_texts(table, config).reason.to_pylist() == [None, "too_long", None, "no_text"]
    assert readable_texts(table, config).texts.to_pylist() == ["ä" * 15, None, None, None]
    assert run(table, None, config)["media"].to_pylist() == [False, False, True, False]


@pytest.mark.parametrize("provenance", [True, False])
def test_media_are_duplicates_by_their_bytes(provenance):
    config = make_config({"provenance": {"enabled": provenance}})
    paths = ["a.bin", "b.bin", "c.bin", "gone.bin", "lost.bin", None, "", None]
    data = [None, None, None, None, None, b"one", b"two", b""]
    table = pa.table({"media_path": pa.array(paths, pa.string()), "media": pa.array(data, pa.binary())})
    found = run(table, None, config)
    keys = list(zip(found["content"].to_pylist(), found["content_low"].to_pylist(), strict=True))
    assert keys[0] == keys[1] == keys[5] and keys[2] == keys[6]
    assert len(set(keys[:5])) == 4
    assert found["read_reason"].to_pylist() == [None] * 7 + ["no_text"]
    assert found["findings"].null_count == (1 if provenance else 8)


def test_a_text_column_that_is_none():
    with pytest.raises(UsageError, match=r"text column 'text' is list<.*>, expected string"):
        text_column(pa.table({"text": [["a"]]}), CONFIG)
    with pytest.raises(UsageError, match=r"text column 'text' is binary, expected string"):
        text_column(pa.table({"text": [b"\xff"]}), CONFIG)
    assert text_column(pa.table({"other": ["a"]}), CONFIG).to_pylist() == [None]


def test_an_earlier_run_is_a_claim():
    table = pa.table({"origin": ["human", None, None], "curate_origin": ["synthetic", "mixed", None]})
    assert origin_claim(table, CONFIG).to_pylist() == ["human", "mixed", None]
    assert origin_claim(pa.table({"origin": [1, 2]}), CONFIG).to_pylist() == [None, None]


DAY = datetime(2022, 11, 29, tzinfo=timezone.utc)
NOON = DAY + timedelta(hours=12)
ARRAYS = [
    (pa.array([date(2022, 11, 29)], pa.date32()), DAY),
    (pa.array([date(2022, 11, 29)], pa.date64()), DAY),
    *((pa.array([NOON.replace(tzinfo=None)], pa.timestamp(unit)), NOON) for unit in ("s", "ms", "us", "ns")),
    (pa.array([NOON], pa.timestamp("ms", "Europe/Prague")), NOON),
    (pa.array([2**60], pa.timestamp("s")), None),
    (pa.array([-(2**60)], pa.timestamp("ms")), None),
    (pa.array([2**31 - 1], pa.date32()), None),
    (pa.array([-(2**63) + 1], pa.timestamp("ns")), datetime(1677, 9, 21, 0, 12, 43, 145225, timezone.utc)),
    (pa.array([1_669_723_200], pa.int64()), None),
    (pa.array([20221129120000], pa.int64()), NOON),
    (pa.array([None], pa.null()), None),
    (pa.array([None], pa.timestamp("s")), None),
]


@pytest.mark.parametrize(("values", "expected"), ARRAYS)
def test_timestamps(values, expected):
    found = to_timestamp(values)
    assert found.type == pa.timestamp("us", "UTC")
    assert found.to_pylist()[0] in (expected, expected and expected.replace(microsecond=145224))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-11-29", DAY),
        ("2022-11-29T12:00:00Z", NOON),
        ("2022-11-29T12:00:00z", NOON),
        ("2022-11-29 12:00", NOON),
        ("2022-11-29 12:00:00 UTC", NOON),
        (" 2022-11-29T14:00:00+02:00 ", NOON),
        ("2022-11-29T14:00:00+0200", NOON),
        ("2022-11-29T14:00:00+02", NOON),
        ("2022-11-29T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2022-11-29T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("0001-01-01T00:00:00+14:00", None),
        ("20221129120000", NOON),
        ("20221329120000", None),
        ("20221129", None),
        ("2022-11", None),
        ("2022-02-30", None),
        ("2022-11-29T25:00:00Z", None),
        ("2022-W48-2", None),
        ("٢٠٢٢-11-29", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_as_text(text, expected):
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        found = to_timestamp(pa.array([text], kind)).cast(pa.int64()).to_pylist()[0]
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        assert found == (None if expected is None else (expected - epoch) // timedelta(microseconds=1))


def test_hashes_of_text_do_not_meet_those_of_media():
    table = pa.table({"text": ["one", None], "media": [None, b"one"]})
    found = run(table, None)
    assert found["content"][0] != found["content"][1] and np.all(np.array(found["content"].to_pylist()) > 0)


@pytest.mark.parametrize(
    ("path", "source_file", "network", "refused"),
    [
        ("gs://bucket/a.png", "corpus.parquet", False, True),
        ("https://host/a.png", "gs://bucket/corpus.parquet", False, True),
        ("gs://bucket/a.png", "gs://bucket/corpus.parquet", False, False),
        ("gs://bucket/a.png", "corpus.parquet", True, False),
        ("missing.png", "corpus.parquet", False, False),
        ("/dev/zero", "corpus.parquet", False, True),
    ],
)
def test_data_does_not_choose_what_is_opened(path, source_file, network, refused):
    config = make_config({"provenance": {"network": network}})
    if refused:
        with pytest.raises(OSError, match=r"filesystem|regular"):
            refuse_foreign(path, source_file, config)
    else:
        refuse_foreign(path, source_file, config)


def test_documents_that_lie_nowhere_have_a_location_of_their_own():
    table = pa.table({"id": ["a", "b", "a", "a"], "text": ["one", "one", "two", "one"]})
    whole = run(table, None, start=None)["location"].to_pylist()
    assert len(set(whole[:3])) == 3 and whole[3] == whole[0]
    assert run(table.slice(1), None, start=None)["location"].to_pylist() == whole[1:]


def test_lines_lie_in_their_documents():
    table = pa.table({"id": ["a", "b", "c"], "text": ["one\ntwo", None, "three"]})
    lines = annotate_lines(table, run(table, None, start=40), CONFIG)
    assert lines.select(["document", "start", "end"]).to_pylist() == [
        {"document": 40, "start": 0, "end": 4},
        {"document": 40, "start": 4, "end": 7},
        {"document": 42, "start": 0, "end": 5},
    ]


def test_long_texts_have_windows_and_those_of_another_detector_none():
    table = pa.table({"text": [" ".join(WORDS * 60), " ".join(WORDS * 5), None]})
    config = make_config({"mixture": {"enabled": False}})
    lengths = [each and len(each) for each in annotate(table, 0, "a", config, None, open_file)["windows"].to_pylist()]
    assert lengths == [5, None, None]
    other = make_config({"mixture": {"enabled": False}, "synthetic": {"handler": "module:function"}})
    scores = pa.array([0.5, 0.5, None], pa.float32())
    assert annotate(table, 0, "a", other, None, open_file, scores=scores)["windows"].null_count == 3


def test_manifests_are_taken_out_before_texts_are_judged():
    """A document that only carries a manifest has no text, and none is too long for its manifest."""
    wrapper = unstructured.encode(b"store")
    table = pa.table({"text": ["ä" * 15, "ä" * 15 + wrapper, wrapper, "ä" * 16 + wrapper, None]})
    readable = readable_texts(table, make_config({"documents": {"max_chars": 15}}))
    assert readable.texts.to_pylist() == ["ä" * 15, "ä" * 15, None, None, None]
    assert readable.reason.to_pylist() == [None, None, "no_text", "too_long", "no_text"]
    assert [bool(edits) for edits in readable.edits.to_pylist()] == [False, True, True, True, False]
    found = run(table, None, make_config({"documents": {"max_chars": 15}}))
    assert found["text_edits"].to_pylist() == readable.edits.to_pylist()
    columns = ["content", "content_low", "tokens", "chars", "bands", "language", "markers"]
    first, second = found.select(columns).to_pylist()[:2]
    assert first == second and first["chars"] == 15
    assert [items and items[0]["kind"] for items in found["findings"].to_pylist()] == [
        None,
        *["c2pa_unreadable"] * 3,
        None,
    ]
