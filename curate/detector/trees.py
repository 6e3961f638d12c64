"""Gradient boosting of small trees on binned features (Friedman, 2001; regularised as Chen & Guestrin, 2016).

Trees are full: node i has the children 2i and 2i + 1, the root is 1, and every way from it has the same length; where
nothing was to be gained by a cut, all documents go to the first child. All arrays are plain numbers.
"""

from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 64

_TILE = 256  # rows that are judged together


class Trees(NamedTuple):
    """Boosted trees.

    Attributes:
        edges: float32[features, BINS - 1], ascending bin edges of each feature; repeated where it takes few values.
        features: uint16[trees, 2^depth], the feature that a node looks at.
        bins: uint8[trees, 2^depth], larger bins go to the second child.
        values: float32[trees, 2^(depth + 1)], of leaves; the first half is empty.
    """

    edges: NDArray[np.float32]
    features: NDArray[np.uint16]
    bins: NDArray[np.uint8]
    values: NDArray[np.float32]

    def predict(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log-odds without the intercept, float64[m], of features float32[m, features]."""
        depth = self.bins.shape[1].bit_length() - 1
        return _predict(_binned(columns, self.edges), self.features, self.bins, self.values, depth)


@dataclass(frozen=True)
class BoostingSettings:
    """Settings of the boosting.

    Attributes:
        trees: their number.
        depth: of each, 7 at most.
        tried: features drawn for each tree.
        rate: shrinkage of each tree.
        penalty: added to the curvature of a leaf.
        least: curvature that a leaf must have.
        share: of the documents that a tree sees.
    """

    trees: int = 2000
    depth: int = 5
    tried: int = 12
    rate: float = 0.05
    penalty: float = 5.0
    least: float = 10.0
    share: float = 0.7


def fit_trees(
    columns: NDArray[np.float32],
    machine: NDArray[np.bool_],
    weight: NDArray[np.float64],
    seed: int,
    settings: BoostingSettings,
) -> Trees:
    """Fits trees to the logistic loss.

    Args:
        columns: float32[m, features].
        machine: bool[m].
        weight: float64[m].
        seed: of the draws.
        settings: of the boosting.
    """
    levels = np.arange(1, BINS) / BINS
    edges = np.quantile(columns, levels, axis=0, method="lower").T.astype(np.float32)
    edges = np.ascontiguousarray(edges)
    share = weight / weight.sum() * len(weight)
    grown = _boost(_binned(columns, edges), machine.astype(np.float64), share, seed, *astuple(settings))
    return Trees(edges, *grown)


@njit(cache=True, nogil=True)
def _binned(columns: Any, edges: Any) -> Any:
    """The number of edges below each value, by a search without branches."""
    binned = np.empty(columns.shape, np.uint8)
    for row in range(columns.shape[0]):
        for column in range(columns.shape[1]):
            value, below = columns[row, column], np.uint64(0)
            half = np.uint64(BINS >> 1)
            while half:
                below += half * np.uint64(edges[column, below + half - np.uint64(1)] < value)
                half >>= np.uint64(1)
            binned[row, column] = below
    return binned


@njit(cache=True, nogil=True)
def _predict(binned: Any, features: Any, bins: Any, values: Any, depth: Any) -> Any:
    """Every node is asked of a whole tile, whose bytes are compared side by side; that beats walking row by row."""
    scores = np.zeros(binned.shape[0])
    tile, node, second = (
        np.zeros((binned.shape[1], _TILE), np.uint8),
        np.empty(_TILE, np.uint8),
        np.empty(_TILE, np.bool_),
    )
    for start in range(0, binned.shape[0], _TILE):
        rows = min(_TILE, binned.shape[0] - start)
        for row in range(rows):
            for feature in range(binned.shape[1]):
                tile[feature, row] = binned[start + row, feature]
        for tree in range(features.shape[0]):
            node[:] = 1
            for level in range(depth):
                second[:] = False
                for asked in range(1 << level, 2 << level):
                    column, cut, place = tile[features[tree, asked]], bins[tree, asked], np.uint8(asked)
                    for row in range(_TILE):
                        second[row] |= (node[row] == place) & (column[row] > cut)
                for row in range(_TILE):
                    node[row] = np.uint8(node[row] + node[row] + second[row])
            tree_values = values[tree]
            for row in range(rows):
                scores[start + row] += tree_values[node[row]]
    return scores


@njit(cache=True, nogil=True)
def _random(state: Any) -> Any:
    """The next number of a xorshift64* generator (Vigna, 2016)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return (x * np.uint64(2685821657736338717)) >> np.uint64(11)


@njit(cache=True, nogil=True)
def _boost(  # noqa: C901, one loop over trees and levels
    binned: Any,
    target: Any,
    weight: Any,
    seed: Any,
    trees: Any,
    depth: Any,
    tried: Any,
    rate: Any,
    penalty: Any,
    least: Any,
    share: Any,
) -> Any:
    rows, columns = binned.shape
    nodes = 2 << depth
    tried = min(tried, columns)
    features = np.zeros((trees, nodes >> 1), np.uint16)
    bins = np.full((trees, nodes >> 1), BINS - 1, np.uint8)
    values = np.zeros((trees, nodes), np.float32)
    state = np.array([np.uint64(seed) * np.uint64(7919) + np.uint64(88172645463325252)], np.uint64)
    order = np.arange(columns)
    node = np.zeros(rows, np.int64)
    slope, curve = np.zeros(rows), np.zeros(rows)
    used = np.zeros(rows, np.bool_)
    positive = 0.0
    for row in range(rows):
        positive += weight[row] * target[row]
    score = np.full(rows, np.log(positive / (weight.sum() - positive)))
    for tree in range(trees):
        for row in range(rows):
            predicted = 1 / (1 + np.exp(-score[row]))
            slope[row] = weight[row] * (predicted - target[row])
            curve[row] = weight[row] * predicted * (1 - predicted)
            node[row] = 1
            used[row] = _random(state) % np.uint64(1000) < np.uint64(share * 1000)
        for k in range(tried):
            other = k + np.int64(_random(state) % np.uint64(columns - k))
            order[k], order[other] = order[other], order[k]
        for level in range(depth):
            first = 1 << level
            slopes, curves = np.zeros((first, tried, BINS)), np.zeros((first, tried, BINS))
            for row in range(rows):
                if used[row]:
                    for k in range(tried):
                        value = binned[row, order[k]]
                        slopes[node[row] - first, k, value] += slope[row]
                        curves[node[row] - first, k, value] += curve[row]
            for place in range(first):
                best, cut = _best_cut(slopes[place], curves[place], penalty, least)
                if best >= 0:
                    features[tree, first + place] = order[best]
                    bins[tree, first + place] = cut
            for row in range(rows):
                at = node[row]
                node[row] = 2 * at + (binned[row, features[tree, at]] > bins[tree, at])
        slope_sums, curve_sums = np.zeros(nodes), np.zeros(nodes)
        for row in range(rows):
            if used[row]:
                slope_sums[node[row]] += slope[row]
                curve_sums[node[row]] += curve[row]
        for at in range(nodes):
            values[tree, at] = -rate * slope_sums[at] / (curve_sums[at] + penalty)
        for row in range(rows):
            score[row] += values[tree, node[row]]
    return features, bins, values


@njit(cache=True, nogil=True)
def _best_cut(slopes: Any, curves: Any, penalty: Any, least: Any) -> Any:
    """The feature, among those tried, and the bin after which to cut a node; feature -1 where nothing gains."""
    best, best_gain, cut = -1, 1e-9, 0
    for k in range(slopes.shape[0]):
        slope, curve = slopes[k].sum(), curves[k].sum()
        whole = slope * slope / (curve + penalty)
        left_slope = left_curve = 0.0
        for value in range(BINS - 1):
            left_slope += slopes[k, value]
            left_curve += curves[k, value]
            if left_curve < least:
                continue
            if curve - left_curve < least:
                break
            gain = left_slope**2 / (left_curve + penalty) - whole
            gain += (slope - left_slope) ** 2 / (curve - left_curve + penalty)
            if gain > best_gain:
                best, best_gain, cut = k, gain, value
    return best, cut
