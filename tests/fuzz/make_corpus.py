"""python tests/fuzz/make_corpus.py: write the seeds of the fuzzer again; files that once went wrong stay."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

HERE = Path(__file__).parent / "corpus"
CHUNK = 256  # bytes, where a run takes half a megabyte

TOML = """\
[network]
name = "small"
description = "everything once"
[run]
duration = "50 ms"
resolution = 0.1
seed = 3
[populations.A]
model = "lif_exp"
size = 20
params = { tau_m = "10 ms", V_th = { distribution = "normal", mean = -50.0, std = 1.0, low = -60.0, high = -40.0 } }
initial = { V_m = { distribution = "uniform", low = -70.0, high = -55.0 } }
positions = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0],
  [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
[populations.B]
model = "lif_delta"
size = 2
[inputs.noise]
model = "poisson"
size = 20
params = { rate = "20 Hz" }
[inputs.train]
model = "spike_train"
size = 2
params = { times = [1.0, 2.5], indices = [0, 1] }
[inputs.replay]
model = "spike_file"
size = 5
params = { path = "other.h5", population = "E" }
[inputs.dc]
model = "dc_current"
params = { amplitude = 100.0, start = 10.0 }
[[neurons]]
names = ["n1", "n2", 3]
model = "izhikevich"
[[edges]]
source = ["n1", "n2"]
target = ["n2", 3]
weight = [1.0, 2.0]
delay = 1.5
[[projections]]
source = "noise"
target = "A"
rule = "one_to_one"
weight = 100.0
delay = "1.5 ms"
[[projections]]
source = "A"
target = "A"
rule = "fixed_indegree"
indegree = 5
weight = 20.0
plasticity = { rule = "pair_stdp", params = { a_plus = 0.01 }, w_max = 50.0, signals = [] }
[[projections]]
source = "A"
target = "A"
name = "near"
rule = "distance"
profile = "gaussian"
length_um = 100.0
probability = 0.5
[[projections]]
source = "train"
target = "B"
rule = "explicit"
sources = [0, 1]
targets = [1, 0]
delay = [1.0, 2.0]
[[projections]]
source = "dc"
target = "A"
[[projections]]
source = "A"
target = "B"
rule = "bernoulli"
probability = 0.1
plasticity = { rule = "reward_stdp", signals = ["reward"] }
[signals.reward]
times = [10.0, 20.0]
values = [1.0, -1.0]
[signals.beat]
start = 5.0
interval = 10.0
count = 4
first = 1.0
last = 0.0
[[record]]
population = "A"
variable = "V_m"
interval = 0.5
indices = [0, 1]
start = 1.0
[[record]]
projection = "near"
interval = 10.0
"""
SHORT = """\
[populations.A]
model = "lif_delta"
size = 3
[[projections]]
source = "A"
target = "A"
weight = 0.1
[run]
duration = 10
"""
ARRAYS = """\
[populations.A]
model = "lif_delta"
size = 3
params = { tau_m = { file = "x.npz", array = "tau" } }
positions = { file = "x.npz", array = "places" }
[[projections]]
source = "A"
target = "A"
rule = "explicit"
sources = { file = "x.npz", array = "sources" }
targets = { file = "x.npz", array = "targets" }
[run]
duration = 10
"""


def put(name: str, content: bytes | str) -> None:
    """Write a file of the corpus."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def networks() -> None:
    """TOML, JSON and GraphML, each of populations and of single neurons."""
    from neuromorph import Network

    put("toml/seed-all.toml", TOML)
    put("toml/seed-short.toml", SHORT)
    put("arrays.toml", ARRAYS)
    put("array.toml", SHORT.replace("0.1", '{ file = "x.npz" }\nrule = "explicit"\nsources = [0, 1]\ntargets = [1, 2]'))
    all_, single = Network.load(HERE / "toml/seed-all.toml"), Network("graph")
    for name in ("a", "b", 3):
        single.add_neuron(name, "lif_delta", V_th=-50.0)
    single.connect("a", "b", weight=1.0, delay=2.0)
    single.connect("b", 3, weight={"distribution": "normal", "mean": 1.0, "std": 0.1})
    for suffix in ("json", "graphml"):
        (HERE / suffix).mkdir(exist_ok=True)
        all_.folder = HERE / suffix  # where its spike file is said to be
        all_.save(HERE / suffix / f"seed-all.{suffix}")
        single.save(HERE / suffix / f"seed-graph.{suffix}")


def arrays() -> None:
    """Arrays beside a network, and the checkpoint of a training run."""
    for name, save in (("seed.npz", np.savez), ("seed-packed.npz", np.savez_compressed)):
        out = io.BytesIO()
        ends = {"sources": np.array([0, 1]), "targets": np.array([1, 2], np.int32)}
        save(out, tau=np.array([10.0, 11.0, 12.0]), places=np.zeros((3, 2), np.float32), **ends)
        put(f"arrays/{name}", out.getvalue())
    out = io.BytesIO()
    np.save(out, np.array([1.0, 2.0]))
    put("array/seed.npy", out.getvalue())


def checkpoint() -> None:
    """As `neuromorph learn` leaves one, with arrays of two numbers."""
    from neuromorph.tasks.checkpoint import Checkpoint
    from neuromorph.tasks.settings import Settings

    saved = {"tick": np.int64(7), "end_ms": np.array("7"), "state/hidden1": np.zeros((3, 2))}
    saved |= {"weights/image_hidden1/0": np.ones(4, np.float32), "spikes": np.array([1, 2])}
    path = HERE / "checkpoint" / "seed.npz"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # or it would be kept beside
    Checkpoint("digits", Settings(), 12345, {"epochs": 1, "curve": [3]}, saved).save(path)


def run_checkpoint() -> None:
    """As `neuromorph run --checkpoint-every` leaves one."""
    from neuromorph import checkpoints

    path = HERE / "run" / "seed.npz"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    run = {"file": "network.toml", "settings": ["run.seed=2"], "records": [], "end_ms": 10.0}
    head = {"network": "abc", "seed": 1, "resolution": 0.1, "time_ms": 5.0, "position": None, "run": run}
    checkpoints.write(path, head, {"base": np.int64(50), "calendar/source": np.array([1, 2]), "ring": np.zeros((1, 4))})


def traces() -> None:
    """A finished trace on the grid, an exact one, a killed run's, and a foreign SONATA file."""
    import shutil
    import tempfile

    from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
    from neuromorph.traces import TraceWriter, schema

    growing = schema._growing
    schema._growing = lambda group, name, dtype, unit, _, width=None: growing(group, name, dtype, unit, CHUNK, width)
    TraceWriter._reserve = lambda *_: None

    for name in ("grid", "exact"):
        exact = name == "exact"
        run = RunDescription(
            None if exact else 0.1, 0.1, {"E": 5, "layer 2/3": 3},
            [StateChannel("E", "V_m", "mV", np.array([0, 3]), 0.5)],
            [WeightChannel("E_E", "E", "E", "mV", np.array([0, 1]), np.array([2, 3]), 1.0)], ["reward"],
            {"network": {"name": "tiny"}}, {"seed": 3, "command": "neuromorph run tiny.toml"},
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.h5"
            writer = TraceWriter(path)
            writer.open(run)
            writer.spikes("E", np.array([1, 1, 5]), np.array([0.01, 0.02, 0.03]) * exact, np.array([3, 4, 2]))
            writer.state(0, 0.0, np.array([1.0, 2.0]))
            writer.state(0, 0.5, np.array([1.5, 2.5]))
            writer.weight(0, 0.0, np.array([0.1, 0.2], np.float32))
            writer.signal("reward", 2.0, -1.0)
            writer.learning("error", [0.5, 0.25], "1")
            writer.learning("classes", [[1.0, 2.0]], "Hz")
            writer.flush()
            if not exact:
                put("recording/seed.part", path.with_name("a.h5.part").read_bytes())
            writer.close({"status": "complete", "simulated_ms": 10.0, "spikes": 3, "synaptic_events": 12})
            (HERE / "trace").mkdir(exist_ok=True)
            shutil.copy(path, HERE / "trace" / f"seed-{name}.h5")
    (HERE / "sonata").mkdir(exist_ok=True)
    with h5py.File(HERE / "sonata" / "seed.h5", "w") as file:
        group = file.create_group("spikes/V1")
        group.attrs["sorting"] = "none"
        group.create_dataset("timestamps", data=[3.0, 1.0, 2.0], chunks=(3,), compression="gzip").attrs["units"] = "ms"
        group["node_ids"] = np.array([0, 2, 2], np.uint64)


def others() -> None:
    """Images, recordings of a camera, and the metadata of a package."""
    images = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 2, 2)) + bytes(range(8))
    put("idx/seed", images)
    put("idx_gz/seed.gz", gzip.compress(images, mtime=0))
    put("labels/seed", bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
    put("events/seed.bs2", bytes([1, 2, 128, 0, 1, 33, 33, 0, 0, 9]))
    put("list/seed.txt", "#sample #class\n1 5\n2 0\n")
    rules = "fuzz_rule = neuromorph_plugins.oja:Oja\nfuzz_wrong = nowhere.at_all:Thing\nfuzz_bare = math\n"
    put("metadata/seed.txt", f"[neuromorph.learning_rules]\n{rules}\n[neuromorph.neuron_models]\nx = math:pi [extra]\n")


if __name__ == "__main__":
    networks(), arrays(), checkpoint(), run_checkpoint(), traces(), others()
    print(sum(file.stat().st_size for file in HERE.rglob("*") if file.is_file()), "bytes")
