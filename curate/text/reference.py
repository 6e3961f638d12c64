"""The definition of tokens, shingles and their hashes, in plain Python: what the kernel must equal.

It is also what another tool needs to talk to curate's signatures: `shingle_hash` is the `hashfunc` and
`shingles` the elements of the datasketch MinHash whose values the kernel computes.

    minhash = datasketch.MinHash(128, seed=1, scheme="affine32", hashfunc=shingle_hash)
    minhash.update_batch(shingles("some text …", 5))
"""

from curate.text import unicode_tables as tables

MOST_MARKS = 32  # sorted together; the stream-safe text format allows 30
MASK = 0xFFFFFFFFFFFFFFFF
TOKEN_START = 0x2545F4914F6CDD1D
TOKEN_FACTOR = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: multiples of small differences never come close
SHINGLE_BASE = 0xD1342543DE82EF95
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB

LETTERS = {
    # Cyrillic, small and capital, by the single-letter part of Unicode's confusables (UTS #39, section 4)
    **dict(zip("аеорсухіјѕһԁԛԝҽӏԍгѵүѡ", "aeopcyxijshdqwelgrvyw", strict=True)),
    **dict(zip("АВЕКМНОРСТХІЈЅҮԌԚԜ", "abekmhopctxijsygqw", strict=True)),
    # Greek
    **dict(zip("οναιυρκτωγϳ", "ovaiupktwyj", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϲ", "abezhikmnoptyxcc", strict=True)),
    # Armenian, and Cyrillic again
    **dict(zip("օսոցհԁզք", "ounghdqp", strict=True)),
}
"""Letters of other scripts that pass for Latin ones."""
FIRST_OTHER, LAST_OTHER = 0x370, 0x58F
"""Greek, Cyrillic and Armenian."""
SPAN = 512
"""Characters of text in which one change between Latin and such a script within a word is one too many: to push
similarity below .8, one word in 45 must be disguised, a change or two in 250; who writes in two scripts makes fewer."""


def tokens(text: str) -> list[str]:
    """The folded tokens: runs of word characters with their marks, or one base character of an unsegmented script."""
    return _scan(text)[0]


def symbols(text: str) -> list[tuple[int, str]]:
    """The folded characters that are neither space nor in a token, each with the number of tokens before it."""
    return _scan(text)[1]


def content_hash(text: str) -> tuple[int, int]:
    """Halves of the 128-bit hash of the normalised text: equal for texts with the same tokens and symbols.

    `a + b` and `a - b` differ, though they have the same shingles: they are near duplicates, not exact ones.
    """
    high = TOKEN_START
    for place, symbol in symbols(text):
        high = (high ^ (place << 32 | ord(symbol))) * TOKEN_FACTOR & MASK
        high ^= high >> 32
    low = high ^ MIX_1
    for token in tokens(text):
        value = token_hash(token)
        high = (high ^ value) * TOKEN_FACTOR & MASK
        high ^= high >> 32
        low = (low + value) * SHINGLE_BASE & MASK
        low ^= low >> 29
    return mix(high), mix(low)


def _scan(text: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Tokens, and symbols with their places."""
    found: list[str] = []
    others: list[tuple[int, str]] = []
    token: list[str] = []
    open_class = tables.SPACE
    for character in _folded(unmask(text)):
        kind = _kind(ord(character)) & 7
        if kind == tables.MARK and token:
            token.append(character)
            continue
        if token and (kind != tables.WORD or open_class != tables.WORD):
            found.append(_ordered(token))
            token = []
        if kind in (tables.WORD, tables.UNSEGMENTED):
            token.append(character)
            open_class = kind
        elif kind != tables.SPACE:
            others.append((len(found), character))
    if token:
        found.append(_ordered(token))
    return found, others


def unmask(text: str) -> str:
    """The text, with look-alikes as the Latin letters that they pass for if words have both often enough.

    Only in such a text do its Unicode form and case matter: ν passes for v, and Ν for n.
    """
    last, changes = "", 0
    for character in text:
        kind, script = _kind(ord(character)) & 7, ""
        if kind in (tables.IGNORABLE, tables.MARK):
            continue
        if character.isascii() and character.isalpha():
            script = "Latin"
        elif FIRST_OTHER <= ord(character) <= LAST_OTHER and kind == tables.WORD:
            script = "other"
        changes += bool(script and last and script != last)
        last = script
    if not changes or changes * SPAN < len(text):
        return text
    return "".join(LETTERS.get(character, character) for character in text)


def shingles(text: str, shingle: int) -> list[bytes]:
    """Every run of `shingle` consecutive tokens, joined by spaces, as UTF-8; none if there are fewer tokens."""
    found = tokens(text)
    return [" ".join(found[i : i + shingle]).encode() for i in range(len(found) - shingle + 1)]


def token_hash(token: str) -> int:
    """64-bit hash of one token: FNV-1a over code points with a wider factor, then mixed."""
    state = TOKEN_START
    for character in token:
        state = (state ^ ord(character)) * TOKEN_FACTOR & MASK
    return mix(state)


def wide_shingle_hash(shingle: bytes) -> int:
    """64-bit hash of a shingle: the polynomial of its token hashes modulo 2^64, mixed."""
    state = 0
    for token in shingle.decode().split(" "):
        state = (state * SHINGLE_BASE + token_hash(token)) & MASK
    return mix(state)


def shingle_hash(shingle: bytes) -> int:
    """32-bit hash of a shingle, the upper half of the 64-bit one: the hashfunc of curate's MinHash."""
    return wide_shingle_hash(shingle) >> 32


def mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection of 64-bit integers."""
    value = (value ^ (value >> 30)) * MIX_1 & MASK
    value = (value ^ (value >> 27)) * MIX_2 & MASK
    return value ^ (value >> 31)


def _folded(text: str) -> str:
    """The folded characters, not yet in canonical order, without ignorable ones."""
    parts = []
    unicode = tables.load()
    for character in text:
        code = ord(character)
        entry = int(unicode.pages[code >> 8]) << 8 | code & 255
        kind, fold = int(unicode.kinds[entry]), int(unicode.folds[entry])
        way = kind >> 3 & 3
        if way == tables.HANGUL:
            parts.append(_jamo(code - tables.HANGUL_FIRST))
        elif way == tables.EXPAND:
            start, length = fold >> 5, fold & 31
            parts.append("".join(map(chr, unicode.expansions[start : start + length])))
        elif kind & 7 != tables.IGNORABLE:
            parts.append(chr(code + fold))
    return "".join(parts)


def _jamo(index: int) -> str:
    """A Hangul syllable taken apart (the Unicode Standard, section 3.12)."""
    letters = chr(0x1100 + index // 588) + chr(0x1161 + index % 588 // 28)
    return letters + chr(0x11A7 + index % 28) if index % 28 else letters


def _ordered(token: list[str]) -> str:
    """Runs of marks stably sorted by combining class; class 0 ends a run, and so do `MOST_MARKS` marks."""
    ordered: list[str] = []
    run: list[str] = []
    for character in token:
        combining = _combining(character)
        if not combining or len(run) == MOST_MARKS:
            ordered += sorted(run, key=_combining)
            run = []
        (run if combining else ordered).append(character)
    return "".join(ordered + sorted(run, key=_combining))


def _combining(character: str) -> int:
    return _kind(ord(character)) >> 5


def _kind(code: int) -> int:
    unicode = tables.load()
    return int(unicode.kinds[int(unicode.pages[code >> 8]) << 8 | code & 255])
