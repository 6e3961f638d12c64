"""What a process that has just started needs to load a detector and to score a file with it.

    python tests/benchmarks/fresh.py TEXTS.parquet [--model DETECTOR]

Each row group of the file (column text) is a block. Prints JSON: seconds to import, to load, to score the first
document and the file; megabytes of the file's text; and the most megabytes of memory up to the end of each step.
Linux only.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any


def megabytes() -> float:
    """The most memory so far; getrusage would count what the process that started this one held, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def main() -> None:
    """Measures its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts")
    parser.add_argument("--model")
    given = parser.parse_args()
    seconds, memory = {}, {}
    started = time.perf_counter()

    def done(step: str) -> None:
        nonlocal started
        seconds[step], memory[step] = time.perf_counter() - started, megabytes()
        started = time.perf_counter()

    import pyarrow.parquet as pq

    from curate.detector.evaluate import count_tokens
    from curate.detector.model import load_detector

    done("import")
    detector = load_detector(given.model)
    done("load")
    file = pq.ParquetFile(given.texts)

    def judge(texts: Any) -> None:
        detector.judge(texts, count_tokens(texts), 50)

    judge(next(file.iter_batches(1, columns=["text"]))["text"])
    done("first document")
    size = 0
    for group in range(file.num_row_groups):
        texts = file.read_row_group(group, columns=["text"])["text"].combine_chunks()
        size += texts.nbytes
        judge(texts)
    done("file")
    sys.stdout.write(json.dumps({"seconds": seconds, "memory": memory, "megabytes": size / 1e6}) + "\n")


if __name__ == "__main__":
    main()
