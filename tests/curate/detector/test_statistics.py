"""Every statistic against a slow reference in plain Python, which follows the names and docstrings."""

import itertools
import math
from collections import Counter, defaultdict
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curate.detector import ranks
from curate.detector.characters import CLASSES
from curate.detector.distinct import distinct_tokens
from curate.detector.statistics import (
    EXCESS_WORDS,
    FEWEST_TOKENS,
    LEAST_WITH_ENDING,
    MOST_TOKENS,
    NAMES,
    NO_COLUMNS,
    OPENERS,
    RANK_STEPS,
    UNRANKED,
    Tables,
    pair_slot,
    pair_slots,
    segments,
    slot,
    slots,
    statistics,
    token_facts,
)
from curate.detector.stream import CAPITALS, MARK, MIXED, NUMBER, SMALL, TITLE, WORD, token_hash, token_stream

ENDS = ("stop", "question", "exclamation")
CLAUSE_ENDS = (*ENDS, "comma", "semicolon", "colon")
APPROXIMATE = {name: 0.1 for name in NAMES if name.startswith("distinct_")}  # counted in a hashed bitmap


@lru_cache(maxsize=1)
def tables():
    """Tables with something in all of them: the shipped ranks, made-up bigrams, rates of some tokens and endings."""
    bigrams = np.random.default_rng(0).integers(0, 256, 1 << 16).astype(np.uint8)
    bigrams[:1000] = UNRANKED
    tokens, endings = np.full(1 << 10, -1, np.int16), np.full(1 << 10, -1, np.int16)
    tokens[:90], endings[:200] = np.arange(90) % 9, np.arange(200) % 5
    return Tables(ranks.load(), bigrams, tokens, endings)


def columns_of(texts, counts=None):
    stream = token_stream(pa.array(texts, pa.string()))
    counts = (np.diff(stream.offsets) > 0).astype(np.int64) if counts is None else np.asarray(counts)
    bounds, owners = segments(stream, counts)
    return (
        stream,
        bounds,
        owners,
        statistics(stream, token_facts(stream, distinct_tokens(stream), tables()), bounds, tables()),
    )


class Token:
    """What a stream says of one token."""

    def __init__(self, stream, number):
        start, end = int(stream.places[number]), int(stream.places[number + 1])
        self.raw = "".join(map(chr, stream.characters[start:end]))
        self.text = self.raw.rstrip(" ")
        self.kind, self.shape = int(stream.kinds[number]), int(stream.shapes[number])
        self.spaced = bool(stream.spaced[number])
        self.mark = CLASSES[self.shape] if self.kind == MARK else None
        self.hash = np.uint32(token_hash(self.text))


def ends_sentence(tokens, number):
    token = tokens[number]
    if token.mark != "stop":
        return token.mark in ENDS
    follows = tokens[number + 1] if number + 1 < len(tokens) else None
    if follows and not follows.spaced and follows.kind in (WORD, NUMBER):
        return False
    before = tokens[number - 1] if number else None
    return not (before and before.kind == WORD and before.raw != before.text + " " and len(before.text) == 1)


def squares(values):
    """Sum of squared deviations from the mean."""
    return sum((value - sum(values) / len(values)) ** 2 for value in values) if values else 0.0


def reference(stream, first, last, text_bounds):
    """The statistics of the segment [first, last) of the text [start, end), by name."""
    start, end = text_bounds
    whole = [Token(stream, number) for number in range(start, end)]
    ends = [ends_sentence(whole, number) for number in range(len(whole))]
    tokens, ends = whole[first - start : last - start], ends[first - start : last - start]
    words = [token for token in tokens if token.kind != MARK]
    if len(words) < FEWEST_TOKENS:
        return dict.fromkeys(NAMES, 0.0)
    n = len(words)
    return (
        shapes(tokens, words, n)
        | rhythm(tokens, ends, n)
        | richness(words, n)
        | frequencies(words, n)
        | compression("".join(token.raw for token in tokens)[:1000])
        | templates(tokens, ends, n)
    )


def rank(token):
    return int(tables().ranks[slots(np.array([token.hash]), len(tables().ranks))[0]])


def root(count, n):
    return math.sqrt(count / n)


