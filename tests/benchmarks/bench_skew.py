"""Simulates keys that many documents share: band buckets, duplicate groups, clusters, and the balance of partitions.

    python tests/benchmarks/bench_skew.py [--only buckets groups clusters partitions]

Prints Markdown tables. Sizes of duplicate groups follow Zipf's law, P(k) ∝ k^-a, and a share of the documents may fill
one template; a is not known of any corpus, so several are tried. What depends on the largest of a thousand million
draws is drawn from its own distribution; what curate does with it is measured with curate's functions on groups of up
to a million, whose time and memory are linear.
"""

import argparse
import ctypes
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from curate.annotate import annotate
from curate.config import make_config
from curate.decisions.documents import DOCUMENTS, prepare_documents
from curate.decisions.groups import decide_group
from curate.decisions.order import id_order
from curate.decisions.reference import Reference
from curate.duplicates.bands import bands_of
from curate.duplicates.candidates import LARGEST_COMPLETE, LEADERS, Pairs, band_entries, candidate_pairs, unique_pairs
from curate.duplicates.components import contract, large_star
from curate.hashing import UInt64Array, mix
from curate.io.filesystem import LocalFiles
from curate.pipelines.jobs import ROWS_PER_PARTITION, partitions_for
from curate.schema import PAIRS

CONFIG = make_config({})
BANDS = bands_of(CONFIG)
SEED = 1
ENTRY = 24
"""Bytes of a document in a bucket (`curate.transforms.duplicates.BANDS`)."""
DRAWN = (10**5, 10**6, 10**7)
MODELLED = (10**9, 10**10)
EXPONENTS = (2.2, 2.5, 3.0)
TEMPLATES = ((0.001, 0.5), (0.001, 0.9), (0.01, 0.5), (0.01, 0.9))
"""Shares of the documents that fill a template, and shares of their shingles that are the template's."""
CLUSTERS = 2_000
SITES = (1.2, 1.5)
GRADES = 5
PAGE = "The parcel that you sent was received in good order, and will be delivered to your door before noon. " * 20
_COMMON = 1_000  # groups up to this size are counted by size, larger ones drawn one by one
_DRAWS = 99

Result = TypeVar("Result")


class Taken(NamedTuple):
    """Processor seconds, and the most bytes at once above those before."""

    seconds: float
    bytes: int


def taken(function: Callable[[], Result]) -> tuple[Result, Taken]:
    """The result of a function and what it took."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before, started = _status("VmRSS"), time.process_time()
    result = function()
    return result, Taken(time.process_time() - started, _status("VmHWM") - before)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) << 10


def bucket_pairs(members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs proposed of buckets of so many contents of one class (`curate.duplicates.candidates`)."""
    first = np.minimum(members, LARGEST_COMPLETE)
    return first * (first - 1) // 2 + (members - first) * (LEADERS + 1)


def mean_size(exponent: float) -> float:
    """Of a group."""
    return float(scipy.special.zeta(exponent - 1) / scipy.special.zeta(exponent))


def larger(size: NDArray[np.float64] | float, exponent: float) -> NDArray[np.float64]:
    """The share of groups that are larger than a size."""
    return np.asarray(scipy.special.zeta(exponent, np.asarray(size) + 1) / scipy.special.zeta(exponent))


