"""neuromorph learn digits|mnist|fashion|nmnist."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import click

from neuromorph.errors import InputError, Problem
from neuromorph.tasks.settings import TOP_DOWN, changed, counted, defaults
from neuromorph_cli import options, text
from neuromorph_cli.interrupts import Interrupted, Interrupts
from neuromorph_cli.progress import Progress
from neuromorph_cli.registered import names_of

#: kinds of top-down weights where none is asked for
KINDS = {"digits": ("fixed", "wake"), "mnist": ("mirror",), "fashion": ("mirror",), "nmnist": ("mirror",)}


@click.command()
@click.argument("task", type=click.Choice(list(KINDS)))
@click.option(
    "--top-down", multiple=True, type=click.Choice(TOP_DOWN),
    help="Top-down weights; by default mirror, but digits runs fixed and wake (with -o or --export fixed alone).",
)  # fmt: skip
@click.option(
    "--data",
    type=click.Path(),
    metavar="DIR",
    help="Folder of the four IDX files of MNIST or Fashion-MNIST, gzipped or not, or of N-MNIST's recordings.",
)
@click.option(
    "--hold-out", type=click.IntRange(1), metavar="N",
    help="Test on the last N training images, and train on the others: to choose settings.",
)  # fmt: skip
@click.option(
    "--kappa", type=click.FloatRange(min=0.0, min_open=True), metavar="K",
    help="Spikes per unit of activity in image and hidden layers, rates of learning to match; 8 by default.",
)  # fmt: skip
@click.option(
    "--looks", type=click.IntRange(1), metavar="N",
    help="Looks at each training image. With 2 (as for wake on MNIST) wake learns what chance changed between them.",
)  # fmt: skip
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE",
    help="Change a setting, such as cap=2 or w_max=0.5 (neuromorph/tasks/settings.py lists them); as often as need be.",
)  # fmt: skip
@click.option(
    "--rule", metavar="NAME", shell_complete=names_of("rules"),
    help="Rule of the bottom-up synapses; recirculation by default.",
)  # fmt: skip
@click.option(
    "--pretrain", type=click.Choice(["recirculation"]),
    help="First have each hidden layer learn to reconstruct the layer below it, without labels.",
)  # fmt: skip
@click.option("--hidden", metavar="N,N", help="Cells of each hidden layer, such as 800,800.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Times that every image is shown.")
@click.option(
    "--batch", type=click.IntRange(1), default=1, metavar="N",
    help="Images that learn together, all from the same weights; 1 by default: one after the other.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1), default=1, metavar="N",
    help="Cores that share the images of a minibatch; 1 by default. The result is the same for any number.",
)  # fmt: skip
@click.option("--passes", type=click.IntRange(1), metavar="N", help="Times that each image is shown in the last test.")
@click.option(
    "--resume", type=click.Path(), metavar="FILE",
    help="Go on from the checkpoint of a run in minibatches that was ended early, with the settings of that run.",
)  # fmt: skip
@options.seed
@click.option(
    "--export", type=click.Path(), metavar="FILE",
    help="Write the network that learns, for `neuromorph run`; train it here too only if -o is given.",
)  # fmt: skip
@options.output("Trace to write; traces/TASK-KIND.h5 by default.")
@options.plugin
@options.json
@options.quiet
@options.force
def learn(task: str, output: str | None, as_json: bool, quiet: bool, force: bool, **given: Any) -> int:
    """Train a network of spiking cells to read digits, without back-propagation.

    digits are the 1,797 scanned digits that scikit-learn ships, mnist the 70,000 of LeCun, Cortes & Burges, fashion
    Zalando's 70,000 clothes, nmnist recordings of MNIST by an event camera.

    \b
    Example:
      neuromorph learn digits
      neuromorph learn mnist --data mnist/ --top-down mirror --epochs 3
      neuromorph learn mnist --data mnist/ --batch 32 --threads 2
      neuromorph learn mnist --data mnist/ --resume a.checkpoint.npz
      neuromorph learn digits --pretrain recirculation
      neuromorph learn digits --export digits.toml && neuromorph run digits.toml
    """
    options.load_plugins(given["plugins"])
    alone = output or given["export"]
    kinds = given["top_down"] or (KINDS[task][:1] if alone else KINDS[task])
    if len(kinds) > 1 and alone:
        raise click.UsageError("-o and --export are for one kind of top-down weights: give --top-down once.")
    if given["data"] is not None and task == "digits":
        raise click.UsageError("--data is not for digits: scikit-learn brings them along.")
    if given["threads"] > 1 and given["batch"] == 1 and not given["resume"]:
        raise click.UsageError("--threads share the images of a minibatch: give --batch 2 or more, such as 32.")
    resumed = _resumed(task, given)
    settings = [_settings(task, kind, given) for kind in kinds] if resumed is None else [resumed.settings]
    if given["export"] and (settings[0].batch > 1 or settings[0].norm < math.inf):
        raise click.UsageError("--export writes a network that learns image by image: leave out batch, momentum, norm.")
    images = _images(task, given["data"])
    if given["hold_out"]:
        images = images.held_out(given["hold_out"])
    interrupts = Interrupts.of_command()
    stack = _pretrained(images, settings[0], quiet, interrupts) if given["pretrain"] else None
    if given["export"]:
        message = _export(images, settings[0], stack, given["export"], force)
        if not output:
            if as_json or not quiet:
                click.echo(json.dumps({"network": given["export"]}) if as_json else message)
            return 0
    results: list[Any] = []
    try:
        for one in settings:
            where = output or (_trace_of(given["resume"]) if resumed else None)
            with options.trace_file(where, f"{task}-{one.top_down}") as path, Progress(not quiet) as progress:
                results.append(_train(images, one, stack, resumed, path, force, interrupts, progress))
            if not (as_json or quiet):
                _print(images, results[-1])
            if interrupts.code:
                break
    except Interrupted:
        if not results:
            raise
    finally:
        if as_json and results:
            click.echo(_json(results))
    if interrupts.code and not quiet:
        held = [f"{r.trace} holds {r.epochs} of {one.epochs} epochs" for r, one in zip(results, settings)]
        click.echo(f"neuromorph: ended early; {', '.join(held)}{_how_to_go_on(results[-1])}", err=True)
    return interrupts.code


def _how_to_go_on(result: Any) -> str:
    from neuromorph.tasks.checkpoint import beside

    kept = beside(result.trace)
    return f"; to go on: --resume {kept}" if kept.exists() else ""


def _trace_of(checkpoint: str) -> str:
    """The trace that a checkpoint lies beside."""
    path = Path(checkpoint)
    stem = path.name.removesuffix(".npz").removesuffix(".previous").removesuffix(".checkpoint")
    return str(path.with_name(f"{stem}.h5"))


def _images(task: str, data: str | None) -> Any:
    from neuromorph.tasks import images, recordings

    if task == "digits":
        return images.digits()
    return {"mnist": images.mnist, "fashion": images.fashion, "nmnist": recordings.nmnist}[task](data)


def _resumed(task: str, given: dict[str, Any]) -> Any:
    """The checkpoint to go on from, if any: its settings hold, but for the number of threads."""
    if given["resume"] is None:
        return None
    from neuromorph.tasks.checkpoint import Checkpoint

    stated = (
        "top_down", "rule", "hidden", "epochs", "passes", "seed", "kappa", "looks", "changes", "export", "pretrain",
    )  # fmt: skip
    for name in (*stated, *(["batch"] if given["batch"] > 1 else [])):
        if given[name]:
            option = {"changes": "set"}.get(name, name).replace("_", "-")
            raise click.UsageError(f"--resume goes on with the settings of that run: leave out --{option}.")
    resumed = Checkpoint.load(given["resume"])
    if resumed.task != task:
        raise InputError(Problem("the checkpoint is of another task", given["resume"], resumed.task, task))
    threads = max(given["threads"], 1)
    return dataclasses.replace(resumed, settings=dataclasses.replace(resumed.settings, threads=threads))


def _settings(task: str, kind: str, given: dict[str, Any]) -> Any:
    changes = {k: given[k] for k in ("epochs", "passes", "seed", "rule", "threads") if given[k] is not None}
    if "rule" in changes:
        from neuromorph.learning import registry

        cls = registry.get(changes["rule"])
        if "on_signal" not in cls.hooks() or "eta" not in cls.parameters():
            allowed = "a rule with on_signal and a parameter eta, such as recirculation"
            raise InputError(Problem("cannot learn this task", "--rule", changes["rule"], allowed))
    if given["hidden"] is not None:
        try:
            changes["hidden"] = tuple(int(n) for n in given["hidden"].split(","))
        except ValueError:
            changes["hidden"] = (0,)
        if min(changes["hidden"]) < 1:
            allowed = "the cells of each layer, 1 or more, with commas, such as 800,800"
            raise InputError(Problem("not sizes of layers", "--hidden", given["hidden"], allowed))
    settings = dataclasses.replace(defaults(task, kind, given["batch"], given["looks"]), **changes)
    if given["kappa"] is not None:
        settings = counted(settings, given["kappa"])
    return changed(settings, given["changes"])


def _pretrained(images: Any, settings: Any, quiet: bool, interrupts: Interrupts) -> Any:
    """The stacked autoencoder, whose weights every kind begins with."""
    from neuromorph.tasks.autoencoder import Pretraining, pretrain

    with Progress(not quiet) as progress:

        def tell(what: str, done: float) -> None:
            if interrupts.code:
                raise Interrupted(interrupts.code)
            progress.show(what, done, "")

        progress.wait("pre-training: building the network")
        stack = pretrain(images, settings, Pretraining(), tell)
        for name, errors in stack.errors.items():
            shares = ", ".join(f"{100 * error:.1f}" for error in errors)
            progress.line(f"{name}: {shares} % of the variance below not reconstructed, epoch by epoch")
    return stack


def _export(images: Any, settings: Any, stack: Any, file: str, force: bool) -> str:
    """Write the network file and its arrays; returns what to tell."""
    from neuromorph.tasks.train import Training

    path = Path(file)
    arrays = path.with_suffix(".npz")
    for each in (path, arrays):
        if each.exists() and not force:
            fix = "Choose another name, or overwrite it with --force."
            raise InputError(Problem("the file exists already", str(each), fix=fix))
    Training(images, settings, stack).network.save(path)
    beside = f" and {arrays}" if arrays.exists() else ""
    return f"{path}{beside} written; to train it: neuromorph run {path}"


def _train(
    images: Any,
    settings: Any,
    stack: Any,
    resumed: Any,
    path: Path,
    force: bool,
    interrupts: Interrupts,
    progress: Progress,
) -> Any:
    from neuromorph.tasks.train import Training

    kind = settings.top_down
    progress.wait(f"{kind}: building the network")
    training = interrupts.running = Training(images, settings, stack, resumed)
    shown = Shown(training, kind, progress)

    def tell(what: str, done: float) -> None:
        interrupts.check()
        shown.tell(what, done)

    result = training.run(path, force, tell)
    shown.curve()
    return result


class Shown:
    """The progress of a training run, in images shown."""

    def __init__(self, training: Any, kind: str, progress: Progress) -> None:
        self._training, self._kind, self._progress = training, kind, progress
        train, test = training.images.train_labels.size, training.images.test_labels.size
        settings = self._settings = training.settings
        portion = train / settings.tests
        tested = settings.epochs * settings.tests
        self._phases = [portion, test] * (tested - 1) + [portion, test * settings.passes]
        self._began = (0.0, 0.0)
        self._lines = len(training.result.curve)

    def tell(self, what: str, done: float) -> None:
        """Called by the training with what it does and which fraction of that is done."""
        self.curve()
        phase = 2 * len(self._training.result.curve) + (what == "test")
        images = sum(self._phases[:phase]) + done * self._phases[phase]
        now = time.perf_counter()
        if not self._began[0]:
            self._began = now, images
            return
        rate = (images - self._began[1]) / (now - self._began[0])
        label = what if what == "test" else f"{what} of {self._settings.epochs}"
        self._progress.show(f"{self._kind}: {label}", images / sum(self._phases), f"{text.count(rate)} images/s")

    def curve(self) -> None:
        """A line for each test that has been done since the last one."""
        result = self._training.result
        for errors in result.curve[self._lines :]:
            self._lines += 1
            epochs = f"{self._lines / self._settings.tests:g}"
            self._progress.line(f"{self._kind}: epoch {epochs}, {_right(errors, result.test_total)}")


def _right(errors: int, total: int) -> str:
    return f"{100 * (1 - errors / max(total, 1)):.2f} % right ({text.count(errors)} errors of {text.count(total)})"


def _json(results: list[Any]) -> str:
    """The result of the first kind, and under `runs` those of all."""
    runs = [dataclasses.asdict(r) | ({} if r.curve else {"test_errors": None}) for r in results]
    return json.dumps({**runs[0], "runs": runs})


def _errors_of(result: Any) -> str:
    shown = [f"{value:.1f}" for value in result.error_spikes]
    return f"{shown[0]} a training image at first, {shown[-1]} at last" if shown else "none counted"


def _print(images: Any, result: Any) -> None:
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
    together = f", {result.batch} at a time," if result.batch > 1 else ""
    each = text.rate(result.epochs * images.train_labels.size, result.train_s)
    trained = f"{epochs} of {text.count(images.train_labels.size)} images{together} in {text.seconds(result.train_s)}"
    trained += f" ({each} images/s), {text.seconds(result.wall_s)} with tests"
    events = f"{text.count(result.synaptic_events)} ({text.rate(result.synaptic_events, result.wall_s)}/s)"
    tested = _right(result.test_errors, result.test_total) if result.curve else "not tested"
    text.facts(f"{images.name}, {result.top_down} top-down weights", [
        ("test images", tested),
        ("trained", trained),
        ("spikes", f"{text.count(result.spikes)} ({text.count(result.test_spikes)} for a test image shown once)"),
        ("error spikes", _errors_of(result)),
        ("synaptic events", events),
        ("trace", result.trace),
    ])  # fmt: skip
