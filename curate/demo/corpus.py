"""The demo's corpus on disk, with the truth about each document beside it.

Everything but the signed images is a function of the seed and of the Python that runs it. The truth lies outside the
input directory, and neither ids nor file names tell the kind of a document.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curate.demo.documents import DemoDocument, make_documents, training_texts
from curate.demo.images import demo_images
from curate.errors import UsageError
from curate.hashing import stage_seed
from curate.schema import TIMESTAMP

INPUT = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("timestamp", TIMESTAMP),
        ("published", TIMESTAMP),
        ("language", pa.string()),
        ("origin", pa.string()),
        ("media_path", pa.string()),
        ("media", pa.binary()),
    ]
)

TRUTH = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),  # human, machine, exact_copy, near_copy, spam, rare_language, rare_topic, or of an
        # image: image_ai, image_camera, image_unsigned, image_tampered, image_denied (closed to training)
        ("label", pa.string()),  # human, machine, or null where the text is evidence of neither (spam, images)
        ("copy_of", pa.string()),  # id of the original of a copy
        ("similarity", pa.float32()),  # Jaccard similarity of the word 5-grams of copy and original
        ("containment", pa.float32()),  # the larger share of the 5-grams of one found in the other
    ]
)

_TEXT_SHARDS = 3


@dataclass(frozen=True)
class DemoPaths:
    """Where the parts of a demo lie.

    Attributes:
        input: directory of the Parquet shards.
        media: directory of image files that some rows name in `media_path`.
        truth: Parquet file of schema `TRUTH`.
        anchors: PEM file to give as `provenance.trust_anchors`.
    """

    input: Path
    media: Path
    truth: Path
    anchors: Path


def build_demo(directory: str | Path, seed: int = 1, documents: int = 4_000) -> DemoPaths:
    """Writes the corpus and its truth.

    Args:
        directory: new or existing directory; `input`, `media`, `truth.parquet` and `anchors.pem` are made in it.
        seed: seed of everything that is drawn.
        documents: about how many documents; fewer where this Python holds less prose.

    Raises:
        UsageError: an input is there already, fewer than 400 documents are asked for, or this Python has no prose.
    """
    root = Path(directory)
    paths = DemoPaths(root / "input", root / "media", root / "truth.parquet", root / "anchors.pem")
    if paths.input.exists():
        raise UsageError(f"{str(paths.input)!r} exists, expected a directory without a demo; name another one")
    if documents < 400:
        raise UsageError(f"{documents} documents asked for, expected at least 400, so that every kind occurs")
    rows = make_documents(seed, documents)
    images, anchors = demo_images()
    texts = len(rows)
    rows += [DemoDocument(image.kind, None, None, "gallery", None, image=image.data) for image in images]
    names = [f"{stage_seed(seed, f'demo.id/{i}'):016x}"[:12] for i in range(len(rows))]
    order = sorted(range(len(rows)), key=names.__getitem__)

    paths.input.mkdir(parents=True)
    paths.media.mkdir(exist_ok=True)
    paths.anchors.write_text(anchors, encoding="ascii")
    table = _input(rows, names, paths.media)
    text_rows = [i for i in order if i < texts]
    for shard in range(_TEXT_SHARDS):
        pq.write_table(table.take(text_rows[shard::_TEXT_SHARDS]), paths.input / f"part-{shard}.parquet")
    # Signatures differ from run to run; with the images apart, the shards of text stay the same byte for byte.
    pq.write_table(table.take([i for i in order if i >= texts]), paths.input / f"part-{_TEXT_SHARDS}.parquet")
    pq.write_table(_truth(rows, _ids(rows, names)).take(order), paths.truth)
    return paths


def training_table(seed: int = 1) -> pa.Table:
    """Documents to train a detector on, none of them in the corpus: columns text and label (human or machine)."""
    human, machine = training_texts(seed)
    return pa.table({"text": human + machine, "label": ["human"] * len(human) + ["machine"] * len(machine)})


def _ids(rows: list[DemoDocument], names: list[str]) -> list[str]:
    return [f"{row.source}-{name}" for row, name in zip(rows, names, strict=True)]


def _input(rows: list[DemoDocument], names: list[str], media: Path) -> pa.Table:
    """The rows in order of making; every other image is written to a file that the row names."""
    columns: dict[str, list[object]] = {name: [] for name in INPUT.names}
    images = 0
    for row, name, key in zip(rows, names, _ids(rows, names), strict=True):
        path, data = None, row.image
        if row.image is not None:
            if images % 2:
                path, data = media / f"{name}.png", None
                path.write_bytes(row.image)
            images += 1
        values = {
            "id": key,
            "text": row.text,
            "url": f"https://{row.source}.example/{name}",
            "source": row.source,
            "timestamp": row.timestamp,
            "published": row.published,
            "language": row.language,
            "origin": row.origin,
            "media_path": None if path is None else str(path.resolve()),
            "media": data,
        }
        for column, value in values.items():
            columns[column].append(value)
    return pa.table(columns, schema=INPUT)


def _truth(rows: list[DemoDocument], ids: list[str]) -> pa.Table:
    columns = {
        "id": ids,
        "kind": [row.kind for row in rows],
        "label": [row.label for row in rows],
        "copy_of": [None if row.original is None else ids[row.original] for row in rows],
        "similarity": [row.similarity for row in rows],
        "containment": [row.containment for row in rows],
    }
    return pa.table(columns, schema=TRUTH)