def shapes(tokens, words, n):
    lengths = [min(len(word.text), 255) for word in words]
    mean = sum(lengths) / n
    deviation = math.sqrt(max(sum(size * size for size in lengths) / n - mean * mean, 0))
    marks = Counter(token.mark for token in tokens if token.mark)
    total = sum(marks.values())
    opening, starts, inner_titles = True, [], 0
    for token in tokens:
        if token.kind == MARK:
            opening = opening or token.mark in ENDS
            continue
        if token.kind == WORD and opening:
            starts.append(token.shape)
        elif token.kind == WORD:
            inner_titles += token.shape == TITLE
        opening = False
    doubled = sum(one.kind == other.kind == MARK for one, other in itertools.pairwise(tokens))
    alphabetic = [word for word in words if word.kind == WORD]
    return {
        "length": mean,
        "length_deviation": deviation,
        "length_variation": deviation / mean,
        "short": sum(size <= 3 for size in lengths) / n,
        "long": sum(size >= 8 for size in lengths) / n,
        "title": root(inner_titles, n),
        "capitals": root(sum(word.shape == CAPITALS for word in alphabetic), n),
        "mixed": root(sum(word.shape == MIXED for word in alphabetic), n),
        "digits": root(sum(word.kind == NUMBER for word in words), n),
        "small_starts": sum(shape in (SMALL, MIXED) for shape in starts) / max(len(starts), 1),
        "marks": root(total, n),
        "doubled": root(doubled, n),
        **{name: root(marks[name], n) for name in CLASSES},
        "marks_commas": marks["comma"] / (total + 1),
        "marks_stops": marks["stop"] / (total + 1),
        "marks_others": root(total - marks["comma"] - marks["stop"], n),
    }


def rhythm(tokens, ends, n):
    # A sentence ends at a mark that ends one, if it has words; marks between two sentences belong to the next.
    sentences, clauses, current, clause, openers = [], [], [], 0, []
    for token, end in zip(tokens, ends, strict=True):
        if token.kind != MARK:
            if not any(other.kind != MARK for other in current):
                openers.append(token)
            clause += 1
        current.append(token)
        if token.kind == MARK and clause and token.mark in CLAUSE_ENDS:
            clauses.append(math.log(clause))
            clause = 0
        if end and any(other.kind != MARK for other in current):
            sentences.append(current)
            current = []
    lengths = [sum(token.kind != MARK for token in sentence) for sentence in sentences]
    logs = [math.log(length) for length in lengths]
    commas = [sum(token.mark == "comma" for token in sentence) for sentence in sentences]
    mean_ranks = [
        sum(rank(token) for token in sentence if token.kind != MARK) / length / RANK_STEPS
        for sentence, length in zip(sentences, lengths, strict=True)
    ]
    m, less = len(sentences), max(len(sentences) - 1, 0)
    known, repeated = set(), 0
    for opener in openers:
        repeated += opener.hash in known
        if len(known) < 64:
            known.add(opener.hash)
    mean = sum(logs) / max(m, 1)
    return {
        "sentence_length": (sum(logs) + 3 * math.log(20)) / (m + 3),
        "sentence_variance": math.log((squares(logs) + 3 * 0.25) / (less + 3)),
        "sentence_change": math.log(
            (sum((two - one) ** 2 for one, two in itertools.pairwise(logs)) + 3 * 0.5) / (less + 3)
        ),
        "commas": (sum(commas) + 2) / (m + 2),
        "commas_variance": math.log((squares(commas) + 3) / (less + 3)),
        "rank_variance": math.log((squares(mean_ranks) + 3 * 0.2) / (less + 3)),
        "repeated_openers": (repeated + 0.3) / (m + 3),
        "opener_rank": sum(map(rank, openers)) / RANK_STEPS / max(len(known) + repeated, 1),
        "clause_length": (sum(clauses) + 3 * 2) / (len(clauses) + 3),
        "clause_variance": math.log((squares(clauses) + 3 * 0.6) / (max(len(clauses) - 1, 0) + 3)),
        "sentences": m / n,
        "clauses": len(clauses) / n,
        "longest": math.log(max(lengths)) - mean if lengths else 0.0,
        "shortest": mean - math.log(min(*lengths, 20, 20)) if lengths else 0.0,
    }


def richness(words, n):
    texts = [word.text for word in words]
    at, gaps, seen = {}, [], {}
    for count, text in enumerate(texts, 1):
        if text in seen:
            gaps.append(math.log(1 + count - seen[text]))
        seen[text] = count
        at[count] = len(seen)
    pairs, triples = (
        Counter(itertools.pairwise(texts)),
        Counter(zip(texts, texts[1:], texts[2:], strict=False)),
    )
    again = sum(pairs.values()) - len(pairs)
    endings = [word.text[-3:] for word in words]
    same = sum(
        one == two and word.kind == WORD for one, two, word in zip(endings, endings[1:], words[1:], strict=False)
    )
    return {
        "types": len(seen) / n**0.8,
        **{f"types_{k}": at[k] / k if k in at else len(seen) * (k / n) ** 0.8 / k for k in (50, 100, 200)},
        "bigrams_repeated_log": math.log(1 + again) / math.log(n),
        "bigrams_repeated": again / max(n - 1, 1),
        "trigrams_repeated": (sum(triples.values()) - len(triples)) / max(n - 2, 1),
        "gap": sum(gaps) / max(len(gaps), 1) - 0.5 * math.log(n),
        "same_ending": same / n,
    }


