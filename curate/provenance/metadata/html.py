"""Web pages: schema.org digitalSourceType (JSON-LD, microdata, RDFa), and reservations of rights in meta tags.

Only what a page says of itself counts for its text: nodes of a page or a text (WebPage, Article, CreativeWork …) that
stand at the top of JSON-LD, in its `@graph` or as `mainEntity` of such a node. What it says of its pictures, its
comments, its products or its publisher does not.

Tags are found by one pass of our own, since `html.parser` takes quadratic time on some input (CVE-2025-6069).
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.provenance.evidence import METADATA, Evidence, to_lists
from curate.provenance.metadata.claims import rights_evidence, shown, source_evidence, unreadable
from curate.provenance.rights import UNKNOWN, robots, tdm_reservation
from curate.schema import EVIDENCE_LIST

MAX_PAGE = 1 << 20
"""Characters of a page that are read."""

_MADE_BY_SOFTWARE = 2.0  # nats: a program as author says so, but not how much of the text is its own
_MAX_ITEMS = 64
_MAX_NODES = 10_000
_MAX_OPEN = 4096  # elements
_MAX_BROKEN = 4  # tags whose quotes never close

# Plain texts fail the first pattern at their first letter, so a column without HTML costs next to nothing.
_HTML = r"(?i)\A[\s\x{feff}]*<(?:!doctype html|!--|\?xml|[a-z][a-z0-9]*[\s>/])"
_OF_INTEREST = r"(?i)digitalSourceType|noai|tdm-reservation|SoftwareApplication"

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)(?=[\s/>])([^>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^>\"']*)*)>")
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
# Elements whose content is text, whatever tags it shows (HTML standard, 13.2.5.1).
_RAW = ("script", "style", "title", "textarea", "iframe", "xmp", "noembed", "noframes")
_RAW_END = {name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE) for name in _RAW}
_VOID = re.compile(r"(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\Z")
_STRUCTURED = re.compile(r"\b(?:itemprop|itemscope|typeof|property)\b", re.IGNORECASE)

_PAGE_TYPE = re.compile(
    r"(?:.*(?:Article|Posting|Page)|CreativeWork|(?:Text)?DigitalDocument|Report|Thesis|Book|Chapter|ShortStory"
    r"|HowTo|Guide|Recipe|Review|Question|Legislation)\Z"
)


def text_metadata(texts: pa.Array) -> pa.ListArray:
    """What the pages of a text column say of themselves; texts that are no pages cost no Python.

    Args:
        texts: string or large_string[n].

    Returns:
        EVIDENCE_LIST[n], null where there is nothing.
    """
    pages = np.flatnonzero(pc.match_substring_regex(texts, _HTML).fill_null(False).to_numpy(zero_copy_only=False))
    candidates = texts.take(pa.array(pages))
    pages = pages[pc.match_substring_regex(candidates, _OF_INTEREST).to_numpy(zero_copy_only=False)]
    if len(pages) == 0:
        return pa.nulls(len(texts), EVIDENCE_LIST)
    found = to_lists([html_evidence(page) for page in texts.take(pa.array(pages)).to_pylist()])
    place = np.full(len(texts), -1)
    place[pages] = np.arange(len(pages))
    return found.take(pa.array(place, mask=place < 0))


def is_html(data: bytes) -> bool:
    """Whether a file begins like a web page."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)[\s>]", data[:1024], re.IGNORECASE) is not None


def html_evidence(page: str) -> list[Evidence]:
    """What a page says of itself.

    Args:
        page: HTML, of which `MAX_PAGE` characters are read.
    """
    scanned = _Page(page[:MAX_PAGE])
    evidence = scanned.evidence
    for value in scanned.source_types:
        evidence.append(source_evidence("schema_source_type", value))
    if scanned.reservation is not None:
        claim = tdm_reservation(scanned.reservation, scanned.policy)
        evidence.append(rights_evidence("tdm_reservation", claim, f"{scanned.reservation} {scanned.policy or ''}"))
    return list(dict.fromkeys(evidence))[:_MAX_ITEMS]


