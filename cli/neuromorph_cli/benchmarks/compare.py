"""Ours and a peer, each run in a fresh process on cores of its own, one after the other, and what that comes to."""

from __future__ import annotations

import json
import os
import statistics as middle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromorph.errors import InputError, Problem, RunError
from neuromorph_cli.benchmarks.cases import Case

PEERS = Path(__file__).parent / "peers"
#: peer -> (its script, the module that must be there)
SCRIPTS = {
    "nest": ("on_nest.py", "nest"),
    "nest-precise": ("on_nest.py", "nest"),
    "brian2": ("on_brian2.py", "brian2"),
    "numpy": ("on_numpy.py", "numpy"),
}
TICK = 0.1  # ms, the grid of a peer, also where ours runs at exact times
COARSE = 0.05  # fraction that rates at exact times may differ by from those on a grid


@dataclass(frozen=True)
class Plan:
    """What to run: ours at `resolution` ("exact" or ms), and `peer` or None, `repeats` times in turn."""

    case: Case
    resolution: str
    peer: str | None = None
    python: str = sys.executable
    threads: int = 1
    precision: str = "float64"
    batch: int = 1
    scale: float = 1.0
    repeats: int = 3
    duration: float | None = None
    seed: int = 1

    def length(self, who: str) -> float:
        """Timed stretch in ms of ours ("ours") or a peer."""
        return self.duration if self.duration is not None else self.case.durations.get(who, self.case.duration_ms)

    def request(self, who: str, folder: str) -> dict[str, Any]:
        """What the process that runs it is told."""
        resolution = self.resolution if self.resolution == "exact" else float(self.resolution)
        return {
            "case": self.case.name, "module": self.case.module if not self.case.is_network else "measure",
            "network": self.case.network(self.scale) if self.case.is_network else None, "scale": self.scale,
            "resolution": resolution, "tick": TICK if resolution == "exact" else resolution,
            "precise": who == "nest-precise", "threads": self.threads, "precision": self.precision,
            "batch": self.batch, "warm_ms": self.case.warm_ms,
            "duration_ms": self.length(who), "seed": self.seed, "spikes": str(Path(folder) / "spikes.npz"),
        }  # fmt: skip


def has(peer: str, python: str) -> bool:
    """Whether an interpreter can import a peer."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({SCRIPTS[peer][1]!r}) is None)"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError as error:
        raise InputError(Problem(f"cannot be run: {error.strerror}", "--peer-python", python)) from None


def cores(n: int) -> set[int]:
    """The last `n` cores that this process may use, which others use least."""
    mine = sorted(os.sched_getaffinity(0))
    if n > len(mine):
        raise InputError(Problem("more threads than cores", "--threads", n, f"1 to {len(mine)}"))
    return set(mine[-n:])


def compare(plan: Plan, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Run the plan; returns the report that `neuromorph bench --json` prints."""
    sides = ["ours", *([plan.peer] if plan.peer else [])]
    chosen = cores(plan.threads)
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory(prefix="neuromorph-bench-") as folder:
        tell("compiling kernels")
        run(plan, "ours", folder, chosen, rehearsal=True)
        for repeat in range(plan.repeats):
            for side in sides:
                tell(f"run {repeat + 1} of {plan.repeats}: {side}")
                runs[side].append(run(plan, side, folder, chosen))
    return _report(plan, runs)


def run(plan: Plan, side: str, folder: str, chosen: set[int], rehearsal: bool = False) -> dict[str, Any]:
    """Run one side once in a process of its own, on these cores alone; a rehearsal only compiles what it needs."""
    request = plan.request(side, folder) | ({"duration_ms": 1.0} if rehearsal else {})
    if rehearsal and plan.case.is_network:
        request |= {"network": plan.case.network(min(plan.scale, 0.02)), "warm_ms": 20.0}
    command = [sys.executable, "-m", "neuromorph_cli.benchmarks.measure"]
    if side != "ours":
        command = [plan.python, str(PEERS / SCRIPTS[side][0])]
    answer = answered(command, json.dumps({**request, "rehearsal": rehearsal}), chosen, f"bench {plan.case.name}")
    if "wall_s" in answer:
        seconds = request["duration_ms"] / 1e3
        answer["s_per_simulated_s"] = answer["wall_s"] / seconds
        answer["cpu_s_per_simulated_s"] = None if answer["cpu_s"] is None else answer["cpu_s"] / seconds
    return answer if rehearsal or not plan.case.is_network else answer | _activity(plan, request, answer)


