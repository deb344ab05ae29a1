"""The learning task: spikes alone, every weight change accounted for, and digits read right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import comparison
import oracle
from neuromorph import Simulation, Trace
from neuromorph.tasks import images, layered
from neuromorph.tasks.settings import TOP_DOWN, defaults
from neuromorph.tasks.train import Training, alignment


@pytest.fixture(scope="module")
def digits() -> images.Images:
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    return images.digits()


def small(top_down: str, looks: int = 1, **changes: object) -> object:
    return replace(defaults("digits", top_down, 1, looks), hidden=(40, 30), epochs=1, passes=2, **changes)


@pytest.mark.parametrize("top_down", ["fixed", "direct", "wake"])
def test_digits_are_learnt(digits: images.Images, top_down: str) -> None:
    """Two passes over the 1,437 digits make 94 % (chance: 10 %); `neuromorph learn digits` is the full run."""
    result = Training(digits, replace(defaults("digits", top_down), epochs=2, passes=8)).run()
    assert result.accuracy > 0.94
    assert result.curve[-1] == result.test_errors
    assert result.spikes > 1_000_000


def test_digits_are_learnt_in_minibatches(digits: images.Images) -> None:
    """Three passes in minibatches of 32 make 94 %, at half the rates of learning online."""
    settings = replace(defaults("digits", "mirror", 32), epochs=3)
    assert settings.eta == 0.5 * defaults("digits", "mirror").eta
    assert defaults("digits", "fixed", 32).eta_readout == 0.25 * defaults("digits", "fixed").eta_readout
    assert Training(digits, settings).run().accuracy > 0.94


@pytest.mark.parametrize(
    ("top_down", "looks"), [("fixed", 1), ("direct", 1), ("wake", 1), ("wake", 2), ("mirror", 1), ("direct", 2)]
)
def test_recorded_spikes_of_examples_reproduce_every_weight_change(
    digits: images.Images, top_down: str, looks: int
) -> None:
    """The oracle is fed the inputs' recorded spikes of two images and must arrive at every weight of 64-200-200-10.

    It knows nothing of images or labels: what it gets are spikes, initial weights and the rules' equations.
    """
    rates = {"eta": 4e-3, "eta_readout": 1e-3}  # at which a wrong change shows
    settings = replace(defaults("digits", top_down, 1, looks), **rates)
    network = layered.training_network(digits, settings, np.array([3, 7]))
    network.graph.graph["record"] = []
    for name in [*layered.names(settings), "bias", "teacher", "pacemaker"]:
        network.record(name, "spikes")
    duration = layered.FIRST + 2 * layered.cycle(settings, training=True)
    simulation = Simulation(network)
    simulation.run(duration)
    simulation._take_spikes()
    expected = oracle.simulate(comparison.for_oracle(simulation, duration))
    assert comparison.engine_spikes(simulation) == [tuple(s) for s in expected["spike_ticks"]]
    changed = 0
    for projection in simulation.network.projections:
        if projection.plasticity is None:
            continue
        after = simulation.weights(projection.name)
        np.testing.assert_array_equal(after, np.array(expected["weights"][projection.name], np.float32))
        before = np.empty_like(after)
        for rows in projection.plasticity.parts:
            before[rows.origin] = rows.weight
        changed += np.count_nonzero(after != before)
    assert changed > 1000


def test_a_gate_opened_by_hand_lets_in_what_is_under_way(digits: images.Images) -> None:
    """Volleys onto closed gates are not added up, but those that arrive after a cut are: a gate may be set there."""
    network = layered.training_network(digits, defaults("digits", "mirror"), np.array([3, 7]))
    whole, cut = Simulation(network), Simulation(network)
    whole.run(8.0)  # hidden1 releases its nudged volley, which reaches hidden2 at 9
    for _ in range(8):
        cut.run(1.0)
    before = whole.state("hidden2", "z")
    for simulation in (whole, cut):
        np.testing.assert_array_equal(simulation.state("hidden2", "gate"), 0.0)
        simulation.set_state("hidden2", "gate", 1.0)
        simulation.run(1.0)
    assert np.all(whole.state("hidden2", "z") != before)
    for name in ("z", "a", "u", "n_mean"):
        np.testing.assert_array_equal(whole.state("hidden2", name), cut.state("hidden2", name))
    assert whole.synaptic_events == cut.synaptic_events


@pytest.mark.parametrize("top_down", ["fixed", "direct", "wake", "mirror"])
def test_cuts_and_parts_change_no_weight(digits: images.Images, top_down: str) -> None:
    network = layered.training_network(digits, defaults("digits", top_down), np.arange(12))
    whole, cut, split = Simulation(network), Simulation(network), Simulation(network, parts=2)
    for simulation, durations in ((whole, [97.0]), (split, [97.0]), (cut, [5.0, 3.0, 1.0, 1.0, 46.0, 1.0, 40.0])):
        simulation.run(durations[0])
        for duration in durations[1:]:
            simulation.run(duration)
    for projection in whole.network.projections:
        expected = whole.weights(projection.name)
        for simulation in (cut, split):
            np.testing.assert_array_equal(simulation.weights(projection.name), expected)
    assert whole.synaptic_events == cut.synaptic_events == split.synaptic_events
    assert whole.spike_counts == cut.spike_counts == split.spike_counts


@pytest.mark.parametrize("hidden", [(9,), (20, 12), (20, 12, 8)], ids=len)
def test_direct_feedback_brings_the_change_of_the_readout_to_every_hidden_layer(
    digits: images.Images, hidden: tuple[int, ...]
) -> None:
    """Free counts before the latch, nudged ones between latch and nudge; nothing goes from one hidden layer down."""
    settings = replace(defaults("digits", "direct"), hidden=hidden)
    simulation = Simulation(layered.training_network(digits, settings, np.arange(7)))
    down = [(p.source, p.target) for p in simulation.network.projections if p.source in layered.names(settings)[1:]]
    assert {below for above, below in down if above == "readout"} == set(layered.names(settings)[1:-1])
    assert [(a, b) for a, b in down if a != "readout" and a >= b] == []
    period, changed = layered.cycle(settings, training=True), 0
    simulation.run(layered.FIRST)
    for _ in range(6):
        simulation.run(period)
        free, nudged = (simulation.state("readout", name) for name in ("n_free", "n_nudged"))
        changed += np.count_nonzero(free != nudged)
        for below in layered.names(settings)[1:-1]:
            weights = simulation.weights(f"readout_{below}").reshape(layered.CLASSES, -1).astype(float)
            assert simulation.state(below, "a_free") == pytest.approx(free @ weights)
            assert simulation.state(below, "a") == pytest.approx(nudged @ weights)
    assert changed > 10
    simulation.run(1.0)  # a new cycle: nothing of the last one is left
    assert not any(simulation.state(below, "a").any() for below in layered.names(settings)[1:-1])


def test_alignment_of_direct_feedback_is_with_the_whole_path(digits: images.Images) -> None:
    settings = small("direct")
    random = np.random.default_rng(1)
    low, high = random.standard_normal((40, 30)), random.standard_normal((30, 10))
    weights = {"hidden1_hidden2": low.ravel(), "hidden2_readout": high.ravel()}
    weights |= {"readout_hidden1": 0.5 * (low @ high).T.ravel(), "readout_hidden2": -high.T.ravel()}
    found = alignment(settings, weights)
    assert found["alignment_readout_hidden2"] == pytest.approx(-1.0)
    assert found["alignment_readout_hidden1"] == pytest.approx(1.0)


def test_fixed_top_down_weights_stay(digits: images.Images) -> None:
    training = Training(digits, small("fixed"))
    simulation = Simulation(training.network)
    before = simulation.weights("hidden2_hidden1")
    simulation.run(400.0)
    np.testing.assert_array_equal(simulation.weights("hidden2_hidden1"), before)
    assert np.any(simulation.weights("image_hidden1") != Simulation(training.network).weights("image_hidden1"))


def test_transpose_stays_the_transpose(digits: images.Images) -> None:
    settings = small("transpose")
    simulation = Simulation(Training(digits, settings).network)
    simulation.run(2000.0)
    weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections}
    found = alignment(settings, weights)
    for above, below in (("hidden2", "hidden1"), ("readout", "hidden2")):
        assert found[f"alignment_{above}_{below}"] > 0.999
        # of a matrix that is not orthogonal the transpose is not the pseudo-inverse
        assert 0.1 < found[f"pseudo_inverse_{above}_{below}"] < 0.99


def test_alignment_to_the_pseudo_inverse(digits: images.Images) -> None:
    settings, random = small("fixed"), np.random.default_rng(1)
    sizes = {"hidden1": settings.hidden[0], "hidden2": settings.hidden[1], "readout": 10}
    weights = {}
    for below, above in (("hidden1", "hidden2"), ("hidden2", "readout")):
        up = random.standard_normal((sizes[below], sizes[above]))
        weights[f"{below}_{above}"] = up.ravel()
        weights[f"{above}_{below}"] = 3.0 * np.linalg.pinv(up).ravel()
    found = alignment(settings, weights)
    for above, below in (("hidden2", "hidden1"), ("readout", "hidden2")):
        assert found[f"pseudo_inverse_{above}_{below}"] > 0.999999


def test_two_looks_tell_what_chance_changed(digits: images.Images) -> None:
    """Steps and luck of the counts of two volleys; of the readout's, twice the same image with other counts."""
    settings = small("wake", 2)
    made = layered.training_network(digits, settings, np.arange(30))
    made.graph.graph["record"] = [{"population": "image", "variable": "spikes"}]
    simulation, lucks = Simulation(made), []
    look = layered.cycle(settings, training=True) / 2
    simulation.run(layered.FIRST)
    for k in range(30):
        simulation.run(look)
        free = simulation.state("hidden1", "n_free")
        luck = free - settings.kappa * np.clip(simulation.state("hidden1", "z"), 0.0, settings.cap)
        simulation.run(look)
        again = simulation.state("hidden1", "n_free")
        other = again - settings.kappa * np.clip(simulation.state("hidden1", "z"), 0.0, settings.cap)
        np.testing.assert_array_equal(simulation.state("hidden1", "n_step"), again - free)
        np.testing.assert_allclose(simulation.state("hidden1", "luck_step"), other - luck, atol=1e-12)
        lucks.append(other - luck)
        times, cells = simulation.spikes("image")
        volleys = [cells[times == layered.FIRST + (2 * k + half) * look + 1] for half in (0, 1)]
        shown = [np.bincount(v, minlength=64) for v in volleys]
        assert np.all(np.abs(shown[0] - shown[1]) <= 1)  # floor(u + mean) of the same mean
        assert np.any(shown[0] != shown[1])
    lucks = np.array(lucks)
    assert np.abs(lucks).max() < 2
    assert abs(lucks.mean()) < 5 * lucks.std() / np.sqrt(lucks.size)


