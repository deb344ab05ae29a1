"""What one core of this machine can do, as JSON: the roofs that docs/roofline.md measures the cases against.

python benchmarks/roofline.py. Pins itself to the last core; each figure is the best of several runs, since a bound is
what the machine can do, not what it does while others use it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

RUNS = 7
STREAM = 1 << 25  # float64, 256 MB: far more than any cache holds
UPDATES = 10_000_000
ARRAYS = {"100 KB": 12_800, "1 MB": 131_072, "20 MB": 2_621_440}  # float64 each
WORK = 20_000_000
LANES, DEPTH = 1_024, 32  # 8 KB, and multiply-adds for each load
njit = numba.njit(error_model="numpy", boundscheck=False)
fast = numba.njit(error_model="numpy", boundscheck=False, fastmath={"contract", "reassoc"})


@fast
def stream(a: Any) -> float:
    """Read an array once."""
    total = 0.0
    for k in range(a.size):
        total += a[k]
    return total


@njit
def scatter(target: Any, index: Any) -> None:
    """Add to places in random order: a synaptic event without its weight."""
    for k in range(index.size):
        target[index[k]] += 1.0


@njit
def deliver(target: Any, synapses: Any) -> None:
    """Read synapses (place and weight, 8 bytes) one after the other and add each weight at its place."""
    for k in range(synapses.size):
        target[synapses[k].slot] += synapses[k].weight


@fast
def multiply_add(x: Any, c: float) -> None:
    """`DEPTH` times x = x c + c at every place of a small array; places are independent, so that SIMD units fill."""
    for k in range(x.size):
        value = x[k]
        for _ in range(DEPTH):
            value = value * c + c
        x[k] = value


@fast
def multiply_adds(x: Any, c: float, rounds: int) -> None:
    """`multiply_add` again and again."""
    for _ in range(rounds):
        multiply_add(x, c)


@njit
def philox(out: Any, n: int, key: int) -> None:
    """Philox4x32-10, four words a block, folded into `out` so that none can be left out (Salmon et al. 2011)."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    folded = np.uint64(0)
    for k in range(n):
        a, b, c, d = np.uint64(k), np.uint64(0), np.uint64(0), np.uint64(0)
        k0, k1 = np.uint64(key), np.uint64(0)
        for _ in range(10):
            p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
            a, b, c, d = (q >> half) ^ b ^ k0, q & low, (p >> half) ^ d ^ k1, p & low
            k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
        folded += a + b + c + d
    out[0] = folded


def best(work: Callable[[], Any]) -> float:
    """Shortest of `RUNS` runs in s of the processor, after one that compiles and fetches."""
    work()
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def _stream(array: Any) -> Callable[[], Any]:
    return lambda: stream(array)


def measure() -> dict[str, Any]:
    """All figures of this machine."""
    random = np.random.default_rng(1)
    found: dict[str, Any] = {"stream_gb_per_s": 8 * STREAM / best(_stream(np.ones(STREAM))) / 1e9}
    found["random_updates_per_s"], found["deliveries_per_s"] = {}, {}
    for name, size in ARRAYS.items():
        target = np.zeros(size)
        index = random.integers(0, size, UPDATES).astype(np.int32)
        synapses = np.empty(UPDATES, np.dtype([("slot", np.int32), ("weight", np.float32)]))
        synapses["slot"], synapses["weight"] = index, 0.5
        found["random_updates_per_s"][name] = UPDATES / best(lambda: scatter(target, index))  # noqa: B023
        found["deliveries_per_s"][name] = UPDATES / best(lambda: deliver(target, synapses))  # noqa: B023
    x = np.full(LANES, 0.5)
    rounds = 10 * WORK // (LANES * DEPTH)
    found["multiply_adds_per_s"] = rounds * LANES * DEPTH / best(lambda: multiply_adds(x, 0.5, rounds))
    out = np.zeros(1, np.uint64)
    blocks = WORK // 10
    found["philox_words_per_s"] = 4 * blocks / best(lambda: philox(out, blocks, 7))
    return found


def processor() -> str:
    """Name of the processor, "" where the system does not tell."""
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return ""


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps({"cpu": processor(), "numba": numba.__version__} | measure(), indent=1))
