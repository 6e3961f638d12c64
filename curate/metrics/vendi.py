"""Vendi score: the effective number of dissimilar documents (Friedman and Dieng 2023, arXiv 2210.02410)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNIT = 4_096
"""Fixed point of a coordinate: the sums are of integers, the same in every order."""


@dataclass(frozen=True, eq=False)
class VendiSums:
    """What the score is computed from: the sum of x·xᵀ over unit vectors, in fixed point.

    The dual form: XᵀX and XXᵀ have the same eigenvalues but for zeros, and the smaller one merges by adding.

    Attributes:
        documents: vectors that are not zero.
        products: int64[d, d], in units of 1 / UNIT².
    """

    documents: int
    products: NDArray[np.int64]

    @staticmethod
    def of(vectors: NDArray[np.floating]) -> "VendiSums":
        """Sums over vectors, n × d; they are brought to unit length, and vectors of zeros left out."""
        wide = vectors.astype(np.float64)
        norms = np.sqrt((wide * wide).sum(axis=1))
        unit = np.rint(wide[norms > 0] / norms[norms > 0, None] * UNIT)
        # Whole numbers below 2**53 in every sum: floating-point products are exact, and quick.
        return VendiSums(len(unit), (unit.T @ unit).astype(np.int64))

    def merge(self, other: "VendiSums") -> "VendiSums":
        """The sums of both parts."""
        return VendiSums(self.documents + other.documents, self.products + other.products)

    def score(self) -> float:
        """exp(−Σ λ ln λ), λ the eigenvalues of the mean of x·xᵀ, which sum to 1; NaN without a vector."""
        if not self.documents:
            return float("nan")
        values = np.linalg.eigvalsh(self.products / np.trace(self.products))
        values = values[values > 1e-12]
        return float(np.exp(-(values * np.log(values)).sum()))
