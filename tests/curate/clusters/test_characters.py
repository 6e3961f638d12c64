from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.clusters.characters import BUCKET_BITS, MAX_CHARACTERS, character_ngrams


def ngrams(*texts):
    """The counts by bucket of each text."""
    buckets, counts, offsets = character_ngrams(pa.array(texts, pa.string()))
    rows = pairwise(offsets)
    return [dict(zip(buckets[a:b].tolist(), counts[a:b].tolist(), strict=True)) for a, b in rows]


def shared(a, b):
    return len(a.keys() & b.keys()) / max(1, len(a.keys() | b.keys()))


def test_case_and_what_is_between_words_do_not_count():
    first, second = ngrams("Counting Harbours, quietly undisturbed", "counting\nharbours... QUIETLY (undisturbed)")
    assert first and first == second


def test_no_ngram_crosses_words_or_is_read_of_short_ones():
    apart, together, short = ngrams("overcrowded waterfalls", "waterfalls overcrowded", "a b c 1 2")
    assert apart == together and not short


def test_inflections_share_ngrams_where_words_share_none():
    stems = ["internationalisation", "unvorhersehbar", "ympäristönsuojelu", "достопримечательность", "enregistrement"]
    plain, inflected, other = ngrams(
        " ".join(stems), " ".join(f"{stem}en" for stem in stems), "kyrkogårdsvaktmästare jordgubbssylt flygplansvingar"
    )
    assert shared(plain, inflected) > 0.6 > 0.1 > shared(plain, other)


@pytest.mark.parametrize("text", ["海港船长", "กขคง", "ကခဂဃ"])
def test_scripts_without_spaces_count_pairs(text):
    straight, backward = ngrams(text, text[::-1])
    assert sum(straight.values()) == len(text) - 1 and straight != backward


def test_long_documents_are_read_in_part():
    start = "海港" * (MAX_CHARACTERS // 2)
    assert sum(ngrams(start + "船长" * 50)[0].values()) == MAX_CHARACTERS - 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text()), max_size=8))
def test_a_document_counts_the_same_in_any_batch(texts):
    together = ngrams(*texts)
    assert together == [ngrams(text)[0] for text in texts]
    assert all(0 <= bucket < 2**BUCKET_BITS for row in together for bucket in row)
    assert all(not row for row, text in zip(together, texts, strict=True) if not text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_any_bytes_are_read(texts):
    buckets, counts, offsets = character_ngrams(pa.array(texts, pa.binary()))
    assert len(buckets) == len(counts) == offsets[-1] and np.all(counts > 0)
