"""What is wrong is said in a paragraph, with exit code 2, and nothing is left behind (`refused` checks all of that)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from neuromorph.graph.network import Network

PLASTIC = 'weight = 4.0\nplasticity = { rule = "pair_stdp" }'
FILE = 'path = "old.h5", population = "E"'
SPIKES = ('"poisson"', '"spike_file"')

#: what is changed in the network file, where it is found and what is said of it
DESCRIPTIONS = {
    "section": ("[run]", "[runn]", "3: runn: unknown key 'runn'. Did you mean 'run'?"),
    "key": ("duration =", "durration =", "4: run.durration: unknown key 'durration'. Did you mean 'duration'?"),
    "key of a population": ('[populations.I]', '[populations.I]\nsizee = 3',
                            "12: populations.I.sizee: unknown key 'sizee'. Did you mean 'size'?"),
    "key of a projection": ("delay = 1.0", "delays = 1.0",
                            "22: projections[0].delays: unknown key 'delays'. Did you mean 'delay'?"),
    "model": ('"poisson"', '"poison"', "14: inputs.noise.model: unknown model 'poison'. Did you mean 'poisson'?"),
    "parameter": ("V_th", "V_thh", "10: populations.E.params.V_thh: unknown parameter of lif_delta 'V_thh'. "
                                   "Did you mean 'V_th'?"),
    "rule": ('"one_to_one"', '"one_to_won"',
             "20: projections[0].rule: unknown connection rule 'one_to_won'. Did you mean 'one_to_one'?"),
    "learning rule": ("weight = 4.0", PLASTIC.replace("pair", "pear"),
                      "28: projections[1].plasticity.rule: unknown learning rule 'pear_stdp'. "
                      "Did you mean 'pair_stdp'?"),
    "parameter of a rule": ("weight = 4.0", PLASTIC.replace('dp" ', 'dp", params = { tau_pluss = 1.0 } '),
                            "28: projections[1].plasticity.params.tau_pluss: unknown parameter of PairSTDP "
                            "'tau_pluss'. Did you mean 'tau_plus'?"),
    "missing population": ('target = "I"', 'target = "J"',
                           "25: projections[1].target: unknown population 'J'. Known: E, I, noise."),
    "misspelt population": ('source = "noise"', 'source = "nois"',
                            "18: projections[0].source: unknown population 'nois'. Did you mean 'noise'?"),
    "receptor": ("weight = 4.0", 'weight = 4.0\nreceptor = "delt"',
                 "28: projections[1].receptor: unknown receptor 'delt' of lif_delta. Did you mean 'delta'?"),
    "zero delay": ("delay = 1.0", "delay = 0.0",
                   "22: projections[0].delay: value out of range, found 0.0 (allowed: above 0 ms)"),
    "negative delay": ("delay = 1.0", "delay = -1.0", "22: projections[0].delay: value out of range, found -1.0"),
    "short delay": ("delay = 1.0", "delay = 0.04", "22: projections[0].delay: delay under half a tick, found 0.04"),
    "endless delay": ("delay = 1.0", "delay = inf", "22: projections[0].delay: must be finite, found inf"),
    "negative tau": ('"20 ms"', '"-20 ms"',
                     "10: populations.E.params.tau_m: value out of range, found -20.0 (allowed: above 0 ms)"),
    "relation of parameters": ("-55.0", "-99.0", "10: populations.E.params: V_reset must be below V_th"),
    "NaN weight": ("weight = 4.0", "weight = nan",
                   "27: projections[1].weight: not a number, found nan (allowed: a finite number)"),
    "NaN weights in npz": ("weight = 4.0", 'weight = { file = "w.npz", array = "w" }',
                           "27: projections[1].weight[1]: not a number, found nan (allowed: finite numbers)"),
    "array not in npz": ("weight = 4.0", 'weight = { file = "w.npz", array = "ww" }',
                         "27: projections[1].weight: no array 'ww' in w.npz. Did you mean 'w'?"),
    "npz missing": ("weight = 4.0", 'weight = { file = "v.npz", array = "w" }',
                    "27: projections[1].weight: cannot read the file, found 'v.npz'. No such file or directory."),
    "npz cut short": ("weight = 4.0", 'weight = { file = "cut.npz", array = "w" }',
                      "27: projections[1].weight: cannot read the file, found 'cut.npz'. "
                      "It is no whole .npy or .npz file of numbers."),
    "too few weights": ("weight = 4.0", "weight = [1.0, 2.0]",
                        "27: projections[1].weight: wrong number of values, found 2 (allowed: 3, one per synapse)"),
    "unknown unit": ('"20 ms"', '"20 msec"', "10: populations.E.params.tau_m: unknown unit 'msec', found '20 msec' "
                                             "(allowed: units of ms). Did you mean 'ms'?"),
    "unit of another kind": ('"20 ms"', '"20 mV"',
                             "10: populations.E.params.tau_m: unit 'mV' where ms is meant, found '20 mV'"),
    "size": ('[populations.I]\nmodel = "lif_delta"', '[populations.I]\nmodel = "lif_delta"\nsize = -1',
             "13: populations.I.size: not a count, found -1 (allowed: a whole number, at least 0)"),
    "resolution": ("resolution = 0.1", 'resolution = "exakt"',
                   "5: run.resolution: not a tick, found 'exakt' (allowed: a time, or \"exact\"). "
                   "Did you mean 'exact'?"),
    "recorded variable": ("seed = 3", 'seed = 3\n[[record]]\npopulation = "E"\nvariable = "Vm"',
                          "9: record[0].variable: unknown variable 'Vm' of lif_delta. Did you mean 'V_m'?"),
    "no TOML": ("duration =", "duration ==", "4: not TOML: Invalid value"),
    "text without quotes": ('"1.5 ms"', "1.5 ms", "28: not TOML: Expected newline or end of document after a "
                                                  'statement. Text needs quotes, as in "20 ms".'),
    "no duration": ('duration = "50 ms"', "", " no duration. Give --duration, or write duration into the [run] table"),
    "spike file without a path": (*SPIKES, "16: inputs.noise.params: `path` must be given"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_wrong_network_file(refused, network, old, new, words):
    np.savez("w.npz", w=np.array([1.0, np.nan, 2.0]))
    Path("cut.npz").write_bytes(Path("w.npz").read_bytes()[:100])
    changes = [(old, new)] + ([('rate = "8 kHz"', "")] if new == SPIKES[1] else [])
    message = refused("run", network(*changes))
    assert message.startswith(f"neuromorph: changed.toml:{words}"), message
    assert message.count("\n") == 1, message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('path = "nothere.h5"', "nothere.h5: no such file. Did you mean 'other.h5'?"),
        ('path = "other.h5"', "other.h5: the population is not named. Name one with `population`; it has E, I."),
        ('path = "other.h5", population = "EE"', "other.h5: no population 'EE' in this trace. Did you mean 'E'?"),
        ('path = "tiny.toml"', "tiny.toml: not an HDF5 file"),
        ('pth = "other.h5"', "unknown parameter of spike_file 'pth'. Did you mean 'path'?"),
        ('path = "other.h5", population = "E"', "inputs.noise.size: smaller than the recorded population, found 1. "
                                                "Give the input a size of at least 3."),
    ],
)  # fmt: skip
def test_a_spike_file_that_cannot_be_replayed(call, refused, network, given, words):
    call("run", "tiny.toml", "-o", "other.h5", "-q")
    network(SPIKES, ('rate = "8 kHz"', given), ("one_to_one", "all_to_all"), ('spike_file"\nsize = 3', 'spike_file"'))
    assert words in refused("run", "changed.toml")


def test_a_spike_file_can_be_replayed_from_another_folder(call, network):
    Path("data").mkdir()
    call("run", "tiny.toml", "-o", "data/other.h5", "-q")
    network(SPIKES, ('rate = "8 kHz"', 'path = "other.h5", population = "E"'), name="data/replay.toml")
    assert call("run", "data/replay.toml", "-o", "x.h5", "-q", "--record", "noise.spikes").code == 0
    from neuromorph import Trace

    with Trace("x.h5") as replayed, Trace("data/other.h5") as original:
        times, ids = original.spikes("E")
        np.testing.assert_array_equal(replayed.spikes("noise")[0], times)
        np.testing.assert_array_equal(replayed.spikes("noise")[1], ids)
        assert len(times) > 3


def test_several_mistakes_are_told_at_once_in_order(refused, network):
    changes = ("V_th", "V_thh"), ("delay = 1.0", "delay = 0.0"), ("all_to_all", "all_to_al"), ("seed = 3", "seed = -3")
    name = network(*changes)
    places = [line.split(": ")[1:3] for line in refused("run", name).splitlines()]
    assert places == [
        ["changed.toml:6", "run.seed"],
        ["changed.toml:10", "populations.E.params.V_thh"],
        ["changed.toml:22", "projections[0].delay"],
        ["changed.toml:26", "projections[1].rule"],
    ]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("tinny.toml", "tinny.toml: cannot read the network file: No such file or directory. "
                       "Did you mean 'tiny.toml'?"),
        ("no/tiny.toml", "no/tiny.toml: cannot read the network file: No such file or directory. "
                         "The folder no does not exist."),
        ("folder", "folder: is a folder, not a network file"),
        ("net.yaml", "net.yaml: unknown kind of network file, found '.yaml' (allowed: .toml, .json, .graphml)"),
        ("latin.toml", "latin.toml: not a text file in UTF-8"),
        ("empty.toml", "empty.toml: no duration."),
        ("broken.json", "broken.json:1: not JSON"),
        ("broken.graphml", "broken.graphml"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_network(refused, file, words):
    Path("folder").mkdir()
    Path("net.yaml").write_text("a: 1")
    Path("latin.toml").write_bytes(b'[network]\nname = "\xff"')
    Path("empty.toml").touch()
    Path("broken.json").write_text("{")
    Path("broken.graphml").write_text("<graphml>")
    message = refused("run", file)
    assert message.startswith(f"neuromorph: {words}")
    assert message.count("\n") == 1


TICK = 'a time above 0 ms, such as 0.1 or "0.1 ms", or "exact"'
OPTIONS = [
    (["--duration", "-5"], "--duration: duration out of range, found '-5' (allowed: 0 ms or above)"),
    (["--duration", "soon"], "--duration: not a quantity, found 'soon'"),
    (["--duration", "nan"], "--duration: not a quantity, found 'nan'"),
    (["--duration", "3 mV"], "--duration: unit 'mV' where ms is meant"),
    (["--resolution", "foo"], f"--resolution: not a quantity, found 'foo' (allowed: {TICK})"),
    (["--resolution", "exakt"], f"not a quantity, found 'exakt' (allowed: {TICK}). Did you mean 'exact'?"),
    (["--resolution", "0"], f"--resolution: resolution out of range, found '0' (allowed: {TICK})"),
    (["--resolution", "-1"], "--resolution: resolution out of range, found '-1'"),
    (["--resolution", "1 pA"], "--resolution: unit 'pA' where ms is meant"),
    (["--seed", "-1"], "Invalid value for '--seed': -1 is not in the range x>=0. See: neuromorph run --help"),
    (["--seed", "one"], "Invalid value for '--seed'"),
    (["--seed", 2**63], "run.seed: too large"),
    (["--set", "populations.E.parms.tau_m=3"], "--set populations.E.parms: unknown 'parms'. Did you mean 'params'?"),
    (["--set", "populations.EE.size=3"], "--set populations.EE: unknown 'EE'. Did you mean 'E'?"),
    (["--set", "projections.E_J.weight=3"], "--set projections: there is no 'E_J'. Did you mean 'E_I'?"),
    (["--set", "populations.E.params.tau_mm=3"], "unknown parameter of lif_delta 'tau_mm'. Did you mean 'tau_m'?"),
    (["--set", "populations.E.size"], "--set: not a setting, found 'populations.E.size' (allowed: path=value, such as"),
    (["--set", "populations.E.size=many"], "populations.E.size: not a count, found 'many'"),
    (["--record", "E"], "--record: not a recording, found 'E' (allowed: NAME.VARIABLE@INTERVAL, such as E.V_m@0.1,"),
    (["--record", "E.V_mm"], "--record E.V_mm: unknown variable 'V_mm' of lif_delta. Did you mean 'V_m'?"),
    (["--record", "EE.V_m"], "--record EE.V_m: unknown population 'EE'. Did you mean 'E'?"),
    (["--record", "E_J.weight"], "--record E_J.weight: unknown projection 'E_J'. Did you mean 'E_I'?"),
    (["--record", "E.V_m@often"], "--record E.V_m@often: not a quantity, found 'often'"),
    (["--record", "E.V_m@0.15"], "--record E.V_m@0.15: readings fall between ticks, found 0.15"),
    (["--record", "E[0:9].V_m"], "--record E[0:9].V_m: index out of range, found 3 (allowed: whole numbers from 0"),
    (["--record", "E[a].V_m"], "--record E[a].V_m: not indices, found 'a' (allowed: first:after_last, or numbers"),
    (["--recrod", "E.V_m"], "--record"),
    (["second.toml"], "Got unexpected extra argument (second.toml). See: neuromorph run --help"),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS, ids=[" ".join(map(str, o)) for o, _ in OPTIONS])
def test_wrong_options_of_run(refused, options, words):
    message = refused("run", "tiny.toml", *options)
    assert words in message
    assert message.count("\n") == 1


def test_a_record_of_the_file_is_told_from_one_of_the_command_line(refused, network):
    network(("seed = 3", 'seed = 3\n[[record]]\npopulation = "E"\nvariable = "V"'))
    lines = refused("run", "changed.toml", "--record", "E.W").splitlines()
    assert lines[0].startswith("neuromorph: --record E.W: unknown variable 'W'")
    assert lines[1].startswith("neuromorph: changed.toml:9: record[0].variable: unknown variable 'V'")


def test_an_output_that_cannot_be_written(refused):
    Path("folder").mkdir()
    for path, words in {
        "tiny.toml/x.h5": "cannot be written: Not a directory. Choose a folder that exists",
        "no/x.h5": "cannot be written: No such file or directory",
        "folder": "is a folder, not a file",
        "tiny.toml": "the file exists already. Choose another name, or overwrite it with",
    }.items():
        assert refused("run", "tiny.toml", "-o", path).startswith(f"neuromorph: {path}: {words}")


def test_traces_that_cannot_be_a_folder(refused):
    Path("traces").touch()
    message = refused("run", "tiny.toml")
    assert message == "neuromorph: traces/: cannot be made: File exists. Say with -o where the trace shall be.\n"


def test_an_existing_trace_is_kept(call, refused):
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", 1)
    assert "--force" in refused("run", "tiny.toml", "-o", "x.h5")
    Path("y.h5.part").write_bytes(b"left by a killed run")
    assert "holds the recording of a run that was killed" in refused("run", "tiny.toml", "-o", "y.h5")
    assert call("run", "tiny.toml", "-o", "y.h5", "-q", "--force").code == 0
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5", "y.h5"]


def test_nothing_to_run(refused, call):
    assert refused("run") == "neuromorph: Missing argument 'NETWORK'. See: neuromorph run --help\n"
    Network("empty").save("empty.toml")
    assert call("run", "empty.toml", "--duration", 5, "-o", "x.h5").code == 0
