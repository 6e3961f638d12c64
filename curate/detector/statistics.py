"""Numbers that tell how a text is written rather than what it is about, for every segment of a token stream.

Shapes of words, punctuation, rhythm of sentences, repetition and richness, frequency of the words in human use,
compressibility, and rates of frequent tokens and word endings. Rates are per token and square-rooted where
they are small, which evens out their variance; numbers that rest on few sentences are shrunken to what is usual.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.detector.characters import CLASSES
from curate.detector.distinct import DistinctTokens
from curate.detector.stream import CAPITALS, MARK, MIXED, NUMBER, TITLE, WORD, TokenStream, token_end, token_hash

FEWEST_TOKENS = 5
"""Segments with fewer tokens that are no marks have only zeros."""

MOST_TOKENS = 1_024
"""Tokens of a segment, at most."""

LEAST_WITH_ENDING = 5
"""Characters of a word whose ending is looked at."""

_SHAPES = """
length length_deviation length_variation short long title capitals mixed digits small_starts marks doubled
"""
_MARK_SHARES = "marks_commas marks_stops marks_others"
_SENTENCES = """
sentence_length sentence_variance sentence_change commas commas_variance rank_variance repeated_openers opener_rank
clause_length clause_variance sentences clauses longest shortest
"""
_RICHNESS = """
types types_50 types_100 types_200 bigrams_repeated_log bigrams_repeated trigrams_repeated gap same_ending
"""
_RANKS = """
rank rank_deviation rank_skew top_100 top_1000 top_10000 rare_small rare_types rank_change rank_correlation
human_bigrams human_bigrams_deviation human_bigrams_unseen
"""
_COMPRESSION = "distinct_2_250 distinct_4_250 distinct_6_250 distinct_2_1000 distinct_4_1000 distinct_6_1000 phrases"
_TEMPLATES = "excess_words template_openers enumerations"

NAMES = (
    *_SHAPES.split(),
    *CLASSES,
    *_MARK_SHARES.split(),
    *_SENTENCES.split(),
    *_RICHNESS.split(),
    *_RANKS.split(),
    *_COMPRESSION.split(),
    *_TEMPLATES.split(),
)
"""The columns of `statistics`, before those of the rates."""

_EXCESS_WORDS = """
delve delves delving delved underscore underscores underscored underscoring showcase showcases showcased showcasing
intricate intricacies pivotal realm realms meticulous meticulously commendable crucial crucially comprehensive notably
noteworthy enhance enhances enhancing enhanced garnered insights leverage leverages leveraging nuanced nuances
multifaceted tapestry testament landscape foster fosters fostering interplay elucidate elucidates elucidating bolster
bolstering encompass encompasses encompassing transformative seamless seamlessly robust invaluable groundbreaking
surpass surpasses surpassing harness harnessing navigating additionally emphasizing emphasizes highlighting highlights
underpinning advancements innovative avenues profound unparalleled holistic paramount unwavering exceptional
"""
EXCESS_WORDS = tuple(_EXCESS_WORDS.split())
"""Words whose use rose most in abstracts after 2022 beyond what was expected (Kobak et al., 2025, arXiv 2406.07016)."""

_OPENERS = """
overall additionally furthermore moreover however conclusion summary ultimately firstly secondly thirdly finally
lastly consequently therefore thus hence remember note importantly certainly absolutely instead similarly likewise
meanwhile nevertheless nonetheless in as by with while to this these it
"""
OPENERS = tuple(_OPENERS.split())
"""Words that open the sentences of templates."""

_MARKS = len(CLASSES)
_COMMA, _COLON, _MARKUP = (CLASSES.index(name) for name in ("comma", "colon", "markup"))
_STOP, _QUESTION, _EXCLAMATION = (CLASSES.index(name) for name in ("stop", "question", "exclamation"))
_SLOTS = 2 * MOST_TOKENS  # of the hash tables
_SHORT_CHARACTERS, _MOST_CHARACTERS = 250, 1_000
_PHRASE_BITS = 10
_MOST_PHRASES = 1 << _PHRASE_BITS  # more than characters
_LOGS = np.log(np.maximum(np.arange(_SLOTS + 1), 1))
_BITS = 15  # of the bitmaps, as a power of two
UNRANKED = 255
"""Stands in `Tables` for what is not known."""

RANK_STEPS = 20
"""Steps per natural logarithm in `Tables`."""

_EXCESS, _OPENER = 1, 2
_LIST_BITS = 16
_GOLDEN, _PAIR_1, _PAIR_2 = (np.uint32(factor) for factor in (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35))


class Tables(NamedTuple):
    """What is known of words, by `slot` of their hash.

    Attributes:
        ranks: uint8[2^k], 20 · ln(1 + rank) of a word among the frequent ones of its language, the least of the
            words that share a slot; 255 for words that are not frequent.
        bigrams: uint8[2^k], 20 · -ln p(word | word before) in texts by people, by `pair_slot`; 255 for unseen pairs.
        tokens: int16[2^k], the rate that a token counts to, -1 for none.
        endings: int16[2^k], the rate that the last three characters of a word of five or more count to, -1 for none.
    """

    ranks: NDArray[np.uint8]
    bigrams: NDArray[np.uint8]
    tokens: NDArray[np.int16]
    endings: NDArray[np.int16]


NO_COLUMNS = np.full(1, -1, np.int16)
"""For `Tables` that count no rates."""


class TokenFacts(NamedTuple):
    """What `Tables` and lists say of the m tokens of a stream, k of which are distinct.

    Attributes:
        number: int32[m], which of the distinct tokens each is.
        lengths: uint8[k], characters, at most 255.
        ranks: uint8[k], as in `Tables`.
        lists: uint8[k], bits of `word_lists`.
        rates: int16[k], column of the token's rate or -1.
        endings: uint32[k], hash of the last three characters.
        ending_rates: int16[k], column of the ending's rate, -1 for none and for what is no word.
        surprises: uint8[m], of a word after the word before it in its text, as in `Tables.bigrams`.
        ends: bool[m], whether it ends a sentence.
    """

    number: NDArray[np.int32]
    lengths: NDArray[np.uint8]
    ranks: NDArray[np.uint8]
    lists: NDArray[np.uint8]
    rates: NDArray[np.int16]
    endings: NDArray[np.uint32]
    ending_rates: NDArray[np.int16]
    surprises: NDArray[np.uint8]
    ends: NDArray[np.bool_]


def token_facts(stream: TokenStream, distinct: DistinctTokens, tables: Tables) -> TokenFacts:
    """Looks every distinct token up, and the pairs of tokens that follow each other."""
    known = _facts_of_distinct(stream, distinct.first, tables, word_lists())
    return TokenFacts(distinct.number, *known, *_facts_in_place(stream, tables.bigrams))


@lru_cache(maxsize=1)
def word_lists() -> NDArray[np.uint8]:
    """`EXCESS_WORDS` and `OPENERS` as bits, uint8[2^16], by slot."""
    lists = np.zeros(1 << _LIST_BITS, np.uint8)
    for bit, words in ((_EXCESS, EXCESS_WORDS), (_OPENER, OPENERS)):
        for word in words:
            lists[slot(np.uint32(token_hash(word)), lists.size)] |= bit
    return lists


def segments(stream: TokenStream, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Parts texts into runs of tokens of nearly equal length.

    Args:
        stream: tokens of n texts.
        counts: int64[n], segments of each text, at most one per token.

    Returns:
        bounds: int64[m, 2], first token of each segment and the one after its last.
        texts: int64[m], the text of each, ascending.
    """
    lengths = np.diff(stream.offsets)
    texts = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(texts)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = stream.offsets[texts] + number * lengths[texts] // counts[texts]
    last = stream.offsets[texts] + (number + 1) * lengths[texts] // counts[texts]
    return np.stack([first, last], axis=1), texts


