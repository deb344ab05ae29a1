"""Minibatches: examples learn from the same weights, in order, whatever the threads; one to a minibatch is online."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine.calendar import Calendar
from neuromorph.engine.minibatch import Batches
from neuromorph.errors import InputError
from neuromorph.learning import registry
from neuromorph.learning.contract import LearningRule, Random, State, Variable
from neuromorph.parameters import Param
from neuromorph.tasks import layered
from neuromorph.tasks.images import Images
from neuromorph.tasks.settings import defaults

PERIOD = 8.0  # of a network with two hidden layers
KINDS = pytest.mark.parametrize(
    ("top_down", "period"),
    [("fixed", PERIOD), ("direct", 7.0), ("wake", PERIOD), ("looks", 2 * PERIOD), ("mirror", PERIOD)],
)


def network(top_down: str, examples: int, **changes: object) -> Network:
    """Twelve pixels, layers of 9, 40 (a matrix with many and one with few changed columns) and 10 cells."""
    random = np.random.default_rng(3)
    shown = random.integers(0, 256, (20, 12)).astype(np.uint8)
    data = Images("made up", shown, random.integers(0, 10, 20), shown[:1], np.zeros(1, np.int64), 255.0)
    rates = {"eta": 4e-3, "eta_readout": 1e-3, "eta_top_down": 2e-3, "eta_top_readout": 1e-3}  # changes show
    kind = ("wake", 1, 2) if top_down == "looks" else (top_down,)
    settings = replace(defaults("digits", *kind), hidden=(9, 40), tau_mean=5.0, **{**rates, **changes})
    made = layered.training_network(data, settings, np.arange(examples) % 20)
    made.graph.graph["record"] = [{"population": n, "variable": "spikes"} for n in (*layered.names(settings), "bias")]
    return made


def run(made: Network, duration: float, batches: Batches | None, portion: float = np.inf) -> Simulation:
    simulation = Simulation(made, batches=batches)
    while simulation.time < duration:
        simulation.run(min(portion, duration - simulation.time))
    return simulation


def bytes_of(simulation: Simulation) -> dict[str, bytes]:
    """Everything that a run comes to."""
    found = {p.name: simulation.weights(p.name).tobytes() for p in simulation.network.projections}
    for name in simulation.recorder.description.populations:
        times, cells = simulation.spikes(name)
        found[f"spikes of {name}"] = times.tobytes() + cells.tobytes()
    for name, cells in simulation.cells.items():
        kept = [v for v in cells.variables if v in ("n_mean", "a_mean", "error_spikes", "trials")]
        found[f"means of {name}"] = b"".join(simulation.state(name, v).tobytes() for v in kept)
    return found | {"counts": repr((simulation.spike_counts, simulation.synaptic_events)).encode()}


@KINDS
def test_minibatches_of_one_are_learning_online(top_down: str, period: float) -> None:
    made, duration = network(top_down, 12), 12 * period + 1
    online, batched = (bytes_of(run(made, duration, b)) for b in (None, Batches(period, 1)))
    assert [name for name in online if online[name] != batched[name]] == []


class Noisy(LearningRule):
    """Recirculation that draws a number for each synapse at each signal."""

    name = "recirculation"
    eta = Param(0.01)
    drawn = State(0.0)
    free = Variable("pre", "n_free")
    change = Variable("post", "change")
    u = Random()

    def on_signal(w, pre, post, p, value, syn):
        return w + p.eta * value * syn.u * pre.free * post.change, syn.drawn + syn.u


def test_random_numbers_are_those_of_learning_online() -> None:
    with registry.registry.override({"recirculation": Noisy}):
        made, duration = network("fixed", 12), 12 * PERIOD + 1
        online, batched = (bytes_of(run(made, duration, b)) for b in (None, Batches(PERIOD, 1)))
        assert [name for name in online if online[name] != batched[name]] == []
        runs = [bytes_of(run(made, duration, Batches(PERIOD, 4, threads=n))) for n in (1, 2)]
        assert runs[0] == runs[1]
        assert runs[0] != batched


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@KINDS
def test_threads_and_cuts_change_nothing(top_down: str, period: float, momentum: float) -> None:
    made, duration = network(top_down, 22), 22 * period
    runs = [
        bytes_of(run(made, duration, Batches(period, 8, 11, threads, momentum), portion))
        for threads, portion in ((1, np.inf), (2, np.inf), (3, 5.0), (2, 24.0))
    ]
    for other in runs[1:]:
        assert [name for name in other if other[name] != runs[0][name]] == []


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@KINDS
def test_weights_are_those_of_separate_examples_added_in_order(top_down: str, period: float, momentum: float) -> None:
    """Cells run online with weights that stay, set by hand after each minibatch to what numpy makes of their counts."""
    sizes = [3, 3, 1, 3, 3]  # an epoch is 7
    made = network(top_down, sum(sizes))
    batched = Simulation(made, batches=Batches(period, 3, 7, threads=2, momentum=momentum))
    frozen = Simulation(_deaf(network(top_down, sum(sizes))))
    learning = {p.name: p for p in frozen.network.projections if p.plasticity is not None and p.plasticity.signals}
    assert len(learning) == (6 if top_down in ("fixed", "direct") else 8)
    weights = {name: frozen.weights(name) for name in learning}
    means = {c: np.zeros((2, n)) for c, n in (("hidden1", 9), ("hidden2", 40), ("readout", 10))}
    example = changed = 0
    previous = dict(weights)
    for size in sizes:
        before, ends = dict(weights), []
        for name, w in before.items():
            weights[name] = (w.astype(float) + momentum * (w.astype(float) - previous[name])).astype(np.float32)
        previous = before
        for _ in range(size):
            frozen.run(period)
            batched.run(period)
            seen = {c: _seen(frozen, c, means.get(c)) for c in ("image", "bias", *means)}
            value = batched.network.signals[0].values[example]
            for name, p in learning.items():
                weights[name] = _learnt(p, weights[name], seen, value)
                np.testing.assert_array_equal(batched.weights(name), weights[name], err_msg=f"{name}, {example}")
            ends.append({c: np.array([seen[c]["n_mean"], seen[c]["a_mean"]]) for c in means})
            example += 1
        means = {c: ends[0][c] + sum(end[c] - mean for end in ends[1:]) for c, mean in means.items()}
        for c, (n, a) in means.items():
            np.testing.assert_array_equal(batched.state(c, "n_mean"), n)
            np.testing.assert_array_equal(batched.state(c, "a_mean"), a)
        for name in learning:
            changed += np.count_nonzero(weights[name] != before[name])
            frozen.set_weights(name, weights[name])
    assert changed > 500


def _deaf(made: Network) -> Network:
    """The same network, whose signals all have the value 0."""
    made.graph.graph["signals"]["learn"] |= {"first": 0.0, "last": 0.0}
    return made


def _seen(simulation: Simulation, population: str, means: object) -> dict[str, np.ndarray]:
    """What a population shows at the end of an example that began with these running means (tau_mean is 5)."""
    if means is None:
        return {"n_free": simulation.sources[population].register("n_free").copy()}
    seen = {v: simulation.state(population, v) for v in ("n_free", "n_nudged", "change", "a_free")}
    seen |= {v: simulation.state(population, v) for v in ("n_step", "luck_step")}
    for mean, of, was in zip(("n_mean", "a_mean"), ("n_free", "a_free"), means):
        seen[mean] = was + (seen[of] - was) / 5.0
    return seen


def _learnt(p: object, weights: np.ndarray, seen: dict, value: float) -> np.ndarray:
    """One signal at all synapses of a matrix, by the rules' equations."""
    rule, eta = p.plasticity.rule.name, p.plasticity.parameters[0]
    pre, post = seen[p.source], seen[p.target]
    if rule == "wake_looks":
        w, step, luck = (
            weights.reshape(-1, post["luck_step"].size).astype(float),
            pre["n_step"][:, None],
            post["luck_step"],
        )
        return np.where(step == 0.0, w, w + eta * value * luck * (step - luck * w)).astype(np.float32).ravel()
    if rule == "recirculation":
        factors = pre["n_free"], post["change"]
    elif rule == "mirror":
        factors = pre["change"], post["n_free"]
    else:
        above = pre["n_nudged" if rule == "wake_clamped" else "n_free"]
        factors = above, (post["n_free"] - post["n_mean"]) - (post["a_free"] - post["a_mean"])
    change = (eta * value * factors[0])[:, None] * factors[1]
    return (weights.astype(float) + change.ravel()).astype(np.float32)