def sizes_beyond(shares: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """The least sizes that no more than these shares of the groups are larger than."""
    low, high = np.zeros(len(shares)), np.full(len(shares), 2.0**52)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        above = larger(middle, exponent) > shares
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return high


def largest_group(documents: float, exponent: float, rng: np.random.Generator, draws: int = _DRAWS) -> float:
    """The median size of the largest group of so many documents, from the distribution of the largest of all draws."""
    groups = documents / mean_size(exponent)
    shares = -np.expm1(np.log(rng.random(draws)) / groups)
    return float(np.median(sizes_beyond(shares, exponent)))


def zipf_table(rng: np.random.Generator) -> Iterator[str]:
    """The largest duplicate group, and pairs by curate's rule against all."""
    yield "| a | documents | largest group | share | pairs by the rule, a document | all pairs, a document |"
    yield "|---|---|---|---|---|---|"
    for exponent in EXPONENTS:
        for documents in DRAWN:
            sizes = rng.zipf(exponent, round(documents / mean_size(exponent)))
            sizes = np.minimum(sizes, documents)
            total = sizes.sum()
            rule, every = bucket_pairs(sizes).sum() / total, (sizes / 2 * (sizes - 1)).sum() / total
            yield _row(exponent, documents, sizes.max(), sizes.max() / total, rule, every)
        for documents in MODELLED:
            most = largest_group(documents, exponent, rng)
            yield _row(exponent, documents, most, most / documents, rule, most**2 / 2 / documents)


def _row(exponent: float, documents: int, most: float, share: float, rule: float, every: float) -> str:
    return f"| {exponent} | {documents:.0e} | {most:,.0f} | {share:.2%} | {rule:.2f} | {every:,.1f} |"


def template_table(rng: np.random.Generator) -> Iterator[str]:
    """The largest bucket of a template: all whose rows of one band have the template's minima."""
    yield "| of a template | shingles of it | documents | largest bucket | MB of its key | pairs by the rule |"
    yield "|---|---|---|---|---|---|"
    for share, shared in TEMPLATES:
        for documents in (10**7, *MODELLED):
            buckets = rng.binomial(round(share * documents), shared**BANDS.rows, BANDS.bands)
            most, pairs = buckets.max(), bucket_pairs(buckets).sum()
            yield (
                f"| {share:.1%} | {shared:.0%} | {documents:.0e} | {most:,} | {most * ENTRY / 1e6:,.1f} | {pairs:,} |"
            )


def hot_partition(members: int, rng: np.random.Generator) -> tuple[UInt64Array, UInt64Array, UInt64Array]:
    """Entries of a partition, one of whose keys has so many members: key, content, and order of survival."""
    others = ROWS_PER_PARTITION * BANDS.bands
    keys = mix(np.concatenate([np.zeros(members, np.uint64), np.arange(1, others + 1, dtype=np.uint64)]))
    content, low = (rng.integers(0, 1 << 62, len(keys)).astype(np.uint64) for _ in range(2))
    return band_entries(keys, np.uint64(1 << 22)), content, low


def bucket_table(rng: np.random.Generator, members: Sequence[int]) -> Iterator[str]:
    """What the partition of a hot bucket takes, and the partition where the pairs of one leader meet."""
    yield "| members | seconds | MB | bytes a member | pairs of a leader: seconds | MB | bytes a pair |"
    yield "|---|---|---|---|---|---|---|"
    for count in members:
        entries = hot_partition(count, rng)
        pairs, found = taken(lambda entries=entries: candidate_pairs(*entries))
        leader = np.full(count, 1, np.uint64), rng.integers(2, 1 << 62, count).astype(np.uint64)
        _, met = taken(lambda leader=leader: unique_pairs(*[Pairs(*leader)] * BANDS.bands))
        each = f"{found.bytes / count:,.0f}" if count else ""
        at_leader = f"{met.bytes / count / BANDS.bands:.0f}" if count else ""
        yield (
            f"| {count:,} | {found.seconds:.1f} | {found.bytes / 1e6:,.0f} | {each} "
            f"| {met.seconds:.1f} | {met.bytes / 1e6:,.0f} | {at_leader} |"
        )
        assert len(pairs.left) >= bucket_pairs(np.array([count]))[0]


def buckets(rng: np.random.Generator) -> Iterator[str]:
    """Band buckets."""
    yield from zipf_table(rng)
    yield ""
    yield from template_table(rng)
    yield ""
    yield from bucket_table(rng, (0, 100_000, 1_000_000, 3_000_000))


def copies(documents: int, distinct: bool, text: str | None = PAGE) -> tuple[pa.Table, pa.Table]:
    """So many copies of a web page, exact or each of its own text, and pairs of all with those that survive first."""
    given = {"url": "https://www.site.example/page", "source": "crawl", "language": "en", "id": "page", "text": text}
    row = pa.Table.from_pylist([given], schema=pa.schema([(name, pa.string()) for name in given]))
    features = annotate(row, 0, "gs://bucket/crawl/part-00000.parquet", CONFIG, None, LocalFiles().open)
    page = prepare_documents(features, None, CONFIG).take(pa.array(np.zeros(documents, np.int64)))
    number = np.arange(documents, dtype=np.uint64)
    content = mix(number) if distinct else np.full(documents, 7, np.uint64)
    own = {"location": number, "id": [f"{n:016x}" for n in mix(number).tolist()], "id_hash": mix(number, 1)}
    own |= {"row_hash": mix(number, 2), "content": content, "content_low": content}
    columns = [pa.array(own[field.name], field.type) if field.name in own else page[field.name] for field in DOCUMENTS]
    table = pa.table(columns, schema=DOCUMENTS)
    return table, _led(content, id_order(table, CONFIG.run.seed)) if distinct else PAIRS.empty_table()


def _led(content: UInt64Array, order: UInt64Array) -> pa.Table:
    leaders = np.repeat(content[np.argsort(order)[:LEADERS]], len(content))
    members = np.tile(content, LEADERS)
    left, right = np.minimum(leaders, members), np.maximum(leaders, members)
    pairs = unique_pairs(Pairs(left[left != right], right[left != right]))
    alike = np.full(len(pairs.left), 0.9, np.float32)
    return pa.table([pa.array(column) for column in (*pairs, alike, alike, alike)], schema=PAIRS)


def groups(rng: np.random.Generator) -> Iterator[str]:
    """One group of duplicates, which one worker decides whole."""
    yield "| group | documents | seconds | MB | µs a document | bytes a document |"
    yield "|---|---|---|---|---|---|"
    nothing = Reference.of(None, CONFIG)
    for name, distinct, text in (("exact copies", False, PAGE), ("without text", False, None), ("similar", True, PAGE)):
        for documents in (10_000, 100_000, 500_000):
            made = copies(documents, distinct, text)
            _, found = taken(lambda made=made: decide_group(*made, nothing, CONFIG))
            held = sum(table.nbytes for table in made)
            yield _group_row(name, documents, Taken(found.seconds, found.bytes + held))
    for documents in (100_000, 1_000_000):
        hub = np.zeros(documents, np.uint64)
        others = mix(np.arange(documents, dtype=np.uint64)) | np.uint64(1)
        ends = np.concatenate([hub, others]), np.concatenate([others, hub])
        yield _group_row("large star of a hub", documents, taken(lambda ends=ends: large_star(*ends))[1])
        yield _group_row("small star of a hub", documents, taken(lambda a=hub, b=others: contract(a, b))[1])
    yield ""
    yield from chain_table(rng)


def _group_row(name: str, documents: int, found: Taken) -> str:
    each = f"{found.seconds / documents * 1e6:.1f} | {found.bytes / documents:,.0f}"
    return f"| {name} | {documents:,} | {found.seconds:.1f} | {found.bytes / 1e6:,.0f} | {each} |"


def rounds_of_chain(length: int, partitions: int, most: int, rng: np.random.Generator) -> tuple[int, float]:
    """Rounds until a chain of so many contents is gathered, and the share that is apart after `most` of them."""
    nodes = np.unique(rng.integers(0, 1 << 62, length).astype(np.uint64))
    rng.shuffle(nodes)
    node, root = np.maximum(nodes[:-1], nodes[1:]), np.minimum(nodes[:-1], nodes[1:])
    apart, number, smallest = 1.0, 0, nodes.min()
    while np.any(root != smallest):
        number += 1
        both = np.concatenate([node, root]), np.concatenate([root, node])
        node, root = _in_partitions(large_star, *both, partitions)
        node, root = _in_partitions(contract, node, root, partitions)
        if number == most:
            apart = float(np.mean(root != smallest))
    return number, apart if number >= most else 0.0


def _in_partitions(
    step: Callable[[UInt64Array, UInt64Array], tuple[UInt64Array, UInt64Array]],
    by: UInt64Array,
    other: UInt64Array,
    partitions: int,
) -> tuple[UInt64Array, ...]:
    place = mix(by) % np.uint64(partitions)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(1, partitions, dtype=np.uint64))
    parts = [step(by[rows], other[rows]) for rows in np.split(order, bounds)]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def chain_table(rng: np.random.Generator) -> Iterator[str]:
    """How long chains of edits may be, each similar to the next only."""
    most = CONFIG.dedupe.rounds
    yield f"| chain of contents | partitions | rounds until gathered | apart after {most} |"
    yield "|---|---|---|---|"
    for length, partitions in ((100, 4_000), (1_000, 4_000), (10_000, 4_000), (10_000, 4)):
        number, apart = rounds_of_chain(length, partitions, most, rng)
        yield f"| {length:,} | {partitions:,} | {number} | {apart:.1%} |"


