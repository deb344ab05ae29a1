"""Online learning, 784-800-800-10: examples per second after a first epoch, beside dense back-propagation in numpy.

    python benchmarks/learn.py --data FOLDER [--top-down mirror] [--warm 60000] [--examples 10000]

Prints one line of JSON. Both run on one core (pin them: taskset -c 1, OMP_NUM_THREADS=1). An example is a free and a
nudged cycle with all updates; `warm` examples are learnt first, since errors, and with them changes, get rare.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from neuromorph.simulate import Simulation
from neuromorph.tasks import layered
from neuromorph.tasks.images import Images, mnist
from neuromorph.tasks.settings import defaults

MINIBATCH = 32


def spiking(images: Images, top_down: str, warm: int, examples: int) -> dict[str, Any]:
    """Examples per second of process time, after `warm` examples."""
    settings = replace(defaults("mnist", top_down), epochs=1)
    order = np.random.default_rng(1).integers(0, images.train_labels.size, warm + examples)
    simulation = Simulation(layered.training_network(images, settings, order))
    period = layered.cycle(settings, training=True)
    simulation.run(period * warm)
    before, begin = simulation.synaptic_events, time.process_time()
    simulation.run(period * examples)
    spent = time.process_time() - begin
    return {
        "examples_per_s": round(examples / spent, 1),
        "us_per_example": round(1e6 * spent / examples, 1),
        "synaptic_events_per_example": round((simulation.synaptic_events - before) / examples),
    }


def dense(images: Images, examples: int) -> dict[str, Any]:
    """Examples per second of minibatch gradient descent on the same layers: float32, rectified units, softmax."""
    random = np.random.default_rng(1)
    sizes = [images.train.shape[1], 800, 800, layered.CLASSES]
    weights = [(random.standard_normal((n, m)) * np.sqrt(2.0 / n)).astype(np.float32) for n, m in zip(sizes, sizes[1:])]
    pixels = (images.train[:examples] / images.brightest).astype(np.float32)
    targets = np.eye(layered.CLASSES, dtype=np.float32)[images.train_labels[:examples]]
    _epoch(weights, pixels[: 10 * MINIBATCH], targets)
    begin = time.process_time()
    _epoch(weights, pixels, targets)
    return {"examples_per_s": round(examples / (time.process_time() - begin), 1), "minibatch": MINIBATCH}


def _epoch(weights: list[Any], pixels: Any, targets: Any, eta: float = 0.05) -> None:
    for k in range(0, len(pixels) - MINIBATCH + 1, MINIBATCH):
        layers = [pixels[k : k + MINIBATCH]]
        for w in weights[:-1]:
            layers.append(np.maximum(layers[-1] @ w, 0.0))
        output = np.exp(layers[-1] @ weights[-1])
        error = (output / output.sum(axis=1, keepdims=True) - targets[k : k + MINIBATCH]) / MINIBATCH
        for n in range(len(weights) - 1, -1, -1):
            change = layers[n].T @ error
            if n:
                error = (error @ weights[n].T) * (layers[n] > 0.0)
            weights[n] -= eta * change


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of MNIST's four IDX files")
    parser.add_argument("--top-down", default="mirror")
    parser.add_argument("--warm", type=int, default=60_000)
    parser.add_argument("--examples", type=int, default=10_000)
    arguments = parser.parse_args()
    images = mnist(arguments.data)
    print(
        json.dumps(
            {
                "case": "learn",
                "top_down": arguments.top_down,
                "warm": arguments.warm,
                "spiking": spiking(images, arguments.top_down, arguments.warm, arguments.examples),
                "dense": dense(images, arguments.examples),
            }
        )
    )


if __name__ == "__main__":
    main()
