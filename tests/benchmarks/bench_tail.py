"""Measures what becomes of rare real groups and of planted junk, against what peers would build of the same corpora.

    python tests/benchmarks/bench_tail.py DIRECTORY [--seeds 6] [--groups]

The directory holds mixed_corpus.parquet, mixed_corpus_truth.parquet, detector_dev.parquet and detector_train.parquet.
`rare.py` makes a corpus for each seed, with other rare languages and domains, and `curate run` builds from it with its
defaults (declared origins are believed). The peers (`mixtures.py`) get the same documents less duplicates, the same
clusters where they use any, languages by their true names, and as many tokens as curate builds. They know nothing of
who wrote what.

*Kept*: chance that a document of a rare group is in the built corpus. *Share*: the tokens of a rare group in the built
corpus, by weight, over all tokens, divided by the share of the group among the documents captured before 2022-11-30:
1 is the reference. *Junk boosted*: documents with a larger share of the built corpus than of the input; a group is
boosted if its documents together are. *Distance*: half the summed absolute differences to the reference of languages,
domains and groups (total variation), machine text being one that the reference does not have.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import baselines
import mixtures
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rare
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CURATED = ("wikipedia", "arxiv_abstract", "student_essay")
"""Domains of detector_train.parquet that a classifier of quality takes for good."""
_SAMPLE = 2_000  # documents of either side that it learns from


class Document(NamedTuple):
    """Columns of the documents of a corpus that are no duplicates, n each."""

    kind: NDArray[np.object_]
    label: NDArray[np.object_]
    cell: NDArray[np.object_]
    trusted: NDArray[np.bool_]
    language: NDArray[np.int64]
    tokens: NDArray[np.int64]
    cluster: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    weight: Floats
    copies: Floats


class Group(NamedTuple):
    """What a method makes of one rare or junk group: its documents kept, share over reference, boosted documents."""

    kind: str
    label: str
    documents: int
    kept: float
    share: float
    boosted: float
    group_boosted: bool


class Result(NamedTuple):
    """What a method makes of a corpus."""

    groups: list[Group]
    synthetic: float
    distance: float


def built(corpus: rare.Labelled, scratch: Path, *options: str) -> tuple[Document, list[str]]:
    """Runs curate; the documents that are no duplicates, and their texts."""
    pq.write_table(corpus.corpus, scratch / "corpus.parquet")
    command = ["run", "--input", scratch / "corpus.parquet", "--output", scratch / "out", "--overwrite"]
    command += ["--set", "provenance.trust_origin=true", *options]
    subprocess.run(
        [sys.executable, "-m", "curate.pipelines.cli", *map(str, command)], check=True, stderr=subprocess.PIPE
    )
    columns = ["id", "decision", "stage", "language", "tokens", "cluster", "weight", "copies"]
    ledger = pq.read_table(scratch / "out" / "ledger", columns=columns)
    rows = ledger.join(corpus.truth, "id").join(corpus.corpus.select(["id", "text"]), "id").sort_by("id")
    rows = rows.filter(pc.invert(pc.equal(rows["stage"], "dedupe").fill_null(False))).combine_chunks()
    names = ("kind", "label", "cell", "trusted", "tokens", "weight")
    column = {name: rows[name].to_numpy(zero_copy_only=False) for name in names}
    documents = Document(
        **column,
        language=pc.dictionary_encode(rows["language"]).combine_chunks().indices.to_numpy().astype(np.int64),
        cluster=rows["cluster"].fill_null(-1).to_numpy().astype(np.int64) + 1,
        accepted=pc.equal(rows["decision"], "kept").to_numpy(zero_copy_only=False) & ~(column["label"] == "declared"),
        copies=rows["copies"].to_numpy().astype(np.float64),
    )
    return documents, rows["text"].to_pylist()


def methods(found: Document, texts: list[str], curated: list[str]) -> dict[str, Floats]:
    """Weights of every document by every method, curate's first."""
    tokens, budget = found.tokens, float((found.weight * found.tokens).sum())
    rng = np.random.default_rng(0)
    crawl = [texts[row] for row in rng.permutation(len(texts))[:_SAMPLE]]
    learnt = [*curated[:_SAMPLE], *crawl]
    quality = baselines.fasttext_scores(learnt, np.arange(len(learnt)) < len(curated[:_SAMPLE]), texts)
    return {
        "curate": found.weight,
        "curate, copies drawn": found.copies,
        "curate's filter, no reweighting": np.where(
            found.accepted, mixtures.unchanged(tokens * found.accepted, budget), 0.0
        ),
        "no reweighting": mixtures.unchanged(tokens, budget),
        "temperature .3 over languages": mixtures.temperature(tokens, found.language, budget, 0.3),
        "temperature .7 over languages": mixtures.temperature(tokens, found.language, budget, 0.7),
        "UniMax over languages": mixtures.unimax(tokens, found.language, budget),
        "uniform over clusters": mixtures.balanced(tokens, found.cluster, budget),
        "UniMax over clusters": mixtures.unimax(tokens, found.cluster, budget),
        "α .7 over unfiltered clusters": mixtures.temperature(tokens, found.cluster, budget, 0.7),
        "quality classifier, best half": mixtures.filtered(tokens, quality, budget),
    }


