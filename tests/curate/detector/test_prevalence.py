import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.prevalence import (
    BINS,
    Densities,
    MachineScores,
    Prevalence,
    beta_res,
    bin_edges,
    densities,
    estimate,
    histogram,
    least_share,
    mixture_share,
    transfer_spread,
)

LENGTHS = 2


def scores_of(draw, machine, lengths, gap=3.0):
    """Longer documents (length 1) lie farther apart: their scores depend on length in both classes."""
    return draw.normal(np.where(machine, gap, 0.0) * (0.6 + 0.6 * lengths) - lengths, 1.5)


def documents(draw, n, share):
    """Scores and lengths of n documents, exactly a share of them by machines, which write longer."""
    machine = np.arange(n) < round(share * n)
    lengths = (draw.uniform(size=n) < np.where(machine, 0.6, 0.4)).astype(np.int64)
    return scores_of(draw, machine, lengths), lengths


class World:
    """f0 and f1 from one draw of documents, and mixtures from others."""

    def __init__(self, seed=1, humans=400, machines=600, spread=0.0, people_higher=0.0):
        draw = np.random.default_rng(seed)
        human, human_lengths = documents(draw, humans, 0)
        beside, _ = documents(draw, humans, 0)
        machine, machine_lengths = documents(draw, machines, 1)
        parts = [machine[machine_lengths == length] for length in range(LENGTHS)]
        self.machine = MachineScores(parts, [len(part) for part in parts], beside, spread)
        self.edges = bin_edges(human, machine)
        self.moved = people_higher
        self.human = self.counts(human + people_higher, human_lengths)

    def counts(self, scores, lengths):
        return histogram(scores, lengths, self.edges, LENGTHS)

    def observed(self, seed, n, share):
        scores, lengths = documents(np.random.default_rng(seed), n, share)
        return self.counts(scores + self.moved, lengths)

    def estimate(self, observed, seed=1, **options):
        return estimate(observed, self.human, self.machine, self.edges, seed, **options)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("n", [500, 3_000])
def test_recovers_the_share(share, n):
    world = World()
    found = world.estimate(world.observed(2, n, share))
    assert abs(found.share - share) < 0.05
    assert found.low <= found.sampled_low <= found.share <= found.sampled_high <= found.high
    assert found.least <= share
    assert found.documents == n


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_interval_covers(share):
    """New references and new documents at every draw: the interval has to know that all three are finite."""
    covered, errors = 0, []
    for seed in range(50):
        world = World(seed, humans=100, machines=150)
        found = world.estimate(world.observed(1_000 + seed, 200, share), seed, replicates=100)
        covered += found.sampled_low <= share <= found.sampled_high
        errors.append(found.share - share)
        assert found.least <= share
    assert covered >= 45
    assert abs(np.mean(errors)) < 0.02 and np.mean(np.abs(errors)) < 0.05


def test_lengths_are_told_apart():
    """With machine text of another length mix than the reference's, scores pooled over lengths would mislead."""
    world = World(humans=4_000, machines=4_000)
    draw = np.random.default_rng(5)
    machine = np.arange(4_000) < 1_200
    lengths = np.zeros(4_000, np.int64)
    observed = world.counts(scores_of(draw, machine, lengths), lengths)
    assert abs(world.estimate(observed).share - 0.3) < 0.04
    pooled = Densities(*(part.mean(axis=0, keepdims=True) for part in vars(_densities(world)).values()))
    assert abs(mixture_share(observed.sum(axis=0, keepdims=True), pooled) - 0.3) > 0.04


def _densities(world):
    return densities(world.human, world.machine, world.edges)


def test_an_odd_genre_is_no_machine_text():
    """People who score high everywhere do not make a source look machine-made; machine text there is still seen."""
    world = World(people_higher=2.0)
    assert world.estimate(world.observed(3, 2_000, 0.0)).share < 0.02
    assert abs(world.estimate(world.observed(3, 2_000, 0.4)).share - 0.4) < 0.1


