from __future__ import annotations

import json
import tempfile
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.errors import DescriptionError, InputError
from neuromorph.graph import graphml
from neuromorph.graph.check import check, describe
from neuromorph.graph.dicts import from_dict, to_dict
from neuromorph.graph.files import INLINE, load
from neuromorph.graph.network import Network
from neuromorph.graph.values import Array

SUFFIXES = (".toml", ".json", ".graphml")

numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False))
text = st.text(max_size=6)
leaves = st.one_of(
    st.booleans(), numbers, text, st.just(""), st.sampled_from(["null", "1", "[x", " x ", "true", "NaN"])
)
long = st.builds(lambda a, n: np.arange(n) + a, st.floats(0, 1), st.integers(INLINE, INLINE + 3))
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=2), max_leaves=4
)
attributes = st.dictionaries(st.sampled_from(["colour", "tau_m", "note"]), values, max_size=2)
node_names = st.one_of(st.integers(-5, 5), st.text(max_size=3), st.tuples(st.integers(0, 3), st.text(max_size=2)))
population_names = st.text("abcé -", min_size=1, max_size=3).map(lambda name: f"p{name}p")
edge_values = st.fixed_dictionaries(
    {},
    optional={
        "weight": numbers | st.just("1 mV") | st.just({"distribution": "normal", "mean": 1.0, "std": 0.1}),
        "delay": st.floats(0.1, 10) | st.just("2 ms"),
        "receptor": st.just("delta"),
        "plasticity": st.just({"rule": "hebb", "params": {"eta": 0.5}}),
        "colour": values,
    },
)  # fmt: skip


@st.composite
def networks(draw):
    """Networks of anything a file must hold, sensible or not."""
    network = Network(draw(text))
    graph = network.graph
    graph.graph.update(draw(st.fixed_dictionaries({}, optional={"description": text, "note": values})))
    graph.graph["model"] = "tiny"
    for name in draw(st.lists(population_names, max_size=3, unique=True)):
        params = draw(st.none() | st.dictionaries(st.sampled_from(["tau_m", "V_th"]), values | long, max_size=2))
        network.add_population(name, draw(st.sampled_from(["tiny", "gone"])), draw(st.integers(0, 5)), params)
        graph.nodes[name].update(draw(attributes))
    if draw(st.booleans()):
        network.add_input("input", "source", 2, {"times": draw(long)})
    for node in draw(st.lists(node_names, max_size=4)):
        graph.add_nodes_from([(node, draw(attributes))])
    nodes = list(graph)
    if nodes:
        for _ in range(draw(st.integers(0, 6))):
            ends = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
            graph.add_edges_from([(*ends, draw(edge_values))])
    if draw(st.booleans()):
        network.add_signal("r", times=draw(st.lists(st.floats(0, 9), max_size=3)))
        network.record("input", "spikes", indices=range(draw(st.integers(0, INLINE + 2))))
        network.run_settings(duration="1 s", seed=draw(st.integers(0, 2**63)))
    return network


def content(network):
    """Everything in a network, free of order, of edge keys and of where arrays are kept."""
    return to_dict(network, embed=True)