def distinct_cells(documents: int, exponent: float, rng: np.random.Generator) -> int:
    """Different (cluster, site, grade) of so many documents.

    Sites have Zipf's sizes, four in five documents of one are in its home cluster, and the others, and home clusters,
    lie where Zipf puts them.
    """
    site = np.minimum(rng.zipf(exponent, documents), 1 << 40).astype(np.uint64)
    shares = np.cumsum(1.0 / np.arange(1, CLUSTERS + 1))
    shares /= shares[-1]
    home = np.searchsorted(shares, (mix(site) >> np.uint64(11)).astype(np.float64) * 2.0**-53)
    cluster = np.where(rng.random(documents) < 0.8, home, np.searchsorted(shares, rng.random(documents)))
    cells = mix(site) ^ mix((cluster * GRADES + rng.integers(0, GRADES, documents)).astype(np.uint64), 1)
    return len(np.unique(cells))


def clusters(rng: np.random.Generator) -> Iterator[str]:
    """Clusters are no key of a shuffle; sums by cluster and site end as one record."""
    yield "| clusters' Zipf exponent | share of the largest of 2,000 | documents of a partition in it, at any size |"
    yield "|---|---|---|"
    for exponent in (0.5, 1.0, 1.5):
        shares = np.arange(1, CLUSTERS + 1) ** -exponent
        drawn = rng.multinomial(ROWS_PER_PARTITION, shares / shares.sum())
        yield f"| {exponent} | {shares[0] / shares.sum():.1%} | {drawn[0]:,} |"
    yield ""
    sized = " | ".join(f"{documents:.0e}" for documents in (*DRAWN, *MODELLED))
    yield f"| cells of cluster, site and grade; sites' Zipf exponent | {sized} |"
    yield "|---" * (1 + len(DRAWN) + len(MODELLED)) + "|"
    for exponent in SITES:
        found = [distinct_cells(documents, exponent, rng) for documents in DRAWN]
        grows = np.log(found[-1] / found[-2]) / np.log(DRAWN[-1] / DRAWN[-2])
        found += [round(found[-1] * (documents / DRAWN[-1]) ** grows) for documents in MODELLED]
        yield f"| {exponent} | {' | '.join(f'{cells:,}' for cells in found)} |"


