"""Learning online or in minibatches: the 784-800-800-10 network of `neuromorph learn mnist`, on made-up images."""

from __future__ import annotations

import time
from typing import Any

LAYERS = (784, 800, 800, 10)
BRIGHT = 0.19  # fraction of MNIST's pixels that are not black
CYCLES = 20  # images before the measured ones, at least


def layers(scale: float) -> list[int]:
    """Cells of each layer at a scale; the ten classes stay."""
    return [max(round(n * scale), 4) for n in LAYERS[:-1]] + [LAYERS[-1]]


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Show images, both cycles and the update of all weights with each; `duration_ms` counts images, rounded up to
    whole minibatches of `batch` of them.
    """
    import dataclasses

    import numpy as np

    from neuromorph import __version__
    from neuromorph.engine.minibatch import Batches
    from neuromorph.tasks import layered, settings
    from neuromorph.tasks.images import Images
    from neuromorph_cli.benchmarks import measure as common
    from neuromorph_cli.benchmarks import sizes

    began = time.perf_counter()
    pixels, *hidden, _ = layers(request["scale"])
    size, asked = request["batch"], (max(int(request["warm_ms"]), CYCLES), max(int(request["duration_ms"]), 1))
    warm, count = (-(-n // size) * size for n in asked)
    shown, labels = images(pixels, request["seed"])
    data = Images("made up", shown, labels, shown[:1], labels[:1], 255.0)
    chosen = dataclasses.replace(settings.defaults("mnist", "mirror"), hidden=tuple(hidden), seed=request["seed"])
    order = np.random.default_rng(request["seed"]).integers(0, labels.size, warm + count)
    cycle, threads = layered.cycle(chosen, training=True), request["threads"]
    more = {"batches": Batches(cycle, size, threads=threads)} if size > 1 else {}
    request = request | {"resolution": 1.0, "threads": 1 if size > 1 else threads}
    simulation = common.simulate(layered.training_network(data, chosen, order), request, **more)
    built = time.perf_counter() - began
    simulation.run(cycle * warm)
    events, wall, cpu = simulation.synaptic_events, time.perf_counter(), time.process_time()
    simulation.run(cycle * count)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    events = simulation.synaptic_events - events
    synapses = sum(p.connections.n for p in simulation.network.projections)
    return {
        "version": f"neuromorph {__version__}", "build_s": built, "examples": count, "examples_per_s": count / wall,
        "s_per_example": wall / count, "cpu_s_per_example": cpu / count, "events_per_s": events / wall,
        "synapses": synapses,
        "bytes_per_synapse": sizes.synapse_bytes(simulation.network) / synapses, "peak_mb": common.peak_mb(),
    }  # fmt: skip


def images(pixels: int, seed: int, n: int = 1_000) -> tuple[Any, Any]:
    """Images as sparse as MNIST's, uint8[n, pixels], and labels int64[n]; ten prototypes and noise."""
    import numpy as np

    random = np.random.default_rng(seed)
    prototypes = random.random((10, pixels)) < BRIGHT
    labels = random.integers(0, 10, n)
    lit = prototypes[labels] ^ (random.random((n, pixels)) < 0.02)
    return (lit * random.integers(100, 256, (n, pixels))).astype(np.uint8), labels.astype(np.int64)
