"""Generated documents as metrics see them: words of topics by Zipf's law, in slices."""

import numpy as np
import pyarrow as pa

from curate.hashing import mix
from curate.metrics.compression import BLOCK
from curate.metrics.corpus import DOCUMENTS
from curate.metrics.slices import SLICES

WORDS = 40_000
TOPICS = 12


def words(draw, count, power=1.0, tokens=150):
    """uint32[count, tokens]: the words of documents; a higher power sharpens the distribution, a lower one flattens."""
    p = 1 / np.arange(1, WORDS + 1) ** 1.05
    p = p**power / (p**power).sum()
    ranks = draw.choice(WORDS, (count, tokens), p=p)
    return mix(ranks.astype(np.uint64)).astype(np.uint32)


def documents(codes, members, seed=0, **columns):
    """`DOCUMENTS` of words, in slices: `members` is a list of names, or several joined by a plus."""
    draw = np.random.default_rng(seed + 1_000)
    count = len(codes)
    keys = mix(np.arange(count, dtype=np.uint64) + np.uint64(seed * 10**6), 5)
    topic = draw.integers(0, TOPICS, count)
    vectors = np.eye(TOPICS)[topic] + 0.1 * draw.normal(size=(count, TOPICS))
    given = {
        "key": pa.array(keys),
        "location": pa.array(np.arange(count, dtype=np.uint64) + np.uint64(seed * 10**6)),
        "language": pa.repeat("en", count),
        "codes": pa.array(list(codes), pa.large_list(pa.uint32())),
        "compressed": pa.array((BLOCK / draw.normal(2, 0.1, count)).astype(np.uint16)),
        "surprise": pa.array(draw.normal(150, 10, count).astype(np.uint8)),
        "embedding": pa.array(list(vectors.astype(np.float16)), pa.list_(pa.float16())),
        "id": pa.array([f"{seed}-{row}" for row in range(count)]),
        "cluster": pa.array(topic.astype(np.int32)),
        "source": pa.array([f"site-{row % 5}" for row in range(count)]),
        **{name: pa.array([name == "input" or name in member.split("+") for member in members]) for name in SLICES},
    }
    given |= columns
    return pa.table([given[name] for name in DOCUMENTS.names], schema=DOCUMENTS)


def corpus(power=1.0, people=400, others=400, seed=1):
    """Human documents, and others that are accepted, drawn from a sharper or flatter distribution of words."""
    draw = np.random.default_rng(seed)
    codes = np.vstack([words(draw, people), words(draw, others, power)])
    return documents(codes, ["human"] * people + ["accepted"] * others, seed)
