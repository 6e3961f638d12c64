"""Quality: whom the gate lets through, what junk it stops, and how fast the signals are.

    python tests/benchmarks/bench_quality.py DIRECTORY

The directory holds mixed_corpus.parquet and mixed_corpus_truth.parquet. Human documents are judged by limits from the
half of them that they are not in; copies that were planted are left out, groups of copies stay together. Junk is made
of real documents of every language (`junk.py`) and judged likewise; junk of a kind and language stands for a cluster,
which is not boosted if three in four of its documents are odd or half of them fail.
"""

import sys
import time
from pathlib import Path

import junk
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.config import Quality
from curate.decisions.mixing import MOSTLY, ODD
from curate.hashing import hash_strings, uniform
from curate.quality import compiled
from curate.quality.calibration import QualitySample, level_column
from curate.quality.catalogue import NAMES, SIGNALS
from curate.quality.signals import _tables, quality_signals, to_levels
from curate.text.kernel import text_buffers

JUNK_PER_LANGUAGE = 80
PLANTED = ("exact", "format", "light-edit", "truncated", "boilerplate")


def say(line):
    sys.stdout.write(line + "\n")


def read(directory):
    corpus = pq.read_table(directory / "mixed_corpus.parquet", columns=["id", "text", "language"])
    truth = pq.read_table(
        directory / "mixed_corpus_truth.parquet", columns=["id", "label", "domain", "dup_group", "dup_kind"]
    )
    table = corpus.join(truth, "id").sort_by("id")
    planted = pc.is_in(table["dup_kind"], pa.array(PLANTED))
    return table.filter(pc.and_(pc.equal(table["label"], "human"), pc.invert(planted))).combine_chunks()


def halves(table):
    """Which half each document is in; groups of copies are in one."""
    group = pc.coalesce(table["dup_group"].cast(pa.string()), table["id"])
    return uniform(hash_strings(group), 1) < 0.5


def fitted(table, levels, inside, settings):
    column = pa.chunked_array([level_column(levels, np.ones(len(levels), bool))])
    rows = pa.array(inside)
    sample = QualitySample.collect(
        table["language"].filter(rows), column.filter(rows), hash_strings(table["id"])[inside]
    )
    return sample.calibrate(settings.alpha, settings.min_group, 0)


def judged(limits, half, language, levels):
    """Passed, quality and broken rules, each document by the limits from the other half."""
    passed, quality, broken = np.ones(len(half), bool), np.zeros(len(half)), np.zeros(levels.shape, bool)
    for side in (False, True):
        own = half == side
        passed[own], broken[own], quality[own] = limits[not side].judge(pa.array(language[own]), levels[own])
    return passed, quality, broken


def by_name(title, names, failed, broken):
    say(f"\n{title:<28}{'n':>8}{'fail':>8}   rules broken most often")
    for name in sorted(set(names), key=lambda name: (-np.sum(names == name), name)):
        own = names == name
        counts = broken[own & failed].sum(axis=0)
        most = ", ".join(NAMES[place] for place in np.argsort(-counts, kind="stable")[:3] if counts[place])
        say(f"{name:<28}{own.sum():>8}{failed[own].mean():>8.3f}   {most}")


def junk_of(table, half):
    """(kind, texts, languages, halves) of junk made of every language's documents."""
    languages, texts = table["language"].to_numpy(), table["text"].to_pylist()
    order = np.argsort(uniform(hash_strings(table["id"]), 2), kind="stable")
    chosen = [row for name in np.unique(languages) for row in order[languages[order] == name][:JUNK_PER_LANGUAGE]]
    for kind in junk.KINDS:
        made = [(junk.make(kind, texts[row], int(row)), row) for row in chosen]
        rows = np.array([row for text, row in made if text])
        yield kind, [text for text, _ in made if text], languages[rows], half[rows]


def speed(texts):
    data, offsets, valid = text_buffers(texts)
    columns = np.full((len(valid), len(SIGNALS)), np.nan, np.float32)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        compiled.signals(data, offsets, valid, *_tables(), columns)
        seconds.append(time.process_time() - start)
    say(f"signals: {(offsets[-1] - offsets[0]) / 1e6 / min(seconds[1:]):.0f} MB/s of text and core, best of four")


def main(directory):
    settings = Quality()
    table = read(directory)
    levels, half = to_levels(quality_signals(table["text"])), halves(table)
    limits = {side: fitted(table, levels, half == side, settings) for side in (False, True)}
    say(f"documents that limits rest on: { {name: group.documents for name, group in limits[True].groups.items()} }")
    language, domain = table["language"].to_numpy(), table["domain"].to_numpy()
    passed, _, broken = judged(limits, half, language, levels)
    say(f"human documents that fail: {1 - passed.mean():.4f} of {len(passed)}; α = {settings.alpha}")
    by_name("language", language, ~passed, broken)
    by_name("domain", domain, ~passed, broken)
    say(f"\n{'junk':<12}{'n':>6}{'fail':>8}{'odd':>8}{'clusters':>10}{'not boosted':>13}   clusters that are boosted")
    own = {name.partition("/")[0] for name in limits[True].groups}
    for kind, texts, names, side in junk_of(table, half):
        passed, quality, _ = judged(limits, side, names, to_levels(quality_signals(pa.array(texts))))
        for title, those in ((kind, np.isin(names, list(own))), ("  other lang.", ~np.isin(names, list(own)))):
            clusters = np.unique(names[those])
            odd, unfit = (
                np.array([flags[names == name].mean() for name in clusters]) for flags in (quality < ODD, ~passed)
            )
            boosted = clusters[(odd <= MOSTLY) & (unfit <= 0.5)]
            say(
                f"{title:<12}{those.sum():>6}{1 - passed[those].mean():>8.3f}{(quality[those] < ODD).mean():>8.3f}"
                f"{len(clusters):>10}{1 - len(boosted) / len(clusters):>13.3f}   {', '.join(boosted)}"
            )
    speed(table["text"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