def test_two_looks_align_top_down_weights_while_bottom_up_ones_stay(digits: images.Images) -> None:
    """Without any error: from nothing to cosines above 0.5 with the transpose; chance would make 0.03 and 0.06."""
    rates = {"eta": 0.0, "eta_readout": 0.0, "eta_top_down": 2e-3, "eta_top_readout": 2e-3, "schedule": "constant"}
    settings = small("wake", 2, spread=2.0, top_down_std=0.0, top_readout_std=0.0, readout_bias=0.0, **rates)
    training = Training(digits, settings)
    simulation = Simulation(training.network)
    start = {p.name: simulation.weights(p.name) for p in simulation.network.projections}
    assert not start["hidden2_hidden1"].any()
    simulation.run(layered.cycle(settings, training=True) * 1400)
    end = {p.name: simulation.weights(p.name) for p in simulation.network.projections}
    np.testing.assert_array_equal(end["hidden1_hidden2"], start["hidden1_hidden2"])
    found = alignment(settings, end)
    assert found["alignment_hidden2_hidden1"] > 0.5
    assert found["alignment_readout_hidden2"] > 0.5


def test_norms_are_bounded_whatever_the_momentum(digits: images.Images) -> None:
    data = replace(digits, train=digits.train[:200], train_labels=digits.train_labels[:200], test=digits.test[:20])
    data = replace(data, test_labels=data.test_labels[:20])
    largest = {}
    for norm, momentum in ((np.inf, 0.0), (0.11, 0.0), (0.11, 0.5)):
        settings = replace(small("mirror"), batch=8, norm=norm, momentum=momentum, eta=2e-3)
        training = Training(data, settings)
        training.run()
        w = training._training.weights("image_hidden1").astype(float).reshape(64, 40)
        largest[norm] = np.sqrt((w**2).sum(axis=0)).max()
    assert largest[np.inf] > 0.14
    assert largest[0.11] <= 0.11 * (1 + 1e-6)