def statistics(
    stream: TokenStream, facts: TokenFacts, bounds: NDArray[np.int64], tables: Tables
) -> NDArray[np.float32]:
    """The numbers of every segment.

    Args:
        stream: tokens.
        facts: from `token_facts`.
        bounds: int64[m, 2], from `segments`, none longer than `MOST_TOKENS`.
        tables: that the facts come from.

    Returns:
        float32[m, len(NAMES) + rates of tokens + rates of endings].

    Raises:
        ValueError: a segment is too long for the hash tables.
    """
    longest = int(np.diff(bounds).max(initial=0))
    if longest > MOST_TOKENS:
        raise ValueError(f"a segment of {longest} tokens, expected {MOST_TOKENS} at most; part it with `segments`")
    token_rates, ending_rates = int(tables.tokens.max()) + 1, int(tables.endings.max()) + 1
    columns = np.zeros((len(bounds), len(NAMES) + token_rates + ending_rates), np.float32)
    _statistics(stream, facts, bounds, columns, token_rates)
    return columns


def slots(hashes: NDArray[np.uint32], size: int) -> NDArray[np.int64]:
    """`slot` of many hashes."""
    mixed = (hashes * _GOLDEN).astype(np.uint64)
    return (mixed * np.uint64(size) >> np.uint64(32)).astype(np.int64)