def measured(found: Document, weight: Floats) -> Result:
    """What weights make of a corpus."""
    built = weight * found.tokens
    total, plain = built.sum(), built.sum() / found.tokens.sum()
    reference = found.tokens * (found.trusted & (found.kind != "junk"))
    groups = []
    for kind in ("rare", "junk"):
        for label in sorted(set(found.label[found.kind == kind])):
            own = found.label == label
            share = built[own].sum() / total / (reference[own].sum() / reference.sum()) if kind == "rare" else np.nan
            boosted = weight[own] > plain * (1 + 1e-6)
            as_group = bool(built[own].sum() > plain * found.tokens[own].sum() * (1 + 1e-6))
            kept = float(np.minimum(weight[own], 1.0).mean())
            groups.append(Group(kind, label, int(own.sum()), kept, float(share), float(boosted.mean()), as_group))
    cells = pc.dictionary_encode(pa.array(found.cell)).indices.to_numpy()
    difference = np.bincount(cells, built / total) - np.bincount(cells, reference / reference.sum())
    synthetic = built[found.kind == "machine"].sum() / total
    return Result(groups, float(synthetic), float(np.abs(difference).sum() / 2))


def in_built_corpus(found: Document) -> float:
    """Share of the documents of rare groups that curate keeps, whatever their weight."""
    own = found.kind == "rare"
    return float((found.weight[own] > 0).mean())


def table(results: dict[str, list[Result]]) -> list[str]:
    """One line for each method, over all corpora."""
    lines = [
        "| | rare real kept | share ÷ reference, least | median | rare groups ≥ 1 | junk boosted, documents "
        "| groups | synthetic share | distance |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, corpora in results.items():
        rare_groups = [group for result in corpora for group in result.groups if group.kind == "rare"]
        junk_groups = [group for result in corpora for group in result.groups if group.kind == "junk"]
        sizes, shares = [g.documents for g in rare_groups], np.array([g.share for g in rare_groups])
        kept = np.average([g.kept for g in rare_groups], weights=sizes)
        boosted = np.average([g.boosted for g in junk_groups], weights=[g.documents for g in junk_groups])
        lines.append(
            f"| {name} | {kept:.3f} | {shares.min():.2f} | {np.median(shares):.2f} "
            f"| {(shares >= 1).sum()} of {len(shares)} | {100 * boosted:.0f} % "
            f"| {sum(g.group_boosted for g in junk_groups)} of {len(junk_groups)} "
            f"| {np.mean([r.synthetic for r in corpora]):.2f} | {np.mean([r.distance for r in corpora]):.3f} |"
        )
    return lines


def curated_texts(directory: Path) -> list[str]:
    """What a classifier of quality learns as good."""
    rows = pq.read_table(directory / "detector_train.parquet", columns=["text", "label", "domain"])
    wanted = pc.and_(pc.equal(rows["label"], "human"), pc.is_in(rows["domain"], pa.array(CURATED)))
    texts = rows.filter(wanted)["text"].to_pylist()
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--people", type=int, default=rare.PEOPLE)
    parser.add_argument("--groups", action="store_true", help="print every group as curate builds it")
    parser.add_argument("--set", action="append", default=[], help="a setting of curate's, as for `curate run`")
    given = parser.parse_args()
    curated, results = curated_texts(given.directory), {}
    options = [word for setting in given.set for word in ("--set", setting)]
    for seed in range(1, given.seeds + 1):
        with tempfile.TemporaryDirectory() as scratch:
            corpus = rare.labelled_corpus(given.directory, seed, given.people)
            found, texts = built(corpus, Path(scratch), *options)
        for name, weight in methods(found, texts, curated).items():
            results.setdefault(name, []).append(measured(found, weight))
        own = results["curate"][-1]
        sys.stderr.write(f"seed {seed}: {len(found.kind):,} documents, rare kept {in_built_corpus(found):.4f}\n")
        if given.groups:
            for group in own.groups:
                sys.stdout.write(
                    f"{seed}  {group.label:32}{group.documents:5}  kept {group.kept:.3f}  share {group.share:.2f}  "
                    f"boosted {group.boosted:.2f} {group.group_boosted}\n"
                )
    sys.stdout.write("\n".join(table(results)) + "\n")


if __name__ == "__main__":
    main()