def test_momentum_keeps_bounds_and_goes_on_where_weights_are_set() -> None:
    made = network("mirror", 24, w_max=0.05)
    simulation = Simulation(made, batches=Batches(PERIOD, 4, momentum=0.9))
    simulation.run(16 * PERIOD)
    assert np.abs(simulation.weights("hidden1_hidden2")).max() == np.float32(0.05)
    part = simulation.plastic["hidden1_hidden2"][0]
    change = part.weight - part.previous
    assert change.any()
    simulation.set_weights("hidden1_hidden2", np.zeros(360))
    np.testing.assert_array_equal(part.previous, -change)
    for cells in ("hidden1", "hidden2"):
        assert simulation.state(cells, "error_spikes").sum() > 0


def test_momentum_out_of_range_is_refused() -> None:
    for momentum in (-0.1, 1.0):
        with pytest.raises(InputError, match=r"momentum out of range.*0 to less than 1"):
            Simulation(network("mirror", 4), batches=Batches(PERIOD, 4, momentum=momentum))


def test_a_calendar_that_is_too_small_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("mirror", 8)
    expected = bytes_of(run(made, 64.0, Batches(PERIOD, 4, threads=2)))
    monkeypatch.setattr(Calendar.__init__, "__defaults__", (8,))
    assert bytes_of(run(made, 64.0, Batches(PERIOD, 4, threads=2))) == expected


