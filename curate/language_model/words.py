"""Texts as token numbers and back; tokens keep the space before them, so that a text is their concatenation."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

BEGIN = 0
"""The token that stands before every document; it is never sampled."""
UNKNOWN = 1
"""The token of all words outside the vocabulary, where a vocabulary has one."""

_TOKEN = re.compile(r"\n\n| ?\w+(?:['’-]\w+)*| ?[^\w\s]")
# Backing off to unigrams may put two words side by side that were never neighbours.
_JOINT = "\0"
_MISSING_SPACE = re.compile(rf"(?<=\w){_JOINT}(?=\w)")
_UNKNOWN_WORD = " qzxv"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by number.

    Attributes:
        tokens: number 0 is the begin mark.
        closed: whether number 1 stands for all words that are not among the tokens.
    """

    tokens: tuple[str, ...]
    closed: bool = False

    @staticmethod
    def of(texts: Iterable[str], closed: bool = False) -> "Vocabulary":
        """All tokens of the texts, in order of their characters.

        Args:
            texts: to take the tokens from.
            closed: add a token for unknown words.

        Raises:
            ValueError: the texts hold no token.
        """
        tokens = sorted({token for text in texts for token in _TOKEN.findall(text)})
        if not tokens:
            raise ValueError("no token in the texts, expected at least one word")
        return Vocabulary(("", *([_UNKNOWN_WORD] if closed else []), *tokens), closed)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    def read(self, texts: Iterable[str]) -> list[Int64Array]:
        """The token numbers of each text.

        Raises:
            KeyError: a word is not in an open vocabulary.
        """
        numbers = self._numbers
        if self.closed:
            return [
                np.array([numbers.get(token, UNKNOWN) for token in _TOKEN.findall(text)], np.int64) for text in texts
            ]
        return [np.array([numbers[token] for token in _TOKEN.findall(text)], np.int64) for text in texts]

    def write(self, tokens: Int64Array | Sequence[int]) -> str:
        """The text of token numbers; words that would be glued together get a space between them."""
        joined = _MISSING_SPACE.sub(" ", _JOINT.join([self.tokens[number] for number in tokens]))
        return joined.replace(_JOINT, "").replace("\n\n ", "\n\n").strip()
