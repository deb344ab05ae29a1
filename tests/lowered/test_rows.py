"""Static synapses in their rows: what is drawn again is what was built, however the work was cut."""

from __future__ import annotations

import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuromorph import Network
from neuromorph.graph.check import describe
from neuromorph.kernels import draw as kernels
from neuromorph.kernels.rng import uniform
from neuromorph.lowered import connections, rows
from neuromorph.lowered.compile import compile_network
from neuromorph.lowered.partition import part_of

SIZES = {"a": 13, "b": 9, "c": 40}
NORMAL = {"distribution": "normal", "mean": 1.0, "std": 0.7}
DELAYS = [
    1.5,
    {"distribution": "normal", "mean": 1.5, "std": 0.8, "low": 0.5},
    {"distribution": "exponential", "mean": 0.7, "low": 0.25},
    {"distribution": "uniform", "low": 0.3, "high": 4.0},
]
WEIGHTS = [0.5, -2.0, NORMAL, {"distribution": "lognormal", "mean": 0.0, "std": 0.3}]
RULES = [
    ("one_to_one", {}),
    ("all_to_all", {}),
    ("bernoulli", {"probability": 0.3}),
    ("distance", {"probability": 0.9, "length_um": 3.0}),
    ("fixed_indegree", {"indegree": 6}),
    ("fixed_outdegree", {"outdegree": 5}),
    ("fixed_total", {"total": 60}),
    ("explicit", {}),
]


@st.composite
def networks(draw):
    """A few projections of any rule among three small populations, often sharing sources, slots and delays."""
    network = Network("rows")
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for name, size in SIZES.items():
        network.add_population(name, "lif_exp", size, positions=random.random((size, 2)) * 9.0)
    for k in range(draw(st.integers(1, 5))):
        source, target = draw(st.sampled_from("abc")), draw(st.sampled_from("abc"))
        rule, arguments = draw(st.sampled_from(RULES))
        if rule == "one_to_one":
            target = source
        options = {}
        if rule not in ("one_to_one", "explicit"):
            options["autapses"] = draw(st.booleans())
        if rule.startswith("fixed"):
            options["multapses"] = draw(st.booleans())
        weight, delay = draw(st.sampled_from(WEIGHTS)), draw(st.sampled_from(DELAYS))
        if rule == "explicit":
            n = draw(st.integers(0, 80))
            ends = [random.integers(0, SIZES[name], n) for name in (source, target)]
            arguments = {"sources": ends[0], "targets": ends[1]}
            weight, delay = random.normal(0.0, 1.0, n), random.choice([0.5, 1.0, 1.1, 2.7], n)
        network.connect(source, target, rule, weight=weight, delay=delay, name=f"p{k}", **arguments, **options)
    return network


def build(network, resolution, parts=1, threads=1):
    how = "exact" if resolution is None else resolution
    return compile_network(describe(network, resolution=how), resolution, 5, parts, threads=threads)


def same(left, right):
    for a, b in zip(left.static, right.static, strict=True):
        for name, array in vars(a).items():
            assert array.dtype == getattr(b, name).dtype
            assert array.tobytes() == getattr(b, name).tobytes(), name


def by_hand(compiled, part):
    """(source id, delay, slot, weight) of the synapses of a part in the order of rows, from the redrawn lists."""
    columns = []
    for number, p in enumerate(compiled.projections):
        drawn, target = p.connections.draw(), compiled.population(p.target)
        n = drawn.source.size
        delay = np.broadcast_to(compiled.clock.steps(drawn.delay_ms), n)
        slot = target.slot0 + drawn.receptor.astype(int) * target.size + drawn.target
        source = compiled.population(p.source).first_id + drawn.source
        mine = part_of(drawn.target, target.size, compiled.parts) == part
        every = (source, delay, slot, np.full(n, number), np.arange(n), drawn.weight)
        columns.append([column[mine] for column in every])
    source, delay, slot, number, ordinal, weight = (np.concatenate(c) for c in zip(*columns))
    order = np.lexsort((ordinal, number, slot, delay, source))
    return source[order], delay[order], slot[order], weight[order]


