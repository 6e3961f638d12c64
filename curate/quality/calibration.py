"""What is usual of the signals by language, from trusted human documents, and how odd documents are against it.

The *oddness* of a signal counts from the level on that one human document in ten is at or beyond, on its bad side: it
is log10(.1 / share) of those that are, extrapolated linearly beyond the limit that one in 200 exceeds (`TAIL`), where
the signal's rule is broken. The oddness of a document is the sum over families of signals of the oddest of each
(Fisher's method, truncated as by Zaykin et al., 2002; what goes together counts once). A document passes the gate
unless it is odder than all but a share ¾ α of the human documents of its language, or has more noise
(`curate.quality.noise`) than all but ¼ α: split-conformal, as in `curate.detector.calibration`, the oddness of each
half of them being measured against the other. So rules need not be right one by one: however many there are, α of the
people fail.

A reference that holds junk itself makes it usual. Two limits therefore do not depend on it: of text that was read in a
wrong encoding (`MOST_MOJIBAKE`), and of noise (`curate.quality.noise.MOST`).

A language with fewer than `min_group` human documents is held against all languages that are written as it is, with
spaces or without, each with the same number of documents at most, and without the signals that depend on the language.
The oddest of these languages sets the threshold: nobody's dialect is junk for being rare. Noise is told from the
middle of the language itself, where it has five documents.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import changes
from curate.columns import one_array
from curate.hashing import UInt64Array, stage_seed, uniform
from curate.quality.catalogue import FAMILIES, HIGH, LOW, NAMES, SIGNALS
from curate.quality.noise import LEAST, MOST, Centre, centre, noise
from curate.quality.signals import UNDEFINED, Levels, of_level

SHARES = (0.1, 0.05, 0.02, 0.01, 0.005)
"""Shares of human documents whose levels are kept."""

TAIL = SHARES[-1]
"""Share of human documents that break a rule."""

MOST_MOJIBAKE = 0.005
"""Share of characters; one person's document in 1,600 has more, and is broken."""

MOST_DOCUMENTS = 4_000
"""Human documents that are kept of a language, those with the smallest hashes."""

_LEAST_DEFINED = 50  # documents that a signal needs for limits
_LEAST_SCALE = 4.0  # levels; signals that nearly all human documents have at zero still have some room
_FOR_ODDNESS = 0.75  # of α; the rest is for noise
_LEAST_OF_LANGUAGE = 20  # documents for a language to speak for itself among all
_POOLED = 500  # documents of a language among those of all
_SPREAD = 1_000  # quantiles kept of the oddness of human documents
_MOJIBAKE = NAMES.index("mojibake")
_LENGTH = NAMES.index("word_length")  # undefined where most words are single characters of a script without spaces

SAMPLE = pa.schema(
    [
        ("language", pa.string()),
        ("unspaced", pa.bool_()),  # written without spaces between words
        ("key", pa.uint64()),  # hash of the document
        ("levels", pa.binary(len(SIGNALS))),
    ]
)

_FAMILY_PLACES = [[place for place, signal in enumerate(SIGNALS) if signal.family == name] for name in FAMILIES]

Floats = NDArray[np.float64]

_ODDNESS: Floats = np.log10(SHARES[0] / np.array(SHARES))


def level_column(levels: Levels, valid: NDArray[np.bool_]) -> pa.Array:
    """Levels uint8[n, signals] as binary[n] of one byte for each signal, null where not valid."""
    data = pa.py_buffer(np.ascontiguousarray(levels).tobytes())
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(len(SIGNALS)), len(levels), [None, data])
    return pc.if_else(pa.array(valid), column, pa.scalar(None, column.type))


def levels_of(column: pa.Array | pa.ChunkedArray) -> Levels:
    """Reads `level_column`; rows of nulls are undefined throughout."""
    column = one_array(column)
    if not len(column):
        return np.empty((0, len(SIGNALS)), np.uint8)
    data = np.frombuffer(column.buffers()[1], np.uint8)
    levels = data[column.offset * len(SIGNALS) :][: len(column) * len(SIGNALS)].reshape(-1, len(SIGNALS)).copy()
    levels[~column.is_valid().to_numpy(zero_copy_only=False)] = UNDEFINED
    return levels


