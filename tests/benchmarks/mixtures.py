"""What peers would build of a corpus: the weight of every document by the formulas of their papers, at equal tokens.

Every function takes the tokens of the documents (int[n]), their group (int[n]) or score (float[n]), and the tokens to
build. It gives weights, float[n]: the mean number of copies; one document in ten is meant by .1.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EPOCHS = 4
"""N of UniMax, which its authors vary from 1 to 10."""


def unchanged(tokens: Ints, budget: float) -> Floats:
    """Every document alike."""
    return np.full(len(tokens), budget / tokens.sum())


def temperature(tokens: Ints, groups: Ints, budget: float, alpha: float) -> Floats:
    """t_c ∝ n_c^α: .3 in XLM-R (Conneau et al. 2020, arXiv 1911.02116) and mT5, .7 in multilingual BERT."""
    size = np.bincount(groups, tokens)
    target = np.where(size > 0, size, 1.0) ** alpha * (size > 0)
    return _to_documents(budget * target / target.sum(), size, groups)


def unimax(tokens: Ints, groups: Ints, budget: float) -> Floats:
    """As uniform as `EPOCHS` epochs of each group allow, small groups first (Chung et al. 2023, arXiv 2304.09151)."""
    size = np.bincount(groups, tokens)
    target, left = np.zeros(len(size)), budget
    live = np.flatnonzero(size)
    for place, group in enumerate(live[np.argsort(size[live], kind="stable")]):
        target[group] = min(left / (len(live) - place), EPOCHS * size[group])
        left -= target[group]
    return _to_documents(target, size, groups)


def balanced(tokens: Ints, groups: Ints, budget: float) -> Floats:
    """Uniform over clusters without repeating: min(n_c, x), Σ = budget (Vo et al. 2024, arXiv 2405.15613).

    A budget above the supply is met by a whole number of epochs and a balanced rest.
    """
    size = np.bincount(groups, tokens)
    epochs, rest = divmod(budget, size.sum())
    order = np.sort(size)
    filled = np.concatenate([[0.0], np.cumsum(order)])[:-1] + order * np.arange(len(order), 0, -1)  # Σ min(n_c, n_(i))
    upper = int(np.searchsorted(filled, rest))
    level = order[min(upper, len(order) - 1)]
    if upper < len(order):
        level -= (filled[upper] - rest) / (len(order) - upper)
    return epochs + _to_documents(np.minimum(size, level), size, groups)


def filtered(tokens: Ints, score: Floats, budget: float, kept: float = 0.5) -> Floats:
    """The best part by a score of quality, repeated to the budget, as FineWeb-Edu and DCLM (arXiv 2406.11794) do.

    They keep a tenth of the web; half here is in their favour.
    """
    order = np.argsort(-score, kind="stable")
    inside = np.cumsum(tokens[order]) <= kept * tokens.sum()
    weight = np.zeros(len(tokens))
    weight[order[inside]] = budget / tokens[order[inside]].sum()
    return weight


def _to_documents(target: Floats, size: Floats, groups: Ints) -> Floats:
    return np.divide(target, size, out=np.zeros_like(target), where=size > 0)[groups]