def test_a_run_counts_its_error_spikes_and_errors_by_passes(digits: images.Images, tmp_path: Path) -> None:
    settings = replace(small("mirror"), epochs=2, batch=16, passes=3)
    training = Training(digits, settings)
    result = training.run(tmp_path / "a.h5")
    assert len(result.error_spikes) == len(result.train_spikes) == len(result.images_per_s) == len(result.curve) == 2
    assert 0 < result.error_spikes[1] < result.error_spikes[0] < result.train_spikes[0]
    layers = layered.names(settings)[1:]
    wrong = sum(training._training.state(name, "error_spikes").sum() for name in layers)
    assert wrong == pytest.approx(sum(result.error_spikes) * digits.train_labels.size)
    assert len(result.errors_by_passes) == 3
    assert result.errors_by_passes[-1] == result.test_errors == result.curve[-1]
    with Trace(tmp_path / "a.h5") as trace:
        kept = trace.learning
    np.testing.assert_array_equal(kept["error_spikes"], result.error_spikes)
    np.testing.assert_array_equal(kept["train_spikes"], result.train_spikes)
    np.testing.assert_array_equal(kept["test_errors_by_passes"], result.errors_by_passes)


def test_mirror_grows_alike(digits: images.Images) -> None:
    settings = small("mirror")
    simulation = Simulation(Training(digits, settings).network)
    simulation.run(8.0)
    start = alignment(settings, {p.name: simulation.weights(p.name) for p in simulation.network.projections})
    simulation.run(8.0 * 1437)
    end = alignment(settings, {p.name: simulation.weights(p.name) for p in simulation.network.projections})
    assert end["alignment_readout_hidden2"] > 0.8 > start["alignment_readout_hidden2"]
    assert end["alignment_hidden2_hidden1"] > start["alignment_hidden2_hidden1"] + 0.1


