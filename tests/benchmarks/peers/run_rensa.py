"""rensa in memory: signatures of all rows as one digest matrix, LSH over it, then the first of each group is kept.

The LSH flags every row that shares a band with another, so the flagged ones go through rensa's deduplicator, which
keeps the first and checks the estimated similarity. Nine tenths of the time goes into words and shingles, which rensa
leaves to its user: words are those of the others, or in mode `split` the quickest there are, those of `str.split`.
"""

import rensa
from peer import Job, shingles

THRESHOLD, SEED = 0.8, 42


def main() -> None:
    job = Job.from_arguments()
    table = job.read()
    words = [str.split] if job.mode == "split" else []
    documents = [shingles(text, job.shingle, *words) for text in table["text"].to_pylist()]
    permutations = job.bands * job.rows
    matrix = rensa.RMinHash.digest_matrix_from_token_sets(documents, permutations, SEED)
    lsh = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=permutations, num_bands=job.bands)
    flagged = [i for i, flag in enumerate(lsh.query_duplicate_flags_matrix_one_shot(matrix)) if flag]
    deduplicator = rensa.RMinHashDeduplicator(
        threshold=THRESHOLD, num_perm=permutations, use_lsh=True, num_bands=job.bands, seed=SEED
    )
    kept = [True] * len(documents)
    first = deduplicator.add_pairs([(str(i), documents[i]) for i in flagged])
    for place, new in zip(flagged, first, strict=True):
        kept[place] = new
    job.write(table.filter(kept))


if __name__ == "__main__":
    main()
