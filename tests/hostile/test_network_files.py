"""Network files are data: they reach nothing outside of their folder, are not nested without end, and run nothing."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Network
from neuromorph.errors import DescriptionError, InputError, Problem, printable, suggestion
from neuromorph.graph import graphml, toml
from neuromorph.graph.beside import beside
from neuromorph.graph.check import check, describe

ARRAY = """\
[populations.E]
model = "lif_delta"
size = 2
params = { tau_m = { file = "@", array = "tau" } }
"""
REPLAY = """\
[inputs.S]
model = "spike_file"
params = { path = "@" }
"""


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        describe(Network.load(path))
    return str(caught.value)


@pytest.fixture
def outside(tmp_path):
    """A folder for network files, and a file of arrays above it."""
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "x.npz", tau=np.array([10.0, 11.0]))
    return tmp_path / "in"


@pytest.mark.parametrize("text", [ARRAY, REPLAY])
@pytest.mark.parametrize("name", ["../x.npz", "@/x.npz", "link.npz", "folder/x.npz", "/dev/zero"])
def test_nothing_outside_of_the_folder(outside, text, name):
    (outside / "link.npz").symlink_to(outside.parent / "x.npz")
    (outside / "folder").symlink_to(outside.parent)
    path = outside / "n.toml"
    path.write_text(text.replace("@", name.replace("@", str(outside.parent))))
    words = refusal(path)
    assert "a file outside the folder of the network file, found '" in words
    assert f"(allowed: in {outside}). Copy it there" in words


def test_what_is_inside_may_be_named_in_any_way(outside):
    (outside / "data").mkdir()
    os.rename(outside.parent / "x.npz", outside / "data" / "x.npz")
    (outside / "link.npz").symlink_to(outside / "data" / "x.npz")
    for name in ("data/x.npz", "../in/data/x.npz", "link.npz", str(outside / "data" / "x.npz")):
        (outside / "n.toml").write_text(ARRAY.replace("@", name))
        assert check(Network.load(outside / "n.toml")) == []


def test_a_pipe_is_no_array(outside):
    os.mkfifo(outside / "pipe")
    (outside / "n.toml").write_text(ARRAY.replace("@", "pipe"))
    assert "cannot read the file, found 'pipe'. It is no whole .npy or .npz file" in refusal(outside / "n.toml")


@pytest.mark.parametrize("name", ["a\0b", "loop"])
def test_names_that_are_none(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="here: not the name of a file, found '"):
        beside(tmp_path, name, "here")


def test_a_program_may_name_any_file(outside):
    network = Network()
    network.add_population("E", "lif_delta", 2, {"tau_m": {"file": str(outside.parent / "x.npz"), "array": "tau"}})
    assert check(network) == []


def test_a_spike_file_elsewhere_cannot_be_saved(tmp_path):
    network = Network()
    network.add_input("S", "spike_file", 1, {"path": str(tmp_path / "a.h5")})
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=r"nodes\['S'\].params.path: a file outside the folder of the network file"):
        network.save(tmp_path / "in" / "n.toml")


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\x1b[2J", "..", "x" * 400])
def test_the_name_of_a_network_leads_its_trace_nowhere(tmp_path, monkeypatch, name):
    from neuromorph_cli.options import trace_file

    monkeypatch.chdir(tmp_path)
    with trace_file(None, name) as path:
        assert path.resolve().parent == tmp_path / "traces"
        assert printable(str(path)) == str(path)
        path.touch()


# -- nesting and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = " + "[" * 50 + "]" * 50,
        "x = " + "{ a = " * 50 + "1" + " }" * 50,
        "a." * 50_000 + "b = 1",
        "[" + "a." * 100 + "b]",
        ".".join(['"a b"'] * 40) + " = 1",
    ],
    ids=["open", "lists", "tables", "keys", "header", "quoted keys"],
)
def test_toml_nested_without_end(text):
    began = time.monotonic()
    with pytest.raises(DescriptionError, match=r"n.toml(:1)?: tables nested too deeply \(allowed: at most 32 levels\)"):
        toml.loads(text, "n.toml")
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "[" * 40 + "]" * 40])
def test_json_nested_without_end(tmp_path, text):
    (tmp_path / "n.json").write_text(text)
    assert "nested too deeply" in refusal(tmp_path / "n.json")


def test_graphml_with_json_nested_without_end():
    for text in ("[" * 100_000, "[" * 40 + "]" * 40):
        assert graphml.decode(text) == text
    assert graphml.encode("[" * 100_000) == "[" * 100_000


def test_graphml_defines_no_entities(tmp_path):
    entities = '<!ENTITY a "ha"><!ENTITY b SYSTEM "file:///etc/passwd">'
    path = tmp_path / "n.graphml"
    path.write_text(f'<?xml version="1.0"?>\n<!DOCTYPE x [{entities}]>\n<graphml>&b;</graphml>')
    assert "n.graphml:2: a network file has no <!DOCTYPE. Delete it: GraphML needs none." in refusal(path)


def test_elements_nested_without_end(tmp_path):
    (tmp_path / "n.graphml").write_text("<a>" * 100_000 + "</a>" * 100_000)
    assert "not GraphML: " in refusal(tmp_path / "n.graphml")


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000, "0x" + "f" * 5000])
@pytest.mark.parametrize("place", ["size", "weight", "seed", "sources", "places", "name"])
def test_numbers_beyond_all_floats(tmp_path, digits, place):
    given = dict.fromkeys(("size", "weight", "seed", "sources", "name", "places"), "1") | {place: digits}
    (tmp_path / "n.toml").write_text(
        f"run = {{ seed = {given['seed']} }}\n[populations.E]\nmodel = 'lif_delta'\nsize = {given['size']}\n"
        f"positions = [{given['places']}]\n[[neurons]]\nnames = [{given['name']}]\nmodel = 'lif_exp'\n"
        f"[[projections]]\nsource = 'E'\ntarget = 'E'\nrule = 'explicit'\nsources = [{given['sources']}]\n"
        f"targets = [0]\nweight = {given['weight']}\n"
    )
    text = refusal(tmp_path / "n.toml")
    assert len(text) < 10_000 + len(digits)
    if len(digits) == 5000:
        assert "n.toml: not TOML: Exceeds the limit (4300 digits) for integer string" in text
    elif place == "name":
        assert "n.toml:7: neurons[0].names: not a name, found " in text
        assert "(allowed: a whole number below 2^63)" in text


def test_json_whose_numbers_are_too_long(tmp_path):
    (tmp_path / "n.json").write_text('{"nodes": [{"id": ' + "9" * 5000 + '}], "edges": []}')
    assert "n.json: not JSON: Exceeds the limit (4300 digits) for integer string" in refusal(tmp_path / "n.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"nodes": [{"id": {}}], "edges": []}, "not a name, found {} (allowed: number, text or list)"),
        ({"nodes": [{"id": None}], "edges": []}, "not a name, found None"),
        ({"nodes": [{"id": ["a", {}]}], "edges": []}, "not a name, found {}"),
        ({"nodes": [], "edges": [{"source": "a", "target": {}}]}, "not a name, found {}"),
        ({"nodes": [], "edges": [{"source": "a", "target": "b", "key": {}}]}, "not a name, found {}"),
        ({"nodes": [], "edges": [], "graph": [1]}, "graph: not a table of names and values, found [1]"),
        ({"nodes": [{"id": "a", "model": ["x"]}], "edges": []}, "nodes['a'].model: no model is named, found ['x']"),
        (
            {"nodes": [{"id": "a", "model": "lif_exp", "params": {"V_th": {"distribution": []}}}], "edges": []},
            "unknown distribution '[]'",
        ),
    ],
)
def test_things_where_names_are_meant(tmp_path, data, words):
    (tmp_path / "n.json").write_text(json.dumps(data))
    assert words in refusal(tmp_path / "n.json")


def test_very_many_mistakes_are_counted_not_listed(tmp_path):
    began = time.monotonic()
    (tmp_path / "n.toml").write_text("[network]\n" + "".join(f"wrong{k} = 1\n" for k in range(3000)))
    assert "2,900 more mistakes of this kind" in refusal(tmp_path / "n.toml")
    nodes = [{"id": f"node{k}"} for k in range(3000)]
    (tmp_path / "n.json").write_text(json.dumps({"nodes": [{"id": "a", "x": 1}, *nodes], "edges": []}))
    assert "nodes: 2,901 more nodes without a model" in refusal(tmp_path / "n.json")
    assert time.monotonic() - began < 30.0


# -- what is printed ---------------------------------------------------------------------------------------------------


def test_messages_do_not_command_the_terminal():
    said = str(Problem("unknown 'a\x1b[2Jb'", "x\x07", "\x9b31m", "c\u202ed", "e\rf"))
    assert said == "x\\x07: unknown 'a\\x1b[2Jb', found '\\x9b31m' (allowed: c\\u202ed). e\\rf"
    assert printable("two\nlines\tand \udc80") == "two\nlines\tand \\udc80"


def test_names_are_compared_in_a_short_time():
    began = time.monotonic()
    long = ["ab" * 50_000, "ba" * 50_000]
    assert suggestion("abc" * 30_000, long).startswith("Known: ababab")
    assert suggestion("x", [f"name{k}" for k in range(100_000)]).endswith("and 99,500 more.")
    assert time.monotonic() - began < 5.0


def test_a_number_of_very_many_digits_is_not_spelled_out():
    assert str(Problem("too large", value=1 << 100_000)) == "too large, found a number of 100001 bits"
    assert str(Problem("too large", value=[1 << 100_000])) == "too large, found a list"


def test_what_networkx_lets_through_is_a_description_error(monkeypatch):
    import networkx

    def fails(*_: object, **__: object) -> None:
        raise AttributeError("no attribute")

    monkeypatch.setattr(networkx, "parse_graphml", fails)
    with pytest.raises(DescriptionError, match="n.graphml: not GraphML: no attribute"):
        graphml.loads("<graphml/>", "n.graphml")


def test_no_pickle_is_ever_opened(tmp_path):
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(ran),))

    np.save(tmp_path / "x.npy", np.array([Bomb()], object), allow_pickle=True)
    (tmp_path / "n.toml").write_text(ARRAY.replace("@", "x.npy"))
    assert "It is no whole .npy or .npz file of numbers" in refusal(tmp_path / "n.toml")
    np.savez(tmp_path / "c.npz", training=np.array([Bomb()], object))
    from neuromorph.tasks.checkpoint import Checkpoint

    with pytest.raises(InputError, match="is no checkpoint of a training run"):
        Checkpoint.load(tmp_path / "c.npz")
    assert not ran.exists()


def test_words_of_a_number_that_is_too_large():
    from neuromorph.units import quantity

    with pytest.raises(InputError, match=r"here: number too large, found 1000.* \(allowed: up to 1.8e308\)"):
        quantity(10**400, "ms", "here")
