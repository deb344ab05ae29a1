"""Kill runs at random moments, go on with them, and compare what they come to with runs that were never cut.

    python -m long.kills --kills 300 --seed 1        (in tests/)

Plain and plastic networks on the grid and in exact mode, one that learns from a reward and from the spikes of a
population, and digits learnt in minibatches and online, each in a process of its own that is ended by SIGKILL. After
each kill everything that was flushed must be readable, and be the beginning of what the whole run records; then the
run goes on from its checkpoint (from the beginning where there is none yet), in one part or in two, until it is killed
again or comes to its end. Its trace must then hold the same bytes. Prints a line of JSON per case and one for all; the
exit code is 1 where anything was lost or differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuromorph import Network
from neuromorph.errors import TraceError
from neuromorph.graph.files import save

COMMAND = [sys.executable, "-m", "neuromorph_cli"]
#: datasets of a trace that say how a run went, not what it came to
ASIDE = ("/network", "/provenance", "/committed", "/journal")


def cells(net: Network, size: int, rate: float = 8000.0) -> None:
    """Excitatory cells driven by noise."""
    net.add_population("E", "lif_exp", size)
    net.add_input("noise", "poisson", size, {"rate": rate})
    net.connect("noise", "E", "one_to_one", weight=80.0, delay=1.0)
    net.record("E", "V_m", 50.0, indices=[0, 1])


def plain() -> Network:
    """A recurrent network that does not learn."""
    net = Network("plain")
    cells(net, 400)
    net.connect(
        "E", "E", "fixed_indegree", indegree=40, weight=-6.0, delay={"distribution": "uniform", "low": 1.0, "high": 4.0}
    )
    return net


def plastic() -> Network:
    """A recurrent network with pair STDP."""
    net = Network("plastic")
    cells(net, 100)
    net.connect(
        "E", "E", "fixed_indegree", indegree=20, weight=10.0, delay=2.0, name="learnt",
        plasticity={"rule": "pair_stdp", "params": {"a_plus": 0.05, "a_minus": 0.06}, "w_max": 30.0},
    )  # fmt: skip
    net.record(projection="learnt", interval=100.0)
    return net


def rewarded() -> Network:
    """Synapses that learn from a reward that the spikes of a population bring."""
    net = Network("rewarded")
    cells(net, 60)
    net.add_population("D", "lif_exp", 3)
    net.connect("E", "D", "fixed_indegree", indegree=10, weight=60.0, delay=1.5)
    net.add_signal("dopamine", population="D", delay=3.0)
    net.connect(
        "E", "E", "fixed_indegree", indegree=10, weight=10.0, delay=2.0, name="learnt",
        plasticity={"rule": "reward_stdp", "signals": ["dopamine"], "w_max": 30.0},
    )  # fmt: skip
    net.record(projection="learnt", interval=100.0)
    return net


@dataclass
class Case:
    """A run: its command, how it goes on, and what has become of it."""

    name: str
    command: list[str]
    resume: list[str]
    checkpoint: str = "cut.checkpoint.npz"
    threads: bool = True
    kills: int = 0
    before_the_first: int = 0
    ends: int = 0
    wrong: list[str] = field(default_factory=list)


def cases(folder: Path) -> list[Case]:
    """All of them; network files are written to the folder."""
    found = []
    durations = {"plain": ("12 s", "3 s"), "plastic": ("12 s", "4 s"), "rewarded": ("12 s", "6 s")}
    for made in (plain(), plastic(), rewarded()):
        save(made, folder / f"{made.name}.toml")
        for resolution, duration in zip(("0.1", "exact"), durations[made.name]):
            run = ["run", f"{made.name}.toml", "--resolution", resolution, "--duration", duration, "-q"]
            name = f"{made.name}, {'exact' if resolution == 'exact' else 'grid'}"
            found.append(
                Case(
                    name,
                    [*run, "--checkpoint-every", "0.05s"],
                    ["resume", "cut.h5", "--checkpoint-every", "0.05s", "-q"],
                )
            )
    for batch, epochs in (("32", "12"), ("1", "3")):
        learn = [
            "learn",
            "digits",
            "--top-down",
            "mirror",
            "--hidden",
            "40",
            "--batch",
            batch,
            "--epochs",
            epochs,
            "-q",
        ]
        name = "digits, in minibatches" if batch == "32" else "digits, online"
        found.append(Case(name, learn, ["learn", "digits", "-q", "--resume"], threads=batch == "32"))
    return found


def contents(path: Path) -> dict[str, Any]:
    """Datasets of a finished trace by name."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not f"/{name}".startswith(ASIDE):
            found[f"/{name}"] = item[()]

    with h5py.File(path) as file:
        file.visititems(note)
    return {name: values for name, values in found.items() if not timed(name)}


