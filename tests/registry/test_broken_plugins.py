"""Installed distributions that are broken in every way that we could think of: each hurts only who asks for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

import neuromorph
from neuromorph.errors import ContractWarning, InputError, PluginError
from neuromorph.learning import registry as rules
from neuromorph.learning.registry import GROUP, check_rule
from neuromorph.loading import LoadingError, load
from neuromorph.models import registry as models
from neuromorph.models.contract import NeuronModel
from neuromorph.registration import Registry

RULE = """\
from neuromorph import LearningRule, Param


class Rule(LearningRule):
    \"\"\"dw = eta at each presynaptic spike.\"\"\"

    eta = Param(0.01, at_least=0)

    def on_pre(w, pre, post, p):
        return w + p.eta
"""
#: distribution and module -> the module's text, and words of the error that asking for its rule must give
BROKEN = {
    "needy": (
        "import no_such_module\n" + RULE,
        ["needy 1.5 (needy:Rule), ", "needy.py:1", "ModuleNotFoundError", "Install no_such_module", "uninstall needy"],
    ),
    "short": (
        RULE.replace("on_pre(w, pre, post, p)", "on_pre(w, pre, post)"),
        ["short 1.5 (short:Rule): Rule.on_pre", "wrong arguments of on_pre, line 9 of", "expected on_pre(w, "],
    ),
    "raises": (
        "x = 1\nraise ValueError('no luck')\n",
        ["raises 1.5 (raises:Rule), ", "raises.py:2", "ValueError: no luck", "pip install --upgrade raises"],
    ),
    "leaves": ("import sys\nsys.exit(3)\n", ["leaves.py:2", "it asked the program to end (code 3)"]),
    "interrupts": ("raise KeyboardInterrupt\n", ["interrupts.py:1", "cannot be imported: KeyboardInterrupt."]),
    "deep": ("def f():\n    return f()\nf()\n", ["deep.py:2", "RecursionError"]),
    "loops": ("while True:\n    pass\n", ["loops.py:", "not loaded after 0.5 s", "NEUROMORPH_PLUGIN_TIMEOUT=60"]),
    "stubborn": (
        "while True:\n    try:\n        while True:\n            pass\n    except Exception:\n        pass\n",
        ["stubborn.py:", "not loaded after 0.5 s"],
    ),
    "newer": (
        RULE.replace("    eta", "    api = 99\n    eta"),
        ["newer 1.5 (newer:Rule): Rule.api", "another version of the contract, found 99 (allowed: api = 1)",
         "It is newer than this neuromorph: pip install --upgrade neuromorph."],
    ),
    "older": (
        RULE.replace("    eta", "    api = 0\n    eta"),
        ["found 0 (allowed: api = 1)", "Install a newer version of the plugin", "docs/plugins.md"],
    ),
    "renamed": (
        RULE.replace("class Rule", "class Another"),
        ["renamed 1.5 (renamed:Rule), ", "renamed.py: ", "'renamed = renamed:Rule' names what is not there"],
    ),
    "syntax": ("x = 1\ny = = 2\n", ["syntax.py:2", "SyntaxError: invalid syntax"]),
    "a_function": ("def Rule():\n    pass\n", ["a_function 1.5", "not a learning rule", "derived from LearningRule"]),
}  # fmt: skip


def install(folder, name, text=None, entries=None, version="1.5"):
    """A distribution as an installer leaves it, with one module of its name."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entries or f"[{GROUP}]\n{name} = {name}:Rule\n")
    if text is not None:
        (folder / f"{name}.py").write_text(text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A place on the path to install to; what is imported from there is forgotten."""
    rules.names(), models.names()  # the registries of this process shall not know of it
    before = set(sys.modules)
    monkeypatch.setenv("NEUROMORPH_PLUGIN_TIMEOUT", "0.5")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def asked(name):
    with pytest.raises(PluginError) as error:
        Registry(GROUP, "learning rule", check_rule).get(name)
    return str(error.value)


@pytest.mark.parametrize("name", BROKEN)
def test_who_asks_for_it_is_told_which_distribution_and_what_to_do(folder, name):
    text, words = BROKEN[name]
    install(folder, name, text)
    message = asked(name)
    for word in words:
        assert word in message, message


def test_others_are_listed_and_usable(folder):
    """By the command line, in a process of its own."""
    for name, (text, _) in BROKEN.items():
        install(folder, name, text)
    install(folder, "chatty", "print('hello')\nimport warnings\nwarnings.warn('beware')\n" + RULE)
    install(folder, "good", RULE)
    paths = [str(folder), str(Path(neuromorph.__file__).parents[1]), *sys.path]
    command = [sys.executable, "-m", "neuromorph_cli", "rules"]

    def call(*arguments):
        # two modules take all of it; a sound one that imports numba must have time on a busy machine
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NEUROMORPH_PLUGIN_TIMEOUT": "4"}
        done = subprocess.run([*command, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    code, out, err = call("list", "--json")
    entries = {entry["name"]: entry for entry in json.loads(out)}
    assert code == 0
    assert {name for name, entry in entries.items() if entry["error"]} == set(BROKEN)
    assert {"good", "chatty", "pair_stdp"} <= set(entries)
    assert entries["good"]["origin"] == "good 1.5 (good:Rule)"
    # what a module says at import does not get into our output
    assert "hello" in err
    assert "beware" in err
    code, out, err = call("show", "good")
    assert (code, err) == (0, "")
    assert "eta = 0.01" in out
    code, out, err = call("show", "leaves")
    assert (code, out) == (2, "")
    assert "leaves 1.5 (leaves:Rule)" in err


def test_a_name_that_two_distributions_offer(folder):
    install(folder, "one", RULE, f"[{GROUP}]\nboth = one:Rule\nalone = one:Rule\n")
    install(folder, "two", RULE, f"[{GROUP}]\nboth = two:Rule\n", version="2.0")
    message = asked("both")
    assert "learning rule 'both' is offered more than once: by " in message
    assert "one 1.5 (one:Rule)" in message
    assert "two 2.0 (two:Rule)" in message
    assert "Uninstall one of them, such as: pip uninstall " in message
    assert Registry(GROUP, "learning rule", check_rule).get("alone").__module__ == "one"


def test_a_distribution_whose_list_cannot_be_read(folder):
    install(folder, "good", RULE)
    install(folder, "mangled", RULE, f"[{GROUP}]\nnonsense\n")
    registry = Registry(GROUP, "learning rule", check_rule)
    with pytest.warns(UserWarning, match="the entry points of mangled 1.5 cannot be read: .* Reinstall it"):
        names = registry.names()
    assert {"good", "pair_stdp"} <= set(names)


def test_a_file_that_loops_or_leaves(folder):
    from neuromorph.plugin_files import load_file

    (folder / "mine.py").write_text("x = 0\nwhile True:\n    x += 1\n")
    with pytest.raises(PluginError, match=r"mine.py:[23]: cannot be imported: not loaded after 0.5 s. Give it longer"):
        load_file(folder / "mine.py")
    (folder / "mine.py").write_text("raise SystemExit\n")
    with pytest.raises(PluginError, match=r"mine.py:1: cannot be imported: SystemExit: it asked the program to end"):
        load_file(folder / "mine.py")


# -- versions of the contract ----------------------------------------------------------------------------------------


def test_an_old_version_that_is_still_supported_loads_with_a_warning(folder, monkeypatch):
    install(folder, "older", BROKEN["older"][0])
    monkeypatch.setattr(rules, "SUPPORTED_APIS", (0, 1))
    words = r"older 1.5 \(older:Rule\): Rule: written for version 0 .* next minor release .* Go over to api = 1: docs/"
    with pytest.warns(ContractWarning, match=words):
        assert Registry(GROUP, "learning rule", check_rule).get("older").api == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_rule(rules.get("pair_stdp"), "here")


def test_models_have_a_version_too():
    class Later(NeuronModel):
        api = 2

    with pytest.raises(
        PluginError, match=r"here: Later.api: written for another version .* found 2 \(allowed: api = 1\)"
    ):
        models.check_model(Later, "here")


# -- the time limit --------------------------------------------------------------------------------------------------


def forever():
    while True:
        pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms on this system")
def test_the_alarm_of_somebody_else_rings_all_the_same(monkeypatch):
    monkeypatch.setenv("NEUROMORPH_PLUGIN_TIMEOUT", "0.2")
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(LoadingError, match=r"not loaded after 0.2 s"):
            load(forever)
        time.sleep(0.05)
        assert rung == [1]
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert load(lambda: 5) == 5
    finally:
        signal.signal(signal.SIGALRM, before)


def test_in_other_threads_there_is_no_limit(monkeypatch):
    monkeypatch.setenv("NEUROMORPH_PLUGIN_TIMEOUT", "0.05")
    found = []
    thread = threading.Thread(target=lambda: found.append(load(lambda: time.sleep(0.1) or "done")))
    thread.start()
    thread.join()
    assert found == ["done"]
    monkeypatch.setenv("NEUROMORPH_PLUGIN_TIMEOUT", "0")
    assert load(lambda: time.sleep(0.1) or "done") == "done"


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number(monkeypatch, text):
    monkeypatch.setenv("NEUROMORPH_PLUGIN_TIMEOUT", text)
    words = rf"NEUROMORPH_PLUGIN_TIMEOUT: not a time, found '{text}' \(allowed: seconds, such as 60; 0 for no limit\)"
    with pytest.raises(InputError, match=words):
        load(lambda: None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_users_ctrl_c_is_no_fault_of_the_module(number):
    class Ended(BaseException):
        pass

    def end(*_):
        raise Ended

    before = signal.signal(number, end)
    try:
        with pytest.raises(Ended):
            load(lambda: os.kill(os.getpid(), number) or time.sleep(1))
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
