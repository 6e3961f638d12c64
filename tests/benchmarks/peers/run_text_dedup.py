"""text-dedup's own MinHash command on several processes, with the faster of its hash functions."""

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from peer import Job


def main() -> None:
    job = Job.from_arguments()
    cache = job.output.parent / "cache"
    found = job.output.parent / "found"
    options = {
        "path": "parquet",
        "data_files": f"{job.input}/*.parquet",
        "split": "train",
        "cache_dir": cache,
        "output": found,
        "column": "text",
        "num_proc": job.workers,
        "num_perm": job.bands * job.rows,
        "b": job.bands,
        "r": job.rows,
        "ngram": job.shingle,
        "min_length": 1,  # shorter documents would all be dropped
        "hash_func": "xxh3",
    }
    command = [sys.executable, "-m", "text_dedup.minhash", *(f"--{name}={value}" for name, value in options.items())]
    environment = {**os.environ, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, env=environment, cwd=job.output.parent)
    job.output.mkdir()
    for number, path in enumerate(sorted(found.glob("*.arrow"))):
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_stream(source).read_all()
            pq.write_table(table, job.output / f"part-{number}.parquet", compression="zstd")


if __name__ == "__main__":
    main()
