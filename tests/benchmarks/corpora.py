"""Corpora to measure on, the same for the same seed and Python: no outside data is needed.

    python tests/benchmarks/corpora.py prose OUT.parquet --documents 50000
    python tests/benchmarks/corpora.py short OUT.parquet --documents 2000000
    python tests/benchmarks/corpora.py template OUT.parquet --documents 500000 --copies 200000
    python tests/benchmarks/corpora.py language OUT.parquet --language zh --megabytes 20 [--corpus REAL.parquet]

English is drawn from a trigram model of the prose that ships with Python. Copies are edited word by word, and lie
anywhere in the file, before or after their originals. Beside OUT.parquet (columns id, text, and for prose a capture
time, later for a copy than for its original) lies OUT.truth.parquet: id, copy_of (the original's id, or null).
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.demo.language_model import TrigramModel
from curate.demo.prose import human_prose
from curate.hashing import mix

SHARE_OF_COPIES = 0.2
EDIT_RATES = (0.002, 0.005, 0.01, 0.015, 0.02, 0.04)
"""Share of the words of a copy that are replaced or left out; the last leaves a Jaccard similarity of about .7."""

_PROSE_TOKENS = 375  # about 1.8 KB
_SHORT_TOKENS = (22, 31)  # about 125 bytes
_LEAST_WORDS = 12
_CHUNK = 10_000
_FIRST, _LAST = 1_420_070_400, 1_735_689_600  # 2015 to 2025, in seconds since the Unix epoch
_YEAR = 31_557_600

# Ranges of code points and mean word or sentence lengths for text made up where no real corpus is given.
_MADE_UP = {"zh": ((0x4E00, 0x5E00),), "ja": ((0x3042, 0x3094), (0x30A2, 0x30FB), (0x4E00, 0x5400))}


class Tokens(NamedTuple):
    """Documents of token numbers end to end: int64[m], and where each begins, int64[n + 1]."""

    values: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def take(self, documents: NDArray[np.int64]) -> "Tokens":
        lengths = self.lengths[documents]
        offsets = _offsets(lengths)
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][documents] - offsets[:-1], lengths)
        return Tokens(self.values[places], offsets)


class Author:
    """Writes English by a trigram model of the prose that ships with Python."""

    def __init__(self) -> None:
        self.model = TrigramModel.fit(document.text for document in human_prose())
        vocabulary = np.array(self.model.vocabulary.tokens, dtype=object)
        self._ends_word = np.array([token[-1:].isalnum() for token in vocabulary])
        self._starts_word = np.array([token[:1].isalnum() for token in vocabulary])
        self._strings = pa.array([*vocabulary, *(" " + token for token in vocabulary)], pa.large_string())
        self._is_word = np.array([token[:1] == " " and token[1:].isalpha() for token in vocabulary])
        self._words = np.flatnonzero(self._is_word)

    def tokens(self, lengths: NDArray[np.int64], rng: np.random.Generator) -> Tokens:
        """Documents of these lengths in tokens."""
        parts = [
            part
            for start in range(0, len(lengths), _CHUNK)
            for part in self.model.sample_tokens(lengths[start : start + _CHUNK], rng)
        ]
        return Tokens(np.concatenate(parts), _offsets(lengths))

    def words(self, tokens: Tokens) -> NDArray[np.int64]:
        """Words in each document, of letters only and after a space."""
        return np.diff(np.concatenate([[0], np.cumsum(self._is_word[tokens.values])])[tokens.offsets])

    def texts(self, tokens: Tokens) -> pa.Array:
        """The tokens as text, with a space where the model put two words side by side."""
        glued = np.zeros(len(tokens.values), dtype=np.int64)
        glued[1:] = self._ends_word[tokens.values[:-1]] & self._starts_word[tokens.values[1:]]
        strings = self._strings.take(pa.array(tokens.values + glued * len(self._ends_word)))
        # The bytes of the strings already stand end to end: a document is a longer run of them.
        _, bounds, data = strings.buffers()
        offsets = np.frombuffer(bounds, np.int64)[tokens.offsets]
        documents = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), data)
        return pc.utf8_trim_whitespace(documents)

    def edit(self, tokens: Tokens, rates: NDArray[np.float64], rng: np.random.Generator) -> Tokens:
        """Replaces each word by another with half its document's rate, and leaves it out with the other half."""
        chance = rng.random(len(tokens.values)) / np.repeat(rates, tokens.lengths)
        chance[~self._is_word[tokens.values]] = 1.0
        values = np.where(chance < 0.5, rng.choice(self._words, len(chance)), tokens.values)
        left = (chance < 0.5) | (chance >= 1.0)
        kept = np.concatenate([[0], np.cumsum(left)])
        return Tokens(values[left], kept[tokens.offsets])

    def edit_edges(self, tokens: Tokens, rng: np.random.Generator) -> Tokens:
        """Changes one end, since one word within would make other documents of such short ones.

        A third lose their first token, a third have another word at the end, a third one word more there.
        """
        kind = rng.integers(3, size=len(tokens.offsets) - 1)
        starts, ends = tokens.offsets[:-1] + (kind == 0), tokens.offsets[1:] - (kind == 1)
        lengths = ends - starts + (kind > 0)
        offsets = _offsets(lengths)
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        values = tokens.values[np.minimum(places, len(tokens.values) - 1)]
        values[offsets[1:][kind > 0] - 1] = rng.choice(self._words, int(np.count_nonzero(kind)))
        return Tokens(values, offsets)


