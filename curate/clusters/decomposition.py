"""Truncated singular value decomposition of a sparse matrix by randomised subspace iteration.

Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithm 4.4, with one
difference: bases are kept on the document side only, which is the small one, so that no dense matrix over
all feature buckets is ever orthogonalised.
"""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from curate.hashing import mix, stage_seed

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

OVERSAMPLING = 8
_NEGLIGIBLE = 1e-3  # of the largest singular value: below it, a direction is rounding noise


def right_singular_vectors(
    matrix: "csr_matrix", dimensions: int, seed: int, iterations: int = 2
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The leading right singular vectors, each with its largest entry positive, and their singular values.

    Dense algebra runs on one thread, so the result does not depend on the number of cores.

    Args:
        matrix: float32[n, buckets].
        dimensions: vectors wanted. Where the matrix has a lower rank, the last columns are zero.
        seed: of the random signs that start the iteration.
        iterations: power iterations; each sharpens the separation of near-by singular values.

    Returns:
        (float32[buckets, dimensions], float32[dimensions], descending; zero beyond the rank).
    """
    documents, buckets = matrix.shape
    vectors, found = np.zeros((buckets, dimensions), dtype=np.float32), np.zeros(dimensions, dtype=np.float32)
    width = min(dimensions + OVERSAMPLING, documents)
    if width == 0 or matrix.nnz == 0:
        return vectors, found
    transposed = matrix.T.tocsr()
    with threadpool_limits(1):
        basis = _times(matrix, _random_signs(buckets, width, seed))
        for _ in range(iterations):
            basis = np.linalg.qr(basis)[0]
            basis = _times(matrix, _times(transposed, basis))
        projected = _times(transposed, np.linalg.qr(basis)[0])
        squares, rotation = np.linalg.eigh((projected.T @ projected).astype(np.float64))
        values = np.sqrt(np.maximum(squares[::-1], 0.0))
        rank = min(dimensions, int(np.count_nonzero(values > _NEGLIGIBLE * values[0])))
        leading = rotation[:, ::-1][:, :rank].astype(np.float32)
        vectors[:, :rank] = (projected @ leading) / values[:rank].astype(np.float32)
        found[:rank] = values[:rank]
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(dimensions)]
    return vectors * np.where(largest < 0, np.float32(-1), np.float32(1)), found


def _times(matrix: "csr_matrix", dense: NDArray[np.float32]) -> NDArray[np.float32]:
    product: NDArray[np.float32] = _rows_times(matrix.indptr, matrix.indices, matrix.data, dense)
    return product


@njit(nogil=True, cache=True)
def _rows_times(starts, columns, values, dense):  # type: ignore[no-untyped-def]
    """A sparse matrix in compressed rows times a dense one."""
    product = np.zeros((len(starts) - 1, dense.shape[1]), dtype=np.float32)
    for row in range(len(product)):
        total = product[row]
        for at in range(starts[row], starts[row + 1]):
            value, terms = values[at], dense[columns[at]]
            for j in range(len(total)):
                total[j] += value * terms[j]
    return product


def _random_signs(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    words = -(-columns // 64)  # hashes of a row, each of 64 signs
    hashes = mix(np.arange(rows * words, dtype=np.uint64), stage_seed(seed, "decomposition"))
    bits = np.unpackbits(hashes.astype("<u8").view(np.uint8).reshape(rows, 8 * words), axis=1, count=columns)
    return bits * np.float32(2) - np.float32(1)