class Usual(NamedTuple):
    """What is usual in one language.

    Attributes:
        low: float64[len(SHARES), signals], levels that these shares of human documents are below; NaN for signals of
            which low levels are not bad, or that are not judged.
        high: the same, above.
    """

    low: Floats
    high: Floats

    def table(self) -> Floats:
        """The oddness of every signal at every level, float64[signals, 256]; 0 where it is not judged."""
        oddness = np.zeros((len(SIGNALS), UNDEFINED + 1))
        levels = np.arange(UNDEFINED)
        for knots, sign in ((self.high, 1.0), (self.low, -1.0)):
            for place in np.flatnonzero(~np.isnan(knots[0])):
                own = _beyond(sign * levels, sign * knots[:, place])
                oddness[place, :UNDEFINED] = np.maximum(oddness[place, :UNDEFINED], own)
        return oddness

    def broken(self, place: int, level: int) -> str:
        """The rule of a signal that a level breaks, in words."""
        high = level > self.high[-1, place]
        limit = float(of_level(place, (self.high if high else self.low)[-1, place]))
        return f"{NAMES[place]} {float(of_level(place, level)):.3g} {'>' if high else '<'} {limit:.3g}"


def _beyond(levels: NDArray[np.floating], knots: Floats) -> Floats:
    """The oddness of levels, given those that `SHARES` of the documents are above, ascending."""
    # Of several knots at one level the last: no more than its share is above.
    inside = _ODDNESS[np.maximum(np.searchsorted(knots, levels, side="left") - 1, 0)]
    scale = max(knots[-1] - knots[SHARES.index(10 * TAIL)], _LEAST_SCALE)
    return np.where(levels > knots[-1], _ODDNESS[-1] + (levels - knots[-1]) / scale, inside)


def oddness(table: Floats, levels: Levels) -> Floats:
    """How odd documents are, float64[n], rounded.

    Args:
        table: of `Usual.table`.
        levels: uint8[n, signals].
    """
    total = np.zeros(len(levels))
    for places in _FAMILY_PLACES:
        total += np.max([table[place, levels[:, place]] for place in places], axis=0)
    return total.round(9)


@dataclass(frozen=True, eq=False)
class QualitySample:
    """Levels of trusted human documents, those with the smallest hashes of each language; mergeable.

    Attributes:
        table: `SAMPLE`, sorted by language, writing and key, each key once.
    """

    table: pa.Table = field(default_factory=SAMPLE.empty_table)

    @staticmethod
    def collect(language: pa.ChunkedArray, column: pa.ChunkedArray, keys: UInt64Array) -> "QualitySample":
        """Samples a block of trusted human documents.

        Args:
            language: string[n], null counts as und.
            column: binary[n] of `level_column`; null ones are left out.
            keys: uint64[n], hashes of the documents.
        """
        column = one_array(column)
        unspaced = pa.array(_unspaced(levels_of(column)))
        names = pc.fill_null(one_array(language).cast(pa.string()), "und")
        rows = pa.table([names, unspaced, pa.array(keys), column], schema=SAMPLE)
        return QualitySample(_smallest(rows.filter(column.is_valid())))

    def merge(self, other: "QualitySample") -> "QualitySample":
        """The sample of both parts of a corpus."""
        return QualitySample(_smallest(pa.concat_tables([self.table, other.table])))

    def calibrate(self, alpha: float, min_group: int, seed: int) -> "QualityLimits":
        """Limits of every language with enough documents, and the widest of them for the others.

        Args:
            alpha: share of human documents that may break a rule.
            min_group: human documents that a language needs.
            seed: of the halves.
        """
        half = uniform(self.table["key"].to_numpy(), stage_seed(seed, "quality-halves")) < 0.5
        levels = levels_of(self.table["levels"])
        unspaced = self.table["unspaced"].to_numpy()
        names = self.table["language"].to_numpy()
        groups: dict[str, Group] = {}
        middles: dict[str, Floats] = {}
        for writing in (False, True):
            languages = {name: np.flatnonzero((unspaced == writing) & (names == name)) for name in np.unique(names)}
            for name, inside in languages.items():
                if len(inside) >= LEAST:
                    middles[group_name(name, writing)] = centre(levels[inside]).middle
                if len(inside) >= min_group:
                    groups[group_name(name, writing)] = _fit(levels[inside], half[inside], alpha)
            pooled = [inside[:_POOLED] for inside in languages.values() if len(inside)]  # those with the smallest keys
            if sum(map(len, pooled)) >= min_group:
                parts = [(levels[inside], half[inside]) for inside in pooled]
                groups[group_name("", writing)] = _fit_pooled(parts, alpha)
        return QualityLimits(groups, middles)