def prose(documents: int, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """English documents of about 1.8 KB, a fifth of them edited copies of others: table and truth."""
    rng = np.random.default_rng(seed)
    author = Author()
    copies = round(documents * SHARE_OF_COPIES)
    lengths = rng.integers(_PROSE_TOKENS * 3 // 4, _PROSE_TOKENS * 5 // 4, size=documents - copies)
    originals = author.tokens(lengths, rng)
    copied = rng.integers(len(lengths), size=copies)
    edited = author.edit(originals.take(copied), rng.choice(EDIT_RATES, copies), rng)
    captured = rng.integers(_FIRST, _LAST, size=len(lengths))
    captured = np.concatenate([captured, captured[copied] + rng.integers(1, _YEAR, size=copies)])
    columns = {"timestamp": pa.array(captured, pa.timestamp("s", tz="UTC"))}
    return _finish(pa.concat_arrays([author.texts(originals), author.texts(edited)]), copied, columns, rng)


def short(documents: int, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """English documents of about 125 bytes, a fifth of them copies of others with one end changed: table and truth."""
    rng = np.random.default_rng(seed)
    author = Author()
    copies = round(documents * SHARE_OF_COPIES)
    lengths = rng.integers(*_SHORT_TOKENS, size=round((documents - copies) * 1.1) + 10)
    whole = np.full(lengths.sum() // _PROSE_TOKENS + 1, _PROSE_TOKENS)
    pieces = Tokens(author.tokens(whole, rng).values[: lengths.sum()], _offsets(lengths))  # all begin differently
    originals = pieces.take(np.flatnonzero(author.words(pieces) >= _LEAST_WORDS)[: documents - copies])
    copied = rng.integers(documents - copies, size=copies)
    edited = author.edit_edges(originals.take(copied), rng)
    return _finish(pa.concat_arrays([author.texts(originals), author.texts(edited)]), copied, {}, rng)


def template(documents: int, copies: int, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """`short` documents, the last `copies` of which are one sentence with numbers of their own at its end."""
    rng = np.random.default_rng(seed)
    table, truth = short(documents - copies, seed)
    sentence = "The parcel that you sent was received in good order, and will be delivered to your door under number "
    numbers = pa.array(rng.permutation(10_000_000)[:copies]).cast(pa.string())
    texts = pc.binary_join_element_wise(sentence, numbers, "").cast(pa.large_string())
    texts = pa.concat_arrays([table["text"].combine_chunks(), texts])
    ids = _ids(np.arange(documents))
    order = rng.permutation(documents)
    copy_of = pa.concat_arrays([truth["copy_of"].combine_chunks(), ids[-1:].take(pa.array(np.zeros(copies, np.int64)))])
    ids = pa.concat_arrays([table["id"].combine_chunks(), ids[documents - copies :]])
    return pa.table({"id": ids, "text": texts}).take(order), pa.table({"id": ids, "copy_of": copy_of})


def language(name: str, megabytes: float, corpus: Path | None = None, seed: int = 1) -> pa.Table:
    """Text of one language: of a corpus with columns text and language, repeated in random order, or made up."""
    rng = np.random.default_rng(seed)
    if corpus is not None:
        rows = pq.read_table(corpus, columns=["text", "language"])
        texts = rows.filter(pc.equal(rows["language"], name))["text"].combine_chunks().cast(pa.large_string())
    elif name == "en":
        texts = Author().texts(Author().tokens(np.full(2_000, _PROSE_TOKENS), rng))
    else:
        texts = _made_up(name, 2_000, rng)
    times = int(np.ceil(megabytes * 1e6 / pc.sum(pc.binary_length(texts)).as_py()))
    order = np.concatenate([rng.permutation(len(texts)) for _ in range(times)])
    return pa.table({"id": _ids(np.arange(len(order))), "text": texts.take(pa.array(order))})


def _made_up(name: str, documents: int, rng: np.random.Generator) -> pa.Array:
    """Sentences of about 25 characters, the rarer the later in their range, closed by an ideographic full stop."""
    characters = np.concatenate([np.arange(first, last) for first, last in _MADE_UP[name]])
    drawn = characters[(rng.random((documents, 600)) ** 2 * len(characters)).astype(np.int64)]
    drawn[rng.random(drawn.shape) < 1 / 25] = ord("。")
    return pa.array(["".join(map(chr, row)) for row in drawn.tolist()], pa.large_string())


def _finish(
    texts: pa.Array, copied: NDArray[np.int64], columns: dict[str, pa.Array], rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """Shuffles originals followed by the copies of the documents at `copied`; the truth stays in order of making."""
    ids = _ids(np.arange(len(texts)))
    originals = len(texts) - len(copied)
    copy_of = pa.concat_arrays([pa.nulls(originals, pa.large_string()), ids.take(pa.array(copied))])
    table = pa.table({"id": ids, "text": texts, **columns})
    return table.take(rng.permutation(len(texts))), pa.table({"id": ids, "copy_of": copy_of})


def _ids(numbers: NDArray[np.int64]) -> pa.Array:
    """Sixteen hexadecimal digits each, in no order."""
    digits = mix(numbers.astype(np.uint64), 7).byteswap().tobytes().hex().encode()
    offsets = pa.py_buffer(np.arange(len(numbers) + 1, dtype=np.int64) * 16)
    return pa.LargeStringArray.from_buffers(len(numbers), offsets, pa.py_buffer(digits))


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def write(path: str | Path, table: pa.Table, truth: pa.Table | None = None) -> None:
    """Writes the corpus, and its truth beside it."""
    for place, field in enumerate(table.schema):
        if field.type == pa.large_string():  # which some readers do not know
            table = table.set_column(place, field.name, table[field.name].cast(pa.string()))
    pq.write_table(table, path, compression="zstd", row_group_size=50_000)
    if truth is not None:
        pq.write_table(truth, truth_path(path), compression="zstd")


def truth_path(corpus: str | Path) -> Path:
    """Where the truth about a corpus lies."""
    return Path(corpus).with_suffix(".truth.parquet")


def main() -> None:
    """Writes the corpus asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["prose", "short", "template", "language"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--copies", type=int, default=200_000, help="of the template")
    parser.add_argument("--language", choices=["en", "zh", "ja"], default="en")
    parser.add_argument("--corpus", type=Path, help="real text to take the language from")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.kind == "language":
        write(given.out, language(given.language, given.megabytes, given.corpus, given.seed))
    elif given.kind == "template":
        write(given.out, *template(given.documents, given.copies, given.seed))
    else:
        write(given.out, *{"prose": prose, "short": short}[given.kind](given.documents, given.seed))


if __name__ == "__main__":
    main()
