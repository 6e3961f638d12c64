"""datatrove's four stages of MinHash on its local executor.

Its words are spaCy's (its default for English, where most of its time goes) or, in mode `split`, Python's `str.split`:
its normalisation has turned punctuation into spaces before. Numbers and accents are left as they are, as everywhere
else here. Only ids and texts are read: its writer takes the types of other columns from its first document and fails
on later ones.
"""

from functools import partial

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer
from peer import Job


class Split(WordTokenizer):
    """The quickest words there are."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


def main() -> None:
    job = Job.from_arguments()
    folder = job.output.parent
    signatures, buckets, removals = (str(folder / name) for name in ("signatures", "buckets", "removals"))
    config = MinhashConfig(
        n_grams=job.shingle,
        num_buckets=job.bands,
        hashes_per_bucket=job.rows,
        norm_config=TextNormConfig(norm_numbers=False, norm_unicode_diacritics=False),
        hash_config=HashConfig(hash_fc="xxhash"),
    )
    tasks = len(list(job.input.glob("*.parquet")))  # a file is read by one task
    words = Split() if job.mode == "split" else "eng"
    read = partial(ParquetReader, str(job.input), glob_pattern="*.parquet", read_metadata=False)
    stages = [
        (tasks, [read(), MinhashDedupSignature(signatures, config=config, language=words)]),
        (job.bands, [MinhashDedupBuckets(signatures, buckets, config=config)]),
        (1, [MinhashDedupCluster(buckets, removals, config=config)]),
        (tasks, [read(), MinhashDedupFilter(removals), ParquetWriter(str(job.output), compression="zstd")]),
    ]
    for number, (count, pipeline) in enumerate(stages):
        LocalPipelineExecutor(
            pipeline, tasks=count, workers=min(count, job.workers), logging_dir=str(folder / f"logs-{number}")
        ).run()


if __name__ == "__main__":
    main()