def loads(documents: int, partitions: int, exponent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Documents in each partition, where groups lie whole: float64[partitions]."""
    groups = documents / mean_size(exponent)
    size = np.arange(1, _COMMON + 1)
    expected = groups * size**-exponent / scipy.special.zeta(exponent) / partitions
    total = np.zeros(partitions)
    for each, mean in zip(size.tolist(), expected.tolist(), strict=True):
        total += each * rng.poisson(mean, partitions)
    beyond = float(larger(float(_COMMON), exponent))
    large = sizes_beyond(beyond * rng.random(rng.poisson(groups * beyond)), exponent)
    np.add.at(total, rng.integers(0, partitions, len(large)), large)
    return total


def partitions(rng: np.random.Generator) -> Iterator[str]:
    """How unequal partitions by hash are, where every group is in one."""
    yield "| documents | partitions | a | mean | largest ÷ mean | 999th of 1,000 ÷ mean |"
    yield "|---|---|---|---|---|---|"
    for documents in (10**7, *MODELLED):
        count = partitions_for(documents, 1)
        for exponent in EXPONENTS:
            found = loads(documents, count, exponent, rng)
            most, many = found.max() / found.mean(), np.quantile(found, 0.999) / found.mean()
            yield f"| {documents:.0e} | {count:,} | {exponent} | {found.mean():,.0f} | {most:.2f} | {many:.2f} |"


PARTS = {part.__name__: part for part in (buckets, groups, clusters, partitions)}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    for name in parser.parse_args().only:
        for line in PARTS[name](np.random.default_rng(SEED)):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
