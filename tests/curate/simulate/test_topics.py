import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.language_model.words import Vocabulary
from curate.simulate.topics import TOPIC_WEIGHT, TopicModel, tail_topics

TEXTS = ["a b a c a b", "b a c b a b a", "c a b a a c b", "d d e d e", "e d d e e d"]
TOPICS = np.array([0, 0, 2, 1, 1])


def fitted(texts=TEXTS, topics=TOPICS, count=4):
    vocabulary = Vocabulary.of([*texts, "x"], closed=True)
    return vocabulary, TopicModel.fit(vocabulary.read(texts), topics, len(vocabulary), count)


@pytest.mark.parametrize("topic", range(4))
def test_chances_of_a_word_in_a_topic_sum_to_one(topic):
    vocabulary, model = fitted()
    words = [np.array([word]) for word in range(1, len(vocabulary))]
    logs = model.log_probabilities(words, np.full(len(words), topic))
    assert np.exp(np.concatenate(logs)).sum() == pytest.approx(1)


def test_a_word_of_the_topic_has_its_share_of_the_topic_besides():
    vocabulary, model = fitted()
    word = vocabulary.tokens.index(" e")
    of_topic = 4 / 11  # of the words of topic one
    chance = model.trigrams.probabilities(np.zeros(1, int), np.zeros(1, int), np.array([word]), closed=True)[0]
    (found,) = model.log_probabilities([np.array([word])], np.array([1]))
    assert np.exp(found[0]) == pytest.approx((1 - TOPIC_WEIGHT) * chance + TOPIC_WEIGHT * of_topic)


def test_what_is_written_follows_the_chances():
    vocabulary, model = fitted()
    written, topics = model.write(60_000, "ancestral", np.random.default_rng(3))
    starts = np.array([document[0] for document, topic in zip(written, topics, strict=True) if topic == 1])
    words = np.arange(1, len(vocabulary))
    first = np.zeros_like(words)
    of_topic = np.bincount(np.concatenate(vocabulary.read(TEXTS[3:])), minlength=len(vocabulary))[1:] / 11
    expected = (1 - TOPIC_WEIGHT) * model.trigrams.probabilities(first, first, words) + TOPIC_WEIGHT * of_topic
    counts = np.bincount(starts, minlength=len(vocabulary))[1:]
    assert counts[expected == 0].sum() == 0
    assert scipy.stats.chisquare(counts[expected > 0], len(starts) * expected[expected > 0]).pvalue > 1e-4


def test_topics_are_written_as_often_as_they_were_read_and_sharper_when_sharp():
    _, model = fitted()
    np.testing.assert_allclose(model.topic_shares("ancestral"), [0.4, 0.4, 0.2, 0.0])
    sharp = model.topic_shares("sharp")
    assert sharp.sum() == pytest.approx(1) and sharp[2] < 0.2 and sharp[3] == 0
    topics = model.write(50_000, "sharp", np.random.default_rng(1))[1]
    assert scipy.stats.chisquare(np.bincount(topics), 50_000 * sharp[:3]).pvalue > 1e-4


def test_the_sharp_decoder_writes_likelier_text():
    _, model = fitted([*TEXTS, "a b c d e", "e c a d b"], np.append(TOPICS, [0, 1]))

    def likelihood(decoder):
        written, topics = model.write(400, decoder, np.random.default_rng(1))
        return np.concatenate(model.log_probabilities(written, topics)).mean()

    assert likelihood("sharp") > likelihood("ancestral") + 0.05


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=9))
def test_perplexity_is_at_least_one_and_of_known_words_finite(texts):
    vocabulary, model = fitted()
    documents = vocabulary.read(texts)
    logs = model.log_probabilities(documents, np.arange(len(texts)) % 4)
    assert [len(log) for log in logs] == [len(document) for document in documents]
    assert all((log <= 1e-12).all() for log in logs)


@pytest.mark.parametrize(
    ("documents", "tail"), [([60, 20, 15, 5], [0, 0, 1, 1]), ([1, 1, 0, 2], [1, 0, 0, 0]), ([5], [0])]
)
def test_the_tail_is_the_smallest_topics_of_a_quarter(documents, tail):
    assert tail_topics(np.array(documents)).tolist() == [bool(flag) for flag in tail]
