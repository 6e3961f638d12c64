"""Vectors that are given, by a column or by a model, as clusters are fitted on them: of unit length, in float16."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.errors import UsageError


def as_vector(output: Any) -> NDArray[np.float32]:
    """The vector that a model gave for a text, float32[d].

    Args:
        output: numbers of any shape in one dimension that matters: a list, a NumPy array, or a tensor of PyTorch.

    Raises:
        UsageError: it is something else.
    """
    try:
        return np.asarray(output.detach().cpu() if hasattr(output, "detach") else output, dtype=np.float32).ravel()
    except (TypeError, ValueError):
        raise UsageError(
            f"the embedder gave a {type(output).__name__}, expected numbers; give TextEmbedder a `vector` that takes "
            "them out of it"
        ) from None


def unit_vectors(lists: pa.Array, texts: pa.Array, dimensions: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Vectors of unit length.

    Args:
        lists: lists of `dimensions` numbers, n; null for those without a vector.
        texts: n, null where they take no part.
        dimensions: of the vectors.

    Returns:
        (float16[n, dimensions]; bool[n], whether it is one: null, zero and what is not finite are none).
    """
    vectors = np.zeros((len(lists), dimensions), dtype=np.float64)
    values = lists.drop_null().flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    vectors[lists.is_valid().to_numpy(zero_copy_only=False)] = values.reshape(-1, dimensions)
    largest = np.max(np.abs(vectors), axis=1, initial=0.0)
    valid = np.isfinite(largest) & (largest > 0) & texts.is_valid().to_numpy(zero_copy_only=False)
    vectors[~valid] = 0
    vectors[valid] /= largest[valid, None]  # so that no square overflows
    vectors[valid] /= np.sqrt(np.sum(vectors[valid] ** 2, axis=1, keepdims=True))
    return vectors.astype(np.float16), valid