def test_spread_widens_the_interval_and_leaves_the_estimate():
    narrow, wide = (World(spread=spread) for spread in (0.0, 1.0))
    observed = narrow.observed(4, 1_000, 0.5)
    a, b = narrow.estimate(observed), wide.estimate(observed)
    assert (a.share, a.least) == (b.share, b.least)
    assert b.sampled_low == pytest.approx(a.sampled_low, abs=0.03)
    assert b.sampled_high == pytest.approx(a.sampled_high, abs=0.03)
    assert b.low < a.low - 0.05 and b.high > a.high + 0.05


def test_same_seed_same_interval():
    world = World()
    observed = world.observed(2, 300, 0.3)
    assert world.estimate(observed, 4) == world.estimate(observed, 4) != world.estimate(observed, 5)


def test_nothing_observed():
    world = World()
    found = world.estimate(np.zeros_like(world.human))
    assert np.isnan(found.share) and (found.low, found.high, found.least, found.documents) == (0.0, 1.0, 0.0, 0)
    assert found.with_known(0, 0) is found
    assert found.with_known(3, 1) == Prevalence(0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 4)


def test_known_documents_are_no_estimate():
    assert Prevalence(0.5, 0.4, 0.8, 0.4, 0.6, 0.1, 100).with_known(50, 50) == Prevalence(
        0.5, 0.45, 0.65, 0.45, 0.55, 0.3, 200
    )
    assert Prevalence(0.5, 0.25, 0.75, 0.5, 0.5, 0.0, 10).with_known(10, 0) == Prevalence(
        0.25, 0.125, 0.375, 0.25, 0.25, 0.0, 20
    )


def test_the_estimate_is_not_below_what_is_certain():
    """Machine text that lies nearer to people's than the reference's is missed by f1, but not by the bound."""
    world = World(humans=3_000)
    draw = np.random.default_rng(3)
    machine, lengths = np.arange(3_000) < 2_700, np.zeros(3_000, np.int64)
    observed = world.counts(scores_of(draw, machine, lengths, gap=2.0), lengths)
    by_mixture = mixture_share(observed, densities(world.human, world.machine, world.edges))
    far = MachineScores(
        [part + 4 for part in world.machine.quantiles], world.machine.documents, world.machine.human, 0.0
    )
    found = estimate(observed, world.human, far, world.edges, 1)
    assert mixture_share(observed, densities(world.human, far, world.edges)) < found.least == found.share < 0.9
    assert found.share < by_mixture


def test_few_people_give_wide_intervals():
    few, many = World(humans=30), World(humans=2_000)
    widths = [(found.high - found.low) for found in (w.estimate(w.observed(2, 1_000, 0.3)) for w in (few, many))]
    assert widths[0] > 1.3 * widths[1]


def test_least_share_needs_no_machine_text():
    draw = np.random.default_rng(1)
    human, machine = draw.normal(-0.8, 1, 20_000), draw.normal(0.8, 1, 10_000)
    edges = bin_edges(human, machine)
    human_counts, observed = (
        histogram(part, np.zeros(len(part), int), edges, 1) for part in (human, [*human[:10_000], *machine])
    )
    assert 0.35 < least_share(observed, human_counts) <= 0.5


def test_least_share_is_no_matter_of_length():
    """The same people, but the trusted ones write short texts: no machine text can be concluded from that."""
    draw = np.random.default_rng(1)
    lengths = (draw.uniform(size=(2, 5_000)) < [[0.1], [0.9]]).astype(np.int64)
    scores = draw.normal(2.0 * lengths, 1)
    edges = bin_edges(scores[0], scores[1])
    trusted, observed = (histogram(scores[part], lengths[part], edges, 2) for part in range(2))
    assert least_share(observed, trusted) == 0
    assert least_share(observed.sum(axis=0, keepdims=True), trusted.sum(axis=0, keepdims=True)) > 0.5
    assert least_share(observed[:, ::-1], np.array([[0] * 11 + [9]] * 2)) == 0


counts = st.lists(st.integers(0, 300), min_size=8, max_size=8).map(lambda v: np.array(v, np.int64).reshape(2, 4))


