"""Sizes that a file claims are checked before anything is allocated; memory is estimated before a run."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Network, Simulation, limits
from neuromorph.errors import DescriptionError, InputError
from neuromorph.graph.check import describe
from neuromorph.lowered import footprint
from neuromorph.lowered.footprint import check_memory, expected_synapses, total
from neuromorph.numpy_files import ArrayFile, NotArrays

UNIFORM = {"distribution": "uniform", "low": 0.5, "high": 3.0}


def header(text: str) -> bytes:
    """An .npy file that says so and holds nothing."""
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


def archive(path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


HUGE = header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HUGE, "not as many numbers as it says"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "not an array of numbers"),
        (header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }"), "not an array of numbers"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"), "not an array of numbers"),
        (header("(" * 100), "is no whole .npy or .npz file"),
        (header("{"), "is no whole .npy or .npz file"),
        (b"\x93NUMPY\x09\x00", "an unknown version of the format"),
        (b"text", "is no .npy or .npz file"),
    ],
)
def test_arrays_that_cannot_be(tmp_path, content, words):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(NotArrays, match=words):
        ArrayFile(tmp_path / "x.npy").read()
    with pytest.raises(NotArrays, match="x.npz: is no whole .npy or .npz file"):
        ArrayFile(archive(tmp_path / "x.npz", {"x.npy": content})).read()


def test_an_archive_whose_parts_overlap(tmp_path):
    path = archive(tmp_path / "x.npz", {"x.npy": b"\x93NUMPY" + bytes(5000)}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 20 : entry + 24] = struct.pack("<I", 10**8)
    path.write_bytes(data)
    with pytest.raises(NotArrays, match=r"x.npz: its parts overlap. Get the file again."):
        ArrayFile(path)


def test_an_archive_that_claims_more_than_deflate_can_give(tmp_path):
    path = archive(tmp_path / "x.npz", {"x.npy": bytes(5000)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 10**9)
    path.write_bytes(data)
    with pytest.raises(NotArrays, match=r"'x.npy' cannot be as large as the file says, found 1000000000."):
        ArrayFile(path)


def test_an_archive_that_holds_less_than_it_claims(tmp_path):
    head = header("{'descr': '<f8', 'fortran_order': False, 'shape': (100,), }")
    path = archive(tmp_path / "x.npz", {"x.npy": head + bytes(400)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", len(head) + 800)
    path.write_bytes(data)
    with pytest.raises(NotArrays, match=r"x.npz: is no whole .npy or .npz file: cut short"):
        ArrayFile(path).read()


def test_an_archive_packed_in_another_way(tmp_path):
    path = archive(tmp_path / "x.npz", {"x.npy": bytes(50)}, zipfile.ZIP_LZMA)
    with pytest.raises(NotArrays, match=r"'x.npy' is packed in another way \(allowed: stored or deflated\)"):
        ArrayFile(path)


def test_an_array_that_does_not_fit(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros(1000))
    monkeypatch.setattr(limits, "available", lambda: 5000)
    monkeypatch.setattr(limits, "SMALL", 0)
    with pytest.raises(InputError, match=r"x.npy: array '' takes 8 kB. 5 kB are available. Use a smaller one."):
        ArrayFile(tmp_path / "x.npy").read()


def test_arrays_as_numpy_writes_them(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.arange(6).reshape(2, 3))}
    arrays |= {"e": np.zeros((0, 2)), "t": np.array("text"), "b": np.array([True, False])}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", **arrays)
        read = ArrayFile(tmp_path / "x.npz").read()
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype
    with pytest.raises(KeyError):
        ArrayFile(tmp_path / "x.npz").read(["z"])


def test_no_plain_file(tmp_path):
    with pytest.raises(NotArrays, match="is no plain file"):
        ArrayFile(tmp_path)


# -- descriptions ------------------------------------------------------------------------------------------------------


def test_an_edge_to_each_of_very_many_cells():
    network = Network()
    network.add_population("E", "lif_delta", 10**12)
    network.add_neuron("n", "lif_exp")
    network.connect("n", "E")
    with pytest.raises(
        DescriptionError, match=r"an edge to each of 1,000,000,000,000 cells takes 120 TB. .* available"
    ):
        describe(network)


def test_a_series_of_very_many_events():
    network = Network()
    network.add_population("E", "lif_delta", 1)
    network.add_signal("s", start=1.0, interval=1.0, count=10**12)
    with pytest.raises(DescriptionError, match=r"signals.s.count: 1,000,000,000,000 events take 32 TB. .* Send fewer."):
        describe(network)


def one(cells: int = 1000, **connection: object) -> Network:
    network = Network("one")
    network.add_population("E", "lif_exp", cells)
    given = {"rule": "fixed_indegree", "indegree": 10, "weight": 0.1} | connection
    network.connect("E", "E", **{name: value for name, value in given.items() if value is not None})
    network.run_settings(duration=10.0)
    return network


def test_a_run_that_cannot_fit_is_refused_with_figures():
    with pytest.raises(InputError) as caught:
        Simulation(one(10**6, indegree=10**6, multapses=True))
    text = str(caught.value)
    assert text.startswith("one: the run takes about 8 TB of memory. ")
    assert "the largest parts are projection 'E_E' (1,000,000,000,000 synapses) 8 TB, population 'E' " in text
    assert "fewer synapses (a lower indegree or probability)" in text
    assert "--no-memory-check (in Python: memory_check=False)" in text


def test_more_cells_than_there_are_numbers():
    with pytest.raises(InputError, match=r"too many cells: they and their receptors are numbered in 32 bits, found 3"):
        check_memory(describe(one(10**12)))


def test_one_may_go_ahead(monkeypatch):
    monkeypatch.setattr(limits, "available", lambda: 0)
    with pytest.raises(InputError, match="0 bytes are available"):
        Simulation(one())
    assert Simulation(one(), memory_check=False).network.n_neurons == 1000


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ({"rule": "all_to_all"}, 999_000),
        ({"rule": "all_to_all", "autapses": True}, 1_000_000),
        ({"rule": "one_to_one"}, 1000),
        ({"rule": "fixed_indegree", "indegree": 7}, 7000),
        ({"rule": "fixed_outdegree", "outdegree": 3}, 3000),
        ({"rule": "fixed_total", "total": 123}, 123),
        ({"rule": "bernoulli", "probability": 0.25}, 250_000),
        ({"rule": "explicit", "sources": [1, 2], "targets": [3, 4]}, 2),
    ],
)
def test_synapses_are_counted_beforehand(rule, count):
    network = Network()
    network.add_population("E", "lif_exp", 1000)
    network.connect("E", "E", **rule)
    description = describe(network)
    assert expected_synapses(description.projections[0], {"E": 1000}) == count


def held(root: object) -> int:
    """Bytes of all arrays that a simulation refers to, each memory once."""
    seen: set[int] = set()
    memory: dict[int, int] = {}
    stack = [root]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            while isinstance(one.base, np.ndarray):
                one = one.base
            memory[one.__array_interface__["data"][0]] = one.nbytes
        elif isinstance(one, dict):
            stack += one.values()
        elif isinstance(one, list | tuple):
            stack += one
        elif type(one).__module__.startswith("neuromorph") and not isinstance(one, type):
            stack += vars(one).values() if hasattr(one, "__dict__") else []
    return sum(memory.values())


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize(
    "connection",
    [
        {"indegree": 100},
        {"indegree": 100, "delay": UNIFORM},
        {"rule": "bernoulli", "probability": 0.02, "indegree": None},
        {"indegree": 100, "plasticity": {"rule": "pair_stdp"}},
        {"indegree": 100, "plasticity": {"rule": "pair_stdp"}, "delay": UNIFORM},
    ],
    ids=["static", "drawn delays", "bernoulli", "learning", "learning with drawn delays"],
)
def test_the_estimate_is_close_to_what_is_held(connection, resolution):
    network = one(5000, **{"weight": 1.0, **connection})
    estimate = sum(piece.held for piece in footprint.footprint(describe(network, resolution=resolution)))
    assert estimate == pytest.approx(held(Simulation(network, resolution=resolution)), rel=0.2)


def test_closed_forms_of_the_estimate():
    pieces = footprint.footprint(describe(one(1000, indegree=100)))
    synapses = {piece.what: piece for piece in pieces}["projection 'E_E' (100,000 synapses)"]
    assert synapses.held == 8 * 100_000 + 4 * 1000 + 8 * 1000 * 2  # synapses, a slice a source, two tables of rows
    assert total(pieces) == sum(piece.held for piece in pieces)  # nothing learns: nothing is sorted


def test_recordings_in_memory_are_counted():
    network = one(1000)
    network.record("E", "V_m", interval=1.0)
    network.record(projection="E_E", interval=5.0, synapses=range(50))
    sizes = {p.what: p for p in footprint.footprint(describe(network), in_memory=True)}
    assert sizes["recording V_m of 'E'"].held == 11 * 8 * 1000 + 8 * 1000
    assert sizes["recording weight of 'E_E'"].held == 3 * 4 * 50 + 16 * 50


# -- what is available -------------------------------------------------------------------------------------------------


def test_what_is_available_is_the_least(monkeypatch):
    for free, cgroup, space in ((1, 2, 3), (2, 1, 3), (3, 2, 1)):
        for name, value in (("_free", free), ("_of_cgroup", cgroup), ("_address_space", space)):
            monkeypatch.setattr(limits, name, lambda value=value: value * limits.RESERVE)
        assert limits.available() == 0
    for name in ("_free", "_of_cgroup", "_address_space"):
        monkeypatch.setattr(limits, name, lambda: 3 * limits.RESERVE)
    assert limits.available() == 2 * limits.RESERVE


def test_groups_of_both_versions_and_those_above_count(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    for folder, most in ((inner.parent, 1000), (tmp_path, 5000)):
        (folder / "memory.max").write_text(f"{most}\n")
        (folder / "memory.current").write_text("400\n")
        (folder / "memory.stat").write_text("anon 300\ninactive_file 100\n")
    assert limits._left(tmp_path, "/a/b", "memory.max", "memory.current", "inactive_file") == 700
    assert limits._left(tmp_path, "/c", "memory.max", "memory.current", "inactive_file") == 4700


def test_the_limit_of_the_address_space_counts():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 40, before[1]))
        assert 0 < limits._address_space() < 1 << 40
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_bytes_are_spelled():
    assert [limits.spelled(n) for n in (0, 999, 1000, 8e10, 1e16)] == ["0 bytes", "999 bytes", "1 kB", "80 GB", "10 PB"]


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize(
    "delay",
    [
        {"distribution": "normal", "mean": 1.5, "std": 0.3, "low": 0.1},
        {"distribution": "lognormal", "mean": 0.4, "std": 0.3, "low": 0.1},
        {"distribution": "exponential", "mean": 1.5, "low": 0.1},
    ],
    ids=lambda delay: delay["distribution"],
)
def test_delays_without_a_bound_weigh_little_more_than_those_with_one(delay, resolution):
    for learnt in (None, "pair_stdp"):
        net = Network("unbounded")
        net.add_population("E", "lif_exp", 200)
        net.connect("E", "E", "fixed_indegree", indegree=10, weight=1.0, delay=delay, plasticity=learnt)
        pieces = footprint.footprint(describe(net, resolution=resolution))
        bounded = Network("bounded")
        bounded.add_population("E", "lif_exp", 200)
        bounded.connect(
            "E", "E", "fixed_indegree", indegree=10, weight=1.0, delay={**delay, "high": 9.0}, plasticity=learnt
        )
        assert total(pieces) < 4 * total(footprint.footprint(describe(bounded, resolution=resolution)))
        Simulation(net, resolution).run(1.0)


@pytest.mark.parametrize("resolution", [0.1, "exact"])
def test_a_projection_of_no_synapses_at_all(resolution):
    net = Network("nobody")
    net.add_population("E", "lif_exp", 0)
    net.connect("E", "E", "explicit", sources=[], targets=[], weight=[], delay=np.zeros(0), plasticity="pair_stdp")
    assert total(footprint.footprint(describe(net, resolution=resolution))) < 1e8
    Simulation(net, resolution).run(1.0)
