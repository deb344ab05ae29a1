"""The conformance kit: every rule of ours passes, and every check finds the rule that breaks its promise."""

from __future__ import annotations

import os

import numpy as np
import pytest

import bad_rules
from neuromorph import LearningRule
from neuromorph.errors import InputError
from neuromorph.learning import registry
from neuromorph.testing import rule_conformance, rule_conformance_tests
from neuromorph.testing.report import FAILED, NOT_APPLICABLE, PASSED, Failed, result_of
from neuromorph.testing.rule_checks import CHECKS, Subject, _in_minibatches
from neuromorph.testing.running import failing

#: traces on both sides; states that decay; variables and states; counts of cycles. All others where time is given:
FEW = ("pair_stdp", "reward_stdp", "eprop", "recirculation")
ALL = registry.names() if os.environ.get("NEUROMORPH_LONG") else FEW


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("check", ["contract", "version", "documented", "units and ranges"])
def test_declarations_of_all_rules_of_ours(name, check):
    result = result_of(check, CHECKS[check], Subject(registry.get(name)))
    assert result.verdict != FAILED, result


@pytest.mark.parametrize("name", ALL)
def test_rules_of_ours_conform(name):
    report = rule_conformance(registry.get(name))
    assert report.passed
    verdicts = {result.check: result.verdict for result in report.results}
    assert set(verdicts) == set(CHECKS)
    left = {"both resolutions"} | ({"learns"} if name == "stochastic_release" else set())
    assert {check for check, verdict in verdicts.items() if verdict == NOT_APPLICABLE} <= left


@pytest.mark.parametrize(
    ("rule", "check", "words"),
    [
        ("Signature", "contract", ["wrong arguments of on_pre", "expected on_pre(w, pre, post, p)"]),
        ("NoDocstring", "documented", ["no docstring. Say what it does"]),
        ("NoEquation", "documented", ["its docstring lacks an equation, such as: dw = "]),
        ("NoSource", "documented", ["lacks a source: doi:10..., arXiv:..."]),
        ("NoDocOfParameter", "units and ranges", ["no doc of eta. Say what it is: Param("]),
        ("NoRange", "units and ranges", ["no range of eta. Declare one with above=", "or say `any sign`"]),
        ("NoKernel", "compiles", ["grid: numba cannot compile it: ", "A hook may use arithmetic, math"]),
        ("Idle", "learns", ["grid: neither a weight nor a state changed (", "spikes of cells", "Choose defaults"]),
        ("Overflow", "compiled equals uncompiled", ["grid: weights of ", "compiled beside uncompiled. Look for"]),
        ("Dice", "repeatable", ["grid: weights of ", "in two runs of one network. A hook that draws numbers"]),
        ("Dice", "threads", ["grid: weights of ", "in one part and in two"]),
        ("Dice", "insertion order", ["grid: weights of ", "described in two orders"]),
        ("Dice", "cuts", ["grid: weights of ", "run at once and in pieces"]),
        ("Dice", "resume", ["grid: weights of ", "never cut and gone on with"]),
        ("DiceAtSignals", "resume", ["weights of ", "never cut and gone on with"]),
        ("Rounding", "both resolutions", ["weights of ", "grid and exact mode differ by ", "for the same spikes"]),
        ("Division", "bounds", ["grid, every parameter at its low end: a weight of ", "is nan, outside 0.0 to 0.5"]),
        ("Division", "extremes", ["grid, every parameter at its low end: a weight of ", "is nan. Narrow the ranges"]),
    ],
)  # fmt: skip
def test_a_rule_that_breaks_a_promise_is_found(rule, check, words):
    result = result_of(check, CHECKS[check], subject(rule))
    assert result.verdict == FAILED, result
    for word in words:
        assert word in result.text, result.text


def test_a_rule_that_breaks_its_promise_in_minibatches():
    with pytest.raises(Failed, match=r"^in minibatches: weights of .*, never cut and gone on with$"):
        _in_minibatches(subject("DiceAtSignals"))


_subjects = {}


def subject(rule):
    """One for all checks of a rule, so that it runs once."""
    return _subjects.setdefault(rule, Subject(getattr(bad_rules, rule)))


def test_a_rule_that_breaks_the_contract_is_not_run():
    with pytest.raises(AssertionError, match=r"learning rule Signature\n  contract: failed: ") as error:
        rule_conformance(bad_rules.Signature)
    text = str(error.value)
    assert "  cuts: not applicable: contract failed" in text
    assert f"0 passed, 1 failed, {len(CHECKS) - 1} not applicable" in text


def test_a_variable_that_no_model_has():
    result = result_of("learns", CHECKS["learns"], subject("Orphan"))
    assert result.verdict == NOT_APPLICABLE
    assert "no registered model has the variables a_variable_that_no_model_has for the target" in result.text


