"""Checkpoint files: whole or not there, two kept, refused where they are of another run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuromorph import Network, Simulation, checkpoints
from neuromorph.errors import InputError


def simulation(size=3, **more):
    net = Network("small")
    net.add_population("E", "lif_delta", size)
    net.add_input("noise", "poisson", size, {"rate": 9000.0})
    net.connect("noise", "E", "one_to_one", 1.0, 1.0)
    return Simulation(net, **({"resolution": 0.1, "seed": 2} | more))


def test_in_memory(tmp_path):
    whole, first, second = simulation(), simulation(), simulation(parts=2)
    whole.run(60.0)
    first.run(25.0)
    first.save(tmp_path / "a.npz", {"why": "tried"})
    head = second.restore(tmp_path / "a.npz")
    assert (head["time_ms"], head["why"], head["schema"]) == (25.0, "tried", checkpoints.SCHEMA)
    assert second.time == 25.0
    second.run_until(60.0)
    later = whole.spikes("E")[0] > 25.0
    assert np.count_nonzero(later) > 5
    for found, expected in zip(second.spikes("E"), whole.spikes("E")):
        assert found.tolist() == expected[later].tolist()
    with pytest.raises(InputError, match="a simulation that has run cannot be put back"):
        second.restore(tmp_path / "a.npz")


def test_two_are_kept_and_nothing_else(tmp_path):
    path = checkpoints.beside(tmp_path / "x.h5")
    for number in range(3):
        checkpoints.write(path, {"number": number}, {"a": np.arange(number)})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.checkpoint.npz", "x.checkpoint.previous.npz"]
    assert [checkpoints.read(p)[0]["number"] for p in (path, checkpoints.previous(path))] == [2, 1]
    path.write_bytes(path.read_bytes()[:-9])
    found, head, arrays = checkpoints.newest(tmp_path / "x.h5")
    assert (found.name, head["number"], arrays["a"].tolist()) == ("x.checkpoint.previous.npz", 1, [0])


def test_a_bit_that_has_flipped_is_noticed(tmp_path):
    path = tmp_path / "a.npz"
    checkpoints.write(path, {}, {"a": np.arange(100.0)})
    data = bytearray(path.read_bytes())
    place = data.index(np.float64(50.0).tobytes())
    data[place] ^= 4
    path.write_bytes(data)
    with pytest.raises(InputError, match="is no whole checkpoint of a run: .*CRC"):
        checkpoints.read(path)


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: cannot be read, found 'No such file"):
        checkpoints.read(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="is no whole checkpoint of a run"):
        checkpoints.read(tmp_path / "other.npz")
    np.savez(tmp_path / "newer.npz", checkpoint=np.array(json.dumps({"schema": 99, "neuromorph": "9.0"})))
    with pytest.raises(InputError, match=r"of another schema, found 99 .allowed: 1.. Go on with neuromorph 9"):
        checkpoints.read(tmp_path / "newer.npz")
    with pytest.raises(InputError, match="has no checkpoint beside it"):
        checkpoints.newest(tmp_path / "x.h5")
    with pytest.raises(InputError, match=r"cannot save a checkpoint: No such file .*the checkpoint before is kept"):
        checkpoints.write(tmp_path / "no" / "a.npz", {}, {})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"size": 4}, "the checkpoint is of another network, found 'another'"),
        ({"seed": 3}, r"the checkpoint is of another seed, found 2 .allowed: 3"),
        ({"resolution": "exact"}, r"the checkpoint is of another resolution, found 0\.1 .allowed: exact"),
        ({"precision": "float32"}, "the checkpoint is of another precision, found 'float64'"),
    ],
)
def test_another_run(tmp_path, more, words):
    first = simulation()
    first.run(5.0)
    first.save(tmp_path / "a.npz")
    with pytest.raises(InputError, match=words):
        simulation(**more).restore(tmp_path / "a.npz")
