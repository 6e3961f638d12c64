"""Measures how fast signed assets in a Parquet file are read, and whether memory stays flat.

    python tests/benchmarks/bench_credentials.py [--assets 10000]

One process, one thread. Small assets are PNGs with a manifest of 3 KB; large ones JPEGs of noise of 1 to 2 MB. Parquet
to evidence is what a run does with a block's media columns: decoding, credentials by the trust lists, rubric, hash for
exact duplicates. The bare loop only creates a `c2pa.Reader` on bytes in memory with the same settings and asks for
its JSON. The two take turns; medians of the rounds. Memory is the resident set.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import c2pa
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from curate.config import Config, make_config
from curate.io.filesystem import LocalFiles
from curate.media import media_facts
from curate.provenance.signing import ThrowAwaySigner, make_png
from curate.provenance.trust_list import trust_settings

ROUNDS = 5
ROWS = 100  # of a row group


def small_assets(signer: ThrowAwaySigner, count: int) -> list[bytes]:
    return [signer.sign(make_png(i % 256, i // 256, 7), "image/png", "digitalCapture") for i in range(count)]


def large_assets(signer: ThrowAwaySigner, count: int) -> list[bytes]:
    rng = np.random.default_rng(1)
    assets = []
    for side in np.linspace(1250, 1700, count).astype(int):
        picture = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(picture, "JPEG", quality=80)
        assets.append(signer.sign(picture.getvalue(), "image/jpeg", "digitalCapture"))
    return assets


def write(path: Path, assets: list[bytes], rows: int) -> None:
    """A Parquet file of that many rows, the assets in turn."""
    with pq.ParquetWriter(path, pa.schema([("media", pa.large_binary())]), compression="none") as file:
        for start in range(0, rows, ROWS):
            media = [assets[row % len(assets)] for row in range(start, min(start + ROWS, rows))]
            file.write_table(pa.table({"media": pa.array(media, pa.large_binary())}), row_group_size=ROWS)


def read(path: Path, config: Config, after_block: Callable[[int], None] = lambda _: None) -> int:
    """Reads a file as a run does; the number of assets whose signer is trusted."""
    trusted = done = 0
    for batch in pq.ParquetFile(path).iter_batches(ROWS):
        table = pa.Table.from_batches([batch])
        is_text = np.zeros(table.num_rows, dtype=bool)
        facts = media_facts(table, is_text, str(path), config, LocalFiles().open)
        trusted += facts.signature_trusted.true_count
        done += table.num_rows
        after_block(done)
    return trusted


def bare(assets: list[bytes], rows: int, context: c2pa.Context) -> int:
    for row in range(rows):
        with c2pa.Reader(None, io.BytesIO(assets[row % len(assets)]), context=context) as reader:
            reader.json()
    return rows


def resident() -> float:
    """Megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def seconds(work: Callable[[], int], expected: int) -> float:
    started = time.process_time()
    if (done := work()) != expected:
        raise SystemExit(f"{done} of {expected} assets were read as trusted")
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=10_000, help="small assets of the memory test")
    given = parser.parse_args()
    signer = ThrowAwaySigner()
    with tempfile.TemporaryDirectory() as directory:
        anchors = Path(directory, "anchors.pem")
        anchors.write_text(signer.anchors_pem)
        config = make_config({"provenance": {"trust_anchors": str(anchors)}})
        verify = {"remote_manifest_fetch": False, "ocsp_fetch": False}
        context = c2pa.Context.from_dict({"verify": verify, "trust": trust_settings("c2pa", str(anchors))})
        lines = [f"{'assets':<8} {'bytes':>10} {'Parquet to evidence':>20} {'bare c2pa.Reader':>17} {'ratio':>6}"]
        for name, assets, rows in (
            ("small", small_assets(signer, 200), 1000),
            ("large", large_assets(signer, 20), 200),
        ):
            path = Path(directory, f"{name}.parquet")
            write(path, assets, rows)
            mine, other = compared(path, assets, rows, config, context)
            size = sum(map(len, assets)) / len(assets)
            lines.append(f"{name:<8} {size:>10,.0f} {mine:>18,.0f}/s {other:>15,.0f}/s {mine / other:>6.2f}")
        path = Path(directory, "many.parquet")
        write(path, small_assets(signer, 200), given.assets)
        marks: dict[int, float] = {}
        read(path, config, lambda done: marks.update({done: resident()}))
        lines.append(f"resident: after {min(marks):,} small assets {marks[min(marks)]:.1f} MB, after {max(marks):,} ")
        lines[-1] += f"{marks[max(marks)]:.1f} MB, at most {max(marks.values()):.1f} MB"
    sys.stdout.write("\n".join(lines) + "\n")


def compared(path: Path, assets: list[bytes], rows: int, config: Config, context: c2pa.Context) -> tuple[float, float]:
    """Assets per processor second: Parquet to evidence, and the bare loop."""
    seconds(lambda: read(path, config), rows)  # caches and pages are warm after it
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: read(path, config), rows))
        theirs.append(seconds(lambda: bare(assets, rows, context), rows))
    return rows / statistics.median(ours), rows / statistics.median(theirs)


if __name__ == "__main__":
    main()
