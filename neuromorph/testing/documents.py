"""Checks of what can be read: docstring, source, units, ranges, version."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Any

from neuromorph.testing.report import Failed, NotApplicable

#: what says where a rule is from: an identifier, or in words why there is none
SOURCE = re.compile(r"doi:\s*10\.\d{4,9}/\S+|doi\.org/10\.|arXiv:\s*\d{4}\.\d{4,5}|ISBN|\bno DOI\b|\bSource: \S", re.I)
#: an equation: a name, and what it is or becomes
EQUATION = re.compile(r"[\w\]\)/]['\]\)]*\s*(?:[-+*]?=|:=|<-|->|~)\s*\S")
#: a parameter that may be anything says so
UNBOUNDED = re.compile(r"\bany (?:sign|value|number)\b|\bunbounded\b|\beither sign\b", re.I)


def documented(cls: Any, where: tuple[str, ...]) -> str:
    """A sentence, an equation and a source, in the class's docstring or in its `equations` and `source`."""
    own = cls.__doc__ or ""
    if not own.strip():
        raise Failed('no docstring. Say what it does, an equation and the source: """dw = ... . NAME YEAR, doi:..."""')
    inherited = [base.__doc__ or "" for base in cls.__mro__[1:] if not base.__module__.startswith("neuromorph.")]
    text = "\n".join([own, *inherited, str(getattr(cls, "equations", "")), str(getattr(cls, "source", ""))])
    missing = []
    if not EQUATION.search(text) and not re.search(r"\bby\b.*\bexp\(", text):
        missing.append("an equation, such as: dw = a_plus pre.x at a postsynaptic spike")
    if not SOURCE.search(text):
        missing.append('a source: doi:10..., arXiv:..., or, where there is none, "Source: " and why')
    if missing:
        raise Failed(f"its docstring lacks {' and '.join(missing)}")
    found = SOURCE.search(text)
    return found[0].rstrip(".,;") if found else ""


def parameters(cls: Any, signed: tuple[str, ...] = ()) -> str:
    """Every parameter has a doc, and a range or a doc that says that it takes any value; in `signed` units it may."""
    declared = cls.parameters()
    if not declared:
        return "no parameters"
    silent = [name for name, p in declared.items() if not p.doc.strip()]
    if silent:
        raise Failed(f'no doc of {", ".join(silent)}. Say what it is: Param(20.0, "ms", above=0, doc="time constant")')
    ends = ("above", "at_least", "below", "at_most")
    free = [name for name, p in declared.items() if all(getattr(p, end) is None for end in ends)]
    free = [n for n in free if declared[n].unit not in signed and not UNBOUNDED.search(declared[n].doc)]
    if free:
        fix = "Declare one with above=, at_least=, below= or at_most=, or say `any sign` or `unbounded` in its doc."
        raise Failed(f"no range of {', '.join(free)}. {fix}")
    return ", ".join(f"{name} ({p.unit})" for name, p in declared.items())


def version(cls: Any, group: str) -> str:
    """A class that another distribution registers states `api` itself, for the base class follows the emulator."""
    here = f"{cls.__module__}:{cls.__qualname__}"
    mine = [p for p in entry_points(group=group) if p.value.replace(" ", "") == here]
    if not mine:
        raise NotApplicable("no installed distribution registers it")
    if cls.__module__.split(".")[0] in ("neuromorph", "neuromorph_plugins"):
        return f"api {cls.api}: it ships with neuromorph"
    stating = [c for c in cls.__mro__ if "api" in vars(c) and c.__module__.split(".")[0] != "neuromorph"]
    if not stating:
        raise Failed(f"the version of the contract is not stated. Write in the class: api = {cls.api}")
    return f"api {cls.api}"


def model(cls: Any) -> str:
    """A docstring, and equations and a source as attributes."""
    if not (vars(cls).get("__doc__") or "").strip():
        raise Failed("no docstring. Say in a sentence what it is")
    missing = [name for name in ("equations", "source") if not str(getattr(cls, name, "")).strip()]
    if missing:
        raise Failed(f'no {" and no ".join(missing)}. Write them in the class, such as source = "NAME YEAR, doi:10..."')
    return str(cls.source).strip()


def model_declarations(cls: Any) -> str:
    """As `parameters` (potentials and currents have any sign), and a doc of all else that is declared."""
    said = parameters(cls, signed=("mV", "pA"))
    silent = [name for name, v in getattr(cls, "variables", dict)().items() if not v.doc.strip()]
    silent += [r.name for r in getattr(cls, "receptors", ()) if not r.doc.strip()]
    silent += [name for name, (_, doc) in getattr(cls, "array_parameters", {}).items() if not doc.strip()]
    silent += [name for name, doc in getattr(cls, "text_parameters", {}).items() if not doc.strip()]
    if silent:
        raise Failed(f"no doc of {', '.join(silent)}. Say what each is")
    return said
