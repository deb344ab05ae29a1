"""The reference for the case `learn`: the same layers trained by back-propagation in numpy, minibatches of 32.

Sigmoid cells, cross-entropy, plain gradient descent in float32; dense matrix products of the BLAS that numpy brings.
"""

import json
import resource
import sys
import time

import numpy as np

BATCH = 32


def main():
    request = json.load(sys.stdin)
    scale = request["scale"]
    layers = [max(round(n * scale), 4) for n in (784, 800, 800)] + [10]
    random = np.random.default_rng(request["seed"])
    began = time.perf_counter()
    weights = [random.normal(0.0, np.sqrt(1.0 / a), (a, b)).astype(np.float32) for a, b in zip(layers, layers[1:])]
    biases = [np.zeros(n, np.float32) for n in layers[1:]]
    lit = random.random((1_000, layers[0])) < 0.19
    images = (lit * random.random(lit.shape)).astype(np.float32)
    targets = np.eye(10, dtype=np.float32)[random.integers(0, 10, 1_000)]
    built = time.perf_counter() - began
    epoch(weights, biases, images, targets, max(int(request["warm_ms"]), BATCH), random)
    wall, cpu = time.perf_counter(), time.process_time()
    count = epoch(weights, biases, images, targets, 10 * max(int(request["duration_ms"]), BATCH), random)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({
        "version": f"numpy {np.__version__}", "build_s": built, "examples": count, "examples_per_s": count / wall,
        "s_per_example": wall / count, "cpu_s_per_example": cpu / count, "batch": BATCH,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))  # fmt: skip


def epoch(weights, biases, images, targets, count, random):
    """Train on `count` examples or a few more; returns how many."""
    batches = -(-count // BATCH)
    for _ in range(batches):
        chosen = random.integers(0, images.shape[0], BATCH)
        step(weights, biases, images[chosen], targets[chosen])
    return batches * BATCH


def step(weights, biases, x, target, eta=0.1):
    """One minibatch of gradient descent, in place."""
    activity = [x]
    for w, b in zip(weights, biases):
        activity.append(1.0 / (1.0 + np.exp(-(activity[-1] @ w + b))))
    delta = (activity[-1] - target) / np.float32(BATCH)
    for k in range(len(weights) - 1, -1, -1):
        below = (delta @ weights[k].T) * activity[k] * (1.0 - activity[k]) if k else None
        weights[k] -= np.float32(eta) * (activity[k].T @ delta)
        biases[k] -= np.float32(eta) * delta.sum(axis=0)
        delta = below


main()