class _Page:
    """Reads a page from beginning to end.

    Attributes:
        evidence: of JSON-LD and of robots directives.
        source_types: values of digitalSourceType in attributes.
        reservation: `tdm-reservation`, and policy: `tdm-policy`; None without.
    """

    def __init__(self, page: str) -> None:
        self.evidence: list[Evidence] = []
        self.source_types: list[str] = []
        self.reservation: str | None = None
        self.policy: str | None = None
        self._open: list[str] = []
        self._scopes: list[tuple[int, str]] = []  # (number of elements around it, its type)
        self._read(page)

    def _read(self, page: str) -> None:
        place, broken = page.find("<"), 0
        while place >= 0 and broken < _MAX_BROKEN:
            if page.startswith("<!--", place):
                end = page.find("-->", place)
                place = page.find("<", end) if end >= 0 else -1
                continue
            tag = _TAG.match(page, place) if page[place + 1 : place + 2] not in (" ", "!", "?") else None
            if tag is None:
                broken += page[place + 1 : place + 3].lstrip("/")[:1].isalpha()
                place = page.find("<", place + 1)
                continue
            name, place = tag[2].lower(), tag.end()
            if tag[1]:
                self._close(name)
            elif name in _RAW_END:
                closing = _RAW_END[name].search(page, place)
                content = page[place : closing.start()] if closing else None
                if name == "script" and "ld+json" in tag[3].lower():
                    self._json_ld(content)
                place = closing.start() if closing else len(page)
            else:
                self._element(name, tag[3])
            place = page.find("<", place)

    def _element(self, name: str, text: str) -> None:
        if name == "meta" or _STRUCTURED.search(text):
            attributes = {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(text)}
            if name == "meta":
                self._meta(attributes)
            self._property(attributes)
        else:
            attributes = {}
        if _VOID.match(name) or text.endswith("/") or len(self._open) >= _MAX_OPEN:
            return
        if "itemscope" in attributes or "typeof" in attributes:
            self._scopes.append((len(self._open), attributes.get("itemtype") or attributes.get("typeof") or ""))
        self._open.append(name)

    def _close(self, name: str) -> None:
        """Closes an element, and those that were left open within it."""
        for depth in range(len(self._open) - 1, max(-1, len(self._open) - 33), -1):
            if self._open[depth] == name:
                del self._open[depth:]
                break
        while self._scopes and self._scopes[-1][0] >= len(self._open):
            self._scopes.pop()

    def _property(self, attributes: dict[str, str]) -> None:
        names = f"{attributes.get('itemprop', '')} {attributes.get('property', '')}".split()
        if any(_local(name) == "digitalSourceType" for name in names) and len(self.source_types) < _MAX_ITEMS:
            value = next((attributes[key] for key in ("content", "resource", "href", "src") if key in attributes), "")
            if value and (not self._scopes or _is_page([self._scopes[-1][1]])):
                self.source_types.append(value)

    def _meta(self, attributes: dict[str, str]) -> None:
        name, content = attributes.get("name", "").lower(), attributes.get("content", "")
        if name == "tdm-reservation":
            self.reservation = content
        elif name == "tdm-policy":
            self.policy = content
        elif name == "robots" and robots(content) != UNKNOWN:
            self.evidence.append(rights_evidence("robots", robots(content), content))

    def _json_ld(self, content: str | None) -> None:
        if len(self.evidence) >= _MAX_ITEMS:
            return
        if content is None:
            self.evidence.append(unreadable("JSON-LD has no end within the first MB of the page"))
            return
        try:
            tree = json.loads(content, strict=False)
        except (ValueError, RecursionError) as error:
            self.evidence.append(unreadable(f"JSON-LD: {error}"))
            return
        self.evidence += dict.fromkeys(item for node in _page_nodes(tree) for item in _node_evidence(node))


def _page_nodes(tree: object) -> Iterator[dict[str, Any]]:
    """The nodes of JSON-LD that are the page itself or its text."""
    pending = deque([tree])
    for _ in range(_MAX_NODES):
        if not pending:
            return
        node = pending.popleft()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            pending.append(node.get("@graph"))
            if _is_page(_strings(node.get("@type"))):
                pending.append(node.get("mainEntity"))
                yield node


def _node_evidence(node: dict[str, Any]) -> list[Evidence]:
    evidence = []
    for key, value in node.items():
        name = _local(key)
        if name == "digitalSourceType":
            evidence += [source_evidence("schema_source_type", text) for text in _strings(value)]
        elif name in ("author", "creator"):
            for person in value if isinstance(value, list) else [value]:
                if isinstance(person, dict) and "SoftwareApplication" in map(_local, _strings(person.get("@type"))):
                    detail = shown(" ".join([name, *_strings(person.get("name"))[:1]]))
                    evidence.append(Evidence(METADATA, "schema_author", "synthetic", _MADE_BY_SOFTWARE, detail))
    return evidence[:_MAX_ITEMS]


def _strings(value: object) -> list[str]:
    """The texts of a JSON-LD value: itself, its members, or what its `@id`, `@value` or `url` is."""
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            item = item.get("@id") or item.get("@value") or item.get("url")
        if isinstance(item, str):
            found.append(item)
    return found[:_MAX_ITEMS]


def _is_page(types: list[str]) -> bool:
    """Whether a node or element of these types is a page or a text; one without any type is taken for the page."""
    names = [_local(name) for name in types if name]
    return not names or any(map(_PAGE_TYPE.match, names))


def _local(name: str) -> str:
    """The name without its vocabulary: `https://schema.org/Article` and `schema:Article` are Article."""
    return re.split(r"[/:#]", name.strip().rstrip("/"))[-1]
