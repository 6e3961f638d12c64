"""The quality signals of one text in plain Python, to read and to compare the compiled loops with."""

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import nan

import numpy as np

from curate.detector import ranks
from curate.detector.statistics import pair_slots, slots
from curate.detector.stream import token_hash
from curate.quality import characters as c
from curate.quality import letters
from curate.quality.catalogue import NAMES
from curate.quality.compiled import ALPHABETS_END, letter_slots
from curate.quality.signals import _tables

PHRASES = (
    *("javascript", "lorem ipsum", "privacy policy", "cookie policy"),
    *("use cookies", "uses cookies", "use of cookies", "terms of use"),
)


@lru_cache(maxsize=100_000)
def is_a(character, bit):
    return bool(c.load().traits[ord(character)] & bit)


def folded(character):
    return chr(c.load().folded[ord(character)])


def tokens(text):
    """(kind, as written, folded) of each word, each number and each character of a script without spaces."""
    found, at = [], 0
    while at < len(text):
        one = text[at]
        kind = next((k for k in (c.LETTER, c.DIGIT, c.WIDE) if is_a(one, k)), 0)
        taken = one
        at += 1
        while kind in (c.LETTER, c.DIGIT) and at < len(text):
            apostrophe = (
                kind == c.LETTER and at + 1 < len(text) and is_a(text[at], c.PUNCTUATION) and folded(text[at]) == "'"
            )
            if is_a(text[at], kind):
                taken += text[at]
            elif not (apostrophe and is_a(text[at + 1], c.LETTER)):
                break
            else:
                taken += "'"
            at += 1
        if kind:
            found.append((kind, taken, "".join(folded(one) for one in taken)))
    return found


def share(part, whole):
    return part / whole if whole else nan


def repeats(things, size):
    """Shares of things that were there before, by count and by size."""
    seen, count, sizes = set(), 0, 0
    for thing in things:
        if thing in seen:
            count += 1
            sizes += size(thing)
        seen.add(thing)
    return share(count, len(things)), share(sizes, sum(map(size, things)))


