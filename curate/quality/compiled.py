"""The compiled loops of the quality signals: one pass over the bytes of a text, one over its words.

`tests/curate/quality/reference.py` says in plain Python what they compute. Numba's disk cache of a function notices
changes of the function's own file only: after changing a constant elsewhere, touch this file.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from curate.detector.statistics import RANK_STEPS, pair_slot, slot
from curate.detector.stream import FNV_PRIME, FNV_START, fnv, token_hash
from curate.quality import characters as c
from curate.quality.catalogue import NAMES
from curate.text.compiled import decode, load_word

LETTER_SLOTS = 1 << 16
ALPHABETS_END = 0x2E80
"""Letters from here on are of scripts with thousands of characters, whose pairs say nothing."""

LEAST_WORDS = 20
"""Words of a text of which anything about words is said."""
LEAST_LINES = 3
LEAST_LETTERS = 50
WINDOW = 100
SHORT_LINE = 30
MOST_BYTES = 1 << 20
"""Longer texts are judged by their beginning, which bounds the memory."""

_STOP_WORD, _COMMON = (round(RANK_STEPS * np.log1p(rank)) for rank in (50, 2_000))
_UNRANKED = 255
_NO_WORD, _WORD, _NUMBER, _WIDE, _CAPITAL = range(5)  # kinds; small words and those with capitals
_MOST_PROBES = 64  # a text made to collide is still read in linear time
_NEAR = 4096
_BYTE_SLOTS = 4096
_VOWELS = sum(1 << ord(vowel) - ord("a") for vowel in "aeiouy")
_K1, _K2 = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_JAVASCRIPT, _IPSUM, _LOREM, _POLICY, _PRIVACY, _COOKIE, _COOKIES, _USES, _USE, _OF, _TERMS = (
    np.uint32(token_hash(word))
    for word in ["javascript", "ipsum", "lorem", "policy", "privacy", "cookie", "cookies", "uses", "use", "of", "terms"]
)
_PHRASE_ENDS = np.uint64(sum({1 << (int(end) & 63) for end in (_JAVASCRIPT, _IPSUM, _POLICY, _COOKIES, _USE)}))
_FULL_STOP = 46
_PLAIN_MARKS = np.uint64(sum(1 << ord(mark) for mark in ',.-:")'))  # that say nothing between two words

# What `_read` counts, by place.
(
    _SOLID,
    _LETTERS,
    _UPPER,
    _DIGITS,
    _MARKS,
    _REPLACED,
    _MOJIBAKE,
    _SYMBOLS,
    _CHUNKS,
    _LETTERLESS,
    _SENTENCES,
    _ODD,
    _PAIRS,
    _PAIR_LEVELS,
    _NEWLINES,
    _BULLETS,
    _ELLIPSES,
    _UNENDED,
    _SHORT,
    _BOILERPLATE,
    _CURLY,
    _WORD_COUNT,
    _WORD_LETTERS,
    _TOKENS,
    _LINES,
    _PARAGRAPHS,
) = range(26)
_COUNTS = 26

_PLACE = {name: place for place, name in enumerate(NAMES)}
(_S_WORDS, _S_LENGTH, _S_SYMBOLS, _S_BULLETS, _S_ELLIPSES, _S_LETTERLESS, _S_STOP) = range(7)
_S_LINES, _S_PARAGRAPHS = _PLACE["duplicate_lines"], _PLACE["duplicate_paragraphs"]
_S_TOP, _S_DUPLICATE = _PLACE["top_2_gram"], _PLACE["duplicate_5_grams"]
_S_UNENDED, _S_SHORT, _S_NEWLINES, _S_BOILERPLATE, _S_CURLY, _S_SENTENCE = range(
    _PLACE["unended_lines"], _PLACE["sentence_length"] + 1
)
_S_REPLACED, _S_MOJIBAKE, _S_ODD, _S_GIBBERISH, _S_UNKNOWN = range(_PLACE["replacement"], _PLACE["unknown_words"] + 1)
_S_FRAGMENTS, _S_SURPRISE, _S_TOP_WORD, _S_VARIETY = range(_PLACE["fragments"], _PLACE["variety"] + 1)
_S_DIGITS, _S_MARKS, _S_CAPITALS, _S_BYTES = range(_PLACE["digits"], _PLACE["repeated_bytes"] + 1)


def letter_slots(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The places of pairs of letters in a table of `LETTER_SLOTS`."""
    return ((first * _K1 ^ second) * _K2 >> np.uint32(16)).astype(np.int64)