def pair_slots(first: NDArray[np.uint32], second: NDArray[np.uint32], size: int) -> NDArray[np.int64]:
    """`pair_slot` of many pairs."""
    return slots((first * _PAIR_1 ^ second) * _PAIR_2, size)


@njit(cache=True, nogil=True)
def slot(hashed: Any, size: Any) -> Any:
    """The place of a token hash in a table of a power of two of entries."""
    return np.int64(np.uint64(np.uint32(hashed * _GOLDEN)) * np.uint64(size) >> np.uint64(32))


@njit(cache=True, nogil=True)
def pair_slot(first: Any, second: Any, size: Any) -> Any:
    """The place of two tokens in a table of a power of two of entries."""
    mixed = np.uint32(first * _PAIR_1) ^ second
    return slot(np.uint32(mixed * _PAIR_2), size)


@njit(cache=True, nogil=True)
def _facts_of_distinct(stream: Any, first: Any, tables: Any, listed: Any) -> Any:
    """What does not depend on where a token stands: length, rank, lists, rate, ending and, of long words, its rate."""
    count = first.size
    lengths, ranks, lists = np.empty(count, np.uint8), np.empty(count, np.uint8), np.empty(count, np.uint8)
    rates, endings, ending_rates = np.empty(count, np.int16), np.empty(count, np.uint32), np.full(count, -1, np.int16)
    places, characters = stream.places, stream.characters
    for number in range(count):
        token = first[number]
        hashed, start, end = stream.hashes[token], places[token], token_end(places, characters, token)
        lengths[number] = min(end - start, 255)
        ranks[number] = tables.ranks[slot(hashed, tables.ranks.size)]
        lists[number] = listed[slot(hashed, listed.size)]
        rates[number] = tables.tokens[slot(hashed, tables.tokens.size)]
        endings[number] = _ending(characters, start, end)
        if stream.kinds[token] == WORD and lengths[number] >= LEAST_WITH_ENDING:
            ending_rates[number] = tables.endings[slot(endings[number], tables.endings.size)]
    return lengths, ranks, lists, rates, endings, ending_rates


@njit(cache=True, nogil=True)
def _facts_in_place(stream: Any, bigrams: Any) -> Any:
    """What depends on where a token stands: how surprising it is, and whether it ends a sentence."""
    hashes, kinds, shapes, spaced, places = stream.hashes, stream.kinds, stream.shapes, stream.spaced, stream.places
    surprises, ends = np.empty(hashes.size, np.uint8), np.zeros(hashes.size, np.bool_)
    for text in range(stream.offsets.size - 1):
        first, last, before = stream.offsets[text], stream.offsets[text + 1], np.uint32(0)
        for token in range(first, last):
            surprises[token] = bigrams[pair_slot(before, hashes[token], bigrams.size)]
            if kinds[token] == MARK:
                ends[token] = _ends_sentence(kinds, shapes, spaced, places, token, first, last)
            else:
                before = hashes[token]
    return surprises, ends


@njit(cache=True, nogil=True)
def _ending(characters: Any, start: Any, end: Any) -> Any:
    """A hash of the last three of the characters from start to end."""
    key = np.uint64(0)
    for place in range(max(end - 3, start), end):
        key = key << np.uint64(21) | np.uint64(characters[place])
    return np.uint32(key ^ key >> np.uint64(29))


@njit(cache=True, nogil=True)
def _ends_sentence(kinds: Any, shapes: Any, spaced: Any, places: Any, token: Any, first: Any, last: Any) -> Any:
    """Question and exclamation marks, and stops that are neither within a word or number nor after an initial."""
    shape = shapes[token]
    if shape in (_QUESTION, _EXCLAMATION):
        return True
    if shape != _STOP:
        return False
    after, before = token + 1, token - 1
    within = after < last and not spaced[after] and (kinds[after] == WORD or kinds[after] == NUMBER)
    initial = before >= first and kinds[before] == WORD and places[token] - places[before] == 1
    return not within and not initial


