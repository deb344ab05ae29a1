"""The conformance kit, for authors of rules and models.

from neuromorph.testing import rule_conformance, rule_conformance_tests

rule_conformance(MyRule)                              # raises AssertionError with the whole report

class TestMyRule(rule_conformance_tests(MyRule)):     # or each check as a test of pytest's
    pass
"""

from __future__ import annotations

from typing import Any

_LAZY = {
    "rule_conformance": "neuromorph.testing.kit",
    "rule_conformance_tests": "neuromorph.testing.kit",
    "model_conformance": "neuromorph.testing.kit",
    "model_conformance_tests": "neuromorph.testing.kit",
    "Report": "neuromorph.testing.report",
    "Result": "neuromorph.testing.report",
}
__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'neuromorph.testing' has no attribute {name!r}")
