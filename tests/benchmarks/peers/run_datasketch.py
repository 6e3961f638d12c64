"""datasketch in memory: each row is queried before it is inserted, so that the first of a group is kept.

Mode `bulk` computes signatures a thousand rows at a time, with the quickest scheme and hash; mode `plain` updates a
default MinHash shingle by shingle, as the first example of its documentation does.
"""

from collections.abc import Iterator

import xxhash
from datasketch import MinHash, MinHashLSH
from peer import Job, shingles

CHUNK = 1_000


def bulk(texts: list[str], job: Job) -> Iterator[MinHash]:
    for start in range(0, len(texts), CHUNK):
        sets = [[s.encode() for s in shingles(text, job.shingle)] for text in texts[start : start + CHUNK]]
        yield from MinHash.bulk(sets, num_perm=job.bands * job.rows, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)


def plain(texts: list[str], job: Job) -> Iterator[MinHash]:
    for text in texts:
        minhash = MinHash(num_perm=job.bands * job.rows)
        for shingle in set(shingles(text, job.shingle)):
            minhash.update(shingle.encode())
        yield minhash


def main() -> None:
    job = Job.from_arguments()
    table = job.read()
    lsh = MinHashLSH(num_perm=job.bands * job.rows, params=(job.bands, job.rows))
    kept = []
    for minhash in {"bulk": bulk, "plain": plain}[job.mode](table["text"].to_pylist(), job):
        new = not lsh.query(minhash)
        if new:
            lsh.insert(len(kept), minhash, check_duplication=False)
        kept.append(new)
    job.write(table.filter(kept))


if __name__ == "__main__":
    main()
