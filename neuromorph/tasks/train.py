"""Train and test a layered network on images; everything runs as spikes through the emulator's queue."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.minibatch import Batches
from neuromorph.engine.resume import restore, snapshot
from neuromorph.engine.simulation import Engine
from neuromorph.errors import InputError, Problem, RunError
from neuromorph.simulate import Simulation
from neuromorph.tasks import layered
from neuromorph.tasks.autoencoder import Stack
from neuromorph.tasks.checkpoint import Checkpoint, beside, fingerprint, previous
from neuromorph.tasks.images import Images
from neuromorph.tasks.settings import Settings, check

#: minibatches (or images, online) between reports of progress and bounds of norms: 10 to 100 ms of wall time
PORTION = 20
#: spikes of a cell in one volley above which learning has gone wrong
RUNAWAY = 1e4
#: called with (what is going on, fraction done of it)
Progress = Callable[[str, float], None]


@dataclass
class Result:
    """What a training run came to: test errors, their curve over the epochs, and the work done.

    wall_s : time of all; train_s : of that, in training
    test_spikes : spikes of image, hidden cells and readout for one presentation of a test image, at the last test
    curve : test errors, test by test; with each, of the training before it: images_per_s, and of one image
    train_spikes (image, hidden cells and readout, all volleys) and error_spikes (sum of |n_nudged - n_free|)
    errors_by_passes : errors of the last test when it is read after 1, 2, ... of its presentations
    reconstruction : errors of the layers in pre-training, where there was any, as Stack.errors
    """

    top_down: str
    batch: int = 1
    test_errors: int = 0
    test_total: int = 0
    test_spikes: float = 0.0
    epochs: int = 0
    wall_s: float = 0.0
    train_s: float = 0.0
    spikes: int = 0
    synaptic_events: int = 0
    trace: str | None = None
    curve: list[int] = field(default_factory=list)
    images_per_s: list[float] = field(default_factory=list)
    train_spikes: list[float] = field(default_factory=list)
    error_spikes: list[float] = field(default_factory=list)
    errors_by_passes: list[int] = field(default_factory=list)
    reconstruction: dict[str, list[float]] = field(default_factory=dict)
    status: str = "complete"

    @property
    def accuracy(self) -> float:
        """Fraction of the test images that were read right."""
        return 1.0 - self.test_errors / max(self.test_total, 1)


class Training:
    """One training run: `network` is what is simulated, `run` trains epoch by epoch.

    stack : what autoencoder.pretrain found, whose weights are the first ones; otherwise these are drawn
    resumed : where to go on from, of a run with the same settings
    """

    def __init__(
        self, images: Images, settings: Settings, stack: Stack | None = None, resumed: Checkpoint | None = None
    ) -> None:
        check(settings)
        n = images.train_labels.size
        if settings.tests > 1 and settings.tests * settings.batch > n:
            allowed = f"at most {n // settings.batch}, one a minibatch"
            raise InputError(Problem("too many tests an epoch", "--set tests", settings.tests, allowed))
        self.images = images
        self.settings = settings
        self.resumed = resumed
        random = np.random.default_rng(settings.seed)
        self.order = np.concatenate([random.permutation(n) for _ in range(settings.epochs)])
        self.network = layered.training_network(images, settings, self.order, stack.weights if stack else None)
        self.result = Result(settings.top_down, settings.batch, test_total=images.test_labels.size)
        self.result.reconstruction = stack.errors if stack else {}
        if resumed is not None:
            self.result = Result(**resumed.of(images).result)
        self._interrupted, self._started = False, 0.0
        self._running: Engine | None = None
        self._training: Engine | None = None

    @property
    def time(self) -> float:
        """Simulated time of the training so far, in ms."""
        return 0.0 if self._training is None else self._training.time

    def stop(self) -> None:
        """Ask the run to end soon (safe from a signal handler)."""
        self._interrupted = True
        if self._running is not None:
            self._running.stop()

    def run(self, trace: str | Path | None = None, force: bool = False, progress: Progress | None = None) -> Result:
        """Train for all epochs, test after each (one pass) and at the end (`passes`); the trace keeps all of it."""
        started = self._started = time.perf_counter()
        self.result.trace = None if trace is None else str(trace)
        position = None if force else self._position(trace)
        with Simulation(self.network, trace=trace, force=force, batches=self._batches(), resume=position) as simulation:
            self._training = simulation
            if self.resumed is not None:
                restore(simulation, self.resumed.arrays)
            self._epochs(simulation, progress)
            self.result.status = "interrupted" if self._interrupted else "complete"
            summary = simulation.close(self.result.status)
        if trace is not None and not self._interrupted:
            for file in (beside(trace), previous(beside(trace))):
                file.unlink(missing_ok=True)
        self.result.spikes += summary["spikes"] + summary["input_spikes"]
        self.result.synaptic_events += summary["synaptic_events"]
        self.result.wall_s += time.perf_counter() - started
        return self.result

    def _position(self, trace: str | Path | None) -> dict[str, Any] | None:
        """Where a trace that is there already goes on, if this is a run that goes on."""
        if trace is None or self.resumed is None:
            return None
        there = Path(trace).exists() or Path(f"{trace}.part").exists()
        return self.resumed.position if there else None

    def _batches(self) -> Batches | None:
        s = self.settings
        period, n = layered.cycle(s, training=True), self.images.train_labels.size
        return Batches(period, s.batch, n, s.threads, s.momentum) if s.batch > 1 else None

    def _epochs(self, simulation: Simulation, progress: Progress | None) -> None:
        settings, n = self.settings, self.images.train_labels.size
        cycle = layered.cycle(settings, training=True)
        # an epoch is cut for its tests between two minibatches
        cuts = [round(n * k / settings.tests / settings.batch) * settings.batch for k in range(settings.tests)] + [n]
        for epoch in range(self.result.epochs, settings.epochs):
            for begin, end in zip(cuts, cuts[1:]):
                last = epoch == settings.epochs - 1 and end == n
                duration = cycle * (end - begin) + (layered.FIRST if last else 0.0)
                before, began = self._spikes(simulation), time.perf_counter()
                self._run(simulation, duration, f"epoch {epoch + 1}", progress, self._bound)
                seconds = time.perf_counter() - began
                self.result.train_s += seconds
                if self._interrupted:
                    return
                self._note_work(end - begin, seconds, self._spikes(simulation) - before)
                self.result.epochs = epoch + (end == n)
                self._test(simulation, last, progress)
                if self._interrupted:
                    return
            if not last:
                self._save(simulation)

    def _spikes(self, simulation: Engine) -> NDArray[np.float64]:
        """Spikes so far, and error spikes so far."""
        layers = layered.names(self.settings)
        wrong = [simulation.state(name, "error_spikes").sum() for name in layers[1:]]
        return np.array([sum(simulation.spike_counts[name] for name in layers), sum(wrong)])

    def _note_work(self, images: int, seconds: float, spikes: NDArray[np.float64]) -> None:
        self.result.images_per_s.append(images / seconds)
        self.result.train_spikes.append(float(spikes[0] / images))
        self.result.error_spikes.append(float(spikes[1] / images))

    def _save(self, simulation: Simulation) -> None:
        """Leave a checkpoint beside the trace, at the end of an epoch."""
        if self.result.trace is None:
            return
        images, wall_s = self.images, self.result.wall_s + time.perf_counter() - self._started
        result = dataclasses.asdict(self.result) | {"wall_s": wall_s}
        arrays, position = snapshot(simulation), simulation.sink.position()  # type: ignore[attr-defined]
        kept = Checkpoint(images.name, self.settings, fingerprint(images), result, arrays, position)
        kept.save(beside(self.result.trace))

    def _run(
        self,
        simulation: Engine,
        duration: float,
        what: str,
        progress: Progress | None,
        between: Callable[[Engine], None] = lambda _: None,
    ) -> None:
        self._running = simulation
        # in portions rather than with a callback, which would be called after every window
        whole = PORTION * self.settings.batch * layered.cycle(self.settings, training=True)
        done = 0.0
        while done < duration and not self._interrupted:
            portion = min(whole, duration - done)
            simulation.run(portion)
            self._watch(simulation)
            between(simulation)
            done += portion
            if progress is not None:
                progress(what, done / duration)

    def _watch(self, simulation: Engine) -> None:
        for name in layered.names(self.settings)[1:-1]:
            most = simulation.state(name, "n_free").max(initial=0.0)
            if most >= RUNAWAY:
                fix = "Lower the rates of learning (eta), or bound the cells (cap)."
                raise RunError(Problem("activity has run away", name, f"{most:.0f} spikes of a cell", fix=fix))

    def _bound(self, simulation: Engine) -> None:
        """Scale the weights onto each cell down to `norm`."""
        if self.settings.norm == math.inf:
            return
        layers = layered.names(self.settings)
        for below, above in zip(layers, layers[1:]):
            name = f"{below}_{above}"
            weights = simulation.weights(name)
            onto = weights.reshape(-1, simulation.cells[above].neurons.size)
            norms = np.sqrt((onto.astype(float) ** 2).sum(axis=0))
            if norms.max(initial=0.0) > self.settings.norm:
                onto *= np.minimum(1.0, self.settings.norm / np.maximum(norms, 1e-30))
                simulation.set_weights(name, onto.ravel())

    def _test(self, simulation: Simulation, last: bool, progress: Progress | None) -> None:
        weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.source != "teacher"}
        passes = self.settings.passes if last else 1
        counts = self.count(weights, passes, progress).cumsum(axis=1)
        wrong = counts.argmax(axis=2) != self.images.test_labels[:, None]
        if self._interrupted:
            return
        result = self.result
        result.errors_by_passes = np.count_nonzero(wrong, axis=0).tolist()
        result.test_errors = result.errors_by_passes[-1]
        result.curve.append(result.test_errors)
        if hasattr(simulation.sink, "learning"):
            curves = {"test_errors": result.test_errors, "test_spikes": result.test_spikes}
            curves |= {"train_spikes": result.train_spikes[-1], "error_spikes": result.error_spikes[-1]}
            for name, value in (curves | alignment(self.settings, weights)).items():
                simulation.sink.learning(name, [value], "1")
            if last:
                simulation.sink.learning("test_errors_by_passes", result.errors_by_passes, "1")

    def count(self, weights: dict[str, Any], passes: int, progress: Progress | None = None) -> NDArray[np.int64]:
        """Output spikes per test image, presentation and class, int64[n, passes, 10]."""
        settings = dataclasses.replace(self.settings, passes=passes)
        images = self.images
        network = layered.testing_network(images.test, images.brightest, settings, weights)
        simulation = Simulation(network, parts=settings.threads)
        assert simulation.asked_duration is not None
        self._run(simulation, simulation.asked_duration, "test", progress)
        times, cells = simulation.spikes("readout")
        period = layered.cycle(settings, training=False)  # the readout releases as the next cycle begins
        shown = np.rint((times - layered.FIRST) / period).astype(np.int64) - 1
        counts = np.zeros((images.test_labels.size, passes, layered.CLASSES), np.int64)
        np.add.at(counts, (shown // passes, shown % passes, cells), 1)
        summary = simulation.close()
        self.result.spikes += summary["spikes"] + summary["input_spikes"]
        self.result.synaptic_events += summary["synaptic_events"]
        shown_spikes = sum(simulation.spike_counts[name] for name in layered.names(settings))
        self.result.test_spikes = shown_spikes / (images.test_labels.size * passes)
        return counts


def alignment(settings: Settings, weights: dict[str, NDArray[np.float32]]) -> dict[str, float]:
    """Cosines between each top-down projection and what it may become for the bottom-up path that it answers.

    That path is one projection; with direct feedback the product of all from the hidden layer to the readout.
    alignment_ABOVE_BELOW : to its transpose; pseudo_inverse_ABOVE_BELOW : to its pseudo-inverse
    """
    layers = layered.names(settings)
    sizes = dict(zip(layers[1:], [*settings.hidden, layered.CLASSES]))
    out = {}
    for above, below in layered.feedback(settings):
        path = layers[layers.index(below) : layers.index(above) + 1]
        steps = [weights[f"{a}_{b}"].reshape(sizes[a], sizes[b]).astype(float) for a, b in zip(path, path[1:])]
        up = reduce(np.matmul, steps)
        down = weights[f"{above}_{below}"].reshape(sizes[above], sizes[below]).astype(float)
        out[f"alignment_{above}_{below}"] = _cosine(down, up.T)
        out[f"pseudo_inverse_{above}_{below}"] = _cosine(down, np.linalg.pinv(up))
    return out


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    norm = np.linalg.norm(one) * np.linalg.norm(other)
    return float((one * other).sum() / norm) if norm else 0.0
