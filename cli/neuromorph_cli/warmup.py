"""neuromorph warmup."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from neuromorph_cli import options, text
from neuromorph_cli.progress import Progress

GRID = 0.1
DURATION = 5.0  # ms, so that spikes are sent, arrive and are answered
#: model -> a weight that makes a cell fire, and one that inhibits where the receptors take it, in the receptor's unit
MODELS = {
    "lif_delta": (100.0, -1.0),
    "lif_exp": (1e4, -1.0),
    "lif_alpha": (1e4, -1.0),
    "lif_cond_exp": (1e3, 1.0),
    "izhikevich": (100.0, -1.0),
    "adex": (1e4, -1.0),
}
RULES = ("pair_stdp", "stdp_derivative")
KINDS = ("fixed", "wake", "mirror")


@click.command()
@options.json
@options.quiet
def warmup(as_json: bool, quiet: bool) -> int:
    """Compile the usual kernels ahead, so that the first run of a network starts at once.

    Runs tiny networks of every built-in model and rule, on the grid and at exact times. What is compiled already is
    loaded, which takes seconds.

    \b
    Example:
      neuromorph warmup
    """
    from neuromorph.kernels.jit import cache_directory

    folder = cache_directory()
    began, before = time.perf_counter(), _kernels(folder)
    done = []
    with Progress(not quiet) as progress:
        for name, resolution, network in _networks():
            progress.wait(f"{name}, {_words(resolution)}")
            done.append(_run(name, resolution, network, folder))
    report = {
        "folder": str(folder), "networks": done, "compiled": _kernels(folder) - before,
        "wall_s": time.perf_counter() - began,
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(report))
    elif not quiet:
        _print(report)
    return 0


def _run(name: str, resolution: Any, network: Any, folder: Any) -> dict[str, Any]:
    from neuromorph.simulate import Simulation

    began, before = time.perf_counter(), _kernels(folder)
    simulation = Simulation(network, resolution)
    asked = simulation.asked_duration
    simulation.run(DURATION if asked is None else asked)
    simulation.close()
    took = time.perf_counter() - began
    return {"name": name, "resolution": resolution, "compiled": _kernels(folder) - before, "wall_s": took}


def _kernels(folder: Any) -> int:
    """Compiled kernels in the folder: numba keeps each in a file of its own."""
    return sum(1 for _ in folder.glob("*.nbc"))


def _networks() -> Iterator[tuple[str, Any, Any]]:
    """(name, resolution, network): every model, every rule of two cells, and the networks that learn images."""
    from neuromorph.models.registry import get

    for model in MODELS:
        for resolution in (GRID, "exact"):
            if resolution == GRID or "exact" in get(model).resolutions:
                yield model, resolution, _cells(model)
    for rule in RULES:
        for resolution in (GRID, "exact"):
            yield rule, resolution, _cells("lif_delta", rule)
    for kind in KINDS:
        yield f"learning with {kind} top-down weights", 1.0, _layers(kind)


def _cells(model: str, rule: str | None = None) -> Any:
    """Poisson input onto cells that excite and inhibit one another; delays that are all alike, and some that differ."""
    from neuromorph.graph.network import Network

    strong, negative = MODELS[model]
    several = {"distribution": "uniform", "low": 1.0, "high": 2.0}
    network = Network("warmup")
    network.add_input("noise", "poisson", 8, {"rate": "2 kHz"})
    for name in ("E", "I"):
        network.add_population(name, model, 8)
        network.connect("noise", name, "one_to_one", strong, 1.0)
    network.connect("E", "I", "fixed_indegree", 1.0, 1.0, plasticity=rule, indegree=4)
    network.connect("I", "E", "bernoulli", negative, several, probability=0.5)
    return network


def _layers(kind: str) -> Any:
    """The network of `neuromorph learn` with few cells and ten images."""
    import numpy as np

    from neuromorph.tasks import layered, settings
    from neuromorph.tasks.images import Images

    pixels = np.arange(160, dtype=np.uint8).reshape(10, 16)
    images = Images("warmup", pixels, np.arange(10), pixels, np.arange(10), 160.0)
    chosen = settings.replace(settings.defaults("digits", kind), hidden=(8, 8))
    return layered.training_network(images, chosen, np.arange(10))


def _words(resolution: Any) -> str:
    return "exact times" if resolution == "exact" else f"steps of {resolution:g} ms"


def _print(report: dict[str, Any]) -> None:
    rows = [(one["name"], _words(one["resolution"]), one["compiled"], one["wall_s"]) for one in report["networks"]]
    text.columns(["network", "resolution", "compiled", "seconds"], rows)
    click.echo(f"{report['compiled']} kernels compiled in {text.seconds(report['wall_s'])}, into {report['folder']}")