def frequencies(words, n):
    entries = [rank(word) for word in words]
    logs = np.array(entries) / RANK_STEPS
    variance = float(np.var(logs))
    rare = [word for word, entry in zip(words, entries, strict=True) if entry > 184]
    bits = np.array(
        [
            tables().bigrams[pair_slots(np.array([one.hash]), np.array([two.hash]), len(tables().bigrams))[0]]
            for one, two in itertools.pairwise(words)
        ],
        dtype=np.float64,
    )
    return {
        "rank": logs.mean(),
        "rank_deviation": math.sqrt(variance),
        "rank_skew": float(np.mean((logs - logs.mean()) ** 3)) / max(variance, 1e-6) ** 1.5,
        "top_100": sum(entry <= 92 for entry in entries) / n,
        "top_1000": sum(entry <= 138 for entry in entries) / n,
        "top_10000": sum(entry <= 184 for entry in entries) / n,
        "rare_small": sum(word.kind == WORD and word.shape == SMALL for word in rare) / n,
        "rare_types": len({word.text for word in rare}) / max(len(rare), 1),
        "rank_change": float(np.abs(np.diff(logs)).mean()),
        "rank_correlation": (float((logs[1:] * logs[:-1]).mean()) - logs.mean() ** 2) / max(variance, 1e-6),
        "human_bigrams": bits.mean() / RANK_STEPS,
        "human_bigrams_deviation": bits.std() / RANK_STEPS,
        "human_bigrams_unseen": float((bits == UNRANKED).mean()),
    }


def compression(letters):
    found = {}
    for length in (250, 1000):
        for size in (2, 4, 6):
            part = letters[:length]
            grams = [part[at : at + size] for at in range(len(part) - size + 1)]
            found[f"distinct_{size}_{length}"] = len(set(grams)) / max(len(grams), 1) ** 0.9
    phrases, phrase = {""}, ""
    for letter in letters:
        phrase += letter
        if phrase not in phrases:
            phrases.add(phrase)
            phrase = ""
    count = len(phrases) - 1
    return found | {"phrases": count * math.log(1 + count) / max(len(letters), 1)}


@lru_cache(maxsize=1)
def listed():
    lists = defaultdict(set)  # by slot, where rarely two words share one
    for name, words in (("excess", EXCESS_WORDS), ("opener", OPENERS)):
        for word in words:
            lists[int(slots(np.array([token_hash(word)], np.uint32), 1 << 16)[0])].add(name)
    return lists


def templates(tokens, ends, n):
    excess = openers = items = starts = 0
    opening = True
    for number, (token, end) in enumerate(zip(tokens, ends, strict=True)):
        if token.kind == MARK:
            opening = opening or end
            items += token.mark == "markup"
            continue
        lists = listed()[int(slots(np.array([token.hash]), 1 << 16)[0])]
        excess += "excess" in lists
        if opening:
            starts += 1
            openers += "opener" in lists
            items += token.kind == NUMBER and number + 1 < len(tokens) and tokens[number + 1].kind == MARK
        opening = False
    return {
        "excess_words": root(excess, n),
        "template_openers": (openers + 0.5) / (starts + 3),
        "enumerations": root(items, n),
    }


def rates(stream, first, last):
    """Square-rooted rates of the tokens and of the endings that have columns."""
    counts = np.zeros(9 + 5)
    tokens = [Token(stream, number) for number in range(first, last)]
    for token in tokens:
        column = tables().tokens[slots(np.array([token.hash]), 1 << 10)[0]]
        if column >= 0:
            counts[column] += 1
        if token.kind == WORD and len(token.text) >= LEAST_WITH_ENDING:
            key = 0
            for letter in token.text[-3:]:
                key = (key << 21 | ord(letter)) % 2**64
            ending = np.array([(key ^ key >> 29) % 2**32], np.uint32)
            column = tables().endings[slots(ending, 1 << 10)[0]]
            if column >= 0:
                counts[9 + column] += 1
    n = sum(token.kind != MARK for token in tokens)
    return np.sqrt(counts / max(n, 20)) if n >= FEWEST_TOKENS else 0 * counts


