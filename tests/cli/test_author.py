"""neuromorph rules new and check, models new and check."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from neuromorph.learning import registry as rules
from neuromorph.models import registry as models
from neuromorph.plugin_files import load_file
from neuromorph_cli import scaffold

WHAT = pytest.mark.parametrize(("what", "one"), [("rules", "rule"), ("models", "model")])


@WHAT
def test_new_writes_a_package_that_says_where_it_is(call, what, one):
    answer = call(what, "new", "my_own")
    assert answer.code == 0
    folder = Path("neuromorph-my-own")
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        "README.md", "example.toml", "pyproject.toml", "src/neuromorph_my_own/__init__.py",
        f"src/neuromorph_my_own/{one}.py", "tests/test_my_own.py",
    ]  # fmt: skip
    assert answer.out.splitlines()[-1] == (
        f"Next: pip install -e neuromorph-my-own && pytest neuromorph-my-own; neuromorph {what} check my_own"
    )
    assert all(f"neuromorph-my-own/{file}" in answer.out for file in files)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "neuromorph-my-own"
    group = {"rules": "neuromorph.learning_rules", "models": "neuromorph.neuron_models"}[what]
    assert project["entry-points"] == {group: {"my_own": f"neuromorph_my_own.{one}:MyOwn"}}
    for file in files:
        text = (folder / file).read_text()
        assert not re.search("@[A-Z]+@", text), file
        if file.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))


@WHAT
def test_what_new_writes_loads(call, what, one):
    call(what, "new", "my_own", "-o", "elsewhere")
    found = load_file(Path("elsewhere") / "src" / "neuromorph_my_own" / f"{one}.py")
    assert list(getattr(found, what)) == ["my_own"]
    assert getattr(found, what)["my_own"].api == 1


@WHAT
def test_new_overwrites_only_by_force(call, refused, what, one):
    call(what, "new", "my_own")
    file = Path("neuromorph-my-own") / "README.md"
    file.write_text("mine")
    message = refused(what, "new", "my_own")
    assert message == (
        "neuromorph: neuromorph-my-own: exists already. "
        "Choose another folder with -o, or overwrite files in it with --force.\n"
    )
    assert call(what, "new", "my_own", "--force").code == 0
    assert file.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rules", "new", "My-Rule"], "not a name, found 'My-Rule' (allowed: small letters, digits and underscores"),
        (["rules", "new", "lambda"], "not a name, found 'lambda'"),
        (["rules", "new", "2nd"], "not a name, found '2nd'"),
        (["rules", "new", "x" * 41], "not a name"),
        (["rules", "new", "pair_stdp"], "a rule called 'pair_stdp' is registered already. Choose another one; see: "),
        (["models", "new", "lif_exp"], "a model called 'lif_exp' is registered already. Choose another one; see: "),
        (["rules", "new", "plugins"], "a module called 'neuromorph_plugins' is installed already. Choose another"),
        (["rules", "new", "mine", "-o", "tiny.toml/x"], "cannot be written: Not a directory. Choose another folder"),
    ],
)  # fmt: skip
def test_new_refuses(refused, arguments, words):
    assert words in refused(*arguments)


def test_templates_leave_nothing_to_fill():
    for kind in scaffold.KINDS:
        for path, text in scaffold.Package(kind, "x_y").files().items():
            assert "@NAME@" not in path + text
            assert "XY" in text or "x_y" in text or "x-y" in text, path


# -- check -----------------------------------------------------------------------------------------------------------

BAD = '''
from neuromorph import LearningRule, Param

class Good(LearningRule):
    """dw = eta. Source: made up for a test."""
    eta = Param(0.01, at_least=0, at_most=1, doc="what a spike adds")
    def on_pre(w, pre, post, p): return w + p.eta

class Bad(LearningRule):
    def on_pre(w, pre, post, p): return w
'''


def test_check_says_a_line_a_check(call):
    answer = call("rules", "check", "pair_stdp", "--no-cost")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "pair_stdp"
    assert "  contract: passed: hooks on_pre, on_post" in lines
    assert "  documented: passed: doi:10.1038/78829" in lines
    assert "  resume: passed: the same, to the bit" in lines
    assert len(lines) == 16


def test_check_of_a_file_with_a_rule_that_fails(call):
    Path("mine.py").write_text(BAD.replace("return w\n", "return w + nothing\n"))
    answer = call("rules", "check", "mine.py", "--json", "--no-cost")
    assert (answer.code, answer.err) == (1, "")
    good, bad = json.loads(answer.out)
    assert (good["subject"], good["passed"]) == ("mine.py: good", True)
    assert (bad["subject"], bad["passed"]) == ("mine.py: bad", False)
    failed = {result["check"]: result["text"] for result in bad["results"] if result["verdict"] == "failed"}
    assert set(failed) == {"documented", "compiles"}
    assert "no docstring" in failed["documented"]
    assert "'nothing'" in failed["compiles"]
    others = [result for result in bad["results"] if result["check"] == "cuts"]
    assert others == [{"check": "cuts", "verdict": "not applicable", "text": "compiles failed"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BAD.replace("p): return w\n", "): return w\n"), "mine.py: Bad.on_pre: wrong arguments of on_pre, line 10 of"),
        ("raise ValueError('no')\n", "mine.py:1: cannot be imported: ValueError: no"),
        (
            "from neuromorph.models.lif import LifExp\nclass M(LifExp):\n    name = 'm'\n",
            "mine.py: no rule in this file",
        ),
    ],
)
def test_check_of_what_cannot_be_loaded(call, text, words):
    Path("mine.py").write_text(text)
    answer = call("rules", "check", "mine.py", "--no-cost")
    assert answer.code == 1
    assert "  contract: failed: " in answer.out
    assert words in answer.out


def test_check_of_an_unknown_name(refused):
    assert refused("rules", "check", "pair_stdb") == (
        "neuromorph: unknown learning rule 'pair_stdb'. Did you mean 'pair_stdp'?\n"
    )
    assert "unknown model 'nothere.py'" in refused("models", "check", "nothere.py")


def test_check_of_a_model(call):
    answer = call("models", "check", "lif_delta", "--no-cost", "--json")
    (report,) = json.loads(answer.out)
    assert (answer.code, report["passed"]) == (0, True)
    assert len(report["results"]) == 14


def test_registries_are_left_as_they_were():
    assert not {"good", "bad", "my_own"} & {*rules.names(), *models.names()}