@njit(cache=True, nogil=True)
def _statistics(stream: Any, facts: Any, bounds: Any, columns: Any, token_rates: Any) -> None:
    # Hash tables that need no clearing: an entry counts only with the stamp of its use.
    stamps, keys, seen = np.zeros((3, _SLOTS), np.uint32), np.zeros((3, _SLOTS), np.uint64), np.zeros(_SLOTS, np.int32)
    bits, phrases = np.zeros((3, 1 << _BITS - 6), np.uint64), np.zeros(_MOST_PHRASES, np.uint64)
    for row in range(bounds.shape[0]):
        first, last = bounds[row, 0], bounds[row, 1]
        words = 0
        for token in range(first, last):
            words += stream.kinds[token] != MARK
        if words < FEWEST_TOKENS:
            continue
        stamp = np.uint32(2 * row + 1)
        x = columns[row]
        column = _shapes(stream, facts, first, last, words, x)
        column = _sentence_rhythm(stream, facts, first, last, words, x, column)
        column = _richness(stream, facts, first, last, words, stamps, keys, seen, stamp, x, column)
        column = _frequencies(stream, facts, first, last, words, stamps[2], keys[2], stamp + 1, x, column)
        column = _compression(stream, first, last, bits, phrases, x, column)
        column = _templates(stream, facts, first, last, words, x, column)
        _rates(facts, first, last, words, x, column, token_rates)


@njit(cache=True, nogil=True)
def _shapes(stream: Any, facts: Any, first: Any, last: Any, words: Any, x: Any) -> Any:
    """Lengths and shapes of words, rates of punctuation."""
    marks = np.zeros(_MARKS)
    length = squares = 0.0
    short = long = title = capitals = mixed = digits = starts = small_starts = doubled = total_marks = 0
    opening = True
    for token in range(first, last):
        kind, shape = stream.kinds[token], stream.shapes[token]
        if kind == MARK:
            marks[shape] += 1
            total_marks += 1
            doubled += token > first and stream.kinds[token - 1] == MARK
            opening = opening or shape in (_STOP, _QUESTION, _EXCLAMATION)
            continue
        size = float(facts.lengths[facts.number[token]])
        length += size
        squares += size * size
        short += size <= 3
        long += size >= 8
        digits += kind == NUMBER
        if kind == WORD:
            if opening:
                starts += 1
                small_starts += shape != TITLE and shape != CAPITALS
            elif shape == TITLE:
                title += 1
            capitals += shape == CAPITALS
            mixed += shape == MIXED
        opening = False
    mean = length / words
    deviation = np.sqrt(max(squares / words - mean * mean, 0.0))
    x[0], x[1], x[2] = mean, deviation, deviation / mean
    x[3], x[4] = short / words, long / words
    x[5], x[6] = np.sqrt(title / words), np.sqrt(capitals / words)
    x[7], x[8] = np.sqrt(mixed / words), np.sqrt(digits / words)
    x[9] = small_starts / max(starts, 1)
    x[10], x[11] = np.sqrt(total_marks / words), np.sqrt(doubled / words)
    for mark in range(_MARKS):
        x[12 + mark] = np.sqrt(marks[mark] / words)
    column = 12 + _MARKS
    x[column] = marks[_COMMA] / (total_marks + 1)
    x[column + 1] = marks[_STOP] / (total_marks + 1)
    x[column + 2] = np.sqrt((total_marks - marks[_COMMA] - marks[_STOP]) / words)
    return column + 3


