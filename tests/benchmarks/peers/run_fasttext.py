"""A filter as people write it: a fastText classifier asked about every text; train it, or drop what it calls machine.

python run_fasttext.py train LABELLED.parquet MODEL
python run_fasttext.py filter INPUT OUTPUT MODEL
"""

import sys
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD = 0.9
BATCH = 1_000


def train(labelled: Path, model: Path) -> None:
    table = pq.read_table(labelled, columns=["text", "label"])
    lines = model.with_suffix(".txt")
    with lines.open("w", encoding="utf-8") as file:
        for text, label in zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True):
            file.write(f"__label__{label} {' '.join(text.split())}\n")
    found = fasttext.train_supervised(str(lines), dim=16, wordNgrams=2, bucket=1 << 19, epoch=5, thread=2, verbose=0)
    found.save_model(str(model))


def keep(input: Path, output: Path, model: Path) -> None:
    classifier = fasttext.load_model(str(model))
    output.mkdir()
    for path in sorted(input.glob("*.parquet")):
        parts = []
        for batch in pq.ParquetFile(path).iter_batches(BATCH):
            texts = [text.replace("\n", " ") for text in batch.column("text").to_pylist()]
            labels, scores = classifier.predict(texts, k=1)
            machine = np.array([each[0] == "__label__machine" for each in labels])
            sure = np.array([each[0] for each in scores]) > THRESHOLD
            parts.append(batch.filter(pa.array(~(machine & sure))))
        pq.write_table(pa.Table.from_batches(parts), output / path.name, compression="zstd")


if __name__ == "__main__":
    {"train": train, "filter": keep}[sys.argv[1]](*map(Path, sys.argv[2:]))
