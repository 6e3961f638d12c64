"""The world that the chain of models lives in: human documents in three parts, and the crawl of each generation.

Human documents are split by hash into a trusted reference (25 %), a pool (60 %) and held-out documents (15 %). The
crawl of a generation is a random half of the pool, four times as many documents by the last model, 5 % of those copied
20 times with small edits and without what they declare, and 1 % gibberish. Three synthetic documents in ten declare
what they are. So four of five distinct documents, and nine of ten in all, are synthetic.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.hashing import hash_strings, stage_seed, uniform
from curate.language_model.words import Int64Array, Vocabulary
from curate.simulate.corpus import Corpus
from curate.simulate.topics import Decoder, TopicModel, tail_topics

TRUSTED, POOL = 0.25, 0.60  # held out else
SLICE = 0.5
SYNTHETIC_PER_HUMAN = 4
COPIED, COPIES = 0.05, 20
GIBBERISH = 0.01
DECLARED = 0.3

HUMAN, SYNTHETIC, COPY, NOISE = "human", "synthetic", "copy", "gibberish"
"""Kinds of documents in a crawl."""

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("topic", pa.int64()),
        ("kind", pa.string()),
        ("origin", pa.string()),  # as declared
    ]
)


@dataclass(frozen=True)
class World:
    """Human documents and their parts, `DOCUMENTS` each.

    Attributes:
        trusted: known to be human; nobody trains a language model on them.
        pool: what crawls find.
        held_out: what models are scored on.
        vocabulary: all words of all human documents, and one for others.
        tail: the tail among the topics, bool[k].
        language: of all documents; None where it is to be identified.
        seed: of everything drawn.
    """

    trusted: pa.Table
    pool: pa.Table
    held_out: pa.Table
    vocabulary: Vocabulary
    tail: NDArray[np.bool_]
    language: str | None
    seed: int

    @staticmethod
    def of(corpus: Corpus, seed: int) -> "World":
        """Splits the documents of a corpus."""
        keys = hash_strings(corpus.texts)
        table = _documents(corpus.texts, corpus.topics, HUMAN, f"{seed}/human")
        place = uniform(keys, stage_seed(seed, "simulate.split"))
        parts = np.searchsorted([TRUSTED, TRUSTED + POOL], place, side="right")
        trusted, pool, held_out = (table.filter(pa.array(parts == part)) for part in range(3))
        sizes = np.bincount(corpus.topics, minlength=len(corpus.names))
        vocabulary = Vocabulary.of(corpus.texts.to_pylist(), closed=True)
        return World(trusted, pool, held_out, vocabulary, tail_topics(sizes), corpus.language, seed)

    def rng(self, stage: str) -> np.random.Generator:
        """A source of chance for a stage, the same in all arms."""
        return np.random.default_rng(stage_seed(self.seed, f"simulate.{stage}"))

    def slice(self, generation: int) -> pa.Table:
        """The human documents that the crawl of a generation finds."""
        order = self.rng(f"slice/{generation}").permutation(self.pool.num_rows)
        return self.pool.take(np.sort(order[: round(SLICE * self.pool.num_rows)]))

    def fit(self, documents: pa.Table) -> TopicModel:
        """Trains a model on documents, columns text and topic; one that comes twice counts twice."""
        tokens = self.vocabulary.read(documents["text"].to_pylist())
        return TopicModel.fit(tokens, documents["topic"].to_numpy(), len(self.vocabulary), len(self.tail))

    def write(self, model: TopicModel, count: int, decoder: Decoder, stage: str) -> pa.Table:
        """Documents by a model, `DOCUMENTS`."""
        tokens, topics = model.write(count, decoder, self.rng(stage))
        texts = pa.array([self.vocabulary.write(document) for document in tokens], pa.string())
        return _documents(texts, topics, SYNTHETIC, f"{self.seed}/{stage}")

    def crawl(self, generation: int, model: TopicModel, decoder: Decoder) -> pa.Table:
        """What a crawler finds, `DOCUMENTS` in order of ids.

        Args:
            generation: from 1.
            model: the last one, author of what is synthetic.
            decoder: how it writes.
        """
        human, rng = self.slice(generation), self.rng(f"crawl/{generation}")
        synthetic = self.write(model, SYNTHETIC_PER_HUMAN * human.num_rows, decoder, f"write/{generation}")
        originals = rng.permutation(synthetic.num_rows)[: round(COPIED * synthetic.num_rows)]
        copied = synthetic.take(np.repeat(originals, COPIES))
        edited = pa.array([_edit(text, rng) for text in copied["text"].to_pylist()])
        copies = _documents(edited, copied["topic"].to_numpy(), COPY, f"{self.seed}/copy/{generation}")
        noise = _gibberish(round(GIBBERISH * (human.num_rows + synthetic.num_rows + copies.num_rows)), rng)
        topics = rng.integers(len(self.tail), size=len(noise))
        gibberish = _documents(noise, topics, NOISE, f"{self.seed}/noise/{generation}")
        silent = rng.random(synthetic.num_rows) >= DECLARED
        declaring = synthetic.set_column(4, "origin", pa.array([SYNTHETIC] * len(silent), pa.string(), mask=silent))
        return pa.concat_tables([human, declaring, copies, gibberish]).sort_by("id").combine_chunks()


def _documents(texts: pa.Array, topics: Int64Array, kind: str, name: str) -> pa.Table:
    """Documents whose ids are hashes of the name and their numbers: they tell nothing."""
    numbers = pa.array([f"{name}/{number}" for number in range(len(texts))])
    ids = [f"{key:016x}" for key in hash_strings(numbers).tolist()]
    kinds = pa.repeat(kind, len(texts))
    return pa.table([pa.array(ids), texts, topics, kinds, pa.nulls(len(texts), pa.string())], schema=DOCUMENTS)


def _edit(text: str, rng: np.random.Generator) -> str:
    """The text with one or two of its words dropped or swapped with the next one."""
    words = text.split(" ")
    for place in sorted(rng.integers(len(words) - 1, size=rng.integers(1, 3)).tolist(), reverse=True):
        if rng.random() < 0.5:
            del words[place]
        else:
            words[place : place + 2] = words[place : place + 2][::-1]
    return " ".join(words)


def _gibberish(count: int, rng: np.random.Generator) -> pa.Array:
    """Texts of words of random letters."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    texts = []
    for words in rng.integers(60, 200, size=count).tolist():
        sizes = rng.integers(2, 12, size=words)
        drawn = "".join(rng.choice(letters, size=int(sizes.sum())))
        ends = np.cumsum(sizes)
        texts.append(" ".join(drawn[end - size : end] for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)))
    return pa.array(texts, pa.string())
