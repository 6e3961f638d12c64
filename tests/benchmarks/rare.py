"""Corpora with known rare groups and junk of the same size, made of the labelled documents.

A corpus holds documents by people (English, French, German and others, in their own genres), rare groups at a known
share of them (languages at 0.1 to 1 %, domains and styles at 0.5 %), junk of every kind at 0.5 % (on many sites, on
one, or in a language of few documents), and machine text, a third of it declared. Half of every group of people, in
documents and in tokens, was captured before 2022-11-30: that is the reference, which holds the groups at their true
rate. Junk was, too, in every other corpus: there the reference holds junk at 2 %. Machine text has been captured since.
"""

import re
from pathlib import Path
from typing import NamedTuple

import junk
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PEOPLE = 6_000
MACHINE = 0.4  # documents by machines per document of the people
DECLARED = 1 / 3  # of them
JUNK_RATE = 0.005
TRUSTED = 0.5
JUNK_SITES = 7
PLACES = ("spread", "one site", "rare language")
"""Where junk of a kind is: in common languages on seven sites or on one, or in a language of few documents."""
LEAST_LEFT = 8
COLUMNS = ("id", "text", "url", "source", "language")

COMMON = ("en", "fr", "de", "es", "pt", "pl")
LANGUAGES = {0.001: ("it", "hi", "el", "ta", "ru", "tr"), 0.0015: ("fa", "hu", "id", "nl", "ro", "ms", "bn"),
             0.005: ("ja", "ko", "zh"), 0.01: ("pl", "pt", "es")}  # fmt: skip
"""Of each rate two languages are rare in a corpus, of the last one."""
DOMAINS = ("student_essay", "glossary", "guide", "l2r_LegalDocument", "l2r_MedicalText", "docs")
"""Three of them are rare in a corpus, at `DOMAIN_RATE`."""
DOMAIN_RATE = 0.005
STYLES = ("scripture", "dialect")

_FIRST, _CUTOFF, _LAST = (np.datetime64(day, "s").astype(int) for day in ("2012-01-01", "2022-11-01", "2025-06-30"))
_DIALECT = (
    (r"\bTh(?=(e|at|is|ey|em|ere|en|ose)\b)", "D"), (r"\bth(?=(e|at|is|ey|em|ere|en|ose)\b)", "d"),
    (r"(?<=[a-z]{3})ing\b", "in'"), (r"\band\b", "an'"), (r"\bof\b", "o'"), (r"\byou\b", "ye"), (r"\byour\b", "yer"),
    (r"\bto\b", "tae"), (r"\bnot\b", "no'"), (r"\bmy\b", "ma"), (r"\bwith\b", "wi'"), (r"\bfor\b", "fer"),
    (r"\bhave\b", "hae"), (r"\bwas\b", "wuz"), (r"ow\b", "aw"), (r"\bjust\b", "jus'"), (r"\bcan\b", "kin"),
)  # fmt: skip


class Labelled(NamedTuple):
    """A corpus, and its truth: id, kind (people, rare, junk or machine), label, cell and trusted of every document.

    The label names the group. A cell is a group, or of the people those of one language and domain.
    """

    corpus: pa.Table
    truth: pa.Table


def labelled_corpus(directory: Path, seed: int, people: int = PEOPLE) -> Labelled:
    """The corpus of a seed: other documents, languages and domains are rare in each.

    Args:
        directory: with mixed_corpus.parquet, mixed_corpus_truth.parquet and detector_dev.parquet.
        seed: of all choices.
        people: documents by people that are in no rare group; all rates are shares of it.
    """
    rng = np.random.default_rng(seed)
    human, machine = _pools(directory)
    pool = _Pool(human, rng)
    parts = []
    rare = [(name, rate) for rate, names in LANGUAGES.items() for name in rng.permutation(names)[: 1 + (rate < 0.01)]]
    for language, rate in rare:
        parts.append(("rare", f"language {language}", pool.draw(pool.language == language, round(rate * people))))
    domains = rng.permutation(DOMAINS)[:3].tolist()
    for domain in domains:
        rows = pool.draw((pool.domain == domain) & (pool.language == "en"), round(DOMAIN_RATE * people))
        parts.append(("rare", f"domain {domain}", rows))
    scripture = pool.draw(pool.domain == "l2r_Religious", round(DOMAIN_RATE * people))
    plain = pool.draw(np.isin(pool.domain, ("government_blog", "tech_blog")), round(DOMAIN_RATE * people))
    parts += [("rare", "style scripture", scripture), ("rare", "style dialect", _changed(plain, _dialect))]
    apart = np.isin(pool.domain, [*domains, "l2r_Religious", "l2r_LegalDocument"])
    common = np.isin(pool.language, [name for name in COMMON if name not in dict(rare)]) & ~apart
    for place, kind in enumerate(junk.KINDS):
        where = PLACES[(seed + place) % len(PLACES)]
        among = pool.of_small_language() if where == "rare language" else common
        rows = _junk(kind, pool, among, round(JUNK_RATE * people))
        parts.append(("junk", f"{kind}, {where}", _sites(rows, where, rng)))
    parts.append(("people", "people", pool.draw(common, people)))
    drawn = machine.take(np.sort(rng.permutation(machine.num_rows)[: round(MACHINE * people)]))
    declared = rng.random(drawn.num_rows) < DECLARED
    parts += [("machine", name, drawn.filter(pa.array(declared == flag)))
              for name, flag in (("declared", True), ("undeclared", False))]  # fmt: skip
    return _joined(parts, seed % 2 == 0, rng)