def test_training_runs_the_same_twice_and_stops_early(digits: images.Images) -> None:
    first, second = (Training(digits, small("wake")).run() for _ in range(2))
    assert (first.curve, first.spikes, first.synaptic_events) == (second.curve, second.spikes, second.synaptic_events)
    training = Training(digits, small("wake"))
    result = training.run(progress=lambda what, done: training.stop())
    assert result.status == "interrupted"
    assert result.epochs == 0


@pytest.mark.parametrize("top_down", TOP_DOWN)
def test_no_rule_or_model_reads_another_projection(top_down: str) -> None:
    """Locality: rules see a synapse and its two cells; nothing in a hook's arguments can name another weight."""
    from neuromorph.learning import registry

    settings = defaults("digits", top_down)
    rules = {settings.rule, "mirror", "wake", "wake_clamped", "wake_looks"}
    for name in rules:
        for hook in registry.get(name).hooks().values():
            code = hook.__code__
            assert code.co_varnames[:4] == ("w", "pre", "post", "p")
            assert not code.co_freevars


def test_dropout_silences_its_share_of_the_hidden_cells_and_tests_with_all_of_them(digits: images.Images) -> None:
    settings = small("mirror", dropout=0.25)
    shown = np.arange(200)
    simulation, silent = Simulation(layered.training_network(digits, settings, shown)), np.zeros(40)
    simulation.run(layered.FIRST)
    for _ in shown:
        simulation.run(layered.cycle(settings, training=True))
        out = simulation.state("hidden1", "z") < layered.SILENCE / 2
        assert np.all(simulation.state("hidden1", "n_free")[out] == 0.0)
        assert np.all(simulation.state("hidden1", "change")[out] == 0.0)
        silent += out
    # 8,000 draws, 200 a cell
    assert silent.mean() / 200 == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 8000))
    assert silent.min() > 20

    weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.source != "teacher"}
    tested = Simulation(layered.testing_network(digits.test, digits.brightest, settings, weights))
    np.testing.assert_allclose(tested.weights("hidden1_hidden2"), 0.75 * weights["hidden1_hidden2"], rtol=1e-6)
    np.testing.assert_array_equal(tested.weights("image_hidden1"), weights["image_hidden1"])
    assert not any(p.name.startswith("dropout") for p in tested.network.inputs)


def test_hidden_cells_may_draw_poisson_counts(digits: images.Images) -> None:
    """Counts above kappa + 1, which rounding at random never makes."""
    most = {}
    for poisson in (False, True):
        simulation = Simulation(layered.training_network(digits, small("mirror", poisson=poisson), np.arange(50)))
        most[poisson] = 0.0
        for _ in range(50):
            simulation.run(8.0)
            most[poisson] = max(most[poisson], simulation.state("hidden1", "n_free").max())
    assert most[False] <= 8.0 < most[True]
