"""The conformance kit of models: ours pass, and every check finds the model that breaks its promise."""

from __future__ import annotations

import os

import numpy as np
import pytest

import bad_models
from neuromorph.models import registry
from neuromorph.models.lif import LifDelta
from neuromorph.testing import model_conformance, model_conformance_tests
from neuromorph.testing.model_checks import CHECKS, Subject
from neuromorph.testing.report import FAILED, NOT_APPLICABLE, result_of

#: of cells exact and on the grid, of cells with phases, an input, a current; all others where time is given
FEW = ("lif_exp", "adex", "rhythmic", "poisson", "dc_current")
ALL = registry.names() if os.environ.get("NEUROMORPH_LONG") else FEW


@pytest.mark.parametrize("name", [name for name in ALL if name != "spike_file"])
def test_models_of_ours_conform(name):
    assert model_conformance(registry.get(name)).passed


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("check", ["contract", "version", "documented", "units and ranges"])
def test_declarations_of_all_models_of_ours(name, check):
    result = result_of(check, CHECKS[check], Subject(registry.get(name)))
    assert result.verdict != FAILED, result


@pytest.mark.parametrize(
    ("model", "check", "words"),
    [
        ("Untold", "units and ranges", ["no doc of u. Say what each is"]),
        ("Sourceless", "documented", ["no source. Write them in the class"]),
        ("Mute", "active", ["grid: nothing happened. Say at which parameters: model_conformance(MODEL, params="]),
        ("Silent", "active", ["grid: nothing happened"]),
        ("Dice", "repeatable", ["in two runs of one network. Random numbers come from the cell's stream"]),
        ("Dice", "threads", ["in one part and in two"]),
        ("Dice", "insertion order", ["described in two orders"]),
        ("Dice", "cuts", ["run at once and in pieces"]),
        ("Overflow", "compiled equals uncompiled", ["compiled beside uncompiled"]),
        ("Runaway", "extremes", ["grid, V_th = 150: u is nan. Narrow the ranges of parameters"]),
        ("NotInto", "promises", ["receptor 'delta' says into='V_m', and `receive` changes u"]),
        ("NotAtRest", "promises", ["it says that it rests, and V_m changes without arrivals"]),
    ],
)
def test_a_model_that_breaks_a_promise_is_found(model, check, words):
    result = result_of(check, CHECKS[check], subject(model))
    assert result.verdict == FAILED, result
    for word in words:
        assert word in result.text, result.text


_subjects = {}


def subject(model):
    """One for all checks of a model, so that it runs once."""
    return _subjects.setdefault(model, Subject(getattr(bad_models, model)))


class _Slow(LifDelta):
    """Whose `advance_by` is not its `advance`."""

    @staticmethod
    def advance_by(s, h, decays, p, clamped):
        return s.V_m * decays[0], s.I_stim


class _Off(LifDelta):
    """Whose hook of the grid is not that in closed form."""

    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = p.E_L + (s.V_m - p.E_L) * c.decay * 0.99
        return s.V_m if clamped else V_m, s.I_stim


class _Quiet(LifDelta):
    """Who promises more quiet than there is."""

    @staticmethod
    def crossing(s, h, p):
        return 0.5

    @staticmethod
    def quiet(s, p):
        return 1.0


def test_promises_of_exact_cells_that_are_broken():
    from neuromorph.testing import promises

    class Finished:
        def state(self, population, variable):
            return np.array([-60.0, -56.0]) if variable == "V_m" else np.zeros(2)

    with pytest.raises(Exception, match="`advance_by` is not `advance` to the bit"):
        promises.kept(_Slow, [Finished()])
    with pytest.raises(Exception, match="`quiet` promises 1 ms without a crossing, and `crossing` finds one after 0.5"):
        promises.kept(_Quiet, [Finished()])


def test_propagate_that_is_not_advance():
    result = result_of("both resolutions", CHECKS["both resolutions"], Subject(_Off))
    assert result.verdict == FAILED
    assert "V_m of alike: `propagate` and `advance` differ by " in result.text


def test_what_needs_parameters_says_so():
    with pytest.raises(pytest.skip.Exception, match="it needs parameters: `path` must be given"):
        model_conformance_tests(registry.get("spike_file"))().test_compiles()
    report = model_conformance(registry.get("spike_file"))
    verdicts = {result.check: str(result) for result in report.results}
    assert verdicts["cuts"] == "cuts: not applicable: compiles is not applicable"


def test_parameters_to_try_an_input_at():
    given = {"times": [1.0, 2.0, 30.0], "indices": [0, 1, 4]}
    tests = model_conformance_tests(registry.get("spike_train"), params=given)
    tests().test_active()
    with pytest.raises(AssertionError, match=r"model SpikeTrain\n(.*\n)+  active: failed: grid: nothing happened"):
        model_conformance(registry.get("spike_train"), params={"times": [], "indices": []})


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("promises", "an input or a current makes no promises"),
        ("extremes", "an input or a current has no states that the kit knows of"),
        ("both resolutions", "an input or a current draws and steps by its resolution"),
    ],
)
def test_inputs_have_no_states_to_check(check, words):
    result = result_of(check, CHECKS[check], Subject(registry.get("poisson")))
    assert (result.verdict, result.text) == (NOT_APPLICABLE, words)


@pytest.mark.parametrize(
    ("model", "params", "check", "words"),
    [
        (bad_models.Mute, {}, "both resolutions", "it has one resolution: grid"),
        (LifDelta, {"I_e": 1000.0}, "both resolutions", "it fires by itself, and crossings lie between ticks"),
        (bad_models.Mute, {}, "promises", "it promises nothing"),
        (bad_models.Mute, {}, "version", "no installed distribution registers it"),
    ],
)
def test_what_a_check_has_nothing_to_look_at_in(model, params, check, words):
    result = result_of(check, CHECKS[check], Subject(model, params))
    assert (result.verdict, result.text) == (NOT_APPLICABLE, words)


class _Wordless(bad_models.Fine):
    __doc__ = None


@pytest.mark.parametrize(
    ("model", "check", "words"),
    [
        (int, "contract", "int: not a model, found <class 'int'>"),
        (_Wordless, "documented", "no docstring. Say in a sentence what it is"),
    ],
)
def test_a_class_that_is_no_model_or_says_nothing(model, check, words):
    result = result_of(check, CHECKS[check], Subject(model))
    assert (result.verdict, words in result.text) == (FAILED, True), result