def unpacked(compiled, part):
    """The same of what was built."""
    built = compiled.static[part]
    source, delay = [], []
    for g in range(compiled.n_ids):
        begin = 0
        for q in range(built.row[g], built.row[g + 1]):
            n = int(built.slice_end[q]) - begin
            assert n > 0
            code = built.slice_delay[q]
            delay += [built.delays[code] if compiled.clock.exact else float(code)] * n
            begin = int(built.slice_end[q])
        assert begin == built.row_start[g + 1] - built.row_start[g]
        source += [g] * begin
    return source, delay, built.synapse["slot"], built.synapse["weight"]


@settings(deadline=None, max_examples=60)
@given(networks(), st.sampled_from([0.1, 0.5, None]), st.integers(1, 3))
def test_rows_are_the_sorted_lists(network, resolution, parts):
    compiled = build(network, resolution, parts)
    for part in range(parts):
        for wanted, found in zip(by_hand(compiled, part), unpacked(compiled, part), strict=True):
            assert wanted.tolist() == np.asarray(found).tolist()


@settings(deadline=None, max_examples=30)
@given(networks(), st.sampled_from([0.5, None]), st.integers(1, 2), st.integers(1, 200))
def test_however_the_work_is_cut(network, resolution, parts, block):
    whole = build(network, resolution, parts)
    with mock.patch.multiple(rows, BLOCK=block, FEW=0), mock.patch.object(connections, "_PIECE", 4 * block):
        cut = build(network, resolution, parts, threads=2)
    same(whole, cut)
    assert (whole.smallest_delay, whole.largest_delay) == (cut.smallest_delay, cut.largest_delay)
    drawn = [np.atleast_1d(p.connections.draw().delay_ms) for p in whole.projections if p.connections.n]
    if drawn:
        steps = whole.clock.steps(np.concatenate(drawn))
        assert (whole.smallest_delay, whole.largest_delay) == (steps.min(), steps.max())


@settings(deadline=None, max_examples=30)
@given(networks(), st.integers(1, 2))
def test_places_are_where_the_weights_are(network, parts):
    compiled = build(network, 0.5, parts)
    seen = [np.zeros(built.synapse.size, int) for built in compiled.static]
    for p in compiled.projections:
        if not p.static:
            continue
        drawn = p.connections.draw()
        found = rows.places(compiled, p)
        assert sorted(np.concatenate([ordinal for ordinal, _ in found]).tolist()) == list(range(drawn.source.size))
        for count, built, (ordinal, place) in zip(seen, compiled.static, found, strict=True):
            assert built.synapse["weight"][place].tolist() == drawn.weight[ordinal].tolist()
            count[place] += 1
    assert all(np.all(count == 1) for count in seen)


# -- statistics -----------------------------------------------------------------------------------------------------


def made(rule, sizes=(200, 150), **arguments):
    network = Network("made")
    network.add_population("pre", "lif_delta", sizes[0])
    network.add_population("post", "lif_delta", sizes[1])
    network.connect("pre", "post", rule, name="p", **arguments)
    return build(network, 0.1).projections[0].connections.endpoints()


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        ("fixed_indegree", {"indegree": 400}),
        ("fixed_outdegree", {"outdegree": 300}),
        ("fixed_total", {"total": 60_000}),
    ],
)
def test_pairs_with_multapses_are_even(rule, arguments):
    source, target = made(rule, multapses=True, **arguments)
    pairs = np.bincount(source.astype(int) * 150 + target, minlength=200 * 150)
    # 2 a pair on average; pairs of a fixed side are multinomial, so chi-square has about as many degrees of freedom
    assert 1e-4 < stats.chisquare(np.bincount(pairs, minlength=15)[:9],
                                  np.bincount(pairs).sum() * stats.poisson.pmf(np.arange(9), 2.0)
                                  / stats.poisson.cdf(8, 2.0) * (pairs <= 8).mean()).pvalue  # fmt: skip
    for end, size in ((source, 200), (target, 150)):
        counts = np.bincount(end, minlength=size)
        if np.ptp(counts):
            assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


