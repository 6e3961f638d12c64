import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curate.review.queue import order


def held(clusters):
    ids = [f"d{number}" for number in range(len(clusters))]
    return pa.table([pa.array(ids), pa.array(clusters, pa.int32())], names=["id", "cluster"])


CLUSTERS = st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=60)
SHARES = {0: 0.5, 1: 0.2, 2: 0.1, 3: 0.1, 4: 0.05, 5: 0.05}


@given(CLUSTERS)
def test_every_document_once_and_the_first_ones_cover_all_clusters(clusters):
    found = order(held(clusters), SHARES, 1)
    assert sorted(found.tolist()) == list(range(len(clusters)))
    asked = [clusters[place] for place in found]
    distinct = set(clusters)
    assert set(asked[: len(distinct)]) == distinct


@given(CLUSTERS)
def test_rare_clusters_come_first_in_each_round(clusters):
    asked = [clusters[place] for place in order(held(clusters), SHARES, 1)]
    first_round = asked[: len(set(clusters))]
    shares = [np.inf if cluster is None else SHARES[cluster] for cluster in first_round]
    assert shares == sorted(shares)


@given(CLUSTERS, st.randoms(use_true_random=False))
def test_the_order_of_the_ledger_does_not_matter(clusters, random):
    table = held(clusters)
    places = list(range(len(clusters)))
    random.shuffle(places)
    turned = table.take(pa.array(places, pa.int64()))
    ids = [table["id"].take(pa.array(order(table, SHARES, 7))).to_pylist()]
    ids.append(turned["id"].take(pa.array(order(turned, SHARES, 7))).to_pylist())
    assert ids[0] == ids[1]


def test_another_seed_asks_in_another_order():
    table = held([0] * 50)
    assert order(table, SHARES, 1).tolist() != order(table, SHARES, 2).tolist()