def train(times: list[float], interval: float = 4.0) -> Network:
    """A cell that starts with each spike of a train, one input spike an example, and learns from it."""
    made = Network("train")
    made.add_population("c", "rhythmic", 2)
    made.add_input("start", "spike_train", 1, {"times": times, "indices": [0] * len(times)})
    made.add_input("i", "pattern_volley", 3, {"patterns": np.ones((1, 3)), "order": [0] * 9, "interval": interval})
    made.connect("start", "c", "all_to_all", weight=1.0, delay=1.0, receptor="start", name="starts")
    plasticity = {"rule": "recirculation", "signals": ["s"]}
    made.connect("i", "c", "all_to_all", weight=0.1, receptor="basal", name="learnt", plasticity=plasticity)
    made.add_signal("s", start=3.0, interval=interval, count=9)
    made.record("start", "spikes")
    made.run_settings(resolution=1.0)
    return made


def test_spike_trains_go_to_the_examples_that_they_fall_into() -> None:
    made = train([1.0, 5.0, 9.0, 13.0, 21.0])
    expected = bytes_of(run(made, 24.0, None))
    for threads in (1, 2):
        found = bytes_of(run(made, 24.0, Batches(4.0, 3, threads=threads)))
        assert {k: found[k] for k in ("learnt", "spikes of start", "counts")} == {
            k: expected[k] for k in ("learnt", "spikes of start", "counts")
        }


def test_weights_set_by_hand_and_a_reset_count_from_the_next_minibatch_on() -> None:
    made = network("mirror", 12)
    simulation, fresh = (Simulation(made, batches=Batches(PERIOD, 4)) for _ in range(2))
    simulation.run(3 * PERIOD)
    simulation.reset()
    simulation.run(PERIOD)  # the fourth example, alone, by the weights that the first three have left
    assert simulation.spike_counts["bias"] == 4
    fresh.set_weights("image_hidden1", np.zeros(12 * 9))
    fresh.run(4 * PERIOD)
    assert fresh.spike_counts["hidden1"] < simulation.spike_counts["hidden1"]


