import unicodedata

import c2pa_text
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.provenance.text import html, structured, unstructured
from curate.provenance.text.find import find_manifests, may_have_manifest, strip_manifests

STORE = b"\x00\x00\x00\x10jumb\xff store"
RUIN = "AAAA" * 20 + "…"
HEAD = "<html><head><title>t</title></head><body>b</body></html>"
URL = "https://example.org/a/b.c2pa?x=1"
VARIANTS = "葛\U000e0100 ☂\ufe0f \ufeff☂\ufe0e\ufeff\ufe00\ufe01 C2PA, c2pa-manifest"

# Surrogates cannot be in a text; what manifests are made of should be in many.
PIECES = ["\ufeff", "\ufe00", "\U000e0133", unstructured.MAGIC_SELECTORS, structured.BEGIN, structured.END, "<script "]
PIECES += ['type="application/c2pa">', "</script>", '<link rel="c2pa-manifest" href="', "data:application/c2pa;base64,"]
PIECES += ["AAAA", ">", '"', "'", "=", "\r\n", "\n", "#", "<!--", "https://a.b", "e\u0301"]
PROSE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), PROSE), max_size=40).map("".join)
CARRIERS = {
    "unstructured": unstructured.encode,
    "structured": structured.encode,
    "html": html.encode,
}


def strip(text):
    return strip_manifests(pa.array([text])).texts[0].as_py()


@pytest.mark.parametrize("method", CARRIERS)
@settings(deadline=None)
@given(store=st.binary(min_size=1, max_size=300))
def test_what_is_encoded_is_found(method, store):
    (found,) = find_manifests("before " + CARRIERS[method](store) + " behind")
    assert (found.method, found.store, found.error, found.payload) == (method, store, None, True)


@settings(deadline=None)
@given(store=st.binary(min_size=1, max_size=300))
def test_the_public_package_finds_what_is_encoded_here(store):
    assert c2pa_text.extract_manifest("text" + unstructured.encode(store)) == (store, "text")
    assert c2pa_text.extract_structured(structured.encode(store, "#", "") + "x = 1\n").manifest == store
    assert c2pa_text.extract_html(HEAD.replace("</head>", html.encode(store) + "</head>")).manifest == store
    length = c2pa_text.worst_case_wrapper_byte_length(len(store))
    assert unstructured.encode(store) == c2pa_text.encode_wrapper_padded(store, length)


@settings(deadline=None)
@given(text=PROSE, store=st.binary(min_size=1, max_size=300))
def test_what_the_public_package_embeds_is_found_and_taken_out(text, store):
    signed = c2pa_text.embed_manifest(text, store)
    (found,) = find_manifests(signed)
    assert (found.store, signed[found.start :]) == (store, c2pa_text.encode_wrapper(store))
    assert strip(signed) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("placement", c2pa_text.Placement)
