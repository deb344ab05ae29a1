"""Every reader of files: where its file goes, and what is asked of it; it may raise NeuromorphError, and no more."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz import hdf5, mutate
from neuromorph.errors import NeuromorphError, printable


@dataclass(frozen=True)
class Reader:
    """One kind of file: `read(path)` looks at all of it; `file` is its name among the others that `prepare` writes."""

    name: str
    read: Callable[[Path], Any]
    kinds: Sequence[mutate.Mutation]
    file: str
    prepare: Callable[[Path], Any] | None = None
    share: float = 1.0


DAMAGED = "cut short or damaged"
#: what is said where memory was asked for and not given
IN_VAIN = re.compile("(?i)memory alloc|to allocate|t allocate|resource unavailable|out of memory")


class Said(Exception):
    """A message that must not be: one that commands a terminal, or tells of memory that was asked for in vain."""


def command(*arguments: str) -> None:
    """Run a command of ours; raises what it lets through, and Said for what it must not print."""
    from neuromorph_cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    said = out.getvalue() + err.getvalue()
    if code not in (0, 2) or printable(said) != said or (IN_VAIN.search(said) and DAMAGED not in said):
        raise Said(f"exit code {code}: {said!r}")


def network(path: Path) -> None:
    """A network file: read, changed by a setting, checked, and the memory of its run estimated."""
    from neuromorph.graph.check import describe
    from neuromorph.graph.files import load
    from neuromorph.lowered.footprint import check_memory

    if path.stat().st_size % 4 == 0:
        with contextlib.suppress(NeuromorphError):
            load(path, ["run.seed=2"])
    check_memory(describe(load(path)))


def trace(path: Path) -> None:
    """A trace: everything that is in it, by every way to ask for it, and two commands."""
    from neuromorph.simulate import read_spikes
    from neuromorph.traces.reader import Trace

    with Trace(path) as opened:
        for ask in (opened.summary, lambda: opened.network, lambda: opened.learning, lambda: opened.signals):
            with contextlib.suppress(NeuromorphError):
                ask()
        with contextlib.suppress(NeuromorphError):
            for name in opened.populations:
                with contextlib.suppress(NeuromorphError):
                    opened.spikes(name, 1.0, 5.0)
                with contextlib.suppress(NeuromorphError):
                    opened.instants(name)
        with contextlib.suppress(NeuromorphError):
            for population, variable in opened.states:
                opened.state(population, variable)
        with contextlib.suppress(NeuromorphError):
            for name in opened.projections:
                opened.weights(name)
    with contextlib.suppress(NeuromorphError):
        read_spikes(str(path), "")
    command("info", str(path))
    command("info", "--json", str(path))
    looks = (["analyze"], ["analyze", "--json"], ["compare", str(path)])
    command(*looks[path.stat().st_size % 3], str(path))


def recording(path: Path) -> None:
    """What a killed run left: read, then repaired."""
    from neuromorph.traces.repair import repair_trace

    with contextlib.suppress(NeuromorphError):
        trace(path)
    final = repair_trace(path, force=True)
    trace(final)


def raster(path: Path) -> None:
    """A trace, drawn."""
    command("plot", "raster", str(path), "-o", str(path.with_suffix(".png")), "--force")


def figures(path: Path) -> None:
    """A trace, drawn in one of the other ways, each of which takes a fifth of a second."""
    name = ("rates", "membrane", "weights", "learning", "graph")[sum(path.read_bytes()) % 5]
    command("plot", name, str(path), "-o", str(path.with_suffix(".png")), "--force", "--dpi", "40")


def exports(path: Path) -> None:
    """A trace, written as tables and arrays, which are read again."""
    from neuromorph.export import export, read_spikes
    from neuromorph.traces.reader import Trace

    for table in ("spikes", "states", "weights", "signals", "learning"):
        command("export", str(path), "-o", str(path.with_suffix(".csv")), "--table", table, "--force")
    with Trace(path) as opened:
        for suffix in (".csv", ".npz"):
            read_spikes(export(opened, path.with_suffix(suffix), force=True).path)


def checkpoint(path: Path) -> None:
    """The checkpoint of a training run."""
    from neuromorph.tasks.checkpoint import Checkpoint

    Checkpoint.load(path)


def run_checkpoint(path: Path) -> None:
    """The checkpoint of any run."""
    from neuromorph import checkpoints

    checkpoints.read(path)


def images(path: Path) -> None:
    """Four IDX files, of which one is damaged."""
    from neuromorph.tasks.images import fashion

    fashion(path.parent)


def recordings(path: Path) -> None:
    """Recordings of an event camera with their lists, of which one is damaged."""
    from neuromorph.tasks.recordings import nmnist

    nmnist(path.parent)


def metadata(path: Path) -> None:
    """What an installed package says of its plugins."""
    from neuromorph.errors import PluginError
    from neuromorph.registration import Registry

    folder = str(path.parents[1])
    sys.path.insert(0, folder)
    try:
        found = Registry("neuromorph.learning_rules", "rule", lambda cls, where: None)
        for name in found.names():
            if name.startswith("fuzz"):
                found.entry(name)
            with contextlib.suppress(PluginError):
                found.get(name + "x")
    finally:
        sys.path.remove(folder)


def _beside(name: str) -> Callable[[Path], None]:
    """A network that takes arrays from the file."""

    def write(folder: Path) -> None:
        (folder / "network.toml").write_text((Path(__file__).parent / "corpus" / f"{name}.toml").read_text())

    return write


def arrays(path: Path) -> None:
    """The arrays that a network file names."""
    network(path.parent / "network.toml")


def _idx(folder: Path) -> None:
    for name, shape, values in (
        ("train-images-idx3-ubyte", (2, 2, 2), 8), ("train-labels-idx1-ubyte", (2,), 2),
        ("t10k-images-idx3-ubyte", (1, 2, 2), 4), ("t10k-labels-idx1-ubyte", (1,), 1),
    ):  # fmt: skip
        head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        (folder / name).write_bytes(head + bytes(range(values)))


def _events(folder: Path) -> None:
    (folder / "train.txt").write_text("#sample #class\n1 5\n2 0\n")
    (folder / "test.txt").write_text("#sample #class\n3 9\n")
    for number in (1, 2, 3):
        (folder / f"{number}.bs2").write_bytes(bytes([1, 2, 128, 0, number]) * number)


def _package(folder: Path) -> None:
    info = folder / "fuzz-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fuzz\nVersion: 1.0\n")


HDF5 = (hdf5.structure, hdf5.structure, hdf5.structure, *mutate.BYTES[:2], mutate.extreme, mutate.swap, mutate.truncate)
READERS = {
    r.name: r
    for r in (
        Reader("toml", network, mutate.TEXT, "network.toml", share=2.0),
        Reader("json", network, mutate.TEXT, "network.json", share=2.0),
        Reader("graphml", network, mutate.TEXT, "network.graphml"),
        Reader("arrays", arrays, (mutate.zipped,), "x.npz", _beside("arrays")),
        Reader("array", arrays, mutate.TEXT, "x.npz", _beside("array"), 0.5),
        Reader("trace", trace, HDF5, "trace.h5", share=1.0),
        Reader("sonata", trace, HDF5, "spikes.h5", share=0.25),
        Reader("recording", recording, HDF5, "trace.h5.part", share=0.5),
        Reader("raster", raster, HDF5, "trace.h5", share=0.02),
        Reader("figures", figures, HDF5, "trace.h5", share=0.02),
        Reader("exports", exports, HDF5, "trace.h5", share=0.1),
        Reader("checkpoint", checkpoint, (mutate.zipped,), "a.checkpoint.npz"),
        Reader("run", run_checkpoint, (mutate.zipped,), "a.checkpoint.npz", share=0.5),
        Reader("idx", images, mutate.BYTES, "train-images-idx3-ubyte", _idx),
        Reader("idx_gz", images, (mutate.gzipped,), "train-images-idx3-ubyte.gz", _idx, 0.5),
        Reader("labels", images, mutate.BYTES, "t10k-labels-idx1-ubyte", _idx, 0.3),
        Reader("events", recordings, mutate.BYTES, "2.bs2", _events, 0.5),
        Reader("list", recordings, mutate.TEXT, "train.txt", _events, 0.5),
        Reader("metadata", metadata, mutate.TEXT, "fuzz-1.0.dist-info/entry_points.txt", _package, 0.3),
    )
}


def corpus(reader: str) -> Path:
    """The folder of the seeds of a reader; some share one."""
    of_traces = ("raster", "figures", "exports")
    return Path(__file__).parent / "corpus" / ("trace" if reader in of_traces else reader)
