"""A language model that puts watermarks into what it writes, and a tokenizer whose tokens are its words."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from curate.demo.language_model import TrigramModel
from curate.demo.prose import human_prose
from curate.watermarks.tokens import Tokens

SECRETS = {"green": 15485863, "rounds": [654, 400, 836, 123, 340, 443, 597, 160]}
_WORD = re.compile(r"[a-z]+")


class Words:
    """What `Tokenizer` is to a detector, for words between spaces; unknown ones are number 0."""

    def __init__(self, vocabulary):
        self.numbers = {word: number for number, word in enumerate(vocabulary)}
        self.sha256 = "words"

    def encode(self, texts):
        lists = [[self.numbers.get(word, 0) for word in (text or "").split()] for text in texts.to_pylist()]
        offsets = np.cumsum([0, *map(len, lists)])
        return Tokens(np.array([number for part in lists for number in part], np.int64), offsets)

    def to_json(self):
        """The same as a tokenizer.json."""
        model = {"type": "WordLevel", "vocab": self.numbers, "unk_token": next(iter(self.numbers))}
        split = {"type": "WhitespaceSplit"}
        return json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": split, "model": model})


class Writer:
    """Writes documents, one token at a time for all of them, choosing each among exact draws of the model."""

    def __init__(self, texts):
        self._model = TrigramModel.fit(texts)
        vocabulary = ["<unk>", *sorted({word.strip() for word in self._model.vocabulary.tokens} - {""})]
        self.words = Words(vocabulary)
        self._names = np.array(vocabulary)
        self._numbers = np.array([self.words.numbers.get(word.strip(), 0) for word in self._model.vocabulary.tokens])

    def write(self, documents, length, choose, draws, seed=0):
        """Documents of `length` words.

        Args:
            choose: (numbers so far int64[documents, so far], candidates int64[documents, draws]) → which of them.
            draws: candidates for each place.
        """
        rng = np.random.default_rng(seed)
        inner = np.zeros((documents, length + 2), np.int64)
        for step in range(length):
            first, second = (np.repeat(inner[:, step + back], draws) for back in (0, 1))
            candidates = self._model.trigrams.next_tokens(first, second, rng).reshape(documents, draws)
            chosen = choose(self._numbers[inner[:, 2 : step + 2]], self._numbers[candidates])
            inner[:, step + 2] = candidates[np.arange(documents), chosen]
        return [" ".join(row) for row in self._names[self._numbers[inner[:, 2:]]].tolist()]


def plain(numbers, candidates):
    return np.zeros(len(candidates), np.int64)


def prefer_green(detector, context):
    """The first green candidate, or the last of them."""

    def choose(numbers, candidates):
        if numbers.shape[1] < context:
            return plain(numbers, candidates)
        contexts = np.repeat(numbers[:, None, numbers.shape[1] - context :], candidates.shape[1], axis=1)
        green = detector.green(contexts, candidates)
        green[:, -1] = True
        return green.argmax(axis=1)

    return choose


def tournament(detector, context, rounds):
    """The winner of 2^rounds candidates: of each two the one whose g-value of the round is larger."""

    def choose(numbers, candidates):
        if numbers.shape[1] < context:
            return plain(numbers, candidates)
        before = np.repeat(numbers[:, None, numbers.shape[1] - context :], candidates.shape[1], axis=1)
        grams = np.concatenate([before, candidates[:, :, None]], axis=2)
        g_values = detector.g_values(grams.reshape(-1, context + 1)).reshape(*candidates.shape, -1)
        left = np.broadcast_to(np.arange(candidates.shape[1]), candidates.shape)
        for depth in range(rounds):
            pairs = left.reshape(len(left), -1, 2)
            won = np.take_along_axis(g_values[:, :, depth], left, axis=1).reshape(pairs.shape)
            left = np.where(won[:, :, 1] > won[:, :, 0], pairs[:, :, 1], pairs[:, :, 0])
        return left[:, 0]

    return choose


@pytest.fixture(scope="session")
def prose():
    """Human documents as lower-case words."""
    return [" ".join(_WORD.findall(document.text.lower())) for document in human_prose()[:1500]]


@pytest.fixture(scope="session")
def writer(prose):
    return Writer(prose)


@pytest.fixture(scope="session")
def marking():
    """The functions and numbers of this module."""
    return SimpleNamespace(plain=plain, prefer_green=prefer_green, tournament=tournament, Words=Words, **SECRETS)