def listed(graph):
    """Attributes of a graph as they are, arrays and tuples as lists."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray | list | tuple | range):
            return [plain(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value

    edges = sorted(repr((u, v, plain(data))) for u, v, data in graph.edges(data=True))
    return plain(graph.graph), {node: plain(data) for node, data in graph.nodes(data=True)}, edges


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=60)
@given(networks())
def test_what_is_saved_is_loaded_again(suffix, network):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"network{suffix}"
        network.save(path)
        again = Network.load(path)
        assert content(again) == content(network)
        assert [type(node) for node in sorted(again.graph, key=repr)] == [
            type(node) for node in sorted(network.graph, key=repr)
        ]
        if suffix != ".toml":  # which keeps long arrays as references
            assert listed(again.graph) == listed(network.graph)
        again.save(path)  # over the file that its arrays are in
        assert content(Network.load(path)) == content(network)
        assert {file.suffix for file in Path(folder).iterdir()} <= {suffix, ".npz"}


@settings(deadline=None, max_examples=60)
@given(networks())
def test_tables_are_plain_and_make_the_same_network(network):
    tables = to_dict(network, embed=True)
    assert content(from_dict(json.loads(json.dumps(tables)))) == tables


@pytest.fixture
def example(pair):
    """A network that can be run, with a value of every kind."""
    pair.graph.nodes["A"]["params"] = {"tau_m": np.linspace(1.0, 2.0, 10), "V_th": ["20 mV"] * 10}
    pair.graph.nodes["A"]["positions"] = np.zeros((10, 2))
    pair.graph.nodes["B"]["initial"] = {"V_m": {"distribution": "uniform", "low": 0.0, "high": "10 mV"}}
    pair.connect("A", "B", weight=np.linspace(1.0, 2.0, 50).reshape(10, 5), delay=[1.5] * 50, plasticity="hebb")
    pair.connect("S", "A", "fixed_indegree", indegree=2, weight="0.5 mV")
    pair.connect("I", "A", weight=2.0)
    for name in "cba":
        pair.add_neuron(name, "tiny", V_th=ord(name) / 10)
    pair.connect("a", "b", weight=3.0)
    pair.connect("b", "a", weight=4.0, delay="2 ms")
    pair.connect("S", "a")
    pair.add_signal("r", start=1.0, interval=1.0, count=3)
    pair.record("A", "V_m", 0.5, range(INLINE // 8))
    pair.run_settings(duration="1 s", resolution=0.1)
    return pair


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_loaded_network_is_described_the_same(example, tmp_path, suffix, plain):
    path = tmp_path / f"x{suffix}"
    example.save(path)
    assert plain(describe(Network.load(path))) == plain(describe(example))


def test_long_arrays_go_beside_a_toml_file(tmp_path):
    network = Network()
    network.add_population("E", "tiny", 100, {"tau_m": np.linspace(1.0, 2.0, 100), "V_th": [1.5] * 100})
    network.add_population("F", "tiny", 2, {"tau_m": np.array([1.0, 2.0])})
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    network.save(tmp_path / "one" / "n.toml")
    text = (tmp_path / "one" / "n.toml").read_text()
    assert 'tau_m = { file = "n.npz", array = "populations.E.params.tau_m" }' in text
    assert "params = { tau_m = [1.0, 2.0] }" in text
    moved = Network.load(tmp_path / "one" / "n.toml")
    moved.save(tmp_path / "two" / "m.toml")
    assert 'file = "m.npz"' in (tmp_path / "two" / "m.toml").read_text()  # nothing is reached outside of a folder
    expected = Array(np.linspace(1.0, 2.0, 100))
    assert describe(Network.load(tmp_path / "two" / "m.toml")).population("E").params["tau_m"] == expected


def test_names_of_files_are_written_for_the_new_folder(tmp_path):
    (tmp_path / "in").mkdir()
    network = Network()
    network.folder = tmp_path / "in"
    network.add_input("S", "source", params={"path": "a.h5"})
    network.save(tmp_path / "n.json")
    assert describe(Network.load(tmp_path / "n.json")).population("S").texts["path"] == str(tmp_path / "in" / "a.h5")
    network.graph.nodes["S"]["params"]["path"] = str(tmp_path / "b.h5")
    network.save(tmp_path / "n.json")
    assert describe(Network.load(tmp_path / "n.json")).population("S").texts["path"] == str(tmp_path / "b.h5")


def test_long_lists_of_single_neurons_and_edges(tmp_path):
    graph = nx.MultiDiGraph(model="tiny")
    graph.add_weighted_edges_from((k, (7 * k) % 100, k / 8) for k in range(100))
    network = Network.from_networkx(graph)
    network.save(tmp_path / "n.toml")
    assert (tmp_path / "n.npz").exists()
    assert content(Network.load(tmp_path / "n.toml")) == content(network)


def test_arrays_can_be_left_out_of_tables():
    network = Network()
    network.add_population("E", "tiny", 3, {"tau_m": np.arange(3.0), "V_th": np.arange(2)})
    params = to_dict(network, longest=2)["populations"]["E"]["params"]
    assert params["V_th"] == [0, 1]
    assert {key: params["tau_m"][key] for key in ("shape", "dtype")} == {"shape": [3], "dtype": "float64"}
    assert len(params["tau_m"]["sha256"]) == 64


def test_populations_and_inputs_stand_in_their_sections(pair):
    tables = to_dict(pair)
    assert (list(tables["populations"]), list(tables["inputs"])) == (["A", "B"], ["I", "S"])
    assert from_dict({"inputs": {"x": {"model": "source"}}}).graph.nodes["x"] == {"size": 1, "model": "source"}


def test_settings_apply_to_every_kind_of_file(pair, tmp_path):
    for suffix in SUFFIXES:
        pair.save(tmp_path / f"n{suffix}")
        network = load(tmp_path / f"n{suffix}", ["populations.A.size=3", "run.seed=4"])
        assert network.graph.nodes["A"]["size"] == 3
        assert network.graph.graph["run"] == {"seed": 4}
        assert network.folder == tmp_path


TOML = """\
[network]
nam = "x"
[populations.A]
model = "tinny"
size = 3
[inputs.A]
model = "source"
[inputs.S]
model = "source"
params = { rate = "5 khz" }
[[projections]]
source = "S"
target = "B"
[[projections]]
source = "S"
target = "S"
delya = 1.0
[[edges]]
source = ["q"]
target = ["A", "S"]
[[edges]]
source = ["q"]
target = ["A"]
[[edges]]
source = ["A"]
target = ["A"]
weight = [1.0, 2.0]
[[neurons]]
names = ["A", {}]
"""


def problems_of(act):
    with pytest.raises(InputError) as error:
        act()
    return [str(problem) for problem in error.value.problems]


def test_all_mistakes_of_a_toml_file_come_with_their_lines(tmp_path):
    path = tmp_path / "n.toml"
    path.write_text(TOML)
    assert [line.removeprefix(f"{path}:") for line in problems_of(lambda: load(path))] == [
        "2: network.nam: unknown key 'nam'. Did you mean 'name'?",
        "4: populations.A.model: unknown model 'tinny'. Did you mean 'tiny'?",
        "6: inputs.A: 'A' exists already. Choose another name.",
        "10: inputs.S.params.rate: unknown unit 'khz', found '5 khz' (allowed: units of Hz). Did you mean 'kHz'?",
        "13: projections[0].target: unknown population 'B'. Known: A, S.",
        "16: projections[1].target: connection into 'S', an input. Inputs have no receptors.",
        "17: projections[1].delya: unknown key 'delya'. Did you mean 'delay'?",
        "18: edges[0]: source and target differ in length, found (1, 2)",
        "22: edges[1].source: unknown population 'q'. Known: A, S.",
        "27: edges[2].weight: wrong number of values, found 2 (allowed: 1, one per edge)",
        "29: neurons[0].names: 'A' exists already. Choose another name.",
        "29: neurons[0].names: not a name, found {} (allowed: number, text or list)",
    ]


def test_what_check_finds_in_a_file_has_its_line(tmp_path):
    path = tmp_path / "n.toml"
    path.write_text('[populations.A]\nmodel = "tiny"\n\nparams = { tau_m = 0 }\n')
    (problem,) = check(Network.load(path))
    assert str(problem) == f"{path}:4: populations.A.params.tau_m: value out of range, found 0.0 (allowed: above 0 ms)"
    with pytest.raises(DescriptionError, match="n.toml:4: populations.A.params.tau_m"):
        describe(Network.load(path))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"population": {}}, "population: unknown key 'population'. Did you mean 'populations'?"),
        ({"projections": [{"source": "A"}]}, "projections[0]: 'target' is missing. Add `target`."),
        ({"populations": {"A": 3}}, "populations.A: not a table, found 3"),
        ({"populations": {"A": {"params": 3}}}, "populations.A.params: not a table, found 3"),
        ({"record": {}}, "record: not a list, found {}"),
        ({"network": {"name": 3}}, "network.name: not text, found 3"),
        (
            {"edges": [{"source": {"file": "no.npz", "array": "x"}, "target": []}]},
            "edges[0].source: cannot read the file",
        ),
    ],
)
def test_misshapen_tables(data, words):
    with pytest.raises(DescriptionError) as error:
        from_dict(data)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("n.yaml", "", "n.yaml: unknown kind of network file, found '.yaml' (allowed: .toml, .json, .graphml)"),
        ("n.toml", "a b", "n.toml:1: not TOML"),
        ("n.json", "{\n,", "n.json:2: not JSON: Expecting property name"),
        ("n.json", "[]", "n.json: not a node-link graph (allowed: an object with the lists `nodes` and `edges`)"),
        ("n.json", '{"nodes": 3, "edges": []}', "n.json: not a node-link graph"),
        ("n.json", '{"nodes": [3], "edges": []}', "n.json: not a node-link graph"),
        ("n.json", '{"nodes": [{}], "edges": []}', "n.json: a node or an edge without 'id'"),
        ("n.json", '{"nodes": [], "edges": [{"source": 1}]}', "n.json: a node or an edge without 'target'"),
        ("n.graphml", "<graphml>\n<a</graphml>", "n.graphml:2: not XML"),
        ("n.graphml", "<x/>", "n.graphml: not GraphML"),
    ],
)
def test_files_that_are_none(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    assert words in problems_of(lambda: load(tmp_path / name))[0]


def test_files_that_cannot_be_read_or_written(tmp_path, pair):
    assert problems_of(lambda: load(tmp_path / "no.toml")) == [
        f"{tmp_path / 'no.toml'}: cannot read the network file: No such file or directory"
    ]
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert problems_of(lambda: load(tmp_path / "bytes.toml")) == [
        f"{tmp_path / 'bytes.toml'}: not a text file in UTF-8"
    ]
    missing = tmp_path / "no" / "n.toml"
    assert problems_of(lambda: pair.save(missing)) == [
        f"{missing}: cannot write the network file: No such file or directory"
    ]
    assert "unknown kind of network file" in problems_of(lambda: pair.save(tmp_path / "n.xml"))[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda g: g.add_node(frozenset()),
            "a node's name cannot be written, found frozenset() (allowed: number, text or tuple)",
        ),
        (lambda g: g.add_node("a", colour={1, 2}), "nodes['a'].colour: cannot be written, found {1, 2}"),
        (lambda g: g.add_node("a", colour=object), "nodes['a'].colour: cannot be written"),
        (lambda g: g.add_node("a", colour=[1, {2}]), "nodes['a'].colour[1]: cannot be written, found {2}"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_no_file_can_hold(tmp_path, suffix, change, words):
    network = Network()
    change(network.graph)
    assert words in problems_of(lambda: network.save(tmp_path / f"n{suffix}"))[0]
    assert not list(tmp_path.iterdir())


def test_a_population_must_have_a_text_name(tmp_path):
    network = Network()
    network.graph.add_node(3, model="tiny", size=1)
    assert "nodes[3]: a population's name must be text, found 3" in problems_of(lambda: to_dict(network))[0]


def test_an_embedded_file_must_be_there():
    network = Network()
    network.add_population("E", "tiny", 1, {"tau_m": {"file": "no.npz", "array": "x"}})
    assert "populations" in to_dict(network)
    assert "cannot read the file, found 'no.npz'" in problems_of(lambda: to_dict(network, embed=True))[0]


def test_node_link_json_has_names_of_its_own(tmp_path):
    network = Network()
    network.graph.add_node("a", id=3)
    words = "nodes['a']: node-link JSON has another use for 'id'. Rename the attribute, or save the network as"
    assert words in problems_of(lambda: network.save(tmp_path / "n.json"))[0]


def test_files_of_networkx_itself(tmp_path):
    graph = nx.Graph(model="tiny")
    graph.add_edge(1, 2, weight=3.0)
    path = tmp_path / "n.json"
    for key in ("edges", "links"):
        data = {"directed": False, "multigraph": False, "graph": graph.graph, "nodes": [{"id": 1}, {"id": 2}]}
        path.write_text(json.dumps(data | {key: [{"source": 1, "target": 2, "weight": 3.0}]}))
        assert sorted(Network.load(path).graph.edges(data="weight")) == [(1, 2, 3.0), (2, 1, 3.0)]
    nx.write_graphml(graph, tmp_path / "n.graphml")
    assert sorted(Network.load(tmp_path / "n.graphml").graph.edges(data="weight")) == [(1, 2, 3.0), (2, 1, 3.0)]


def test_defaults_of_a_graphml_file_reach_its_nodes(tmp_path):
    (tmp_path / "n.graphml").write_text(
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        '<key id="m" for="node" attr.name="model" attr.type="string"><default>tiny</default></key>'
        '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>2.5</default></key>'
        '<graph edgedefault="directed"><node id="a"/><node id="b"><data key="m">source</data></node>'
        '<edge source="b" target="a"/></graph></graphml>'
    )
    graph = Network.load(tmp_path / "n.graphml").graph
    assert dict(graph.nodes(data="model")) == {"a": "tiny", "b": "source"}
    assert list(graph.edges(data="weight")) == [("b", "a", 2.5)]


@given(values)
def test_graphml_text_is_json_only_where_it_must_be(value):
    encoded = graphml.encode(value)
    assert isinstance(encoded, bool | int | float | str)
    assert graphml.decode(encoded) == value
    assert type(graphml.decode(encoded)) is type(value)
    assert graphml.encode("20 ms") == "20 ms"
