"""neuromorph trace-rule: the table, the drawing in text, the figure, and what is refused."""

from __future__ import annotations

import json
import math

import pytest

from neuromorph_cli.sketch import HEIGHT, sketch

PAIR = ("trace-rule", "pair_stdp", "--pre", "10,30", "--post", "12,40", "--resolution", "0.5")


def test_the_table_says_what_each_event_did(call):
    answer = call(*PAIR, "--set", "a_plus=0.02")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[:3] == [
        "pair_stdp",
        "  parameters  tau_plus = 20, tau_minus = 20, a_plus = 0.02, a_minus = 0.0105",
        "  synapse     weight 0.5, bounds 0 to inf, delay 1 ms, steps of 0.5 ms",
    ]
    rows = [line.split() for line in lines[4:9]]
    assert rows[0] == ["time", "(ms)", "event", "count", "hook", "pre.x", "post.y", "before", "after", "change"]
    assert [r[:4] for r in rows[1:]] == [
        ["10", "pre", "1", "on_pre"], ["13", "post", "1", "on_post"], ["30", "pre", "1", "on_pre"],
        ["41", "post", "1", "on_post"],
    ]  # fmt: skip
    assert float(rows[2][4]) == pytest.approx(math.exp(-3 / 20), rel=1e-5)
    assert float(rows[2][-1]) == pytest.approx(0.02 * math.exp(-3 / 20), rel=1e-5)
    assert float(rows[3][5]) == pytest.approx(math.exp(-17 / 20), rel=1e-5)
    assert lines[-3].split() == ["post", "|", "|"]
    assert lines[-2].split() == ["pre", "|", "|"]
    assert lines[-1].split() == ["0", "43.05", "ms"]


def test_json_holds_every_row(call):
    answer = call(*PAIR, "--signal", "50=1", "--json")
    assert answer.code == 2  # pair_stdp hears no signal
    answer = call("trace-rule", "reward_stdp", "--pre", 10, "--signal", "50=1.5", "--json", "--resolution", 0.5)
    found = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert (found["rule"], found["bounds"], found["delay"]) == ("reward_stdp", [0.0, None], 1.0)
    assert [(r["time"], r["event"], r["count"], r["change"]) for r in found["rows"]] == [
        (10.0, "pre", 1.0, 0.0), (50.0, "signal", 1.5, 0.0),
    ]  # fmt: skip
    assert found["rows"][1]["states"]["syn.d"] == 1.5
    assert found["rows"][1]["seen"]["pre.x"] == pytest.approx(math.exp(-2.0))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_figure_is_written_instead_of_the_drawing(call, folder, suffix):
    answer = call(*PAIR, "-o", f"fig.{suffix}")
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == f"fig.{suffix}"
    head = (folder / f"fig.{suffix}").read_bytes()[:400]
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[suffix] in head
    before = (folder / f"fig.{suffix}").read_bytes()
    refusal = call(*PAIR, "-o", f"fig.{suffix}")
    assert (refusal.code, refusal.out) == (2, "")
    assert f"fig.{suffix}: the file exists already" in refusal.err
    assert (folder / f"fig.{suffix}").read_bytes() == before
    assert call(*PAIR, "-o", f"fig.{suffix}", "--force").code == 0


def test_a_rule_of_a_file_of_ones_own(call, folder):
    (folder / "mine.py").write_text(
        "from neuromorph.learning.contract import LearningRule, Variable\n\n\n"
        "class Mine(LearningRule):\n"
        '    """Adds the potential."""\n\n'
        '    V = Variable("post", "V_m")\n\n'
        "    def on_post(w, pre, post, p):\n"
        "        return w + post.V / post.count\n"
    )
    given = ("trace-rule", "mine", "--plugin", "mine.py", "--post", "5,5", "--resolution", "0.5")
    assert "--variable post.V=NUMBER" in call(*given).err
    out = call(*given, "--variable", "post.V=2").out
    assert out.splitlines()[5].split() == ["6", "post", "2", "on_post", "2", "0.5", "1.5", "+1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pair_stpd", "--pre", "1"), "unknown learning rule 'pair_stpd'. Did you mean 'pair_stdp'?"),
        (("pair_stdp",), "nothing happens. Give times of spikes"),
        (("pair_stdp", "--pre", "1,x"), "--pre: not a number, found 'x'"),
        (("pair_stdp", "--pre", "1", "--set", "a_plus"), "--set: no `=` in it, found 'a_plus' (allowed: NAME=VALUE)"),
        (("reward_stdp", "--pre", "1", "--signal", "5"), "--signal: no `=` in it, found '5' (allowed: MS=VALUE"),
        (("pair_stdp", "--pre", "1", "-o", "x.xyz"), "x.xyz: unknown format of a figure"),
        (("pair_stdp", "--pre", "1", "--resolution", "0"), "resolution out of range"),
    ],
)
def test_refusals(refused, arguments, words):
    assert words in refused("trace-rule", *arguments)


def test_a_sketch_goes_through_every_value():
    lines = sketch([0.0, 10.0, 20.0, 30.0], [1.0, 3.0, 2.0, 2.0], {"pre": [10.0], "post": [0.0, 30.0]})
    drawn, marks = lines[:HEIGHT], lines[HEIGHT:]
    assert drawn[0].startswith("   3 ")
    assert drawn[-1].startswith("   1 ---")
    assert [drawn[0].index("|"), drawn[-1].index("|")] == [25, 25]  # the step at 10 ms, 20 of 60 columns
    assert marks[0] == " pre " + " " * 20 + "|"
    assert marks[1] == "post |" + " " * 58 + "|"
    assert marks[2].split() == ["0", "30", "ms"]


def test_a_sketch_of_a_constant_is_one_line():
    assert sketch([0.0, 1.0], [2.0, 2.0], {"pre": [1.0]})[0] == "  2 " + "-" * 60
