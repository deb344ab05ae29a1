from __future__ import annotations

import sys

import pytest

from neuromorph.errors import PluginError
from neuromorph.learning import registry as rules
from neuromorph.models import registry as models
from neuromorph.plugin_files import load_file, load_module

RULE = """\
from neuromorph.learning.contract import LearningRule
from neuromorph.parameters import Param

class _Base(LearningRule):
    pass

class MyOwnRule(LearningRule):
    eta = Param({eta})
    def on_pre(w, pre, post, p):
        return w + p.{read}
"""
MODEL = """\
from neuromorph.models.contract import InputModel

class TestFileInput(InputModel):
    name = "file_input"
    def prepare(params, size, clock, key): return ()
    def kernel(exact): return None
"""


@pytest.fixture
def file(tmp_path):
    """Write a plugin file; what it registers is forgotten afterwards."""
    before = set(sys.modules)

    def write(text, name="mine.py"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    with rules.registry.override({}), models.registry.override({}):
        yield write
    for name in set(sys.modules) - before:
        if name.startswith("neuromorph_user_") or name == "gains_beside":
            del sys.modules[name]


def message(path):
    with pytest.raises(PluginError) as error:
        load_file(path)
    return str(error.value)


def test_rules_and_models_are_found_by_class(file):
    path = file(RULE.format(eta=0.5, read="eta") + MODEL)
    loaded = load_file(path)
    assert (list(loaded.rules), list(loaded.models), loaded.path) == (["my_own_rule"], ["file_input"], path)
    rule = rules.get("my_own_rule")
    assert rule is rules.get("MyOwnRule") is loaded.rules["my_own_rule"]
    assert models.get("file_input") is models.get("TestFileInput")
    assert rules.registry.entry("my_own_rule").origin == str(path)


def test_the_module_has_a_stable_name(file, tmp_path):
    path = file(RULE.format(eta=0.5, read="eta"))
    module = load_module(path)
    assert sys.modules[module.__name__] is module
    assert module.__name__.startswith("neuromorph_user_mine_")
    assert load_module(str(path)) is module
    (tmp_path / "sub").mkdir()
    other = file(RULE.format(eta=0.5, read="eta"), "sub/mine.py")
    assert load_module(other).__name__ != module.__name__


def test_a_changed_file_is_run_again_under_the_same_name(file):
    first = load_file(file(RULE.format(eta=0.5, read="eta"))).rules["my_own_rule"]
    second = load_file(file(RULE.format(eta=0.7, read="eta"))).rules["my_own_rule"]
    assert (first.eta.default, second.eta.default) == (0.5, 0.7)
    assert first.__module__ == second.__module__
    assert rules.get("my_own_rule") is second


def test_a_rule_of_one_file_may_name_itself(file):
    text = RULE.format(eta=0.5, read="eta") + '    name = "short"\n'
    assert list(load_file(file(text)).rules) == ["short"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULE.format(eta=0.5, read="etta"), "mine.py: MyOwnRule.on_pre: p.etta in on_pre, line 10 of"),
        ("import os\n\nraise ValueError('no')\n", "mine.py:3: cannot be imported: ValueError: no"),
        ("x = 1\ny = = 2\n", "mine.py:2: cannot be imported: SyntaxError: invalid syntax"),
        ("import no_such_module\n", "mine.py:1: cannot be imported: ModuleNotFoundError"),
        (
            "x = 1\n",
            "mine.py: no learning rule and no model in this file. Derive a class from LearningRule or NeuronModel.",
        ),
        ("from neuromorph.learning.contract import LearningRule\n", "no learning rule and no model in this file"),
        (
            RULE.format(eta=0.5, read="eta") + "class My_OwnRule(MyOwnRule):\n    name = 'my_own_rule'\n",
            "mine.py: MyOwnRule and My_OwnRule share the name 'my_own_rule'. Give one another `name`.",
        ),
    ],
)
def test_files_that_cannot_be_used(file, text, words):
    assert words in message(file(text))
    assert not [name for name in rules.names() if name.startswith("my_own")]


def test_a_file_with_one_broken_class_registers_nothing(file):
    text = MODEL + RULE.format(eta=0.5, read="etta")
    message(file(text))
    assert "file_input" not in models.names()


def test_after_a_failed_change_the_old_module_stays(file):
    path = file(RULE.format(eta=0.5, read="eta"))
    module = load_module(path)
    file("x = = 1\n")
    assert "cannot be imported" in message(path)
    assert sys.modules[module.__name__] is module


def test_a_missing_file(tmp_path):
    assert (
        message(tmp_path / "no.py") == f"{tmp_path / 'no.py'}: cannot read the plugin file: No such file or directory"
    )


# -- modules beside a plugin file ------------------------------------------------------------------------------------

HELPED = "from gains_beside import ETA\n" + RULE.replace("Param({eta})", "Param(ETA)").replace("{read}", "eta")


def test_a_file_may_import_what_lies_beside_it(file):
    path = sys.path.copy()
    file("ETA = 0.5\n", "gains_beside.py")
    assert load_file(file(HELPED)).rules["my_own_rule"].eta.default == 0.5
    assert sys.path == path
    module = load_module(file(HELPED))
    assert load_module(file(HELPED)) is module  # nothing has changed
    file("ETA = 0.7\n", "gains_beside.py")  # an edit within the second, of the same length
    assert load_file(file(HELPED)).rules["my_own_rule"].eta.default == 0.7
    file("ETA = 0.5\n", "gains_beside.py")
    assert load_file(file(HELPED)).rules["my_own_rule"].eta.default == 0.5


def test_two_files_with_neighbours_of_one_name(file, tmp_path):
    (tmp_path / "other").mkdir()
    file("ETA = 0.5\n", "gains_beside.py")
    file("ETA = 0.9\n", "other/gains_beside.py")
    load_file(file(HELPED))
    words = "mine.py: it would import gains_beside from .*gains_beside.py, not gains_beside.py beside it. Rename gains_"
    with pytest.raises(PluginError, match=words):
        load_file(file(HELPED, "other/mine.py"))