def ascii_levels(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a table of `LETTER_SLOTS` says of pairs of ASCII, uint8[128 × 128] and near each other in memory."""
    first, second = np.divmod(np.arange(1 << 14, dtype=np.uint32), np.uint32(128))
    return letters[letter_slots(first, second)]


@numba.njit(cache=True, nogil=True)
def _letter_level(letters: Any, first: Any, second: Any) -> Any:
    return np.int64(letters[np.uint32(np.uint32(np.uint32(first * _K1) ^ second) * _K2) >> np.uint32(16)])


@numba.njit(cache=True, nogil=True)
def _hash(data: Any, at: Any, end: Any) -> Any:
    """A hash of bytes, eight at a time."""
    state = np.uint64(end - at)
    last = np.uint64(0)
    if end - at >= 8:
        last = load_word(data, end - 8)
        while at + 8 < end:
            state = (state ^ load_word(data, at)) * _MIX
            state ^= state >> np.uint64(32)
            at += 8
    else:
        for place in range(at, end):
            last = last << np.uint64(8) | np.uint64(data[np.uint64(place)])
    state = (state ^ last) * _MIX
    return state ^ state >> np.uint64(32)


@numba.njit(cache=True, nogil=True)
def _boilerplate(hashed: Any, before: Any, before_that: Any) -> Any:
    """Whether a word, after two others, ends one of the phrases that C4 drops lines or pages for."""
    if hashed == _JAVASCRIPT:
        return True
    if hashed == _IPSUM:
        return before == _LOREM
    if hashed == _POLICY:
        return before in (_PRIVACY, _COOKIE)
    if hashed == _COOKIES:
        return before in (_USE, _USES) or (before == _OF and before_that == _USE)
    return hashed == _USE and before == _OF and before_that == _TERMS


@numba.njit(cache=True, nogil=True)
def _ends_phrase(hashed: Any, hashes: Any, tokens: Any, of_line: Any) -> Any:
    """`_boilerplate` of a word after so many others, of which those from `of_line` on stand in its line."""
    if not _PHRASE_ENDS >> (np.uint64(hashed) & np.uint64(63)) & np.uint64(1):
        return False
    before = hashes[tokens - 1] if tokens > of_line else np.uint32(0)
    return _boilerplate(np.uint32(hashed), before, hashes[tokens - 2] if tokens > of_line + 1 else np.uint32(0))


@numba.njit(cache=True, nogil=True)
def _read(  # noqa: C901, one loop over the characters
    data: Any, at: Any, end: Any, tables: Any, hashes: Any, kinds: Any, lengths: Any, lines: Any, paragraphs: Any
) -> Any:
    """Reads a text: its words, its lines and paragraphs (hash and length each), and counts."""
    traits, folded_of, roles, letters, ascii_pairs = tables
    counts = np.zeros(_COUNTS, np.int64)
    place, visible = 0, 0  # code points, and those that are not skipped
    tokens, words, word_letters, letter_count, upper, odd = 0, 0, 0, 0, 0, 0
    solid, marks, sentences, chunks, pairs, pair_levels = 0, 0, 0, 0, 0, 0
    inside, hashed, length = _NO_WORD, FNV_START, 0
    last = np.uint32(32)  # letter before, in the word
    apostrophe, latin, alphabet, capital = False, True, 0, False
    before, before_that = 0, 0  # traits
    chunk, chunk_letter = False, False
    stopped, stop_before = False, False
    dots = 0
    # of the line
    began, line_start, line_end = at, at, at
    first_solid, last_solid, bullet = -1, -1, False
    terminal, ellipsis, curly, phrase = False, False, False, False
    of_line = 0  # tokens before the line
    paragraph_hash, paragraph_length = np.uint64(0), 0
    # of sequences of UTF-8 read in one-byte encodings
    need, width, everyday, run, code_before = 0, 0, True, 0, 0
    pair_end, pair_run = -2, 0
    finished = False
    while not finished:
        if at < end:
            began = at
            code = np.int64(data[np.uint64(at)])
            if code < 0x80:
                at += 1
            else:
                code, at = decode(data, at, end)
            place += 1
        else:
            code, finished = 10, True  # as if a line break ended every text
        trait = np.int64(traits[code])

        if code >= 0x80:  # mojibake
            role = np.int64(roles[code]) if code < c.ROLES else 0
            counts[_REPLACED] += code == c.REPLACEMENT
            counts[_MOJIBAKE] += role & c.C1 > 0
            run = run + 1 if 0xA1 <= code <= 0xFF else 0
            if run >= 3:
                counts[_MOJIBAKE] += 3 if run == 3 else 1
            if need and role & c.CONTINUATION:
                need -= 1
                everyday &= role & c.EVERYDAY > 0
                if need == 0 and not everyday:
                    counts[_MOJIBAKE] += width
            elif role & (c.LEAD_2 | c.LEAD_3 | c.LEAD_4):
                need = 1 if role & c.LEAD_2 else 2 if role & c.LEAD_3 else 3
                width, everyday = need + 1, True
            else:
                need = 0
            role_before = np.int64(roles[code_before]) if code_before < c.ROLES else 0
            if role & c.CYRILLIC_CONTINUATION and role_before & c.CYRILLIC_LEAD:
                pair_run = pair_run + 1 if pair_end == place - 2 else 1
                pair_end = place
                counts[_MOJIBAKE] += 4 if pair_run == 2 else 2 if pair_run > 2 else 0
            if role_before & c.BOX and not role & c.BOX and trait & c.LETTER:
                counts[_MOJIBAKE] += 2
            if (code == 0xC7 and code_before in (0x393, 0xD4)) or (code == 0xC4 and code_before == 0x201A):
                counts[_MOJIBAKE] += 3
            if code == 0x402 and code_before == 0x432:
                counts[_MOJIBAKE] += 3
        else:
            need, run = 0, 0
        code_before = code
        if trait & c.SKIPPED:
            continue
        visible += 1

        # the open word or number ends unless this goes on with it
        letter = trait & c.LETTER
        if inside == _WORD:
            if not letter:
                is_apostrophe = not apostrophe and trait & c.PUNCTUATION and folded_of[code] == 39
                apostrophe, closing = is_apostrophe, not is_apostrophe
            else:
                closing = False
        else:
            closing = inside == _NUMBER and not trait & c.DIGIT
        if closing:
            if inside == _WORD:
                words += 1
                word_letters += length
                if last < ALPHABETS_END:
                    pairs += 1
                    pair_levels += _letter_level(letters, last, np.uint32(32))
                odd += latin and alphabet & _VOWELS == 0 and length >= 3
            phrase |= _ends_phrase(hashed, hashes, tokens, of_line)
            hashes[tokens], kinds[tokens], lengths[tokens] = (
                hashed,
                (_CAPITAL if inside == _WORD and capital else inside),
                length,
            )
            tokens += 1
            inside = _NO_WORD

        if letter:
            folded = np.uint32(folded_of[code])
            if inside == _NO_WORD:
                inside, hashed, length, last = _WORD, FNV_START, 0, np.uint32(32)
                latin, alphabet, capital = True, 0, False
            elif apostrophe:
                hashed = np.uint32(fnv(hashed, np.uint32(39)))
                length += 1
                if last < ALPHABETS_END:
                    pairs += 1
                    pair_levels += _letter_level(letters, last, np.uint32(39))
                last, apostrophe = np.uint32(39), False
            hashed = np.uint32(fnv(hashed, folded))
            length += 1
            if folded < ALPHABETS_END and last < ALPHABETS_END:
                pairs += 1
                pair_levels += _letter_level(letters, last, folded)
            last = folded
            letter_count += 1
            if trait & c.UPPER:
                upper += 1
                latin, capital = False, True
                odd += before & (c.LETTER | c.UPPER) == c.LETTER
            elif 97 <= folded <= 122:
                alphabet |= 1 << (np.int64(folded) - 97)
            else:
                latin = False
            odd += before & c.ODD > 0 and before_that & c.LETTER > 0
        elif trait & c.DIGIT:
            if inside == _NO_WORD:
                inside, hashed, length = _NUMBER, FNV_START, 0
            hashed = np.uint32(fnv(hashed, np.uint32(folded_of[code])))
            length += 1
            counts[_DIGITS] += 1
        elif trait & c.WIDE:
            hashes[tokens], kinds[tokens], lengths[tokens] = fnv(FNV_START, np.uint32(folded_of[code])), _WIDE, 1
            tokens += 1
        elif trait & c.PUNCTUATION:
            marks += 1
            counts[_SYMBOLS] += trait & (c.HASH | c.ELLIPSIS) > 0
            curly |= trait & c.CURLY > 0

        # sentences
        dots = dots + 1 if code == 46 else 0
        counts[_SYMBOLS] += dots == 3
        if trait & c.STOP:
            if trait & c.FULL_STOP:
                sentences += not stop_before or stopped
                stopped = False
            elif not stop_before:
                stopped = True
        elif stopped and not trait & c.PUNCTUATION:
            sentences += not trait & (c.LETTER | c.DIGIT)
            stopped = False
        stop_before = trait & c.STOP > 0

        # what stands between spaces
        if trait & (c.SPACE | c.WIDE):
            if chunk:
                chunks += 1
                counts[_LETTERLESS] += not chunk_letter
            chunks += trait & c.WIDE > 0
            chunk, chunk_letter = False, False
        else:
            chunk = True
            chunk_letter |= letter > 0

        # lines and paragraphs
        if not trait & c.SPACE:
            solid += not (letter or trait & c.PUNCTUATION)
            if first_solid < 0:
                first_solid, line_start = visible, began
                bullet = trait & c.BULLET > 0
            last_solid, line_end = visible, at
            terminal = trait & c.TERMINAL > 0
            ellipsis = trait & c.ELLIPSIS > 0 or dots >= 3
        elif trait & c.NEWLINE:
            counts[_NEWLINES] += not finished
            if first_solid >= 0:
                size = last_solid - first_solid + 1
                line = counts[_LINES]
                line_hash = _hash(data, line_start, line_end)
                lines[line, 0], lines[line, 1] = line_hash, np.uint64(size)
                counts[_LINES] += 1
                counts[_BULLETS] += bullet
                counts[_ELLIPSES] += ellipsis
                counts[_UNENDED] += not terminal
                counts[_SHORT] += size < SHORT_LINE
                counts[_BOILERPLATE] += phrase
                counts[_CURLY] += curly
                paragraph_hash = (paragraph_hash ^ line_hash) * _MIX
                paragraph_hash ^= paragraph_hash >> np.uint64(31)
                paragraph_length += size
            if (first_solid < 0 or finished) and paragraph_length:
                paragraph = counts[_PARAGRAPHS]
                paragraphs[paragraph, 0], paragraphs[paragraph, 1] = paragraph_hash, np.uint64(paragraph_length)
                counts[_PARAGRAPHS] += 1
                paragraph_hash, paragraph_length = np.uint64(0), 0
            first_solid, curly, phrase, of_line = -1, False, False, tokens
        before_that, before = before, trait

        # Most of most texts: words of ASCII with a mark, a space or both between them, until something else comes. This
        # says again what is said above.
        if inside == _WORD and letter and last < 128:
            run_start, between, opened = at, 0, False
            while True:
                started = at
                while at < end:
                    small = np.uint32(data[np.uint64(at)])
                    if small - np.uint32(97) > np.uint32(25):
                        break
                    hashed = np.uint32((hashed ^ small) * FNV_PRIME)
                    pair_levels += np.int64(ascii_pairs[np.uint64(last << np.uint32(7) | small)])
                    alphabet |= 1 << (np.int64(small) - 97)
                    last = small
                    at += 1
                pairs += at - started
                length += at - started
                if at + 2 >= end:
                    break
                byte = np.uint64(data[np.uint64(at)])
                mark = 1 if byte < 64 and _PLAIN_MARKS >> byte & np.uint64(1) else 0
                space = 1 if data[np.uint64(at + mark)] == 32 else 0
                first = np.uint32(data[np.uint64(at + mark + space)])
                small = first | np.uint32(32)
                if not mark | space or small - np.uint32(97) > np.uint32(25):
                    break
                pairs += 2
                pair_levels += np.int64(ascii_pairs[np.uint64(last << np.uint32(7) | np.uint32(32))])
                pair_levels += np.int64(ascii_pairs[np.uint64(np.uint32(32 << 7) | small)])
                odd += latin and alphabet & _VOWELS == 0 and length >= 3
                phrase |= _ends_phrase(hashed, hashes, tokens, of_line)
                hashes[tokens], kinds[tokens], lengths[tokens] = hashed, _CAPITAL if capital else _WORD, length
                tokens += 1
                words += 1
                word_letters += length
                marks += mark
                sentences += space & (byte == _FULL_STOP)
                chunks += space
                between += mark + space
                at += mark + space + 1
                opened, capital = True, small != first
                upper += capital
                latin, alphabet = not capital, 1 << (np.int64(small) - 97)
                hashed, length, last = np.uint32((FNV_START ^ small) * FNV_PRIME), 1, small
            size = at - run_start
            if size:
                place += size
                visible += size
                letter_count += size - between
                last_solid, line_end = visible, at
                if opened:
                    before_that = c.LETTER if length > 1 else c.SPACE
                    before = c.LETTER | c.UPPER if capital and length == 1 else c.LETTER
                else:
                    before_that, before = (before if size == 1 else c.LETTER), c.LETTER
                code_before, need, run = 97, 0, 0
    counts[_TOKENS], counts[_PAIRS], counts[_PAIR_LEVELS] = tokens, pairs, pair_levels
    counts[_LETTERS], counts[_SOLID], counts[_UPPER] = letter_count, solid + marks + letter_count, upper
    counts[_WORD_COUNT], counts[_WORD_LETTERS], counts[_ODD] = words, word_letters, odd
    counts[_MARKS], counts[_SENTENCES], counts[_CHUNKS] = marks, sentences, chunks
    return counts


@numba.njit(cache=True, nogil=True)
def _identify(table: Any, mask: Any, stamp: Any, key: Any, fresh: Any) -> Any:
    """The number of a key in an open hash table: that of an equal one before, or `fresh`.

    Rows of the table are (stamp << 32 | number, key); a row counts only with the stamp of its use.
    """
    mixed = key * _MIX
    place = np.int64((mixed ^ mixed >> np.uint64(32)) & np.uint64(mask))
    for _ in range(_MOST_PROBES):
        entry = table[place, 0]
        if np.int64(entry >> np.uint64(32)) != stamp:
            table[place, 0] = np.uint64(stamp) << np.uint64(32) | np.uint64(fresh)
            table[place, 1] = key
            return fresh
        if table[place, 1] == key:
            break
        place = (place + 1) & mask
    return np.int64(table[place, 0] & np.uint64(0xFFFFFFFF))


@numba.njit(cache=True, nogil=True)
def _mask(entries: Any) -> Any:
    size = 16
    while size < 2 * entries:
        size *= 2
    return size - 1


@numba.njit(cache=True, nogil=True)
def _repeated(rows: Any, table: Any, stamp: Any) -> Any:
    """Shares of rows (hash, length) that repeat an earlier one, by count and by length."""
    repeats, size, total = 0, 0, 0
    mask = _mask(rows.shape[0])
    for i in range(rows.shape[0]):
        length = np.int64(rows[i, 1])
        total += length
        if _identify(table, mask, stamp, rows[i, 0], i) != i:
            repeats += 1
            size += length
    return repeats / rows.shape[0], size / total


@numba.njit(cache=True, nogil=True)
def _repeated_grams(  # noqa: C901, in parts its loops would pass arrays around
    ids: Any, seen: Any, starts: Any, keys: Any, counted: Any, lengths: Any, table: Any, stamp: Any, x: Any
) -> None:
    """Shares of characters in the commonest n-grams of 2 to 4 words and in all repeated ones of 5 to 10.

    An n-gram is the pair of the (n-1)-grams that start it and end it, and repeats only where both of them do, so that
    few are left to look at as n grows.

    Args:
        ids: of the words of a text; overwritten.
        seen: occurrences of each word; overwritten.
        starts: scratch, as long.
        keys: scratch, as long.
        counted: scratch, four times as long.
        lengths: of the words.
        table: for `_identify`.
        stamp: the first of nine.
        x: signals.
    """
    count = ids.size
    total, active = 0, 0
    for i in range(count):
        total += lengths[i]
        starts[active] = i
        repeated = seen[ids[i]] > 1
        ids[i] = ids[i] if repeated else -1
        active += repeated
    for n in range(2, 11):
        too_late = active
        while active and starts[active - 1] + n > count:
            active -= 1
        found = 0
        for place in range(active):
            i = np.uint64(starts[place])
            own, following = ids[i], ids[i + np.uint64(1)]
            starts[found], keys[found] = i, np.uint64(own) << np.uint64(32) | np.uint64(np.uint32(following))
            paired = following >= 0
            ids[i] = own if paired else -1
            found += paired
        for place in range(active, too_late):
            ids[np.uint64(starts[place])] = -1
        # Pairs are counted by hash first: what is alone there is alone.
        mask = _mask(2 * found)
        counted[: mask + 1] = 0
        for place in range(found):
            slot_of = keys[place] * _MIX >> np.uint64(32) & np.uint64(mask)
            counted[slot_of] = min(counted[slot_of] + 1, 2)
        kept = 0
        for place in range(found):
            i = np.uint64(starts[place])
            alone = counted[keys[place] * _MIX >> np.uint64(32) & np.uint64(mask)] < 2
            starts[kept], keys[kept] = i, keys[place]
            ids[i] = -1 if alone else ids[i]
            kept += not alone
        mask, fresh = _mask(kept), 0
        for place in range(kept):
            gram = _identify(table, mask, stamp + n, keys[place], fresh)
            if gram == fresh:
                seen[np.uint64(fresh)] = 0
                fresh += 1
            seen[np.uint64(gram)] += 1
            ids[np.uint64(starts[place])] = gram
        top, most = 0, 0
        for gram in range(fresh):
            if seen[gram] > most:
                top, most = gram, seen[gram]
        active, covered, until = 0, 0, 0
        for place in range(kept):
            i = np.int64(starts[place])
            gram = ids[np.uint64(i)]
            if seen[gram] < 2:
                ids[i] = -1
                continue
            starts[active] = i
            active += 1
            if n > 4 or gram == top:
                for j in range(max(i, until), i + n):
                    covered += lengths[j]
                until = i + n
        if n <= 4:
            x[_S_TOP + n - 2] = covered / total
        else:
            x[_S_DUPLICATE + n - 5] = covered / total


@numba.njit(cache=True, nogil=True)
def _word_signals(
    hashes: Any, kinds: Any, lengths: Any, scratch: Any, counted: Any, model: Any, table: Any, stamp: Any, x: Any
) -> None:
    """Signals of the words of a text."""
    ranks, bigrams = model
    ids, seen, starts, keys = scratch
    count = hashes.size
    stops, unknown, fragments, surprise, distinct = 0, 0, 0, 0, 0
    mask = _mask(count)
    for i in range(count):
        rank = ranks[slot(hashes[i], ranks.size)]
        stops += rank <= _STOP_WORD
        unknown += rank == _UNRANKED and kinds[i] != _NUMBER
        fragments += kinds[i] == _WORD and rank > _COMMON and 2 <= lengths[i] <= 4
    for i in range(1, count):
        surprise += np.int64(bigrams[pair_slot(hashes[i - 1], hashes[i], bigrams.size)])
    for i in range(count):
        word = _identify(table, mask, stamp, np.uint64(hashes[i]), distinct)
        if word == distinct:
            seen[np.uint64(word)] = 0
            distinct += 1
        seen[np.uint64(word)] += 1
        ids[i] = word
    x[_S_STOP] = stops / count
    x[_S_UNKNOWN] = unknown / count
    x[_S_FRAGMENTS] = fragments / count
    x[_S_SURPRISE] = surprise / (RANK_STEPS * (count - 1))
    top = 0
    for word in range(distinct):
        top = max(top, seen[word])
    x[_S_TOP_WORD] = top / count
    if count >= WINDOW:
        x[_S_VARIETY] = _variety(ids, starts[:distinct])
    _repeated_grams(ids, seen, starts, keys, counted, lengths, table, stamp, x)


@numba.njit(cache=True, nogil=True)
def _variety(ids: Any, inside: Any) -> Any:
    """Mean share of distinct words over all windows (moving-average type-token ratio, Covington & McFall, 2010)."""
    inside[:] = 0
    distinct, total = 0, 0
    for i in range(ids.size):
        entered = np.uint64(ids[i])
        inside[entered] += 1
        distinct += inside[entered] == 1
        if i >= WINDOW:
            left = np.uint64(ids[i - WINDOW])
            inside[left] -= 1
            distinct -= inside[left] == 0
        if i >= WINDOW - 1:
            total += distinct
    return total / (WINDOW * (ids.size - WINDOW + 1))


@numba.njit(cache=True, nogil=True)
def _repeated_bytes(data: Any, start: Any, end: Any, places: Any) -> Any:
    """Share of the bytes from the eighth on that end a run of eight which came before, not far off.

    Args:
        data: bytes of all texts.
        start: of the text.
        end: of the text.
        places: int64[_BYTE_SLOTS], where the last run of each hash begins, in this text or one before.
    """
    value, repeats = np.uint64(0), 0
    for at in range(start, min(start + 7, end)):
        value = value << np.uint64(8) | np.uint64(data[np.uint64(at)])
    for at in range(start, end - 7):
        value = value << np.uint64(8) | np.uint64(data[np.uint64(at) + np.uint64(7)])
        slot_of = value * _MIX >> np.uint64(52)
        place = places[slot_of]
        same = load_word(data, max(place, start)) == load_word(data, at)  # without a branch, which nothing predicts
        repeats += same & (place >= max(start, at - _NEAR))
        places[slot_of] = at
    return repeats / max(end - start - 7, 1)


@numba.njit(cache=True, nogil=True)
def _fill(counts: Any, x: Any) -> None:
    """Signals that are quotients of counts."""
    tokens, words, lines = counts[_TOKENS], counts[_WORD_COUNT], counts[_LINES]
    x[_S_WORDS] = tokens
    if counts[_SOLID]:
        for signal, count in (
            (_S_REPLACED, _REPLACED),
            (_S_MOJIBAKE, _MOJIBAKE),
            (_S_DIGITS, _DIGITS),
            (_S_MARKS, _MARKS),
        ):
            x[signal] = min(counts[count] / counts[_SOLID], 1.0)
    if counts[_LETTERS] >= LEAST_LETTERS:
        x[_S_CAPITALS] = counts[_UPPER] / counts[_LETTERS]
    if counts[_PAIRS] >= LEAST_LETTERS:
        x[_S_GIBBERISH] = counts[_PAIR_LEVELS] / (RANK_STEPS * counts[_PAIRS])
    if tokens >= LEAST_WORDS:
        x[_S_SYMBOLS] = counts[_SYMBOLS] / tokens
        x[_S_NEWLINES] = counts[_NEWLINES] / tokens
        x[_S_SENTENCE] = tokens / max(counts[_SENTENCES], 1)
        x[_S_LETTERLESS] = counts[_LETTERLESS] / counts[_CHUNKS]
    if words >= LEAST_WORDS and 2 * words >= tokens:
        x[_S_LENGTH] = counts[_WORD_LETTERS] / words
        x[_S_ODD] = min(counts[_ODD] / words, 1.0)
    if lines >= LEAST_LINES:
        for signal, count in (
            (_S_BULLETS, _BULLETS),
            (_S_ELLIPSES, _ELLIPSES),
            (_S_UNENDED, _UNENDED),
            (_S_SHORT, _SHORT),
            (_S_BOILERPLATE, _BOILERPLATE),
            (_S_CURLY, _CURLY),
        ):
            x[signal] = counts[count] / lines


@numba.njit(cache=True, nogil=True)
def signals(data: Any, offsets: Any, valid: Any, tables: Any, model: Any, columns: Any) -> None:
    """Fills float32[n, signals], which comes full of NaN.

    Args:
        data: bytes of all texts.
        offsets: int64[n + 1].
        valid: bool[n].
        tables: traits, folded, roles, letters and `ascii_levels`.
        model: ranks and bigrams.
        columns: float32[n, signals].
    """
    longest = 0
    for i in range(valid.size):
        if valid[i]:
            longest = max(longest, min(offsets[i + 1] - offsets[i], MOST_BYTES))
    most = longest + 1
    hashes, kinds, lengths = np.empty(most, np.uint32), np.empty(most, np.uint8), np.empty(most, np.int32)
    ids, seen, starts = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.uint32)
    keys = np.empty(most, np.uint64)
    lines, paragraphs = np.empty((longest // 2 + 2, 2), np.uint64), np.empty((longest // 2 + 2, 2), np.uint64)
    table, counted = np.zeros((1024, 2), np.uint64), np.empty(2048, np.uint8)
    places = np.full(_BYTE_SLOTS, -1, np.int64)
    stamp = 1
    for i in range(valid.size):
        if not valid[i] or offsets[i] == offsets[i + 1]:
            continue
        x = columns[i]
        end = offsets[i + 1]
        if end - offsets[i] > MOST_BYTES:
            end = offsets[i] + MOST_BYTES
            while end > offsets[i] and data[end] & 0xC0 == 0x80:  # not within a character
                end -= 1
        counts = _read(data, offsets[i], end, tables, hashes, kinds, lengths, lines, paragraphs)
        tokens = counts[_TOKENS]
        _fill(counts, x)
        x[_S_BYTES] = _repeated_bytes(data, offsets[i], end, places)
        size = _mask(max(tokens, counts[_LINES])) + 1
        if size > table.shape[0]:
            table, counted = np.zeros((size, 2), np.uint64), np.empty(2 * size, np.uint8)
        if counts[_LINES] >= LEAST_LINES:
            x[_S_LINES], x[_S_LINES + 1] = _repeated(lines[: counts[_LINES]], table, stamp)
            x[_S_PARAGRAPHS], x[_S_PARAGRAPHS + 1] = _repeated(paragraphs[: counts[_PARAGRAPHS]], table, stamp + 1)
        if tokens >= LEAST_WORDS:
            _word_signals(
                hashes[:tokens],
                kinds[:tokens],
                lengths[:tokens],
                (ids[:tokens], seen[:tokens], starts[:tokens], keys[:tokens]),
                counted,
                model,
                table,
                stamp + 2,
                x,
            )
        stamp += 16
