"""Checkpoints of training: what goes on from one comes to what a run never cut comes to."""

import dataclasses

import numpy as np
import pytest

from neuromorph.engine.resume import snapshot
from neuromorph.errors import InputError, RunError
from neuromorph.simulate import Simulation
from neuromorph.tasks import images, layered
from neuromorph.tasks.checkpoint import Checkpoint, beside
from neuromorph.tasks.settings import changed, counted, defaults
from neuromorph.tasks.train import Training
from neuromorph.traces.reader import Trace


@pytest.fixture(scope="module")
def few():
    data = images.digits()
    return dataclasses.replace(
        data, train=data.train[:200], train_labels=data.train_labels[:200], test=data.test[:50],
        test_labels=data.test_labels[:50],
    )  # fmt: skip


def settings(**changes):
    one = dataclasses.replace(defaults("digits", "wake", 16), hidden=(30, 20), epochs=3, passes=2)
    return dataclasses.replace(one, **changes)


def weights(trace):
    with Trace(trace) as found:
        return {name: found.weights(name)[1][-1] for name in ("image_hidden1", "hidden2_hidden1", "bias_readout")}


class Cut(Training):
    """Is stopped once its second epoch has been tested, and then another portion has been run."""

    def cut(self, what, done):
        if self.result.epochs == 2 and what.startswith("epoch"):
            self.stop()


@pytest.mark.parametrize("changes", [{}, {"momentum": 0.9, "norm": 0.2, "looks": 2}], ids=["plain", "with all"])
def test_a_run_that_goes_on_comes_to_the_same_bytes(few, tmp_path, changes):
    whole = Training(few, settings(**changes)).run(tmp_path / "whole.h5")
    assert not beside(tmp_path / "whole.h5").exists()  # it came to its end
    cut = Cut(few, settings(**changes))
    early = cut.run(tmp_path / "cut.h5", progress=cut.cut)
    assert (early.status, early.epochs) == ("interrupted", 2)
    kept = Checkpoint.load(beside(tmp_path / "cut.h5"))
    assert kept.result["curve"] == whole.curve[:2]
    assert kept.result["wall_s"] > kept.result["train_s"] > 0
    one = dataclasses.replace(kept.settings, threads=2)
    after = Training(few, one, resumed=dataclasses.replace(kept, settings=one)).run(tmp_path / "after.h5")
    assert (after.curve, after.test_errors, after.epochs) == (whole.curve, whole.test_errors, 3)
    assert after.synaptic_events == whole.synaptic_events
    expected = weights(tmp_path / "whole.h5")
    for name, values in weights(tmp_path / "after.h5").items():
        assert np.ptp(values) > 0
        np.testing.assert_array_equal(values, expected[name])


def test_tests_within_an_epoch_change_nothing(few, tmp_path):
    once = Training(few, settings(epochs=2)).run(tmp_path / "once.h5")
    often = Training(few, settings(epochs=2, tests=3)).run(tmp_path / "often.h5")
    assert len(often.curve) == 6
    assert often.curve[2::3] == once.curve
    expected = weights(tmp_path / "once.h5")
    for name, values in weights(tmp_path / "often.h5").items():
        np.testing.assert_array_equal(values, expected[name])


def test_checkpoints_of_something_else_are_refused(few, tmp_path):
    cut = Cut(few, settings())
    cut.run(tmp_path / "cut.h5", progress=cut.cut)
    file = beside(tmp_path / "cut.h5")
    kept = Checkpoint.load(file)
    other = dataclasses.replace(few, train_labels=few.train_labels[::-1].copy())
    with pytest.raises(InputError, match="the checkpoint is of other training images"):
        Training(other, kept.settings, resumed=kept)
    wider = dataclasses.replace(kept.settings, hidden=(31, 20))
    with pytest.raises(InputError, match=r"the checkpoint is of another network.*found \(\d+, 30\)"):
        Training(few, wider, resumed=kept).run()
    endless = dataclasses.replace(kept, arrays={**kept.arrays, "end_ms": np.array("1e999999999")})
    with pytest.raises(InputError, match="end_ms: the checkpoint is of another network, found '1e999999999'"):
        Training(few, kept.settings, resumed=endless).run()
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputError, match="is no checkpoint of a training run"):
        Checkpoint.load(file)
    np.savez(file, something=np.zeros(3))
    with pytest.raises(InputError, match="is no checkpoint of a training run"):
        Checkpoint.load(file)
    with pytest.raises(InputError, match=r"none\.npz.*cannot be read|cannot be read.*none\.npz"):
        Checkpoint.load(tmp_path / "none.npz")


