"""What can be known of a class and its hooks by reading them, shared by the checks of models and of rules."""

from __future__ import annotations

import dis
import inspect
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType

from neuromorph.errors import ContractWarning, Problem, suggestion
from neuromorph.parameters import Param
from neuromorph.units import UNITS, is_canonical

CANONICAL_UNITS = tuple(dict.fromkeys(unit for unit, _ in UNITS.values()))


@dataclass(frozen=True)
class Use:
    """One `argument.attribute` in a hook; `stored` where the hook assigns to it."""

    argument: str
    attribute: str
    line: int
    stored: bool


def plain_function(member: object) -> FunctionType | None:
    """The Python function behind a class member (plain or static); None for anything else."""
    if isinstance(member, staticmethod):
        member = member.__func__
    return member if isinstance(member, FunctionType) else None


def place(function: FunctionType, line: int | None = None) -> str:
    """`name, line n of FILE`, for messages."""
    code = function.__code__
    return f"{function.__name__}, line {line or code.co_firstlineno} of {code.co_filename}"


def uses(function: FunctionType) -> Iterator[Use]:
    """Every attribute that the function reads of (or assigns to) its arguments, by their own names."""
    arguments = set(inspect.signature(function).parameters)
    line = function.__code__.co_firstlineno
    loaded = copied = ""
    for step in dis.get_instructions(function):
        line = step.positions.lineno if step.positions and step.positions.lineno else line
        if step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
            # Newer Pythons load two locals in one instruction; the second is on top of the stack.
            loaded = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
            continue
        if step.opname == "COPY":  # of what is on top of the stack, for `x.a += b`
            copied = loaded
            continue
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and loaded in arguments:
            yield Use(loaded, step.argval, line, stored=False)
        elif step.opname in ("STORE_ATTR", "DELETE_ATTR") and (loaded or copied) in arguments:
            yield Use(loaded or copied, step.argval, line, stored=True)
        loaded = ""


def hands_on(function: FunctionType, argument: str) -> bool:
    """Whether the function does more with an argument than to read its attributes: gives it to a helper, a new name."""
    steps = list(dis.get_instructions(function))
    for step, following in zip(steps, [*steps[1:], None]):
        loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if not step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) or argument not in loaded:
            continue
        read = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR")
        if argument != loaded[-1] or not read:
            return True
    return False


def signature_problem(member: object, name: str, expected: tuple[str, ...], where: str) -> Problem | None:
    """Whether a hook is a plain function with exactly the expected arguments."""
    function = plain_function(member)
    if function is None:
        return Problem(f"{name} must be a plain function", where, member, f"def {name}({', '.join(expected)})")
    found = inspect.signature(function)
    kinds = {p.kind for p in found.parameters.values()} - {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if tuple(found.parameters) == expected and not kinds:
        return None
    return Problem(
        f"wrong arguments of {place(function)}: found {name}({', '.join(str(p) for p in found.parameters.values())}), "
        f"expected {name}({', '.join(expected)})",
        where,
    )


def use_problems(
    function: FunctionType,
    allowed: Mapping[str, Collection[str]],
    where: str,
    reasons: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Undeclared attributes that a hook reads, and every assignment to one.

    `allowed` maps an argument to the attributes that it has; arguments that it lacks are not looked at. `reasons` says
    of some `argument.attribute` why it cannot be read here.
    """
    known = [f"{argument}.{name}" for argument, names in allowed.items() for name in names]
    found: dict[str, Problem] = {}
    for use in uses(function):
        if use.argument not in allowed:
            continue
        text, spot = f"{use.argument}.{use.attribute}", place(function, use.line)
        if use.stored:
            what, fix = f"assignment to {text} in {spot}", "A hook changes nothing in place: return the new value."
        elif reasons and text in reasons:
            what, fix = f"{text} cannot be read in {spot}", reasons[text]
        elif text not in known:
            what, fix = f"{text} in {spot} is not declared", suggestion(text, known)
        else:
            continue
        found.setdefault(what.partition(",")[0], Problem(what, where, fix=fix))
    return list(found.values())


def return_problem(function: FunctionType, expected: int, what: str, where: str) -> Problem | None:
    """Whether a hook plainly returns the wrong number of values (1 for a bare number); what is unclear passes."""
    previous = None
    for step in dis.get_instructions(function):
        count = None
        if step.opname.startswith("RETURN"):
            count = _returned(step, previous)
        if count is not None and count != expected:
            found = {0: "nothing", 1: "one number"}.get(count, f"{count} values")
            return Problem(f"{place(function)} returns {found}, expected {what}", where)
        previous = step
    return None


def _returned(step: dis.Instruction, previous: dis.Instruction | None) -> int | None:
    """How many values a return instruction hands back, where that is plain to see."""
    if step.opname == "RETURN_CONST" or (previous is not None and previous.opname == "LOAD_CONST"):
        constant = step.argval if step.opname == "RETURN_CONST" or previous is None else previous.argval
        return 0 if constant is None else len(constant) if isinstance(constant, tuple) else 1
    if previous is not None and previous.opname == "BUILD_TUPLE":
        return previous.arg
    if previous is not None and previous.opname.startswith(("BINARY_OP", "UNARY", "COMPARE")):
        return 1
    return None


def parameter_problems(parameters: Mapping[str, Param], where: str) -> list[Problem]:
    """Parameters with a unit that is not canonical, or with a default outside their own range."""
    problems: list[Problem] = []
    for name, param in parameters.items():
        if not is_canonical(param.unit):
            problems.append(
                Problem(f"unit '{param.unit}' is not canonical", f"{where}.{name}", allowed=", ".join(CANONICAL_UNITS))
            )
        wrong = param.problem(param.default, f"{where}.{name}")
        if wrong is not None:
            problems.append(Problem("default out of range", wrong.where, wrong.value, wrong.allowed))
    return problems


def api_problems(api: object, supported: tuple[int, ...], place: str) -> list[Problem]:
    """Whether a class is written for a version of the contract that still loads; an old one does with a warning.

    `supported` holds the versions in ascending order, the present one last (docs/plugins.md says how long each lasts).
    """
    what, allowed = "written for another version of the contract", f"api = {supported[-1]}"
    if api == supported[-1]:
        return []
    if api in supported:
        text = f"{place}: written for version {api} of the contract, which the next minor release of neuromorph drops"
        warnings.warn(
            f"{text}. Go over to api = {supported[-1]}: docs/plugins.md says how", ContractWarning, stacklevel=4
        )
        return []
    if isinstance(api, int) and api > supported[-1]:
        fix = "It is newer than this neuromorph: pip install --upgrade neuromorph."
    else:
        fix = "Install a newer version of the plugin, or have its author go over to that: docs/plugins.md says how."
    return [Problem(what, f"{place}.api", api, allowed, fix)]