@njit(cache=True, nogil=True)
def _sentence_rhythm(stream: Any, facts: Any, first: Any, last: Any, words: Any, x: Any, column: Any) -> Any:
    """Lengths of sentences and clauses, how they vary, and how sentences open; shrunken by what three would add."""
    sentences = clauses = commas = current = clause = repeated = 0
    total = squares = change = previous = longest = 0.0
    shortest = 20.0
    clause_total = clause_squares = 0.0
    comma_total = comma_squares = 0.0
    rank_sum = rank_total = rank_squares = opener_rank = 0.0
    openers = np.empty(64, np.uint32)
    distinct = 0
    for token in range(first, last):
        kind, shape = stream.kinds[token], stream.shapes[token]
        if kind != MARK:
            rank = facts.ranks[facts.number[token]]
            if current == 0:
                opener_rank += rank
                known = False
                for other in range(distinct):
                    known |= openers[other] == stream.hashes[token]
                if known:
                    repeated += 1
                elif distinct < 64:
                    openers[distinct] = stream.hashes[token]
                    distinct += 1
            current += 1
            clause += 1
            rank_sum += rank
            continue
        if clause > 0 and shape <= _COLON:
            size = np.log(clause)
            clause_total += size
            clause_squares += size * size
            clauses += 1
            clause = 0
        commas += shape == _COMMA
        if current > 0 and facts.ends[token]:
            size = np.log(current)
            if sentences > 0:
                change += (size - previous) ** 2
            previous = size
            longest, shortest = max(longest, float(current)), min(shortest, float(current))
            total += size
            squares += size * size
            sentences += 1
            comma_total += commas
            comma_squares += commas * commas
            mean_rank = rank_sum / current / RANK_STEPS
            rank_total += mean_rank
            rank_squares += mean_rank * mean_rank
            current = commas = 0
            rank_sum = 0.0
    usual = np.log(20.0)
    less = max(sentences - 1, 0)
    x[column] = (total + 3 * usual) / (sentences + 3)
    x[column + 1] = np.log((_spread(total, squares, sentences) + 3 * 0.25) / (less + 3))
    x[column + 2] = np.log((change + 3 * 0.5) / (less + 3))
    x[column + 3] = (comma_total + 2) / (sentences + 2)
    x[column + 4] = np.log((_spread(comma_total, comma_squares, sentences) + 3) / (less + 3))
    x[column + 5] = np.log((_spread(rank_total, rank_squares, sentences) + 3 * 0.2) / (less + 3))
    x[column + 6] = (repeated + 0.3) / (sentences + 3)
    x[column + 7] = opener_rank / RANK_STEPS / max(distinct + repeated, 1)
    x[column + 8] = (clause_total + 3 * 2) / (clauses + 3)
    x[column + 9] = np.log((_spread(clause_total, clause_squares, clauses) + 3 * 0.6) / (max(clauses - 1, 0) + 3))
    x[column + 10], x[column + 11] = sentences / words, clauses / words
    mean = total / max(sentences, 1)
    x[column + 12] = np.log(max(longest, 1.0)) - mean if sentences else 0.0
    x[column + 13] = mean - np.log(max(shortest, 1.0)) if sentences else 0.0
    return column + 14


@njit(cache=True, nogil=True)
def _spread(total: Any, squares: Any, count: Any) -> Any:
    """Sum of squared deviations from the mean."""
    return max(squares - total * total / count, 0.0) if count else 0.0


@njit(cache=True, nogil=True)
def _enter(stamps: Any, keys: Any, stamp: Any, key: Any) -> Any:
    """The place of a key in a hash table and whether it is new there."""
    place = np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(53))
    while stamps[place] == stamp:
        if keys[place] == key:
            return place, False
        place = (place + 1) & (_SLOTS - 1)
    stamps[place], keys[place] = stamp, key
    return place, True


