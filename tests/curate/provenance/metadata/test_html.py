import json

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.provenance.evidence import METADATA, RIGHTS, from_lists
from curate.provenance.metadata.html import MAX_PAGE, html_evidence, is_html, text_metadata
from curate.schema import EVIDENCE_LIST

GENERATED = "https://schema.org/TrainedAlgorithmicMediaDigitalSource"


def ld(node):
    return f'<!DOCTYPE html><html><head><script type="application/ld+json">{json.dumps(node)}</script></head></html>'


def told(page):
    return [(e.family, e.kind, e.claim, e.llr) for e in html_evidence(page)]


SOURCE = [(METADATA, "schema_source_type", "synthetic", 5.0)]
NODE = {"@type": "Article", "digitalSourceType": GENERATED}


@pytest.mark.parametrize(
    "node",
    [
        NODE,
        [NODE],
        {"@context": "https://schema.org", "@graph": [{"@type": "Organization"}, NODE]},
        {"@type": "WebPage", "mainEntity": NODE},
        {"@type": ["Thing", "https://schema.org/BlogPosting"], "digitalSourceType": [GENERATED]},
        {"@type": "schema:NewsArticle", "schema:digitalSourceType": {"@id": "trainedAlgorithmicMedia"}},
        {"@context": "https://schema.org", "https://schema.org/digitalSourceType": GENERATED},
    ],
)
def test_json_ld_of_the_page(node):
    assert told(ld(node)) == SOURCE


@pytest.mark.parametrize(
    "node",
    [
        {"@type": "ImageObject", "digitalSourceType": GENERATED},
        {"@type": "Article", "image": {"@type": "ImageObject", "digitalSourceType": GENERATED}},
        {"@type": "Article", "comment": [NODE], "hasPart": NODE},
        {"@type": "Product", "mainEntity": NODE},
        {"@type": "Article", "digitalSourceType": [1, None, {}]},
        "digitalSourceType",
        None,
    ],
)
def test_json_ld_of_something_else(node):
    assert told(ld(node)) == []


def test_authors():
    author = {"@type": "SoftwareApplication", "name": "Writer\u0000 9"}
    assert told(ld({"@type": "Article", "author": [author]})) == [(METADATA, "schema_author", "synthetic", 2.0)]
    assert html_evidence(ld({"@type": "Article", "creator": author}))[0].detail == "creator Writer 9"
    assert told(ld({"@type": "Article", "author": {"@type": "Person", "name": "SoftwareApplication"}})) == []
    assert told(ld({"@type": "SoftwareApplication", "author": author})) == []


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (
            '<article itemscope itemtype="https://schema.org/Article">'
            f'<link itemprop="digitalSourceType" href="{GENERATED}">',
            1,
        ),
        (
            "<div itemscope itemtype=https://schema.org/ImageObject>"
            f"<meta itemprop=digitalSourceType content={GENERATED}>",
            0,
        ),
        (
            "<div itemscope itemtype='https://schema.org/Article'><div itemscope itemtype='https://schema.org/ImageObject'>"
            f"<br><p>x</div><meta itemprop=digitalSourceType content='{GENERATED}'></div>",
            1,
        ),
        (
            '<div vocab="https://schema.org/" typeof="Article">'
            f'<meta property="digitalSourceType" content="{GENERATED}">',
            1,
        ),
        (f'<meta property="schema:digitalSourceType" content="{GENERATED}">', 1),
        (f'<!-- <meta itemprop="digitalSourceType" content="{GENERATED}"> -->', 0),
        (f'<script>"<meta itemprop=digitalSourceType content={GENERATED}>"</script>', 0),
        ('<meta itemprop="digitalSourceType">', 0),
        (f"<textarea><meta itemprop=digitalSourceType content={GENERATED}></textarea>", 0),
        (f"<svg><title>x</title></svg><meta itemprop=digitalSourceType content={GENERATED}>", 1),
    ],
)
def test_attributes(body, count):
    assert told(f"<html><body>{body}</body></html>") == SOURCE * count


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<meta name="robots" content="index, NOAI, noimageai">', [("robots", "deny")]),
        ("<META NAME=robots CONTENT=noai>", [("robots", "deny")]),
        ('<meta name="robots" content="index&#44;noai">', [("robots", "deny")]),
        ('<meta name="robots" content="noimageai">', []),  # speaks of pictures
        ('<meta name="robots" content="noindex">', []),
        ('<title>What <meta name="robots" content="noai"> means</title>', []),
        ('<meta name="description" content="noai">', []),
        ('<meta name="tdm-reservation" content="1">', [("tdm_reservation", "deny")]),
        ('<meta name="tdm-reservation" content="0"/>', [("tdm_reservation", "allow")]),
        (
            '<meta name="tdm-policy" content="https://example.org/p"><meta content="1" name="TDM-Reservation">',
            [("tdm_reservation", "constrained")],
        ),
        ('<meta name="content-usage" content="train-ai=n">', []),  # AIPREF knows headers and robots.txt only
    ],
)
def test_reservations(head, expected):
    assert told(f"<html><head>{head}</head>") == [(RIGHTS, kind, claim, 0.0) for kind, claim in expected]