@pytest.mark.parametrize("mime", ["text/javascript", "text/css", "text/markdown", "application/toml"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_structured_blocks_of_the_public_package(placement, mime, newline):
    text = f"x = é{newline}y = 2"
    reference = c2pa_text.encode_data_uri(STORE)
    signed = c2pa_text.embed_structured(text, reference, *c2pa_text.comment_syntax(mime), placement, newline)
    (found,) = find_manifests(signed.text)
    assert found.store == STORE
    places = [
        (len(signed.text[:start].encode()), len(signed.text[start:end].encode())) for start, end in found.bindings
    ]
    assert (signed.exclusion_start, signed.exclusion_length) in places
    assert strip(signed.text) == text


def test_front_matter():
    block = c2pa_text.build_manifest_block_multiline(c2pa_text.encode_data_uri(STORE))
    text = "---\n{}title: A title\n---\nText\n"
    (found,) = find_manifests(text.format(f"{block}\n"))
    assert found.store == STORE
    assert strip(text.format(f"{block}\n")) == text.format("")


def test_html_of_the_public_package():
    signed = c2pa_text.embed_html_inline(HEAD, STORE)
    (found,) = find_manifests(signed.html)
    assert (found.store, found.bindings) == (STORE, ((found.start, found.end),))
    assert found.start == signed.exclusion_start
    assert found.end - found.start in (signed.exclusion_length, signed.exclusion_length - 1)
    assert strip(signed.html).replace("\n", "") == HEAD
    (link,) = find_manifests(c2pa_text.embed_html_reference(HEAD, URL))
    assert (link.url, link.store) == (URL, None)


@pytest.mark.parametrize(
    ("tag", "store", "url"),
    [
        ("<SCRIPT id=a TYPE = 'application/c2pa' >\n  {}\n </Script >", True, None),
        ("<script\ntype=application/c2pa>{}</script>", True, None),
        ('<script data-type="application/c2pa">{}</script>', None, None),
        ('<script type="application/json">{}</script>', None, None),
        ('<scripture type="application/c2pa">{}</scripture>', None, None),
        ('<script type="application/c2pa">{}', None, None),
        ("<script>'<script type=\"application/c2pa\">{}'</script>", None, None),
        ('<link href="https://a.b/?x&amp;y" rel="preload c2pa-manifest">', False, "https://a.b/?x&y"),
        ("<link rel=C2PA-manifest href=m.c2pa />", False, "m.c2pa"),
        ('<link rel="stylesheet" href="c2pa-manifest">', None, None),
    ],
)
def test_tags(tag, store, url):
    found = find_manifests(f"<head>{tag.format('anVtYg==')}</head>")
    assert len(found) == (store is not None)
    for manifest in found:
        assert (manifest.store, manifest.url) == (b"jumb" if store else None, url)


@pytest.mark.parametrize(
    ("text", "error", "payload"),
    [
        (unstructured.encode(STORE)[:20], "manifest.text.corruptedWrapper: 6 bytes of 15", True),
        (unstructured.encode(STORE)[:12], "manifest.text.corruptedWrapper: it ends in its header", True),
        (unstructured.encode(STORE)[1:], "manifest.text.corruptedWrapper: no U+FEFF", True),
        (unstructured.encode(STORE).replace("\ufe01", "\ufe02", 1), "manifest.text.corruptedWrapper: version 2", True),
        (unstructured.encode(b""), "manifest.text.corruptedWrapper: ", True),
        (f"{structured.BEGIN} \t\n {structured.END}", "manifest.structuredText.emptyReference", False),
        (f"{structured.BEGIN} and {structured.END}", "manifest.structuredText.malformedReference", False),
        (f"{structured.BEGIN} ftp://a.b {structured.END}", "manifest.structuredText.malformedReference", False),
        (
            f"{structured.BEGIN} data:application/c2pa;base64,{RUIN} {structured.END}",
            "manifest.structuredText.malf",
            True,
        ),
        (f"{structured.BEGIN} data:application/c2pa;base64,… {structured.END}", "manifest.structuredText.malf", False),
        (f'<script type="application/c2pa">{RUIN}</script>', "manifest.inaccessible", True),
        ('<script type="application/c2pa"> goes into the head, and </script>', "manifest.inaccessible", False),
        ('<link rel="c2pa-manifest">', "manifest.inaccessible", True),
    ],
)
def test_ruins_are_told_and_payloads_go(text, error, payload):
    (found,) = find_manifests(f"a {text} b")
    assert found.error.startswith(error)
    assert (found.store, found.url, found.payload) == (None, None, payload)
    assert strip(f"a {text} b") == ("a  b" if payload else f"a {text} b")


@pytest.mark.parametrize(
    "text", [VARIANTS, "", structured.END + structured.BEGIN, unstructured.encode(STORE)[:8], "👩\u200d💻\ufe0f" * 9]
)
def test_what_is_no_manifest_stays(text):
    assert find_manifests(text) == []
    assert strip(text) == text


def test_a_block_in_a_line_of_prose_goes_without_the_line():
    text = f"See {structured.BEGIN} {URL} {structured.END} for an example.\n"
    (found,) = find_manifests(text)
    assert (found.url, found.bindings) == (URL, ())
    assert strip(text) == "See  for an example.\n"


@settings(deadline=None)
@given(HOSTILE)
def test_any_text_is_searched(text):
    found = find_manifests(text)
    for manifest in found:
        assert 0 <= manifest.start < manifest.end <= len(text)
        assert (manifest.store is not None) + (manifest.url is not None) + (manifest.error is not None) == 1
        assert all(manifest.start - 1 <= start < end <= manifest.end for start, end in manifest.bindings)
    assert may_have_manifest(text.encode()) or not found
    stripped = strip_manifests(pa.array([text, None, "plain"]))
    assert stripped.texts.to_pylist()[1:] == [None, "plain"]
    if not any(manifest.payload for manifest in found):
        assert stripped.texts[0].as_py() == text
    else:
        gone = {place for edit in stripped.edits[0].as_py() for place in range(edit["start"], edit["end"])}
        assert stripped.texts[0].as_py() == "".join(c for place, c in enumerate(text) if place not in gone)


@settings(deadline=None)
@given(before=PROSE, behind=PROSE)
@pytest.mark.parametrize("method", CARRIERS)
def test_taking_out_undoes_embedding_and_normalises_nothing(method, before, behind):
    if method == "structured":
        before += "\n" if before else ""
    assert strip(before + CARRIERS[method](STORE) + behind) == before + behind


def test_a_column():
    signed = "Text" + unstructured.encode(STORE)
    for kind in (pa.string(), pa.large_string()):
        column = pa.array(["a", signed, None, "c2pa", signed[:4]], kind)
        stripped = strip_manifests(column)
        assert stripped.texts.equals(pa.array(["a", "Text", None, "c2pa", "Text"], kind))
        assert stripped.edits.to_pylist() == [
            None,
            [{"kind": "c2pa", "start": 4, "end": len(signed)}],
            None,
            None,
            None,
        ]
        assert list(stripped.found) == [1]
    assert strip_manifests(pa.array([], pa.string())).edits.to_pylist() == []


@pytest.mark.parametrize(
    "piece",
    [
        "<script type='application/c2pa' ",
        "<script type='application/c2pa'>",
        "<link rel=c2pa-manifest ",
        structured.BEGIN,
        structured.END,
        structured.BEGIN + "https://a.b" + structured.END,
        "\ufeff" + unstructured.MAGIC_SELECTORS,
        "\ufeff\ufe00",
        "type = ",
        '<a b="',
    ],
)
def test_hostile_texts_take_linear_time(piece):
    find_manifests(piece * 100_000)  # anything quadratic would run into the limit of the test