def timed(name: str) -> bool:
    """Whether a learning curve holds wall time."""
    return name.startswith("/learning") and name.endswith(("_s", "per_s"))


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Names of datasets whose bytes differ."""
    names = sorted(found.keys() | wanted.keys())
    return [n for n in names if n not in found or n not in wanted or found[n].tobytes() != wanted[n].tobytes()]


def unreadable(folder: Path, wanted: dict[str, Any]) -> list[str]:
    """What is wrong with what a killed run has left: spikes that are not the beginning of the whole run's."""
    from neuromorph import Trace

    trace = folder / "cut.h5"
    if not (folder / "cut.h5.part").exists():
        return []
    wrong = []
    position = flushed(folder)
    if not position:  # killed while the file was laid out, perhaps: then there is nothing to be read
        try:
            Trace(trace).close()
        except TraceError:
            return []
    with Trace(trace) as found:
        for name in found.populations:
            times, indices = found.spikes(name)
            whole = wanted[f"/spikes/{name}/timestamps"], wanted[f"/spikes/{name}/node_ids"]
            if times.tobytes() != whole[0][: times.size].tobytes() or list(indices) != list(whole[1][: times.size]):
                wrong.append(f"spikes of {name} are not the beginning of the whole run's")
            if times.size < position.get(f"/spikes/{name}", 0):
                wrong.append(f"{times.size} spikes of {name} where a checkpoint had {position[f'/spikes/{name}']}")
    return wrong


def is_complete(trace: Path) -> bool:
    """Whether a run came to its end before it was killed."""
    from neuromorph import Trace

    if not trace.exists():
        return False
    with Trace(trace) as found:
        return found.status == "complete"


def flushed(folder: Path) -> dict[str, int]:
    """Rows of each channel that had been flushed at the newest checkpoint."""
    for name in ("cut.checkpoint.npz", "cut.checkpoint.previous.npz"):
        path = folder / name
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                head = json.loads(str(file["checkpoint" if "checkpoint" in file.files else "training"]))
            return dict((head.get("position") or {}).get("rows", {}))
    return {}


def start(folder: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    """A process at work."""
    return subprocess.Popen([*COMMAND, *arguments], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def wait_for_recording(process: subprocess.Popen[bytes], part: Path) -> None:
    """Until a process has begun to write (again), or is done."""
    before = part.stat().st_mtime if part.exists() else 0.0
    while process.poll() is None and not (part.exists() and part.stat().st_mtime > before):
        time.sleep(0.02)


def next_command(case: Case, folder: Path, chance: random.Random) -> list[str]:
    """What goes on with the run, from the beginning where no checkpoint has been made."""
    kept = [n for n in (case.checkpoint, case.checkpoint.replace(".npz", ".previous.npz")) if (folder / n).exists()]
    threads = ["--threads", str(chance.choice([1, 2]))] if case.threads else []
    if kept:
        return [*case.resume, *([kept[0]] if case.resume[-1] == "--resume" else []), *threads]
    return [*case.command, *threads, "-o", "cut.h5", "--force"]


def one_run(case: Case, folder: Path, wanted: dict[str, Any], length: float, chance: random.Random, most: int) -> None:
    """Kill a run again and again until it comes to its end."""
    for file in folder.glob("cut.*"):
        file.unlink()
    kills = 0
    while True:
        kept = (folder / case.checkpoint).exists()
        process = start(folder, next_command(case, folder, chance))
        if chance.random() < 0.9:  # the others while they are started
            wait_for_recording(process, folder / "cut.h5.part")
        try:
            _, said = process.communicate(timeout=chance.uniform(0.0, length) if kills < most else None)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            case.kills += 1
            case.before_the_first += not kept and not (folder / case.checkpoint).exists()
            case.wrong += unreadable(folder, wanted)
            if not is_complete(folder / "cut.h5"):
                continue
        else:
            if process.returncode:
                case.wrong.append(f"exit code {process.returncode}: {said.decode()[-300:]}")
                return
        case.ends += 1
        case.wrong += [f"{name} differs" for name in differences(contents(folder / "cut.h5"), wanted)]
        return


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = [case for case in cases(folder) if given.only in case.name]
        wanted, lengths = {}, {}
        for case in every:
            subprocess.run([*COMMAND, *case.command, "-o", "whole.h5", "--force"], cwd=folder, check=True)  # compiles
            (folder / "whole.h5").unlink()
            process = start(folder, [*case.command, "-o", "whole.h5"])
            wait_for_recording(process, folder / "whole.h5.part")
            began = time.monotonic()
            process.communicate()
            lengths[case.name] = 1.2 * (time.monotonic() - began)
            wanted[case.name] = contents(folder / "whole.h5")
        while sum(case.kills for case in every) < given.kills and not any(case.wrong for case in every):
            case = min(every, key=lambda c: c.kills + c.ends)
            left = given.kills - sum(c.kills for c in every)
            one_run(case, folder, wanted[case.name], lengths[case.name], chance, min(left, 8))
            print(json.dumps({"so far": sum(c.kills for c in every), "ends": sum(c.ends for c in every)}), flush=True)
    for case in every:
        about = {"kills": case.kills, "before the first checkpoint": case.before_the_first, "ends": case.ends}
        print(json.dumps({"case": case.name, **about, "wrong": case.wrong}), flush=True)
    total = sum(case.kills for case in every)
    print(json.dumps({"kills": total, "runs that came to the same bytes": sum(c.ends for c in every)}), flush=True)
    return int(any(case.wrong for case in every) or total < given.kills)


if __name__ == "__main__":
    sys.exit(main())