def check(texts, counts=None):
    stream, bounds, owners, columns = columns_of(texts, counts)
    assert np.isfinite(columns).all()
    for (first, last), owner, column in zip(bounds, owners, columns, strict=True):
        whole = int(stream.offsets[owner]), int(stream.offsets[owner + 1])
        expected = reference(stream, int(first), int(last), whole)
        assert tuple(expected) == NAMES
        for name, found in zip(NAMES, column.tolist(), strict=False):
            tolerance = {"rel": APPROXIMATE[name]} if name in APPROXIMATE else {"rel": 2e-5, "abs": 2e-5}
            assert found == pytest.approx(expected[name], **tolerance), name
        np.testing.assert_allclose(column[len(NAMES) :], rates(stream, first, last), rtol=1e-5)


WORDS = """
the of and a I it in in was we NASA iPhone O'Brien naïve delve tapestry Overall however Москва стол слово
中 文 字 한국어 สวัสดี understanding outstanding 1 42 2024 x
"""
MARKS = """, , . . ? ! ; : … - — ( ) " ' / = * # • “ ” ... ?! ."""
PIECES = st.one_of(st.sampled_from(WORDS.split()), st.sampled_from(MARKS.split()), st.text(max_size=6))
TEXTS = st.builds(
    lambda pieces, gaps: "".join(piece + gap for piece, gap in zip(pieces, gaps, strict=False)),
    st.lists(PIECES, min_size=0, max_size=120),
    st.lists(st.sampled_from([" ", " ", " ", "", "\n"]), min_size=120, max_size=120),
)

ESSAY = "Overall, we delve in. The cat sat; it was 3.5 m long! J. Smith (of NASA) said: 1. one 2) two * three… Was it? "


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=3))
@example([ESSAY * 8])
@example(["中文。" * 200, "字,天" * 70, "สวัสดีครับ" * 20])
@example(["the the the the the", "a b c d", "x" * 2000 + " a b c d"])
@example([" ".join(f"w{number}." for number in range(300))])
def test_every_statistic_is_that_of_the_reference(texts):
    check(texts)


def test_parts_of_a_text():
    check([ESSAY * 10, "", ESSAY], [5, 0, 3])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.text(max_size=300)), min_size=1, max_size=4))
def test_a_text_is_alone_in_its_numbers(texts):
    _, _, owners, together = columns_of(texts)
    for row, owner in enumerate(owners):
        np.testing.assert_array_equal(together[row], columns_of([texts[owner]])[3][0])


@pytest.mark.parametrize("text", ["", "one two three four", ", . ! ? ; : - * #" * 50, "\u0301\u200b" * 90, "😀" * 90])
def test_fewer_than_five_words_are_zeros(text):
    assert not columns_of([text, None])[3].any()


@pytest.mark.parametrize(
    "text",
    [
        " ".join("".join(chr(97 + number // power % 26) for power in (1, 26, 676)) for number in range(MOST_TOKENS)),
        "".join(map(chr, range(0x4E00, 0x4E00 + MOST_TOKENS))),
        " ".join(chr(0x4E00 + number) for number in range(MOST_TOKENS)),
    ],
)
def test_the_hash_tables_hold_the_longest_segment(text):
    *_, columns = columns_of([text])
    found = dict(zip(NAMES, columns[0].tolist(), strict=False))
    assert found["types"] == pytest.approx(MOST_TOKENS**0.2)
    assert found["trigrams_repeated"] == found["bigrams_repeated"] == 0
    with pytest.raises(ValueError, match=r"1025 tokens.*1024"):
        columns_of([text + " more"])


def test_parting_bounds_segments():
    stream = token_stream(pa.array(["a " * 10, None, "", "b " * 7]))
    bounds, texts = segments(stream, np.array([3, 0, 0, 2]))
    assert bounds.tolist() == [[0, 3], [3, 6], [6, 10], [10, 13], [13, 17]]
    assert texts.tolist() == [0, 0, 0, 3, 3]
    bounds, texts = segments(stream, np.zeros(4, np.int64))
    assert bounds.shape == (0, 2) and not len(texts)
    empty = Tables(ranks.load(), np.zeros(1, np.uint8), NO_COLUMNS, NO_COLUMNS)
    assert statistics(stream, token_facts(stream, distinct_tokens(stream), empty), bounds, empty).shape == (
        0,
        len(NAMES),
    )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_slots_of_one_and_of_many(first, second, bits):
    size = 1 << bits
    one, two = np.array([first], np.uint32), np.array([second], np.uint32)
    expected = (first * 0x9E3779B1 % 2**32) * size >> 32
    assert slots(one, size).tolist() == [expected] == [slot(one[0], size)]
    mixed = ((first * 0x85EBCA6B ^ second) % 2**32) * 0xC2B2AE35 % 2**32
    expected = (mixed * 0x9E3779B1 % 2**32) * size >> 32
    assert pair_slots(one, two, size).tolist() == [expected] == [pair_slot(one[0], two[0], size)]
