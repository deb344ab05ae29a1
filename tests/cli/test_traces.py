"""neuromorph info, analyze and plot."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph import Trace
from neuromorph.engine.sink import RunDescription
from neuromorph.traces import TraceWriter


@pytest.fixture
def trace(call) -> str:
    """A finished trace of tiny.toml."""
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "2 s", "--record", "E.V_m@100", "--record", "E_I.weight")
    return "x.h5"


def test_info(call, trace):
    summary = json.loads(call("info", trace, "--json").out)
    assert summary["status"] == "complete"
    assert summary["simulated_ms"] == 2000.0
    assert summary["populations"]["E"]["size"] == 3
    out = call("info", trace).out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "x.h5"
    for line in (
        "status complete", "simulated 2,000 ms, steps of 0.1 ms", "seed 3", "states E.V_m", "weights E_I",
        f"synaptic events {summary['synaptic_events']:,}", "population size spikes",
        f"E 3 {summary['populations']['E']['spikes']:,}",
    ):  # fmt: skip
        assert line in lines, out


def test_info_of_a_foreign_spike_file(call):
    with h5py.File("nest.h5", "w") as file:
        group = file.create_group("spikes/cells")
        group["timestamps"], group["node_ids"] = [1.0, 2.5], np.array([0, 4], np.uint64)
    out = call("info", "nest.h5").out
    assert "unknown" in out
    assert out.splitlines()[-1].split() == ["cells", "5", "2"]
    assert json.loads(call("info", "nest.h5", "--json").out)["spikes"] == 2


def test_analyze_as_json(call, trace):
    report = json.loads(call("analyze", trace, "--json").out)
    assert report["trace"] == "x.h5"
    with Trace(trace) as opened:
        rates = {name: opened.counts[name] / opened.populations[name] / 2.0 for name in ("E", "I")}
    assert {row["population"]: row["mean_rate_hz"] for row in report["populations"]} == pytest.approx(rates)
    half = json.loads(call("analyze", trace, "--json", "--start", 500, "--stop", 1000).out)["populations"]
    with Trace(trace) as opened:
        assert half[0]["spikes"] == len(opened.spikes("E", 500.0, 1000.0)[0])


def test_analyze_as_a_table(call, trace):
    rows = json.loads(call("analyze", trace, "--json").out)["populations"]
    lines = call("analyze", trace).out.splitlines()
    assert lines[0].split(maxsplit=3)[:3] == ["population", "size", "spikes"]
    assert lines[0].endswith("rate (Hz)  active  CV of intervals  synchrony")
    assert len(lines) == 3
    for line, row in zip(lines[1:], rows):
        numbers = [str(row["size"]), f"{row['spikes']:,}", f"{row['mean_rate_hz']:.3g}"]
        assert line.split()[:4] == [row["population"], *numbers]
    assert len({len(line) for line in lines}) == 1  # numbers to the right
    silent = call("analyze", trace, "--stop", 0.1).out.splitlines()
    assert silent[1].split() == ["E", "3", "0", "0", "0", "-", "-"]


def test_plot_raster(call, trace):
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    assert call("plot", "raster", trace, "-o", "f.png", "--stop", 100, "--population", "E") == (0, "f.png\n", "")
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")
    before = Path("f.png").read_bytes()
    answer = call("plot", "raster", trace, "-o", "f.png")
    assert answer.code == 2
    assert "the file exists already" in answer.err
    assert Path("f.png").read_bytes() == before
    assert call("plot", "raster", trace, "-o", "f.png", "--force").code == 0
    assert Path("f.png").read_bytes() != before


def test_an_interval_without_anything(refused, trace):
    assert "the interval is empty" in refused("analyze", trace, "--start", 3000)
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    assert "the interval is empty" in refused("plot", "raster", trace, "-o", "f.png", "--start", 9, "--stop", 8)
    assert "no population 'F' in this trace" in refused("plot", "raster", trace, "-o", "f.png", "--population", "F")
    assert "unknown format of a figure" in refused("plot", "raster", trace, "-o", "f.xyz")
    assert "tiny.toml is no folder" in refused("plot", "raster", trace, "-o", "tiny.toml/f.png")


def _files() -> dict[str, str]:
    """Files that are no traces -> what is said of them."""
    Path("cut.h5").write_bytes(Path("x.h5").read_bytes()[:5000])
    Path("text.h5").write_text("time,neuron\n1.0,3\n")
    Path("empty.h5").touch()
    Path("folder.h5").mkdir()
    with h5py.File("foreign.h5", "w") as file:
        file["mean"] = 1.0
    with h5py.File("hollow.h5", "w") as file:
        file.create_group("spikes/E")
    return {
        "cut.h5": "cut short or damaged",
        "text.h5": "not an HDF5 file: not a trace. Give a trace written by neuromorph",
        "empty.h5": "the file is empty",
        "folder.h5": "is a folder, not a file",
        "foreign.h5": "an HDF5 file without the group /spikes",
        "hollow.h5": "an HDF5 file without spikes in /spikes",
        "y.h5": "no such file. Did you mean 'x.h5'?",
        "nowhere/x.h5": "The folder nowhere does not exist",
    }


@pytest.mark.parametrize("command", [["info"], ["analyze"], ["plot", "raster", "-o", "f.png"]], ids=lambda c: c[0])
def test_what_is_no_trace(refused, trace, command):
    if command[0] == "plot":
        pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    for file, words in _files().items():
        message = refused(*command, file)
        assert message.startswith(f"neuromorph: {file}: ")
        assert words in message


@pytest.fixture
def killed(folder) -> int:
    """What a killed run of the file x.h5 has left; returns how many spikes there are."""
    writer = TraceWriter("x.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.spikes("E", np.arange(1, 6), np.zeros(5), np.arange(5) % 3)
    writer.flush()
    writer._release()
    return 5


@pytest.mark.parametrize("name", ["x.h5", "x.h5.part"])
def test_repair(call, killed, name):
    answer = call("repair", name)
    assert (answer.code, answer.err) == (0, "")
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines == ["x.h5", "status killed (ended early)", "simulated 0.5 ms", "spikes 5"]
    assert sorted(p.name for p in Path().iterdir()) == ["tiny.toml", "x.h5"]


def test_repair_in_json_compressed_and_quiet(call, killed):
    pytest.importorskip("hdf5plugin", reason="the extra `compress` is not installed")
    summary = json.loads(call("repair", "x.h5", "--compression", "zstd", "--json").out)
    assert (summary["status"], summary["spikes"], summary["file"]) == ("killed", killed, "x.h5")
    with h5py.File("x.h5") as file:
        assert file.attrs["compression"] == "zstd"


def test_repair_overwrites_only_by_force(call, refused, killed):
    Path("x.h5").write_text("mine")
    fix = "Move it away, or overwrite it with force=True (--force)."
    assert refused("repair", "x.h5") == f"neuromorph: x.h5: the file exists already. {fix}\n"
    assert call("repair", "x.h5", "--force", "-q") == (0, "", "")
    assert refused("repair", "x.h5").endswith("x.h5.part: no recording of a killed run. x.h5 is finished.\n")


def test_info_of_a_killed_run_says_how_to_go_on(call, killed):
    lines = [" ".join(line.split()) for line in call("info", "x.h5").out.splitlines()]
    assert "to finish it neuromorph repair x.h5.part" in lines
    assert not any(line.startswith("to go on") for line in lines)
    Path("x.checkpoint.npz").touch()
    lines = [" ".join(line.split()) for line in call("info", "x.h5").out.splitlines()]
    assert "to go on neuromorph resume x.h5" in lines