class Group(NamedTuple):
    """What was learnt of a language.

    Attributes:
        documents: human documents it rests on.
        usual: their levels.
        threshold: oddness that a share ¾ α of them exceeds.
        spread: float64, ascending, quantiles of their oddness.
        centre: what noise is told from; without a middle for all languages together.
        noise: that a share ¼ α of them exceeds.
    """

    documents: int
    usual: Usual
    threshold: float
    spread: Floats
    centre: Centre
    noise: float


class Judged(NamedTuple):
    """What the limits say of n documents.

    Attributes:
        passed: bool[n]; true where nothing is calibrated.
        broken: bool[n, signals], levels beyond those of all but one in 200 people.
        quality: float64[n] in [0, 1], share of the human documents of the language that are as odd or odder; NaN where
            nothing is calibrated.
    """

    passed: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    quality: Floats


@dataclass(frozen=True, eq=False)
class QualityLimits:
    """Limits of languages.

    Attributes:
        groups: by `group_name`; that of the empty language stands for all languages.
        middles: of languages with five documents, by `group_name`: `Centre.middle`.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)
    middles: Mapping[str, Floats] = field(default_factory=dict)

    def judge(self, language: pa.Array | pa.ChunkedArray, levels: Levels) -> Judged:
        """Holds documents against the limits of their languages.

        Args:
            language: string[n], null counts as und.
            levels: uint8[n, signals].
        """
        broken = np.zeros(levels.shape, bool)
        quality, passed = np.full(len(levels), np.nan), np.ones(len(levels), bool)
        for language_name, writing, rows in _by_writing(language, levels):
            name = self.group(language_name, writing)
            if name is not None:
                group, table, own = self.groups[name], self._tables[name], levels[rows]
                odd, noisy = oddness(table, own), noise(own, self._centre(language_name, writing))
                broken[rows] = table[np.arange(len(SIGNALS)), own] > _ODDNESS[-1]
                passed[rows] = (odd <= group.threshold) & (noisy <= group.noise) & ~_misread(own)
                quality[rows] = (len(group.spread) - np.searchsorted(group.spread, odd)) / len(group.spread)
        return Judged(passed, broken, quality)

    def group(self, language: str, unspaced: bool) -> str | None:
        """The group that documents of a language are held against; None where nothing is calibrated."""
        names = (group_name(language, unspaced), group_name("", unspaced))
        return next((name for name in names if name in self.groups), None)

    def _centre(self, language: str, unspaced: bool) -> Centre:
        """What noise is told from in a language that is held against a group."""
        name = self.group(language, unspaced) or ""
        usual = self.groups[name].centre
        return Centre(self.middles.get(group_name(language, unspaced), usual.middle), usual.scale)

    @cached_property
    def _tables(self) -> dict[str, Floats]:
        return {name: group.usual.table() for name, group in self.groups.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, limits as levels; `from_dict` gives back the same limits."""
        groups = {
            name: {
                "documents": group.documents,
                "low": _plain(group.usual.low),
                "high": _plain(group.usual.high),
                "threshold": group.threshold,
                "spread": group.spread.tolist(),
                "middle": _plain(group.centre.middle[None])[0],
                "scale": _plain(group.centre.scale[None])[0],
                "noise": group.noise,
            }
            for name, group in sorted(self.groups.items())
        }
        middles = {name: _plain(middle[None])[0] for name, middle in sorted(self.middles.items())}
        return {"groups": groups, "middles": middles}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "QualityLimits":
        """Reads what `to_dict` gave; limits of older versions are none."""

        def numbers(column: list[Any]) -> Floats:
            return np.array(column, dtype=np.float64)

        return QualityLimits(
            {
                name: Group(
                    group["documents"],
                    Usual(numbers(group["low"]), numbers(group["high"])),
                    group["threshold"],
                    numbers(group["spread"]),
                    Centre(numbers(group["middle"]), numbers(group["scale"])),
                    group["noise"],
                )
                for name, group in values.get("groups", {}).items()
            },
            {name: numbers(middle) for name, middle in values.get("middles", {}).items()},
        )

    def explain(self, language: pa.Array | pa.ChunkedArray, levels: Levels) -> list[list[str]]:
        """The broken rules of each document in words: name, value and limit.

        Args:
            language: string[n], null counts as und.
            levels: uint8[n, signals].
        """
        told: list[list[str]] = [[] for _ in range(len(levels))]
        for language_name, writing, rows in _by_writing(language, levels):
            name = self.group(language_name, writing)
            if name is None:
                continue
            group, own, documents = self.groups[name], levels[rows], [told[row] for row in rows.tolist()]
            odd = self._tables[name][np.arange(len(SIGNALS)), own] > _ODDNESS[-1]
            for row in np.flatnonzero(_misread(own) & ~odd[:, _MOJIBAKE]).tolist():
                value = float(of_level(_MOJIBAKE, float(own[row, _MOJIBAKE])))
                documents[row].append(f"mojibake {value:.3g} > {MOST_MOJIBAKE:.3g}")
            words: dict[tuple[int, int], str] = {}
            at, places = np.nonzero(odd)
            for row, place, level in zip(at.tolist(), places.tolist(), own[at, places].tolist(), strict=True):
                if (place, level) not in words:
                    words[place, level] = group.usual.broken(place, level)
                documents[row].append(words[place, level])
            noisy = noise(own, self._centre(language_name, writing))
            for row in np.flatnonzero(noisy > group.noise).tolist():
                documents[row].append(f"noise {noisy[row]:.3g} > {group.noise:.3g}")
        return told