def test_a_run_goes_on_in_its_own_trace(few, tmp_path):
    """Online, where each image is learnt from by itself, as well."""
    for batch in (1, 4):
        whole = Training(few, settings(batch=batch)).run(tmp_path / f"whole{batch}.h5")
        cut = Cut(few, settings(batch=batch))
        trace = tmp_path / f"cut{batch}.h5"
        assert cut.run(trace, progress=cut.cut).status == "interrupted"
        kept = Checkpoint.load(beside(trace))
        after = Training(few, kept.settings, resumed=kept).run(trace)
        assert (after.curve, after.status) == (whole.curve, "complete")
        assert not list(tmp_path.glob("*.npz"))
        with Trace(trace) as found, Trace(tmp_path / f"whole{batch}.h5") as expected:
            assert found.status == "complete"
            for name in ("image_hidden1", "hidden2_hidden1", "bias_readout"):
                np.testing.assert_array_equal(found.weights(name)[1], expected.weights(name)[1])
            for name in expected.populations:
                np.testing.assert_array_equal(found.spikes(name), expected.spikes(name))
            assert sorted(found.learning) == sorted(expected.learning)
            for name, curve in expected.learning.items():
                np.testing.assert_array_equal(found.learning[name], curve)


def test_only_between_minibatches(few):
    training = Training(few, settings())
    batches = training._batches()
    simulation = Simulation(training.network, batches=batches)
    simulation.run(batches.period * 5)
    with pytest.raises(InputError, match="in the middle of a minibatch"):
        snapshot(simulation)
    simulation.run(batches.period * 11)
    assert int(snapshot(simulation)["tick"]) == 16 * batches.period


@pytest.mark.parametrize(("given", "words"), [
    ("kapa=2", "unknown setting 'kapa'.*Did you mean 'kappa'"),
    ("kappa=two", "not a value of this setting.*found 'two'.*a number"),
    ("hidden=3,x", "not a value of this setting.*cells such as 800,800"),
    ("epochs=2.5", "not a value of this setting.*a whole number"),
    ("epochs=0", "value out of range.*1 or more"),
    ("looks=2", "unknown setting 'looks'"),
    ("momentum=1", "value out of range.*0 to less than 1"),
    ("norm=0", "value out of range.*above 0"),
    ("poisson=maybe", "not a value of this setting.*true or false"),
        ("schedule=cosine", "no such schedule.*linear or constant"),
    ("top_down=wake", "unknown setting 'top_down'"),
])  # fmt: skip
def test_settings_that_are_none(given, words):
    with pytest.raises(InputError, match=words):
        changed(settings(), [given])


@pytest.mark.parametrize("hidden", [[], [1.5], [10**12], [0]])
def test_settings_of_a_file_have_sizes_of_layers(hidden):
    from neuromorph.tasks import settings as kept

    given = dataclasses.asdict(settings())
    assert kept.from_file(given) == settings()
    with pytest.raises(ValueError, match="^hidden layers have no sizes$"):
        kept.from_file(given | {"hidden": hidden})


def test_settings_that_do_not_go_together(few):
    silenced = dataclasses.replace(defaults("digits", "wake", looks=2), dropout=0.2)
    with pytest.raises(InputError, match="would be taken for luck.*--looks 1"):
        Training(few, silenced)
    with pytest.raises(InputError, match="momentum goes from one minibatch to the next"):
        Training(few, dataclasses.replace(defaults("digits", "wake"), momentum=0.5))
    with pytest.raises(InputError, match="looks: value out of range.*1 or more"):
        Training(few, settings(looks=0))
    with pytest.raises(InputError, match="too many tests an epoch.*at most 12, one a minibatch"):
        Training(few, settings(tests=13))