def answered(command: Sequence[str], request: str, chosen: set[int], where: str) -> dict[str, Any]:
    """The JSON object on the last line that a process prints; RunError with its last words where there is none."""
    threads = {"NUMBA_NUM_THREADS": str(len(chosen)), "OMP_NUM_THREADS": str(len(chosen))}
    threads |= {"OPENBLAS_NUM_THREADS": str(len(chosen)), "MKL_NUM_THREADS": str(len(chosen))}
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if command[0] == sys.executable else {}
    done = subprocess.run(
        command, input=request, capture_output=True, text=True, check=False, env={**os.environ, **threads, **path},
        preexec_fn=lambda: os.sched_setaffinity(0, chosen),
    )  # fmt: skip
    try:
        answer: dict[str, Any] = json.loads((done.stdout.strip().splitlines() or [""])[-1])
    except ValueError:
        answer = {}
    if done.returncode or not answer:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        what = f"{Path(command[-1]).name} failed ({last})"
        raise RunError(Problem(what, where, done.returncode, "an exit code of 0 and an answer"))
    return answer


def _activity(plan: Plan, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Rates, irregularity and events of the spikes that a run left."""
    import numpy as np

    from neuromorph_cli.benchmarks import networks, statistics

    sizes, out = networks.cells(request["network"]), networks.synapses(request["network"])
    with np.load(request["spikes"]) as file:
        times, cells = file["times"], file["cells"]
    rates = statistics.rates(times, cells, sizes, request["warm_ms"], request["duration_ms"])
    events = sum(rates[name]["spikes"] * out[name] / sizes[name] for name in sizes)
    held = answer.get("synapse_bytes")
    drive = sum(sizes[d["target"]] for d in request["network"]["drive"])
    count = sum(out.values()) + (drive if "all_events" in answer else 0)  # ours keeps the drive's synapses as well
    return {
        "synapses": round(sum(out.values())), "events_per_s": events / answer["wall_s"] / plan.threads,
        "bytes_per_synapse": None if held is None else held / count,
        "rate_hz": sum(r["spikes"] for r in rates.values()) / sum(sizes.values()) / request["duration_ms"] * 1e3,
        "rates": rates, "cv_isi": statistics.irregularity(times, cells),
    }  # fmt: skip


def _report(plan: Plan, runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "case": plan.case.name, "resolution": plan.resolution, "threads": plan.threads, "precision": plan.precision,
        "scale": plan.scale, "batch": plan.batch,
        "repeats": plan.repeats, "seed": plan.seed, "peer_name": plan.peer, "ours": median(runs["ours"]), "peer": None,
        "ratio": None, "ratio_spread": None, "cpu_ratio": None, "rates_agree": None, "disagreements": [],
    }  # fmt: skip
    if plan.peer:
        theirs = runs[plan.peer]
        report["peer"] = median(theirs)
        unit = "simulated_s" if plan.case.is_network else "example"
        report |= ratio(runs["ours"], theirs, f"s_per_{unit}", "ratio")
        report |= ratio(runs["ours"], theirs, f"cpu_s_per_{unit}", "cpu_ratio")
    if plan.case.is_network:
        report |= _agreement(plan, report)
    return report


def _agreement(plan: Plan, report: dict[str, Any]) -> dict[str, Any]:
    from neuromorph_cli.benchmarks import statistics

    ours = report["ours"]["rates"]
    found = statistics.unpublished(ours, plan.case.rates(plan.scale))
    compared = bool(plan.case.rates(plan.scale))
    tolerance = f"published rates within {statistics.PUBLISHED:.0%}; " if compared else ""
    if report["peer"]:
        # the peers but NEST's precise models run on a grid whatever the resolution of ours
        mixed = (plan.resolution == "exact") != (plan.peer == "nest-precise")
        allowance = COARSE if mixed else 0.02
        found += statistics.disagreements(ours, report["peer"]["rates"], allowance)
        tolerance += f"{statistics.ERRORS:g} standard errors and {allowance:.0%} for another draw of the network"
        compared = True
    return {"rates_agree": not found if compared else None, "disagreements": found, "tolerance": tolerance}


def median(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Field by field the median of numbers, with `runs` of the times that ratios are made of; else the first run's."""

    def of(name: str) -> Any:
        values = [run[name] for run in runs]
        numbers = all(isinstance(v, int | float) for v in values)
        return middle.median(values) if numbers else values[0]

    times = [run["s_per_simulated_s"] for run in runs if "s_per_simulated_s" in run]
    return {name: of(name) for name in runs[0]} | {"runs": times}


def ratio(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], field: str, name: str) -> dict[str, Any]:
    """Median and spread of theirs over ours, pair by pair of alternating runs; nothing where one was not measured."""
    pairs = [(a.get(field), b.get(field)) for a, b in zip(ours, theirs)]
    if any(a is None or b is None for a, b in pairs):
        return {}
    found = [b / a for a, b in pairs if a and b is not None]
    return {name: middle.median(found), f"{name}_spread": [min(found), max(found)]}