def group_name(language: str, unspaced: bool) -> str:
    """The name of a group: the language and how it is written."""
    return language + _suffix(unspaced)


def _by_writing(language: pa.Array | pa.ChunkedArray, levels: Levels) -> Iterator[tuple[str, bool, NDArray[np.int64]]]:
    """The documents of each language and writing: its name, whether it has no spaces, and their rows, ascending."""
    names = pc.dictionary_encode(pc.fill_null(one_array(language).cast(pa.string()), "und"))
    codes = names.indices.to_numpy(zero_copy_only=False) * 2 + _unspaced(levels)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(changes(codes[order]))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        code = int(codes[rows[0]])
        yield names.dictionary[code // 2].as_py(), bool(code % 2), rows


def _suffix(unspaced: bool) -> str:
    return "/unspaced" if unspaced else "/spaced"


def _misread(levels: Levels) -> NDArray[np.bool_]:
    """Whether documents have more than `MOST_MOJIBAKE`."""
    level = levels[:, _MOJIBAKE]
    return (level != UNDEFINED) & (of_level(_MOJIBAKE, level.astype(np.float64)) > MOST_MOJIBAKE)


def _unspaced(levels: Levels) -> NDArray[np.bool_]:
    """Whether most words of a document are single characters: its mean word length is undefined, others are not."""
    return (levels[:, _LENGTH] == UNDEFINED) & (levels[:, NAMES.index("top_word")] != UNDEFINED)


def _fit(levels: Levels, half: NDArray[np.bool_], alpha: float) -> Group:
    """What is usual of a language, from its human documents."""
    usual, odd = centre(levels), np.sort(_out_of_half(levels, half))
    noisy = np.sort(noise(levels, usual))
    return Group(
        len(levels),
        _usual(levels),
        _threshold(odd, alpha * _FOR_ODDNESS),
        _spread(odd),
        usual,
        _threshold(noisy, alpha * (1 - _FOR_ODDNESS), MOST),
    )


def _fit_pooled(parts: Sequence[tuple[Levels, NDArray[np.bool_]]], alpha: float) -> Group:
    """The same of languages (levels and half of each) together: at every share as odd as the oddest of them is."""
    centres = [centre(levels) for levels, _ in parts]
    scale = _mean_scale(centres)
    noisy = [noise(levels, Centre(usual.middle, scale)) for (levels, _), usual in zip(parts, centres, strict=True)]
    levels, half = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    levels[:, [signal.local for signal in SIGNALS]] = UNDEFINED
    odd = _out_of_half(levels, half)
    ends = np.cumsum([len(own) for own, _ in parts])[:-1]

    def and_large_parts(values: Floats) -> list[Floats]:
        parts = (part for part in np.split(values, ends) if len(part) >= _LEAST_OF_LANGUAGE)
        return [np.sort(values), *map(np.sort, parts)]

    threshold = max(_threshold(part, alpha * _FOR_ODDNESS) for part in and_large_parts(odd))
    most = max(_threshold(part, alpha * (1 - _FOR_ODDNESS), MOST) for part in and_large_parts(np.concatenate(noisy)))
    spread = np.max([_spread(part) for part in and_large_parts(odd)], axis=0)
    nowhere = Centre(np.full_like(scale, np.nan), scale)
    return Group(len(levels), _usual(levels), threshold, spread, nowhere, most)


def _mean_scale(centres: Sequence[Centre]) -> Floats:
    """The mean over the languages that have a scale; NaN without one."""
    scales = np.array([usual.scale for usual in centres])
    known = ~np.isnan(scales)
    mean = np.full(scales.shape[1], np.nan)
    return np.divide(np.nansum(scales, axis=0), known.sum(axis=0), out=mean, where=known.any(axis=0))


def _spread(odd: Floats) -> Floats:
    return odd[np.linspace(0, len(odd) - 1, _SPREAD).round().astype(int)]


def _threshold(values: Floats, alpha: float, most: float = math.inf) -> float:
    """The ⌈(n + 1)(1 - α)⌉-th smallest, or the largest where there is no such; at most `most`."""
    rank = math.ceil((len(values) + 1) * (1 - alpha) - 1e-9)
    return float(min(values[min(rank, len(values)) - 1], most))


def _out_of_half(levels: Levels, half: NDArray[np.bool_]) -> Floats:
    """The oddness of each half of the documents against the other."""
    odd = np.empty(len(levels))
    for fitted in (half, ~half):
        odd[~fitted] = oddness(_usual(levels[fitted]).table(), levels[~fitted])
    return odd


def _usual(levels: Levels) -> Usual:
    knots = np.full((2, len(SHARES), len(SIGNALS)), np.nan)
    for place, signal in enumerate(SIGNALS):
        values = np.sort(levels[levels[:, place] != UNDEFINED, place])
        if len(values) < _LEAST_DEFINED:
            continue
        cuts = (np.array(SHARES) * len(values)).astype(int)
        if signal.bad & LOW:
            knots[0, :, place] = values[cuts]
        if signal.bad & HIGH:
            knots[1, :, place] = values[len(values) - 1 - cuts]
    return Usual(*knots)


def _smallest(table: pa.Table) -> pa.Table:
    """The documents with the smallest keys of every language and writing, each key once, sorted."""
    table = table.sort_by([(name, "ascending") for name in SAMPLE.names]).combine_chunks()
    group = pc.binary_join_element_wise(table["language"], pc.if_else(table["unspaced"], "1", "0"), "/").to_numpy(
        zero_copy_only=False
    )
    keys = table["key"].to_numpy()
    first = changes(group) if len(group) else np.zeros(0, bool)
    single = first | changes(keys) if len(keys) else first
    place = np.flatnonzero(single)
    starts = np.maximum.accumulate(np.where(first[place], np.arange(len(place)), 0))
    return table.take(pa.array(place[np.arange(len(place)) - starts < MOST_DOCUMENTS])).combine_chunks()


def _plain(knots: Floats) -> list[list[float | None]]:
    return [[None if math.isnan(level) else level for level in row] for row in knots.tolist()]