@njit(cache=True, nogil=True)
def _richness(
    stream: Any,
    facts: Any,
    first: Any,
    last: Any,
    words: Any,
    stamps: Any,
    keys: Any,
    seen: Any,
    stamp: Any,
    x: Any,
    column: Any,
) -> Any:
    """Types per token at fixed lengths, repeated n-grams, gaps between repetitions."""
    types = at_50 = at_100 = at_200 = count = 0
    pairs = pairs_again = triples = triples_again = gaps = same_ending = 0
    gap = 0.0
    before = before_that = np.uint64(0)
    ending = np.uint32(0)
    for token in range(first, last):
        if stream.kinds[token] == MARK:
            continue
        word = np.uint64(stream.hashes[token])
        count += 1
        place, new = _enter(stamps[0], keys[0], stamp, word)
        if new:
            types += 1
        else:
            gap += _LOGS[1 + count - seen[place]]
            gaps += 1
        seen[place] = count
        if count == 50:
            at_50 = types
        elif count == 100:
            at_100 = types
        elif count == 200:
            at_200 = types
        if count > 1:
            pair = before << np.uint64(32) | word
            pairs += 1
            pairs_again += not _enter(stamps[1], keys[1], stamp, pair)[1]
            if count > 2:
                triples += 1
                triple = pair * np.uint64(0xD6E8FEB86659FD93) + before_that
                triples_again += not _enter(stamps[2], keys[2], stamp, triple)[1]
        before_that, before = before, word
        this = facts.endings[facts.number[token]]
        same_ending += this == ending and stream.kinds[token] == WORD
        ending = this
    x[column] = types / words**0.8
    x[column + 1] = at_50 / 50 if at_50 else _extrapolated(types, words, 50)
    x[column + 2] = at_100 / 100 if at_100 else _extrapolated(types, words, 100)
    x[column + 3] = at_200 / 200 if at_200 else _extrapolated(types, words, 200)
    x[column + 4] = np.log(1.0 + pairs_again) / np.log(words)
    x[column + 5], x[column + 6] = pairs_again / max(pairs, 1), triples_again / max(triples, 1)
    x[column + 7] = gap / max(gaps, 1) - 0.5 * np.log(words)
    x[column + 8] = same_ending / words
    return column + 9


@njit(cache=True, nogil=True)
def _extrapolated(types: Any, words: Any, length: Any) -> Any:
    """Types per token at a length that the text does not reach, by Heaps' law with the exponent .8."""
    return types * (length / words) ** 0.8 / length


@njit(cache=True, nogil=True)
def _frequencies(
    stream: Any, facts: Any, first: Any, last: Any, words: Any, stamps: Any, keys: Any, stamp: Any, x: Any, column: Any
) -> Any:
    """Moments and course of the log-ranks of the words, and how likely people are to put one after the other."""
    total = squares = cubes = change = product = previous = 0.0
    top_100 = top_1000 = top_10000 = rare = rare_small = rare_types = 0
    surprise = surprise_squares = 0.0
    unseen = pairs = 0
    count = 0
    for token in range(first, last):
        if stream.kinds[token] == MARK:
            continue
        entry = facts.ranks[facts.number[token]]
        rank = entry / RANK_STEPS
        total += rank
        squares += rank * rank
        cubes += rank * rank * rank
        top_100 += entry <= 92
        top_1000 += entry <= 138
        if entry <= 184:
            top_10000 += 1
        else:
            rare += 1
            rare_types += _enter(stamps, keys, stamp, np.uint64(stream.hashes[token]))[1]
            rare_small += stream.kinds[token] == WORD and stream.shapes[token] == 0
        if count > 0:
            change += abs(rank - previous)
            product += rank * previous
            bits = facts.surprises[token]
            pairs += 1
            unseen += bits == UNRANKED
            surprise += bits / RANK_STEPS
            surprise_squares += (bits / RANK_STEPS) ** 2
        previous = rank
        count += 1
    mean = total / words
    variance = max(squares / words - mean * mean, 0.0)
    x[column], x[column + 1] = mean, np.sqrt(variance)
    x[column + 2] = (cubes / words - 3 * mean * squares / words + 2 * mean**3) / max(variance, 1e-6) ** 1.5
    x[column + 3], x[column + 4], x[column + 5] = top_100 / words, top_1000 / words, top_10000 / words
    x[column + 6], x[column + 7] = rare_small / words, rare_types / max(rare, 1)
    x[column + 8] = change / max(words - 1, 1)
    x[column + 9] = (product / max(words - 1, 1) - mean * mean) / max(variance, 1e-6)
    mean = surprise / max(pairs, 1)
    x[column + 10], x[column + 11] = mean, np.sqrt(max(surprise_squares / max(pairs, 1) - mean * mean, 0.0))
    x[column + 12] = unseen / max(pairs, 1)
    return column + 13


