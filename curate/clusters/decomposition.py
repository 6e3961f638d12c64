"""Truncated singular value decomposition of a sparse matrix by randomised subspace iteration.

Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithm 4.4, with one
difference: bases are kept on the document side only, which is the small one, so that no dense matrix over
all feature buckets is ever orthogonalised.
"""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from curate.hashing import mix, stage_seed

OVERSAMPLING = 8
_NEGLIGIBLE = 1e-3  # of the largest singular value: below it, a direction is rounding noise


def right_singular_vectors(
    matrix: scipy.sparse.csr_matrix, dimensions: int, seed: int, iterations: int = 2
) -> NDArray[np.float32]:
    """The leading right singular vectors, each with its largest entry positive.

    Dense algebra runs on one thread, so the result does not depend on the number of cores.

    Args:
        matrix: float32[n, buckets].
        dimensions: vectors wanted. Where the matrix has a lower rank, the last columns are zero.
        seed: of the random signs that start the iteration.
        iterations: power iterations; each sharpens the separation of near-by singular values.

    Returns:
        float32[buckets, dimensions].
    """
    documents, buckets = matrix.shape
    vectors = np.zeros((buckets, dimensions), dtype=np.float32)
    width = min(dimensions + OVERSAMPLING, documents)
    if width == 0 or matrix.nnz == 0:
        return vectors
    transposed = matrix.T.tocsr()
    with threadpool_limits(1):
        basis = matrix @ _random_signs(buckets, width, seed)
        for _ in range(iterations):
            basis = np.linalg.qr(basis)[0]
            basis = matrix @ (transposed @ basis)
        projected = transposed @ np.linalg.qr(basis)[0]
        squares, rotation = np.linalg.eigh((projected.T @ projected).astype(np.float64))
        values = np.sqrt(np.maximum(squares[::-1], 0.0))
        rank = min(dimensions, int(np.count_nonzero(values > _NEGLIGIBLE * values[0])))
        leading = rotation[:, ::-1][:, :rank].astype(np.float32)
        vectors[:, :rank] = (projected @ leading) / values[:rank].astype(np.float32)
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(dimensions)]
    return vectors * np.where(largest < 0, np.float32(-1), np.float32(1))


def _random_signs(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    hashes = mix(np.arange(rows * columns, dtype=np.uint64), stage_seed(seed, "decomposition"))
    return np.where(hashes >> np.uint64(63), np.float32(1), np.float32(-1)).reshape(rows, columns)
