"""Who duplicates whom, against the rule told document by document."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.decisions.contents import ContentGraph
from curate.decisions.policy import NEVER, Policies
from curate.decisions.survivors import Survivors, survivors
from curate.decisions.verdict import ACCEPT, FILL, HOLD, REJECT

TEXTS = 4
RULES = {
    "exact": np.array([False, True, True, True]),
    "threshold": np.array([NEVER, NEVER, 0.9, 0.8], np.float32),
    "containment": np.array([NEVER, NEVER, 0.95, 0.9], np.float32),
}
GENERAL = 3

DOCUMENTS = st.lists(
    st.tuples(
        st.integers(-1, TEXTS - 1),
        st.integers(0, 3),
        st.sampled_from([ACCEPT, ACCEPT, FILL, HOLD, REJECT]),
        st.integers(-1, 1),
    ),
    max_size=9,
)
RATIO = st.sampled_from([0.5, 0.8, 0.85, 0.9, 0.95, 1.0])
PAIRS = st.dictionaries(
    st.sampled_from([(a, b) for a in range(TEXTS) for b in range(TEXTS) if a < b]), st.tuples(RATIO, RATIO, RATIO)
)


def run(texts, pairs, rank, rules=None, verdicts=None, earlier=None):
    """The matches of documents; `pairs` is (text, text) → (jaccard, left in right, right in left)."""
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    measures = np.array(list(pairs.values()), np.float32).reshape(-1, 3)
    graph = ContentGraph(np.array(texts, np.int64), TEXTS, ends[:, 0], ends[:, 1], *measures.T)
    policies = Policies(np.array(rules if rules is not None else [GENERAL] * len(texts), np.int64), **RULES)
    verdict = np.array(verdicts if verdicts is not None else [ACCEPT] * len(texts), np.int8)
    classes = np.array(earlier if earlier is not None else [-1] * len(texts), np.int8)
    return survivors(graph, verdict, np.array(rank, np.int64), policies, classes)


def told(found):
    """(leader, kind, similarity, containment) of each document that has a match."""
    columns = (found.leader.tolist(), found.kind, found.similarity.tolist(), found.containment.tolist())
    result = {}
    for document, (leader, kind, similarity, share) in enumerate(zip(*columns, strict=True)):
        if leader >= 0:
            result[document] = (leader, kind, round(similarity, 6), round(share, 6))
        else:
            assert (leader, kind) == (-1, None) and np.isnan(similarity) and np.isnan(share)
    return result


def measured(pairs, lead, member):
    """(kind, similarity, share of the member) where the rule of the member lets it go, of two (text, rule)."""
    rule = member[1]
    if lead[0] == member[0]:
        return ("exact", 1.0, 1.0) if RULES["exact"][rule] else None
    if (lead[0], member[0]) in pairs:
        jaccard, _, share = map(np.float32, pairs[lead[0], member[0]])
    elif (member[0], lead[0]) in pairs:
        jaccard, share, _ = map(np.float32, pairs[member[0], lead[0]])
    else:
        return None
    if jaccard >= RULES["threshold"][rule]:
        return "near", round(float(jaccard), 6), round(float(share), 6)
    inside = share >= RULES["containment"][rule]
    return ("contained", round(float(jaccard), 6), round(float(share), 6)) if inside else None


def matched_units(best, pairs, rank, earlier):
    """(text, rule) → its match, leader by leader."""
    matched = {}
    for lead, first in sorted(best.items(), key=lambda item: rank[item[1]] if item[1] is not None else -1):
        if first is None or lead in matched:
            continue
        for member in best.keys() - matched.keys() - {lead}:
            other = best[member]
            found = measured(pairs, lead, member)
            ranks_below = other is None or rank[other] > rank[first]
            both_kept = other is not None and earlier[first] == earlier[other] >= 0
            if found and ranks_below and not both_kept:
                matched[member] = (first, *found)
    return matched


def by_hand(texts, pairs, rank, rules, verdicts, earlier):
    """What `told` should give."""
    units = {}
    for document, unit in enumerate(zip(texts, rules, strict=True)):
        if unit[0] >= 0:
            units.setdefault(unit, []).append(document)
    best = {
        unit: min((d for d in documents if verdicts[d] != REJECT), key=rank.__getitem__, default=None)
        for unit, documents in units.items()
    }
    matched, result = matched_units(best, pairs, rank, earlier), {}
    for unit, documents in units.items():
        for document in documents:
            if unit in matched:
                result[document] = matched[unit]
            elif best[unit] not in (None, document) and RULES["exact"][unit[1]]:
                result[document] = (best[unit], "exact", 1.0, 1.0)
    return result


@settings(max_examples=300)
@given(DOCUMENTS, PAIRS, st.randoms(use_true_random=False))
def test_matches_are_those_of_the_rule(documents, pairs, random):
    texts, rules, verdicts, earlier = (
        (list(column) for column in zip(*documents, strict=True)) if documents else [[]] * 4
    )
    rank = list(range(len(documents)))
    random.shuffle(rank)
    found = run(texts, pairs, rank, rules, verdicts, earlier)
    assert told(found) == by_hand(texts, pairs, rank, rules, verdicts, earlier)


NEAR, CONTAINED, EXACT = "near", "contained", "exact"


@pytest.mark.parametrize(
    ("texts", "pairs", "rank", "expected"),
    [
        ([0, 0], {}, [1, 0], {0: (1, EXACT, 1.0, 1.0)}),
        ([0, 1], {(0, 1): (0.8, 0.7, 0.6)}, [0, 1], {1: (0, NEAR, 0.8, 0.6)}),
        ([0, 1], {(0, 1): (0.8, 0.7, 0.6)}, [1, 0], {0: (1, NEAR, 0.8, 0.7)}),
        ([0, 1], {(0, 1): (0.5, 0.9, 0.5)}, [1, 0], {0: (1, CONTAINED, 0.5, 0.9)}),
        ([0, 1], {(0, 1): (0.5, 0.9, 0.5)}, [0, 1], {}),  # the container stays
        (
            [0, 1, 2],
            {(0, 1): (0.9, 0.9, 0.9), (1, 2): (0.9, 0.9, 0.9)},
            [0, 1, 2],
            {1: (0, NEAR, 0.9, 0.9)},
        ),  # no chain
        ([0, 1, 1], {(0, 1): (0.9, 0.9, 0.9)}, [0, 1, 2], {1: (0, NEAR, 0.9, 0.9), 2: (0, NEAR, 0.9, 0.9)}),
        ([0, -1, -1], {}, [0, 1, 2], {}),
        ([], {}, [], {}),
    ],
)
def test_matches(texts, pairs, rank, expected):
    assert told(run(texts, pairs, rank)) == expected


@pytest.mark.parametrize(("classes", "kept"), [((0, 0), True), ((0, 1), False), ((-1, -1), False), ((-1, 0), False)])
def test_earlier_documents_of_one_class_keep_each_other(classes, kept):
    found = run([0, 1], {(0, 1): (0.9, 0.9, 0.9)}, [0, 1], earlier=classes)
    assert (found.leader.tolist() == [-1, -1]) == kept


def test_a_document_may_be_let_off():
    found = run([0, 0, 0], {}, [0, 1, 2])
    one = found.but(np.array([False, True, False]))
    assert told(one) == {2: (0, EXACT, 1.0, 1.0)}
    assert sorted(told(found)) == [1, 2], "the matches given stay as they were"
    assert isinstance(one, Survivors) and told(found.but(np.zeros(3, bool))) == told(found)
