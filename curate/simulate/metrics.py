"""What a generation is judged by: the model on held-out human text, what it writes, and what curation did.

All are compared with the human-only arm; none means much alone. Diversity of what is written errs on both sides: noise
raises it, sharp decoding lowers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.language_model.words import BEGIN, Int64Array
from curate.simulate.topics import Decoder, TopicModel
from curate.simulate.world import COPY, HUMAN, NOISE, SYNTHETIC, World

GENERATED = 500
"""Documents written to measure diversity."""
KEPT_MASS = 0.01
"""Share of its held-out share that a tail topic must keep among what is written, to count as recalled."""
_LEAST_OF_TOPIC = 10  # documents that tell how many of a topic are lost

Metrics = dict[str, float]


@dataclass(frozen=True)
class Judge:
    """What models of one world are judged with.

    Attributes:
        world: with the held-out documents.
        held_out: their tokens.
        topics: their topics, int64[n].
        rare: their trigrams that the trusted reference holds at most once, sorted distinct keys.
    """

    world: World
    held_out: Sequence[Int64Array]
    topics: Int64Array
    rare: Int64Array

    @staticmethod
    def of(world: World) -> "Judge":
        """Prepares the held-out documents."""
        held_out = world.vocabulary.read(world.held_out["text"].to_pylist())
        reference, counts = np.unique(_trigrams(world, world.trusted), return_counts=True)
        found = np.unique(_keys(held_out, len(world.vocabulary)))
        rare = np.setdiff1d(found, reference[counts > 1], assume_unique=True)
        return Judge(world, held_out, world.held_out["topic"].to_numpy(), rare)

    def model(self, model: TopicModel, training: pa.Table, decoder: Decoder, generation: int) -> Metrics:
        """Metrics of a model and of what it writes.

        Args:
            model: to judge.
            training: what it was fitted on, columns text and topic.
            decoder: how it writes.
            generation: for the choice of what is written.

        Returns:
            `perplexity`, `perplexity_tail` (tail topics), `perplexity_worst` (worst tenth of the topics),
            `trigram_coverage` (held-out trigrams that are rare in the reference and occur in training),
            `vocabulary_coverage` (held-out words that occur in training), `distinct_3`, `unigram_entropy` (bits; of
            500 documents written), `tail_share` (of the documents written; exact), `topic_entropy` (effective number
            of topics written), `tail_recall` (tail topics that keep a hundredth of their share).
        """
        logs = model.log_probabilities(self.held_out, self.topics)
        sums, sizes = (np.array([f(log) for log in logs]) for f in (np.sum, len))
        tail = self.world.tail
        in_tail = tail[self.topics]
        by_topic = np.bincount(self.topics, sums, len(tail)) / np.maximum(np.bincount(self.topics, sizes, len(tail)), 1)
        present = np.sort(by_topic[np.unique(self.topics)])
        worst = present[: max(1, round(len(present) / 10))]
        seen = np.unique(_trigrams(self.world, training))
        words = np.unique(np.concatenate(self.held_out))
        shares = model.topic_shares(decoder)
        written, _ = model.write(GENERATED, decoder, self.world.rng(f"measure/{generation}"))
        grams = _keys(written, len(self.world.vocabulary))
        held_out = np.bincount(self.topics, minlength=len(tail)) / len(self.topics)
        wanted = tail & (held_out > 0)
        return {
            "perplexity": _perplexity(sums, sizes),
            "perplexity_tail": _perplexity(sums[in_tail], sizes[in_tail]),
            "perplexity_worst": float(np.exp(-worst).mean()),
            "trigram_coverage": float(np.isin(self.rare, seen, assume_unique=True).mean()),
            "vocabulary_coverage": float((model.trigrams.frequencies[words] > 0).mean()),
            "distinct_3": len(np.unique(grams)) / max(len(grams), 1),
            "unigram_entropy": _entropy(np.unique(np.concatenate(written), return_counts=True)[1]),
            "tail_share": float(shares[tail].sum()),
            "topic_entropy": float(2 ** _entropy(shares)),
            "tail_recall": float((shares[wanted] >= KEPT_MASS * held_out[wanted]).mean()),
        }


def curation_metrics(crawl: pa.Table, training: pa.Table, kept: Int64Array) -> Metrics:
    """What curation made of a crawl.

    Args:
        crawl: `curate.simulate.world.DOCUMENTS`.
        training: what is trained on, column kind.
        kept: copies of each document of the crawl, int64[n], before the training budget.

    Returns:
        `human_loss` (human documents without a copy), `human_loss_worst` (of the topic that loses most), of topics with
        ten documents or more, `synthetic_admitted` (share of the training documents), `gibberish_admitted` (share of
        what there was).
    """
    kinds = crawl["kind"].to_numpy()
    lost, topics = (kept == 0)[kinds == HUMAN], crawl["topic"].to_numpy()[kinds == HUMAN]
    sizes = np.bincount(topics)
    losses = np.bincount(topics, lost)[sizes >= _LEAST_OF_TOPIC] / sizes[sizes >= _LEAST_OF_TOPIC]
    machine = pc.is_in(training["kind"], value_set=pa.array([SYNTHETIC, COPY]))
    return {
        "human_loss": float(lost.mean()),
        "human_loss_worst": float(losses.max(initial=0.0)),
        "synthetic_admitted": float(machine.to_numpy().mean()),
        "gibberish_admitted": float((kept[kinds == NOISE] > 0).mean()),
    }


def _trigrams(world: World, documents: pa.Table) -> Int64Array:
    return _keys(world.vocabulary.read(documents["text"].to_pylist()), len(world.vocabulary))


def _keys(documents: Sequence[Int64Array], size: int) -> Int64Array:
    """The trigrams within documents."""
    marked = np.concatenate([np.concatenate([document, [BEGIN]]) for document in documents])
    first, second, third = marked[:-2], marked[1:-1], marked[2:]
    inside = (second != BEGIN) & (third != BEGIN) & (first != BEGIN)
    keys: Int64Array = ((first * size + second) * size + third)[inside]
    return keys


def _perplexity(logs: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    return float(np.exp(-logs.sum() / max(sizes.sum(), 1)))


def _entropy(weights: NDArray[np.floating] | Int64Array) -> float:
    """In bits."""
    shares = weights[weights > 0] / weights.sum()
    return float(-(shares * np.log2(shares)).sum())