@njit(cache=True, nogil=True)
def _compression(stream: Any, first: Any, last: Any, bits: Any, phrases: Any, x: Any, column: Any) -> Any:
    """Distinct character n-grams at fixed lengths, and phrases of the LZ78 parse (Ziv & Lempel, 1978) per character.

    Distinct n-grams are counted as bits of a hashed bitmap, which misses some two of a hundred.
    """
    start = stream.places[first]
    length = min(_MOST_CHARACTERS, stream.places[last] - start)
    bits_2, bits_4, bits_6 = bits
    bits[:], phrases[:] = 0, 0
    distinct_2 = distinct_4 = distinct_6 = np.uint64(0)
    packed = np.uint64(0)  # the last characters, ten bits of each
    phrase = count = np.uint64(0)
    done = 0
    for part in range(2):
        stop = length if part else min(_SHORT_CHARACTERS, length)
        for place in range(done, stop):
            code = np.uint64(stream.characters[start + place])
            packed = (packed << np.uint64(10) ^ code) & np.uint64((1 << 60) - 1)
            if place >= 5:
                distinct_6 += _mark(bits_6, packed)
            if place >= 3:
                distinct_4 += _mark(bits_4, packed & np.uint64((1 << 40) - 1))
            if place >= 1:
                distinct_2 += _mark(bits_2, packed & np.uint64((1 << 20) - 1))
            phrase, count = _longer_phrase(phrases, phrase, code, count)
        done = stop
        grams = column + 3 * part
        x[grams] = distinct_2 / max(stop - 1, 1) ** 0.9
        x[grams + 1] = distinct_4 / max(stop - 3, 1) ** 0.9
        x[grams + 2] = distinct_6 / max(stop - 5, 1) ** 0.9
    x[column + 6] = count * np.log(1.0 + count) / max(length, 1)
    return column + 7


@njit(cache=True, nogil=True)
def _mark(bits: Any, key: Any) -> Any:
    """Sets the bit of a key; 1 if it was not set."""
    bit = key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - _BITS)
    word, shift = bit >> np.uint64(6), bit & np.uint64(63)
    before = bits[word]
    bits[word] = before | np.uint64(1) << shift
    return ~(before >> shift) & np.uint64(1)


@njit(cache=True, nogil=True)
def _longer_phrase(phrases: Any, phrase: Any, code: Any, count: Any) -> Any:
    """One step of the parse: the number of the phrase that goes on, 0 where one ends, and the phrases so far.

    An entry of the hash table is one number, so that all stay in the first cache: the phrase that it prolongs, 21 bits
    of the character, and 10 of its own number, which is not 0.
    """
    key = phrase << np.uint64(21) | code
    place = key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - _PHRASE_BITS)
    while phrases[place]:
        if phrases[place] >> np.uint64(_PHRASE_BITS) == key:
            return phrases[place] & np.uint64(_MOST_PHRASES - 1), count
        place = (place + np.uint64(1)) & np.uint64(_MOST_PHRASES - 1)
    count += np.uint64(1)
    phrases[place] = key << np.uint64(_PHRASE_BITS) | count
    return np.uint64(0), count


@njit(cache=True, nogil=True)
def _templates(stream: Any, facts: Any, first: Any, last: Any, words: Any, x: Any, column: Any) -> Any:
    """Excess words, sentences that open as templates do, and items of lists."""
    excess = openers = items = sentences = 0
    opening = True
    for token in range(first, last):
        if stream.kinds[token] == MARK:
            opening = opening or facts.ends[token]
            items += stream.shapes[token] == _MARKUP
            continue
        listed = facts.lists[facts.number[token]]
        excess += (listed & _EXCESS) != 0
        if opening:
            sentences += 1
            openers += (listed & _OPENER) != 0
            # "1." or "2)": the number opens what the stop before it, or the start, has closed
            items += stream.kinds[token] == NUMBER and token + 1 < last and stream.kinds[token + 1] == MARK
        opening = False
    x[column] = np.sqrt(excess / words)
    x[column + 1] = (openers + 0.5) / (sentences + 3)
    x[column + 2] = np.sqrt(items / words)
    return column + 3


@njit(cache=True, nogil=True)
def _rates(facts: Any, first: Any, last: Any, words: Any, x: Any, column: Any, token_rates: Any) -> None:
    """Square-rooted rates of frequent tokens and word endings."""
    for token in range(first, last):
        rate, ending_rate = facts.rates[facts.number[token]], facts.ending_rates[facts.number[token]]
        if rate >= 0:
            x[column + rate] += 1
        if ending_rate >= 0:
            x[column + token_rates + ending_rate] += 1
    for place in range(column, x.size):
        x[place] = np.sqrt(x[place] / max(words, 20))
