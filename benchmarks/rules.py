"""What a rule costs: ns per synaptic event beside a static synapse and pair STDP by hand; seconds to compile and load.

    python benchmarks/rules.py [RULE ...] [--rounds 21] [--core 0] [--no-compile]

Prints a line of JSON for each rule (pair_stdp alone by default). `ratio` is that of generated pair STDP to the loop
written by hand (neuromorph/testing/by_hand.py) over the same arrays, the median of ratios taken in turns; both come to
the same weights, to the bit, which is asserted. `compile_s` is the first run (grid) of a process that finds all kernels
in the cache but the rule's, `load_s` that of one which finds these too; both in seconds of the processor.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from neuromorph.learning import registry
from neuromorph.testing import cost
from neuromorph.testing.by_hand import pair_stdp_by_hand
from neuromorph.testing.networks import setting

#: what a new process does: load the engine's kernels by another rule, then time the first run with this one
PROGRAM = """
import sys, time
from neuromorph.learning import registry
from neuromorph.plugin_files import load_file
from neuromorph.testing import networks
from neuromorph.testing.running import simulated

def run(name, kind):
    rule = registry.get(name)
    begin = time.process_time()
    simulated(networks.network(rule, networks.setting(rule)), kind, duration=1.0)
    return time.process_time() - begin

for file in sys.argv[3:]:
    load_file(file)
run(sys.argv[2], "grid")
print(run(sys.argv[1], "grid"))
"""


def events(name: str, rounds: int) -> dict[str, Any]:
    """Costs of a rule and of its company, from runs taken in turns."""
    rule = registry.get(name)
    found = cost.measure(rule, setting(rule), rounds)
    names = ("rule", "static", "pair_stdp", "by_hand")
    return {f"{name}_ns": getattr(found, name) for name in names} | {"ratio": found.ratio}


def assert_same_weights() -> None:
    """The loop by hand comes to the weights of the generated one."""
    chosen = setting(registry.get("pair_stdp"))
    generated = cost.made("pair_stdp", chosen)
    with pair_stdp_by_hand():
        by_hand = cost.made("pair_stdp", chosen)
    for simulation in (generated, by_hand):
        simulation.run(300.0)
    assert cost.same_weights(generated, by_hand)


def seconds(name: str) -> dict[str, float]:
    """Seconds to compile a rule's kernels where none of them is known, and to load them in a later process."""
    source = Path(str(inspect.getsourcefile(registry.get(name))))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name  # of another path, so that no kernel of it is in the cache
        copy.write_text(source.read_text())
        other = "pair_stdp" if name != "pair_stdp" else "stdp_derivative"
        took = [_run(name, other, str(copy)) for _ in range(2)]
    return {"compile_s": took[0], "load_s": took[1]}


def _run(*arguments: str) -> float:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", default=["pair_stdp"], metavar="RULE")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {arguments.core})
    assert_same_weights()
    for name in arguments.rules:
        found = {"case": "rule", "rule": name} | events(name, arguments.rounds)
        found |= {} if arguments.no_compile else seconds(name)
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}), flush=True)


if __name__ == "__main__":
    main()