def test_a_rule_of_a_function_cannot_be_run_without_the_compiler():
    class Local(bad_rules._Bad):
        def on_pre(w, pre, post, p):
            return w

    result = result_of("uncompiled", CHECKS["compiled equals uncompiled"], Subject(Local))
    assert (result.verdict, "made inside a function" in result.text) == (NOT_APPLICABLE, True)


@pytest.mark.parametrize(
    ("name", "refused", "check", "verdict", "words"),
    [
        (
            "pair_stdp",
            {"grid": "no grid", "exact": "no exact"},
            "compiles",
            FAILED,
            "it runs in no resolution: no grid; no exact",
        ),
        ("pair_stdp", {"exact": "why"}, "both resolutions", NOT_APPLICABLE, "it runs in one resolution only: grid"),
        ("stochastic_release", {}, "learns", NOT_APPLICABLE, "it says what a spike delivers, and keeps nothing"),
        (
            "stochastic_release",
            {},
            "both resolutions",
            NOT_APPLICABLE,
            "it draws numbers, and each resolution draws its own",
        ),
    ],
)
def test_rules_that_the_engine_refuses_or_that_draw(name, refused, check, verdict, words):
    tried = Subject(registry.get(name))
    tried.refused = refused  # in place of asking the engine
    result = result_of(check, CHECKS[check], tried)
    assert (result.verdict, result.text) == (verdict, words)


def test_targets_that_fire_between_ticks_are_not_compared(monkeypatch):
    from neuromorph.testing import rule_checks

    tried = Subject(registry.get("pair_stdp"))
    tried.refused = {}
    tried.run = lambda network, kind: kind
    times = {"grid": [1.0, 2.0], "exact": [0.75, 2.0]}
    monkeypatch.setattr(rule_checks, "outcome", lambda kind: {"spike times of cells": np.array(times[kind])})
    result = result_of("both resolutions", CHECKS["both resolutions"], tried)
    assert result.verdict == NOT_APPLICABLE
    assert result.text == f"{tried.setting.target} fires between ticks: spike times of cells differ"


def test_the_process_without_the_compiler_may_end():
    from neuromorph.testing import plain

    with pytest.raises(Failed, match="the process that runs it without a compiler ended"):
        plain.uncompiled("bad_rules:leaves", bad_rules.Signature)
    with pytest.raises(Failed, match=r"without the compiler \(NUMBA_DISABLE_JIT=1\) it fails: NameError: no such luck"):
        plain.uncompiled("bad_rules:fails", bad_rules.Signature)
    plain._process().kill()
    plain._process().wait()
    with pytest.raises(Failed, match="the process that runs it without a compiler ended"):
        plain.uncompiled("bad_rules:fails", bad_rules.Signature)
    with pytest.raises(Failed, match="no such luck"):  # by another one
        plain.uncompiled("bad_rules:fails", bad_rules.Signature)


def test_each_check_is_a_test_of_pytests():
    tests = rule_conformance_tests(registry.get("pair_stdp"))
    names = [name for name in vars(tests) if name.startswith("test_")]
    assert names == ["test_" + check.replace(" ", "_") for check in CHECKS]
    tests().test_contract()
    with pytest.raises(pytest.skip.Exception, match="it draws numbers"):
        rule_conformance_tests(registry.get("stochastic_release"))().test_both_resolutions()
    bad = rule_conformance_tests(bad_rules.NoRange)
    with pytest.raises(pytest.fail.Exception, match="units and ranges: failed: no range of eta"):
        bad().test_units_and_ranges()


def test_a_published_rule_states_its_version(monkeypatch):
    from importlib.metadata import EntryPoint, EntryPoints

    from neuromorph.testing import documents

    group = "neuromorph.learning_rules"
    points = EntryPoints([EntryPoint("no_range", "bad_rules:NoRange", group)])
    monkeypatch.setattr(documents, "entry_points", lambda group: points)
    result = result_of("version", CHECKS["version"], Subject(bad_rules.NoRange))
    assert (result.verdict, "Write in the class: api = 1" in result.text) == (FAILED, True)
    monkeypatch.setattr(bad_rules.NoRange, "api", 1, raising=False)
    assert result_of("version", CHECKS["version"], Subject(bad_rules.NoRange)).verdict == PASSED


def test_a_class_that_is_no_rule():
    class Nothing:
        pass

    assert not issubclass(Nothing, LearningRule)
    result = result_of("contract", CHECKS["contract"], Subject(Nothing))
    assert (result.verdict, "not a learning rule" in result.text) == (FAILED, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [(InputError("no such luck"), "^grid: no such luck$"), (ValueError("no luck"), "^grid: ValueError: no luck$")],
)
def test_errors_of_a_run_are_failures(error, words):
    with pytest.raises(Failed, match=words), failing("grid"):
        raise error