def gram_share(words, n, chosen):
    """Share of the characters in the n-grams that `chosen` picks from their counts, in order of occurrence."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = {gram: count for gram, count in Counter(grams).items() if count > 1}
    picked = chosen(counts)
    covered = {i + j for i, gram in enumerate(grams) if gram in picked for j in range(n)}
    return sum(len(words[i]) for i in covered) / sum(map(len, words))


def mojibake(text):
    """Characters that look like UTF-8 read in an encoding of one byte a character."""
    roles = [int(c.load().roles[ord(x)]) if ord(x) < c.ROLES else 0 for x in text]
    has = lambda i, bit: 0 <= i < len(text) and roles[i] & bit > 0  # noqa: E731
    total = sum(has(i, c.C1) for i in range(len(text)))
    total += sum(len(run) for run in re.findall("[\xa1-\xff]{3,}", text))
    i = 0
    while i < len(text):
        width = next((w for bit, w in ((c.LEAD_2, 2), (c.LEAD_3, 3), (c.LEAD_4, 4)) if has(i, bit)), 1)
        following = range(i + 1, i + width)
        taken = 1
        while taken < width and has(i + taken, c.CONTINUATION):
            taken += 1
        if 1 < width == taken and not all(has(j, c.EVERYDAY) for j in following):
            total += width
        i += taken
    ends = [i for i in range(1, len(text)) if has(i - 1, c.CYRILLIC_LEAD) and has(i, c.CYRILLIC_CONTINUATION)]
    total += sum(2 for i in ends if i - 2 in ends or i + 2 in ends)
    total += sum(
        2
        for i in range(1, len(text))
        if has(i - 1, c.BOX) and not has(i, c.BOX) and ord(text[i]) > 127 and is_a(text[i], c.LETTER)
    )
    return total + 3 * sum(text.count(pair) for pair in ("ΓÇ", "ÔÇ", "‚Ä", "вЂ"))


def line_signals(text):
    """Signals of lines, which are equal if they are so with what is skipped in them."""
    written = [line.strip(_UNSEEN) for line in re.split("[\n\u2028\u2029]", text)]
    seen = {line: "".join(one for one in line if not is_a(one, c.SKIPPED)) for line in written}
    parts = written
    lines = [line for line in parts if line]
    paragraphs, open_one = [], []
    for line in [*parts, ""]:
        if line:
            open_one.append(line)
        elif open_one:
            paragraphs.append(tuple(open_one))
            open_one = []
    if len(lines) < 3:
        return {}
    by_lines, by_characters = repeats(lines, lambda line: len(seen[line]))
    paragraphs_repeated, paragraph_characters = repeats(paragraphs, lambda p: sum(len(seen[line]) for line in p))
    of_lines = {
        "bullets": lambda line: is_a(line[0], c.BULLET),
        "ellipsis_lines": lambda line: line.endswith(("…", "...")),
        "unended_lines": lambda line: not is_a(line[-1], c.TERMINAL),
        "short_lines": lambda line: len(line) < 30,
        "boilerplate_lines": lambda line: any(re.search(rf"\b{phrase}\b", words_of(line)) for phrase in PHRASES),
        "curly_lines": lambda line: "{" in line or "}" in line,
    }
    return {
        **{name: share(sum(test(seen[line]) for line in lines), len(lines)) for name, test in of_lines.items()},
        "duplicate_lines": by_lines,
        "duplicate_line_characters": by_characters,
        "duplicate_paragraphs": paragraphs_repeated,
        "duplicate_paragraph_characters": paragraph_characters,
    }


def words_of(line):
    return " ".join(word for _, _, word in tokens(line))


def sentences(text):
    total, stopped, before = 0, False, " "
    for one in text + "\n":
        stop = is_a(one, c.STOP)
        if stop and is_a(one, c.FULL_STOP):
            total += not is_a(before, c.STOP) or stopped
            stopped = False
        elif stop:
            stopped = stopped or not is_a(before, c.STOP)
        elif stopped and not is_a(one, c.PUNCTUATION):
            total += not is_a(one, c.LETTER | c.DIGIT)
            stopped = False
        before = one
    return total


def odd_words(text, words):
    """Words without vowel, and letters, signs and capitals inside words."""
    total = 0
    for raw, word in words:
        small = re.fullmatch("[a-z]{3,}|[a-z]+'[a-z']+", word) and not any(is_a(one, c.UPPER) for one in raw)
        total += bool(small) and not re.search("[aeiouy]", word)
    for before, here in zip(" " + text, text, strict=False):
        total += is_a(here, c.UPPER) and is_a(before, c.LETTER) and not is_a(before, c.UPPER)
    for first, second, third in zip(text, text[1:], text[2:], strict=False):
        total += is_a(first, c.LETTER) and is_a(second, c.ODD) and is_a(third, c.LETTER)
    return total


def letter_surprises(words):
    table = letters.load()
    found = []
    for word in words:
        padded = [32, *map(ord, word), 32]
        for first, second in pairwise(padded):
            if first < ALPHABETS_END and second < ALPHABETS_END:
                found.append(int(table[letter_slots(np.array([first], np.uint32), np.array([second], np.uint32))[0]]))
    return found


def chunks(text):
    """What stands between spaces; each character of a script without spaces is one."""
    for one in list(text):
        if is_a(one, c.WIDE):
            text = text.replace(one, f" {one} ")
    return re.split(f"[{SPACES}]+", text)


def repeated_bytes(data):
    """As the compiled loop: the last place of each run of eight bytes, in a table that forgets what shares a slot."""
    slots_of, repeated = {}, 0
    for end in range(8, len(data) + 1):
        value = int.from_bytes(data[end - 8 : end], "big")
        slot = (value * 0x9E3779B97F4A7C15 % 2**64) >> 52
        known, place = slots_of.get(slot, (None, 0))
        repeated += known == value and end - place <= 4096
        slots_of[slot] = (value, end)
    return repeated / max(len(data) - 7, 1)


SPACES = "".join(re.escape(chr(code)) for code in np.flatnonzero(c.load().traits & c.SPACE))
_UNSEEN = "".join(chr(code) for code in np.flatnonzero(c.load().traits & (c.SPACE | c.SKIPPED)))


def signals(text):
    """All signals by name."""
    data = text.encode()
    values = dict.fromkeys(NAMES, nan)
    if not text:
        return values
    breaks = len(re.findall("[\n\u2028\u2029]", text))
    values["mojibake_count"] = mojibake(text)
    of_lines = line_signals(text)
    text = "".join(one for one in text if not is_a(one, c.SKIPPED))
    solid = [one for one in text if not is_a(one, c.SPACE)]
    found = tokens(text)
    words = [(raw, word) for kind, raw, word in found if kind == c.LETTER]
    texts = [word for _, _, word in found]
    letter = [one for one in text if is_a(one, c.LETTER)]
    values["words"] = len(found)
    values["repeated_bytes"] = repeated_bytes(data)
    values["replacement"] = share(text.count("\ufffd"), len(solid))
    values["mojibake"] = min(share(values.pop("mojibake_count"), len(solid)), 1.0)
    values["digits"] = share(sum(is_a(one, c.DIGIT) for one in text), len(solid))
    values["punctuation"] = share(sum(is_a(one, c.PUNCTUATION) for one in text), len(solid))
    if len(letter) >= 50:
        values["capitals"] = share(sum(is_a(one, c.UPPER) for one in letter), len(letter))
    pairs = letter_surprises([word for _, word in words])
    if len(pairs) >= 50:
        values["gibberish"] = sum(pairs) / 20 / len(pairs)
    values |= of_lines
    if len(words) >= 20 and 2 * len(words) >= len(found):
        values["word_length"] = share(sum(len(word) for _, word in words), len(words))
        values["odd_words"] = min(odd_words(text, words) / len(words), 1.0)
    if len(found) < 20:
        return values
    ended = sentences(text)
    symbols = sum(is_a(one, c.HASH | c.ELLIPSIS) for one in text) + len(re.findall(r"\.{3,}", text))
    parts = [part for part in chunks(text) if part]
    hashes = np.array([token_hash(word) for word in texts], np.uint32)
    rank = ranks.load()[slots(hashes, ranks.load().size)]
    bigrams = _tables()[1][1]
    values |= {
        "symbols": symbols / len(found),
        "newlines": breaks / len(found),
        "sentence_length": len(found) / max(ended, 1),
        "letterless_words": share(sum(not any(is_a(x, c.LETTER | c.WIDE) for x in part) for part in parts), len(parts)),
        "stop_words": np.mean(rank <= round(20 * np.log1p(50))),
        "unknown_words": np.mean([r == 255 and kind != c.DIGIT for r, (kind, _, _) in zip(rank, found, strict=True)]),
        "fragments": np.mean(
            [
                r > round(20 * np.log1p(2000))
                and kind == c.LETTER
                and 2 <= len(w) <= 4
                and not any(is_a(x, c.UPPER) for x in raw)
                for r, (kind, raw, w) in zip(rank, found, strict=True)
            ]
        ),
        "surprise": np.mean(bigrams[pair_slots(hashes[:-1], hashes[1:], bigrams.size)]) / 20,
        "top_word": max(Counter(texts).values()) / len(texts),
    }
    if len(texts) >= 100:
        values["variety"] = np.mean([len(set(texts[i : i + 100])) / 100 for i in range(len(texts) - 99)])
    for n in range(2, 5):
        values[f"top_{n}_gram"] = gram_share(texts, n, lambda counts: [max(counts, key=counts.get)] if counts else [])
    for n in range(5, 11):
        values[f"duplicate_{n}_grams"] = gram_share(texts, n, lambda counts: counts)
    return values