class _Pool:
    """Documents by people, each drawn once."""

    def __init__(self, table: pa.Table, rng: np.random.Generator) -> None:
        self._table, self._rng, self._free = table, rng, np.ones(table.num_rows, bool)
        self.language, self.domain = (table[name].to_numpy(zero_copy_only=False) for name in ("language", "domain"))

    def draw(self, among: np.ndarray, count: int) -> pa.Table:
        chosen = np.sort(self._rng.permutation(np.flatnonzero(among & self._free))[:count])
        self._free[chosen] = False
        return self._table.take(pa.array(chosen))

    def of_small_language(self) -> np.ndarray:
        """The documents of a language by chance, of those that are not common and have some left."""
        names, left = np.unique(self.language[self._free], return_counts=True)
        return self.language == self._rng.choice(names[(left >= LEAST_LEFT) & ~np.isin(names, COMMON)])


def _pools(directory: Path) -> tuple[pa.Table, pa.Table]:
    """Documents by people and by machines, one of each set of copies, in the order of their ids."""
    truth = pq.read_table(directory / "mixed_corpus_truth.parquet", columns=["id", "label", "domain", "dup_group",
                                                                             "dup_kind"])  # fmt: skip
    table = pq.read_table(directory / "mixed_corpus.parquet", columns=list(COLUMNS)).join(truth, "id").sort_by("id")
    kind = table["dup_kind"]
    single = pc.or_kleene(pc.is_null(kind), pc.equal(kind, "original"))
    table = table.filter(single).select([*COLUMNS, "label", "domain"])
    others = pq.read_table(directory / "detector_dev.parquet", columns=["id", "text", "language", "label", "domain"])
    others = others.filter(pc.is_in(others["domain"], pa.array(["l2r_Religious", "l2r_LegalDocument"])))
    urls = [f"https://www.shelf{place % 9}.example/{place}" for place in range(others.num_rows)]
    others = others.append_column("url", pa.array(urls))
    others = others.append_column("source", pa.array(["web"] * others.num_rows)).select(table.column_names)
    table = pa.concat_tables([table, others], promote_options="permissive").combine_chunks()
    by_people = pc.equal(table["label"], "human")
    return table.filter(by_people), table.filter(pc.invert(by_people))


def _junk(kind: str, pool: _Pool, among: np.ndarray, wanted: int) -> pa.Table:
    """Junk made of documents that are nowhere else in the corpus; mojibake needs letters outside ASCII."""
    rows = pool.draw(among & (pool.language != "en") if kind == "mojibake" else among, 2 * wanted)
    made = [junk.make(kind, text, place) for place, text in enumerate(rows["text"].to_pylist())]
    kept = [place for place, text in enumerate(made) if text][:wanted]
    return rows.take(pa.array(kept)).set_column(1, "text", pa.array([made[place] for place in kept]))


def _sites(rows: pa.Table, where: str, rng: np.random.Generator) -> pa.Table:
    """Gives junk the sites of its own that it comes from."""
    site = np.zeros(rows.num_rows, int) if where == "one site" else rng.integers(JUNK_SITES, size=rows.num_rows)
    name = rng.integers(10**6)
    urls = [f"https://www.s{name}n{number}.example/{place}" for place, number in enumerate(site)]
    return rows.set_column(2, "url", pa.array(urls)).set_column(3, "source", pa.array(["web"] * rows.num_rows))


def _changed(rows: pa.Table, change) -> pa.Table:
    return rows.set_column(1, "text", pa.array([change(text) for text in rows["text"].to_pylist()]))


def _dialect(text: str) -> str:
    """English as some write it: the same words in another spelling, throughout."""
    for pattern, spelling in _DIALECT:
        text = re.sub(pattern, spelling, text)
    return text


def _joined(parts: list[tuple[str, str, pa.Table]], junk_trusted: bool, rng: np.random.Generator) -> Labelled:
    tables, truths = [], []
    for kind, group, rows in parts:
        count = rows.num_rows
        from_people = kind in ("people", "rare") or (kind == "junk" and junk_trusted)
        trusted = _half(rows, rng) if from_people else np.zeros(count, bool)
        since = np.where(trusted, _FIRST, _CUTOFF + 40 * 86_400)
        until = np.where(trusted, _CUTOFF, _LAST)
        seconds = (since + rng.random(count) * (until - since)).astype(np.int64)
        added = {
            "timestamp": pa.array(seconds, pa.timestamp("s", "UTC")),
            "origin": pa.array(["synthetic" if group == "declared" else None] * count, pa.string()),
        }
        ids = [f"{kind}/{group}/{place:04d}".replace(" ", "-") for place in range(count)]
        columns = {"id": pa.array(ids)} | {name: rows[name] for name in COLUMNS[1:]} | added
        tables.append(pa.table(columns))
        cells = (
            pc.binary_join_element_wise(rows["language"], rows["domain"], " ") if kind == "people" else [group] * count
        )
        names = {"kind": pa.array([kind] * count), "label": pa.array([group] * count), "cell": cells}
        truths.append(pa.table({"id": pa.array(ids)} | names | {"trusted": pa.array(trusted)}))
    return Labelled(pa.concat_tables(tables, promote_options="permissive").combine_chunks(), pa.concat_tables(truths))


def _half(rows: pa.Table, rng: np.random.Generator) -> np.ndarray:
    """One of every two documents next to each other in length: a half that holds half of the tokens."""
    order = np.argsort(pc.utf8_length(rows["text"]).to_numpy(), kind="stable")
    coin = rng.random((len(order) + 1) // 2) < TRUSTED
    half = np.empty(len(order), bool)
    half[order] = np.stack([coin, ~coin], axis=1).ravel()[: len(order)]
    return half
