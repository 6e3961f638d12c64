"""datasketch in memory: MinHash.bulk, then each row is queried before it is inserted; the first of a group is kept."""

import xxhash
from datasketch import MinHash, MinHashLSH
from peer import Job, shingles

CHUNK = 1_000


def main() -> None:
    job = Job.from_arguments()
    table = job.read()
    texts = table["text"].to_pylist()
    permutations = job.bands * job.rows
    lsh = MinHashLSH(num_perm=permutations, params=(job.bands, job.rows))
    kept = []
    for start in range(0, len(texts), CHUNK):
        sets = [[s.encode() for s in shingles(text, job.shingle)] for text in texts[start : start + CHUNK]]
        for minhash in MinHash.bulk(sets, num_perm=permutations, scheme="affine32", hashfunc=xxhash.xxh32_intdigest):
            new = not lsh.query(minhash)
            if new:
                lsh.insert(len(kept), minhash, check_duplication=False)
            kept.append(new)
    job.write(table.filter(kept))


if __name__ == "__main__":
    main()