def test_rules_that_wait_for_signals() -> None:
    waiting = [name for name in registry.names() if registry.get(name).waits_for_signals()]
    assert {"mirror", "recirculation", "wake", "wake_clamped", "wake_looks", "wake_sleep"} <= set(waiting)
    assert not {"pair_stdp", "stdp_derivative"} & set(waiting)


class Fading(LearningRule):
    """A rule with a State that decays, a change that depends on the weight, and no promise."""

    name = "fading"
    eta, tau = Param(0.01), Param(10.0, "ms", above=0)
    free, nudged = Variable("pre", "n_free"), Variable("post", "n_free")
    seen = State(0.5, "tau")

    def on_signal(w, pre, post, p, value, syn):
        return w + p.eta * value * (pre.free * post.nudged - w * syn.seen), syn.seen + pre.free


def test_rules_with_states_that_make_no_promise() -> None:
    with registry.registry.override({"fading": Fading}):
        made, duration = network("fixed", 9, rule="fading", eta=1e-3), 9 * PERIOD
        online, single = (bytes_of(run(made, duration, b)) for b in (None, Batches(PERIOD, 1)))
        assert [name for name in online if online[name] != single[name]] == []
        one, two = (bytes_of(run(made, duration, Batches(PERIOD, 4, threads=n))) for n in (1, 2))
        assert [name for name in one if one[name] != two[name]] == []
        assert one["image_hidden1"] != online["image_hidden1"]


def refused(made: Network, batches: Batches | None = None, **more: object) -> str:
    batches = batches or Batches(4.0, 2)
    with pytest.raises(InputError) as caught:
        Simulation(made, batches=batches, **more)
    return str(caught.value)


def test_what_cannot_run_in_minibatches_is_named() -> None:
    made = train([1.0])
    assert "minibatches: size is not a number of them, found 0 (allowed: 1 or more)" in refused(made, Batches(4.0, 0))
    assert "minibatches: threads is not a number" in refused(made, Batches(4.0, 2, threads=0))
    assert "period: examples are whole numbers of ticks long, found 3.5 (allowed: multiples of 1 ms)" in refused(
        made, Batches(3.5, 2)
    )
    assert "resolution: minibatches run on the grid, found 'exact'" in refused(made, resolution="exact")
    made.connect("c", "c", "all_to_all", weight=0.1, receptor="apical", name="fast", plasticity="pair_stdp")
    made.add_input("steady", "dc_current", 1, {"amplitude": 1.0})
    made.add_population("e", "lif_delta", 2)
    made.connect("steady", "e", "all_to_all", weight=1.0, receptor="current")
    made.add_input("noise", "poisson", 2, {"rate": 10.0})
    made.connect("noise", "e", "one_to_one", weight=1.0, name="noisy")
    made.add_signal("own", population="c")
    made.record("c", "z", interval=1.0)
    words = refused(made)
    for part in (
        "projections.fast.plasticity: changes weights within an example, found 'PairSTDP' "
        "(allowed: a rule with on_signal alone and without traces)",
        "inputs.steady: currents do not run in minibatches",
        "noise: an input that nobody records does not run in minibatches. Record its spikes.",
        "signals.own: signals of populations are not for minibatches",
        "c.z: states are not recorded in minibatches",
    ):
        assert part in words


def test_a_signal_within_an_example_is_refused() -> None:
    simulation = Simulation(train([1.0]), batches=Batches(8.0, 2))
    with pytest.raises(InputError, match=r"signals\.s: a signal within an example, found 4\.0 .*Send it at the end"):
        simulation.run(8.0)


def test_a_minibatch_begins_with_an_example() -> None:
    simulation = Simulation(network("fixed", 4), batches=Batches(PERIOD, 2))
    simulation.run(3.0)
    simulation.reset()
    with pytest.raises(InputError, match="run: a minibatch begins within an example, found 3"):
        simulation.run(8.0)


def test_examples_that_draw_differently_are_refused() -> None:
    simulation = Simulation(train([1.0, 5.0, 6.0]), batches=Batches(4.0, 2))
    with pytest.raises(InputError, match="minibatches: examples take different numbers of random draws. Learn online"):
        simulation.run(8.0)