@pytest.mark.parametrize("total", [3_000, 15_000, 27_000, 29_990])
def test_different_pairs_are_even(total):
    source, target = made("fixed_total", total=total)
    pairs = np.unique(source.astype(int) * 150 + target)
    assert pairs.size == total
    counts = np.bincount(source, minlength=200)
    # hypergeometric counts: the variance of drawing without replacement
    variance = total / 200 * (1 - 1 / 200) * (1 - total / 30_000) / (1 - 1 / 30_000)
    assert 1e-4 < stats.chi2.cdf(((counts - total / 200) ** 2).sum() / variance * 199 / 200, 199) < 1 - 1e-4
    assert counts.max() <= 150
    columns = np.bincount(target, minlength=150)
    variance = total / 150 * (1 - 1 / 150) * (1 - total / 30_000)
    assert 1e-4 < stats.chi2.cdf(((columns - total / 150) ** 2).sum() / variance * 149 / 150, 149) < 1 - 1e-4


@pytest.mark.parametrize("degree", [1, 60, 149])
def test_partners_without_multapses_are_even(degree):
    _, target = made("fixed_outdegree", (3000, 150), outdegree=degree)
    assert all(np.unique(row).size == degree for row in target.reshape(3000, degree))
    counts = np.bincount(target, minlength=150)
    p = degree / 150
    assert 1e-4 < stats.chi2.cdf(((counts - 3000 * p) ** 2).sum() / (3000 * p * (1 - p)), 149) < 1 - 1e-4