@pytest.mark.parametrize(
    "content",
    [
        '{"digitalSourceType": ',
        "",
        "[" * 200_000,
        "9" * 900_000,
        '{"@type": "Article", "digitalSourceType": "' + "x" * 10_000_000 + '"}',
        '{"a": "\ud800"',
    ],
)
def test_invalid_json_ld(content):
    (evidence,) = html_evidence(f'<html><script type="application/ld+json">{content}</script>')
    assert (evidence.kind, evidence.claim, evidence.llr) == ("metadata_unreadable", "unknown", 0.0)
    assert len(evidence.detail) <= 500 and evidence.detail.isprintable()


def test_many_statements_are_few_items():
    page = ld([{"@type": "Article", "digitalSourceType": f"source{n}"} for n in range(5000)])
    assert len(html_evidence(page)) == 64


@pytest.mark.parametrize(
    "part",
    [
        '<a "',
        "<a 'b\" ",
        "<!--",
        "<script>",
        "</a>",
        "<div itemscope>",
        "<meta a=",
        "<",
        "<p title=don't>",
        "<a\0b>",
        "<script",
        '</script "',
    ],
)
def test_hostile_pages_end(part):
    assert html_evidence("<html>" + part * (MAX_PAGE // 4 // len(part))) == []


def test_text_columns():
    pages = [
        "plain text about noai <meta name=robots content=noai>",
        None,
        "",
        ld(NODE),
        "<html>noai</html>",
        "<p>a</p>",
    ]
    pages += ["\ufeff \n<meta name=robots content=noai>"]
    for kind in (pa.string(), pa.large_string()):
        found = text_metadata(pa.array(pages, kind))
        assert found.type == EVIDENCE_LIST and found.null_count == 5
        assert [[e.kind for e in row] for row in from_lists(found)] == [
            [], [], [], ["schema_source_type"], [], [], ["robots"],
        ]  # fmt: skip
        assert text_metadata(pa.array(pages[:3], kind)).null_count == 3
    assert len(text_metadata(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<!DOCTYPE html><html>", True),
        (b"\xef\xbb\xbf\n <HTML lang=en>", True),
        (b"<svg>", False),
        (b"text <html>", False),
        (b"", False),
    ],
)
def test_is_html(data, expected):
    assert is_html(data) == expected


@given(st.text())
@example("<html><a b=\"'>")
def test_no_text_raises(text):
    html_evidence(text)
    html_evidence(f'<html><script type="application/ld+json">{text}</script>')
    html_evidence(f"<html><meta {text}><div itemscope {text} itemprop='{text}'>")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.just("SoftwareApplication"),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["@type", "@graph", "@id", "author", "name"]), inner)
    ),
)


@given(json_values)
def test_no_json_raises(value):
    html_evidence(ld(value))
    html_evidence(ld({"@type": "Article", "digitalSourceType": value, "author": value, "mainEntity": value}))