def test_activity_that_runs_away_is_named(few):
    with pytest.raises(RunError, match="hidden.: activity has run away, found '[0-9]+ spikes of a cell'.*cap"):
        Training(few, dataclasses.replace(defaults("digits", "fixed", 16), cap=np.inf, eta=1.0, epochs=2)).run()


def test_gains_of_two_looks_fit_any_number_of_spikes():
    """Down from the readout comes what a spike below does there, which is a weight; hidden counts go with kappa."""
    one = defaults("mnist", "wake", 32)
    two = counted(one, 2.0)
    assert one.looks == 2
    assert (two.gamma_top, two.gamma) == (one.gamma_top / 4, one.gamma * 4)
    assert (two.eta_top_down, two.eta_top_readout) == (one.eta_top_down, one.eta_top_readout)


def test_momentum_is_for_minibatches():
    with pytest.raises(InputError, match="momentum goes from one minibatch to the next.*Give --batch 2 or more"):
        changed(defaults("digits", "wake"), ["momentum=0.5"])
    assert changed(defaults("digits", "wake", 8), ["momentum=0.5"]).momentum == 0.5


def test_settings_are_changed():
    one = changed(settings(), ["kappa=2", "hidden=5,6,7", "cap=inf", "tests=4", "poisson=true"])
    assert (one.kappa, one.hidden, one.cap, one.tests, one.poisson) == (2.0, (5, 6, 7), float("inf"), 4, True)


def test_images_held_out(few):
    held = few.held_out(60)
    np.testing.assert_array_equal(np.concatenate([held.train, held.test]), few.train)
    np.testing.assert_array_equal(held.test_labels, few.train_labels[-60:])
    for n in (0, 200):
        with pytest.raises(InputError, match=f"cannot hold out so many images.*found {n}.*1 to 199"):
            few.held_out(n)


def test_weights_keep_within_their_bound(few, tmp_path):
    Training(few, settings(w_max=0.05, eta=1e-2, epochs=2)).run(tmp_path / "bound.h5")
    values = weights(tmp_path / "bound.h5")["image_hidden1"]
    assert np.abs(values).max() <= np.float32(0.05)
    assert np.abs(values).max() > 0.049


def test_a_constant_schedule_learns_at_full_rate_to_the_end(few):
    for schedule, last in (("linear", 0.0), ("constant", 1.0)):
        network = layered.training_network(few, settings(schedule=schedule), np.arange(40))
        assert network.graph.graph["signals"]["learn"]["last"] == last


@pytest.mark.parametrize("kind", ["fixed", "direct", "wake", "mirror", "transpose"])
def test_other_counts_of_spikes_and_back(kind):
    one = defaults("mnist", kind, 32)
    two = counted(one, 2.0)
    assert (two.kappa, two.kappa_in, two.kappa_readout) == (2.0, 2.0, 64.0)
    assert (two.eta / one.eta, two.eta_readout / one.eta_readout) == (64.0, 16.0)
    assert counted(two, 8.0) == one  # powers of two: exactly


@pytest.mark.parametrize("kind", ["fixed", "mirror"])
def test_fewer_spikes_learn_the_same(kind):
    """The first change of the weights, in units of activity: expected to be the same, whatever the number of spikes."""
    data, changes = images.digits(), []
    for kappa in (8.0, 32.0):
        one = counted(dataclasses.replace(defaults("digits", kind, 64), schedule="constant"), kappa)
        simulation = Simulation(
            layered.training_network(data, one, np.arange(640)), batches=Training(data, one)._batches()
        )
        before = {name: simulation.weights(name) for name in ("image_hidden1", "hidden2_readout")}
        simulation.run(layered.cycle(one, training=True) * 640)
        changes.append({name: (simulation.weights(name) - w) * kappa for name, w in before.items()})
    for name, first in changes[0].items():
        second = changes[1][name]
        assert np.vdot(first, second) / np.vdot(second, second) == pytest.approx(1.0, abs=0.25)