@pytest.mark.parametrize(
    ("kind", "args", "law"),
    [
        ("normal", (0.3, 2.0), stats.norm(0.3, 2.0)),
        ("lognormal", (0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
        ("uniform", (-1.0, 3.0), stats.uniform(-1.0, 4.0)),
        ("exponential", (2.0, 0.0), stats.expon(scale=2.0)),
    ],
)
def test_numbers_follow_their_law_and_any_range_is_the_same(kind, args, law):
    n = 20_001
    for low, high in ((-np.inf, np.inf), (0.5, 2.0)):
        how = (kernels.KINDS[kind], *args, low, high, 7, 11)
        whole = np.empty(n)
        kernels.numbers(*how, 0, whole)
        share = law.cdf(high) - law.cdf(low)
        assert stats.kstest((law.cdf(whole) - law.cdf(low)) / share, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(whole[:-1], whole[1:])[0, 1]) < 5.0 / np.sqrt(n)
        for first, last in ((0, 1), (1, 2), (1, 8), (6, 9), (777, 20_001)):
            some = np.empty(last - first)
            kernels.numbers(*how, first, some)
            assert some.tolist() == whole[first:last].tolist()
        ordinal = np.array([5, 2, 20_000, 2], np.int64)
        some = np.empty(4)
        kernels.numbers_at(*how, ordinal, some)
        assert some.tolist() == whole[ordinal].tolist()


def test_uniform_numbers_are_those_of_the_counter():
    out = np.empty(6)
    kernels.numbers(kernels.KINDS["uniform"], 0.0, 1.0, -np.inf, np.inf, 3, 9, 0, out)
    assert out[::2].tolist() == [uniform(3, 9, 0, call) for call in range(3)]


# -- memory -----------------------------------------------------------------------------------------------------------

DRAWN = {"distribution": "normal", "mean": 1.5, "std": 0.5, "low": 0.1}


@pytest.mark.parametrize(
    ("rule", "delay", "resolution", "most"),
    [
        ({"rule": "fixed_indegree", "indegree": 250}, 1.5, 0.1, 8.3),
        ({"rule": "fixed_total", "total": 1_000_000, "multapses": True}, 1.5, None, 8.3),
        ({"rule": "bernoulli", "probability": 0.0625}, 1.5, 0.1, 8.3),
        ({"rule": "fixed_outdegree", "outdegree": 4000, "multapses": True}, DRAWN, 0.1, 9.0),
        ({"rule": "fixed_indegree", "indegree": 250}, DRAWN, None, 13.0),
        ({"rule": "fixed_outdegree", "outdegree": 10}, DRAWN, 0.1, 13.0),
    ],
)
def test_bytes_of_a_synapse_and_peak(rule, delay, resolution, most):
    network = Network("large")
    network.add_population("pre", "lif_delta", 1_000_000 // rule["outdegree"] if "outdegree" in rule else 4000)
    network.add_population("post", "lif_delta", 4000)
    weight = {"distribution": "normal", "mean": 1.0, "std": 0.1}
    network.connect("pre", "post", weight=weight, delay=delay, **rule)
    compiled = build(network, resolution)
    (made,), (post, pre) = [p.connections for p in compiled.projections], compiled.neurons
    arguments = ([made], {"post": post}, {"pre": pre.first_id}, compiled.n_ids, compiled.clock)
    with mock.patch.object(rows, "BLOCK", 1 << 12):  # what is in hand at a time does not grow with the network
        rows.static_rows(*arguments)
        tracemalloc.start()
        (built,) = rows.static_rows(*arguments)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert built.synapse.size > 900_000
    assert built.nbytes / built.synapse.size <= most
    assert built.nbytes <= peak <= 1.3 * built.nbytes
    assert made.start.nbytes < 0.1 * built.nbytes  # all that is kept of a projection


def test_given_delays_are_exact_until_there_are_too_many():
    n = 40_000
    network = Network("many")
    network.add_population("c", "lif_delta", 200)
    ends = {"sources": np.arange(n) // 200, "targets": np.arange(n) % 200}
    given = 1.0 + np.arange(n) / 7e4
    network.connect("c", "c", "explicit", delay=given, name="many", **ends)
    network.connect("c", "c", "explicit", delay=1.0 + np.arange(n) % 1000 / 7e3, name="few", **ends)
    many, few = (build(network, None).projections[k].connections.draw().delay_ms for k in (1, 0))
    assert few.tolist() == (1.0 + np.arange(n) % 1000 / 7e3).tolist()
    assert np.abs(many / given - 1.0).max() <= 2.0**-13
    assert np.all(many * 2**12 == np.rint(many * 2**12))


def test_rows_longer_than_16_bits_and_delays_beyond_them():
    network = Network("long")
    network.add_population("one", "lif_delta", 1)
    network.add_population("many", "lif_delta", 70_000)
    network.connect("one", "many", "all_to_all", weight=1.0, delay={"distribution": "uniform", "low": 1.0, "high": 7e3})
    compiled = build(network, 0.1)
    (built,) = compiled.static
    assert (built.slice_end.dtype, built.slice_delay.dtype) == (np.uint32, np.int32)
    assert built.slice_end[-1] == 70_000
    delay = compiled.projections[0].connections.draw().delay_ms
    assert np.unique(np.maximum(1, np.rint(delay / 0.1))).tolist() == built.slice_delay.tolist()


def test_a_heavy_tail_of_delays_is_no_trouble():
    network = Network("tail")
    network.add_population("c", "lif_delta", 300)
    tail = {"distribution": "lognormal", "mean": 0.0, "std": 3.5, "low": 0.1}
    network.connect("c", "c", "fixed_indegree", indegree=5, delay=tail)
    (built,) = build(network, 0.1).static
    delay = build(network, 0.1).projections[0].connections.draw().delay_ms
    assert built.slice_delay.max() == np.rint(delay.max() / 0.1)
    assert built.synapse.size == 1500
