"""neuromorph models and rules, and plugins of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuromorph import Trace
from neuromorph_cli.main import COMMANDS

#: what a newcomer writes
RULE = """\
from neuromorph import LearningRule, Param

class Creep(LearningRule):
    \"\"\"Each presynaptic spike adds eta.\"\"\"
    eta = Param(0.25, "mV", at_least=0, doc="what a spike adds")

    def on_pre(w, pre, post, p):
        return w + p.eta
"""
PLASTIC = ('delay = "1.5 ms"', 'delay = "1.5 ms"\nplasticity = { rule = "creep", params = { eta = 0.5 }, w_max = 9.0 }')


@pytest.mark.parametrize(("what", "name"), [("models", "lif_exp"), ("rules", "pair_stdp")])
def test_list(call, what, name):
    entries = json.loads(call(what, "list", "--json").out)
    assert all(entry["error"] is None for entry in entries)
    lines = call(what, "list").out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(entry["name"] for entry in entries)
    assert name in [entry["name"] for entry in entries]
    assert all(len(line.split()) > 3 for line in lines)


def test_every_model_and_rule_can_be_shown(call):
    for what in ("models", "rules"):
        for entry in json.loads(call(what, "list", "--json").out):
            answer = call(what, "show", entry["name"])
            assert answer.code == 0
            assert answer.out.startswith(f"{entry['name']}\n\n")


def test_show_a_model(call):
    out = call("models", "show", "lif_exp").out
    for words in (
        "equations:\n  dV_m/dt = -(V_m - E_L)/tau_m", "resolutions:\n  exact, grid\n", "doi:10.1007/s004220050570",
        "  tau_m = 10 ms      membrane time constant; above 0 ms", "variables:\n  V_m (mV) ", "  inhibitory (pA)  ",
    ):  # fmt: skip
        assert words in out
    facts = json.loads(call("models", "show", "lif_exp", "--json").out)
    assert facts["parameters"][0] == {
        "name": "tau_m", "default": 10.0, "unit": "ms", "allowed": "above 0 ms", "doc": "membrane time constant"
    }  # fmt: skip
    assert [r["name"] for r in facts["receptors"]] == ["excitatory", "inhibitory", "current"]


def test_show_the_code_written_by_hand_and_from_equations(call, tmp_path):
    assert call("models", "show", "lif_delta", "--code").out.startswith("class LifDelta(_Lif):\n")
    assert "return w - p.a_minus * post.y" in call("rules", "show", "pair_stdp", "--code").out
    file = tmp_path / "leak.py"
    file.write_text(
        "from neuromorph import Model\n"
        'Leak = Model("dv/dt = -v/tau : mV", name="leak", parameters={"tau": "10 ms"}, receptors={"delta": "v += w"})\n'
    )
    out = call("models", "show", "leak", "--code", "--plugin", str(file)).out
    assert "class Leak(NeuronModel):" in out
    assert "        decay_v = exps(-h * rate_v)\n" in out
    assert json.loads(call("models", "show", "leak", "--code", "--json", "--plugin", str(file)).out)["name"] == "leak"
    assert "integration:\n  exact on the grid" in call("models", "show", "leak", "--plugin", str(file)).out


def test_show_what_inputs_and_rules_take(call):
    assert "arrays:\n  rates (Hz)  rate of each step" in call("models", "show", "poisson").out
    assert "texts:\n  path        trace or SONATA spike file" in call("models", "show", "spike_file").out
    assert "  tau_plus = 20 ms   time constant of potentiation; above 0 ms" in call("rules", "show", "pair_stdp").out
    assert "  eta = 1e-05  learning rate" in call("rules", "show", "wake").out


def test_unknown_names_get_a_suggestion(refused):
    assert refused("models", "show", "lif_exb") == "neuromorph: unknown model 'lif_exb'. Did you mean 'lif_exp'?\n"
    assert "Did you mean 'pair_stdp'?" in refused("rules", "show", "pairstdp")
    assert "Did you mean 'show'? See: neuromorph rules --help" in refused("rules", "shwo", "x")
    assert "Did you mean 'raster'? See: neuromorph plot --help" in refused("plot", "rasta", "x")
    assert "Did you mean 'analyze'? See: neuromorph --help" in refused("analyse", "x")
    assert f"Known: {', '.join(sorted(COMMANDS))}." in refused("zzzz")


def test_a_rule_of_ones_own(call, network):
    Path("creep.py").write_text(RULE)
    assert RULE.count("\n") < 15
    network(PLASTIC)
    answer = call("run", "changed.toml", "--plugin", "creep.py", "-o", "x.h5", "--record", "E_I.weight@50", "-q")
    assert answer == (0, "", "")
    with Trace("x.h5") as trace:
        weights, (times, ids) = trace.weights("E_I"), trace.spikes("E")
        assert weights.values[0].tolist() == [4.0] * 3
        # a spike is seen by the synapse when it is emitted
        spikes = [int((ids[times <= 50.0] == k).sum()) for k in range(3)]
        assert weights.values[-1].tolist() == [min(4.0 + 0.5 * n, 9.0) for n in spikes]
        assert sum(spikes) > 3
    shown = call("rules", "show", "creep", "--plugin", "creep.py").out
    assert "eta = 0.25 mV  what a spike adds; at least 0 mV" in shown
    assert "Each presynaptic spike adds eta." in call("rules", "list", "--plugin", "creep.py").out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("on_pre(w, pre, post, p)", "on_pre(w, pre, post)"),
         ["bad.py", "Creep.on_pre", "line 7", "found on_pre(w, pre, post), expected on_pre(w, pre, post, p)"]),
        (("p.eta", "p.etta"), ["bad.py", "Creep.on_pre", "etta", "Did you mean 'p.eta'?"]),
        (("on_pre", "on_prae"), ["bad.py: Creep.on_prae: unknown hook 'on_prae'. Did you mean 'on_pre'?"]),
        (("return w + p.eta", "return w +"), ["bad.py:8", "SyntaxError"]),
        (("return w + p.eta", "pass"), ["bad.py", "Creep.on_pre"]),
        (("(LearningRule)", ""), ["bad.py", "no learning rule and no model"]),
        (("from neuromorph import", "from neuromorf import"), ["bad.py:1", "No module named 'neuromorf'"]),
    ],
    ids=["arguments", "parameter", "hook", "syntax", "returns nothing", "no rule", "import"],
)  # fmt: skip
def test_a_wrong_rule_is_told_where_it_is_wrong(refused, change, words):
    """File, method, what was found and what was expected."""
    assert change[0] in RULE
    Path("bad.py").write_text(RULE.replace(*change))
    for command in (["run", "tiny.toml"], ["rules", "list"]):
        message = refused(*command, "--plugin", "bad.py")
        for word in words:
            assert word in message, message


def test_a_missing_plugin(refused):
    message = refused("run", "tiny.toml", "--plugin", "nothere.py")
    assert message == "neuromorph: nothere.py: cannot read the plugin file: No such file or directory\n"
