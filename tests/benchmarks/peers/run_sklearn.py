"""Clusters and weights as people write them: TF-IDF, truncated SVD, k-means in mini-batches, weights by cluster size.

python run_sklearn.py INPUT OUTPUT CLUSTERS DIMENSIONS
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

TEMPERATURE = 0.7


def main() -> None:
    input, output, clusters, dimensions = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    table = pa.concat_tables([pq.read_table(path) for path in sorted(input.rglob("*.parquet"))])
    vectors = make_pipeline(
        TfidfVectorizer(max_features=1 << 16, sublinear_tf=True, dtype=np.float32),
        TruncatedSVD(dimensions, random_state=0),
        Normalizer(copy=False),
    ).fit_transform(table["text"].to_pylist())
    found = MiniBatchKMeans(clusters, random_state=0, batch_size=4_096, n_init=3).fit_predict(vectors)
    sizes = np.bincount(found, minlength=clusters)
    weights = (sizes / sizes.sum()) ** (TEMPERATURE - 1)
    table = table.append_column("cluster", pa.array(found)).append_column("weight", pa.array(weights[found]))
    output.mkdir()
    pq.write_table(table, output / "part-0.parquet", compression="zstd")


if __name__ == "__main__":
    main()
