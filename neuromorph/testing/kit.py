"""The kit as functions: a report, an assertion, or a class of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from neuromorph.learning.contract import LearningRule
from neuromorph.testing.report import FAILED, NOT_APPLICABLE, Report, Result, result_of, results_of

Checks = Mapping[str, Callable[[Any], str]]


def rule_results(rule: type[LearningRule], cost: bool = False) -> Iterator[Result]:
    """Every check of a learning rule, one by one; `cost` measures it too (seconds)."""
    from neuromorph.testing import rule_checks

    checks = rule_checks.CHECKS | (rule_checks.COST if cost else {})
    return results_of(checks, rule_checks.Subject(rule))


def rule_conformance(rule: type[LearningRule], cost: bool = False) -> Report:
    """Check a learning rule and return the report; raises AssertionError with all of it where a check failed."""
    report = Report(f"learning rule {rule.__name__}", tuple(rule_results(rule, cost)))
    if not report.passed:
        raise AssertionError(str(report))
    return report


def rule_conformance_tests(rule: type[LearningRule]) -> type:
    """A class of tests, one a check, for pytest: `class TestMyRule(rule_conformance_tests(MyRule)): pass`."""
    from neuromorph.testing import rule_checks

    return _tests(rule, rule_checks.CHECKS, rule_checks.Subject(rule))


def model_results(model: Any, cost: bool = False, params: dict[str, Any] | None = None) -> Iterator[Result]:
    """Every check of a neuron model, an input or a current, one by one; `params` are those to try it at."""
    from neuromorph.testing import model_checks

    checks = model_checks.CHECKS | (model_checks.COST if cost else {})
    return results_of(checks, model_checks.Subject(model, params))


def model_conformance(model: Any, params: dict[str, Any] | None = None, cost: bool = False) -> Report:
    """Check a model and return the report; raises AssertionError with all of it where a check failed."""
    report = Report(f"model {model.__name__}", tuple(model_results(model, cost, params)))
    if not report.passed:
        raise AssertionError(str(report))
    return report


def model_conformance_tests(model: Any, params: dict[str, Any] | None = None) -> type:
    """A class of tests, one a check, for pytest: `class TestMyModel(model_conformance_tests(MyModel)): pass`."""
    from neuromorph.testing import model_checks

    return _tests(model, model_checks.CHECKS, model_checks.Subject(model, params))


def _tests(cls: type, checks: Checks, subject: Any) -> type:
    tests = {_test_name(name): _test(name, check, subject) for name, check in checks.items()}
    return type(f"{cls.__name__}Conformance", (), tests)


def _test_name(check: str) -> str:
    return "test_" + check.replace(" ", "_")


def _test(name: str, check: Callable[[Any], str], subject: Any) -> Callable[[Any], None]:
    def test(self: Any) -> None:
        import pytest

        result = result_of(name, check, subject)
        if result.verdict == FAILED:
            pytest.fail(str(result), pytrace=False)
        if result.verdict == NOT_APPLICABLE:
            pytest.skip(result.text)

    test.__doc__ = check.__doc__
    return test