@given(counts, counts, st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0, 3))
@settings(max_examples=50, deadline=None)
def test_always_within_bounds(observed, human, machine, spread):
    """Whatever the histograms, empty ones too."""
    scores = MachineScores([np.sort(machine), np.empty(0)], [len(machine), 0], np.array([0.0, 1.0]), spread)
    edges = np.array([-1.0, 0.0, 2.0])
    found = estimate(observed, human, scores, edges, 1, replicates=20)
    if observed.sum():
        assert 0 <= found.low <= found.sampled_low <= found.share <= found.sampled_high <= found.high <= 1
        assert 0 <= found.least <= found.share
        posterior = densities(human, scores, edges).posterior(found.share)
        assert np.all((posterior >= 0) & (posterior <= 1))


@given(st.integers(0, 7), st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_more_suspicious_documents_never_lower_the_share(cell, more):
    """Documents where f1 is above f0 raise the estimate, others lower it."""
    world = World(humans=200, machines=200)
    found = densities(world.human, world.machine, world.edges)
    observed = world.observed(2, 300, 0.4)
    place = (cell % 2, cell)
    with_more = observed.copy()
    with_more[place] += more
    change = mixture_share(with_more, found) - mixture_share(observed, found)
    assert change * np.sign(found.machine[place] - found.human[place]) >= -1e-6


@given(
    st.lists(st.tuples(st.floats(-5, 5, width=32) | st.just(float("nan")), st.integers(0, 2)), max_size=60),
    st.integers(0, 60),
)
@settings(max_examples=60, deadline=None)
def test_histograms_add_up(rows, cut):
    scores = np.array([score for score, _ in rows], np.float32)
    lengths = np.array([length for _, length in rows], np.int64)
    edges = np.array([-1.0, 0.0, 2.0])
    whole = histogram(scores, lengths, edges, 3)
    parts = histogram(scores[:cut], lengths[:cut], edges, 3) + histogram(scores[cut:], lengths[cut:], edges, 3)
    assert whole.shape == (3, 4) and np.array_equal(whole, parts)
    assert whole.sum() == np.sum(~np.isnan(scores))
    assert whole.sum(axis=1).tolist() == [np.sum((lengths == length) & ~np.isnan(scores)) for length in range(3)]


def test_bins_are_even():
    draw = np.random.default_rng(1)
    human, machine = draw.normal(-1, 1, 3_000), draw.normal(1, 1, 3_000)
    both = np.concatenate([human, machine])
    found = histogram(both, np.zeros(6_000, int), bin_edges(human, machine), 1)[0]
    assert len(found) == BINS
    assert found.min() > 0.9 * 6_000 / BINS


def test_spread_between_domains():
    """Human medians differ as well: only how far machine text lies above them counts."""
    draw = np.random.default_rng(1)
    domains = np.repeat(np.arange(8), 2_000)
    machine = np.tile(np.arange(2_000) < 1_000, 8)
    gaps = np.linspace(1, 4.5, 8)
    scores = draw.normal(3.0 * domains + machine * gaps[domains], 1)
    assert abs(transfer_spread(scores, machine, domains) - np.std(gaps, ddof=1)) < 0.1
    assert transfer_spread(scores - machine * gaps[domains], machine, domains) < 0.1
    one = domains == 0
    assert transfer_spread(scores[one], machine[one], domains[one]) == pytest.approx(np.std(scores[one & machine]) / 2)
    assert transfer_spread(np.empty(0), np.empty(0, bool), []) == 0


@pytest.mark.parametrize(
    ("share", "tpr", "fpr", "expected"), [(0.5, 0.0, 0.0, 0.5), (0.8, 0.6, 0.05, 0.6275), (0.3, 1.0, 0.05, 0.0)]
)
def test_beta_res(share, tpr, fpr, expected):
    assert abs(beta_res(share, tpr, fpr) - expected) < 1e-4


def test_beta_res_of_nothing():
    assert np.isnan(beta_res(1.0, 1.0, 0.05))


def test_bins_of_nothing():
    assert len(bin_edges(np.empty(0), np.empty(0))) == 0
