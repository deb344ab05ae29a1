"""Learning rules by name, and the check that each keeps the contract."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar, cast

from neuromorph.contract_checks import (
    api_problems,
    parameter_problems,
    plain_function,
    return_problem,
    signature_problem,
    use_problems,
)
from neuromorph.errors import PluginError, Problem, suggestion
from neuromorph.learning.contract import API, HOOKS, MOST_RANDOMS, LearningRule, Trace, Variable
from neuromorph.parameters import Param, declared
from neuromorph.registration import Entry, Registry

GROUP = "neuromorph.learning_rules"
#: versions of the contract that load, in ascending order, the present one last
SUPPORTED_APIS = (API,)
SIDES = ("pre", "post")
_Kind = TypeVar("_Kind")


def get(name: str) -> type[LearningRule]:
    """Return the rule called `name`; raises PluginError if there is none or if it breaks the contract."""
    return cast(type[LearningRule], registry.get(name))


def names() -> list[str]:
    """Names of all registered rules, sorted; imports none of them."""
    return registry.names()


def entries() -> list[Entry]:
    """Every registered rule, loaded, or with the error that keeps it from being used."""
    return registry.entries()


def check_rule(cls: type, where: str) -> None:
    """Check a rule against the contract: declarations, signatures, and all that its hooks read.

    Raises PluginError that names `where` (the file or distribution), the class, the method, what was found and what
    was expected, for every breach at once.
    """
    place = f"{where}: {getattr(cls, '__name__', cls)}"
    if not (isinstance(cls, type) and issubclass(cls, LearningRule)):
        raise PluginError(Problem("not a learning rule", place, cls, "a class derived from LearningRule"))
    wrong = api_problems(cls.api, SUPPORTED_APIS, place)
    if wrong:
        raise PluginError(*wrong)
    problems = parameter_problems(cls.parameters(), place)
    problems += _declarations(cls, place)
    hooks = cls.hooks()
    for name in vars(cls):
        if name.startswith("on_") and name not in HOOKS:
            problems.append(Problem(f"unknown hook '{name}'", f"{place}.{name}", fix=suggestion(name, HOOKS)))
    if not hooks:
        problems.append(Problem("no hook is defined", place, allowed=f"at least one of {', '.join(HOOKS)}"))
    for name, member in hooks.items():
        problems += _hook(cls, name, member, f"{place}.{name}")
    if problems:
        raise PluginError(*problems)


def _declarations(cls: type[LearningRule], place: str) -> list[Problem]:
    problems: list[Problem] = []
    sides: dict[str, Trace | Variable] = {**_of(cls, Trace), **_of(cls, Variable)}
    for name, item in sides.items():
        if item.side not in SIDES:
            problems.append(Problem("unknown side", f"{place}.{name}", item.side, "pre or post"))
    taus: dict[str, str] = {name: trace.tau for name, trace in _of(cls, Trace).items()}
    taus |= {name: state.tau for name, state in cls.states().items() if state.tau}
    parameters = cls.parameters()
    for name, tau in taus.items():
        spot = f"{place}.{name}"
        if tau not in parameters:
            problems.append(Problem(f"tau '{tau}' is not a declared parameter", spot, fix=suggestion(tau, parameters)))
        elif parameters[tau].unit != "ms" or not _positive(parameters[tau]):
            found = f"{parameters[tau].unit}, {parameters[tau].allowed}"
            problems.append(Problem(f"tau '{tau}' must be a time above 0", spot, found, 'Param(..., "ms", above=0)'))
    if len(cls.randoms()) > MOST_RANDOMS:
        problems.append(Problem("too many Randoms", place, len(cls.randoms()), f"at most {MOST_RANDOMS}"))
    for name in {*sides, *parameters, *cls.states(), *cls.randoms()} & {"count"}:
        problems.append(Problem(f"'{name}' is the number of spikes of an instant", f"{place}.{name}", fix="Rename it."))
    return problems + _promise(cls, place)


def _of(cls: type, kind: type[_Kind]) -> dict[str, _Kind]:
    return cast(dict[str, _Kind], declared(cls, kind))


def _positive(param: Param) -> bool:
    low = param.above if param.above is not None else param.at_least
    return low is not None and (low > 0 or (low == 0 and param.above == 0))


def _promise(cls: type[LearningRule], place: str) -> list[Problem]:
    """`unchanged_when_zero` may name the Variables that on_signal reads of the two cells."""
    spot, promised = f"{place}.unchanged_when_zero", cls.unchanged_when_zero
    if not isinstance(promised, tuple) or not all(isinstance(name, str) for name in promised):
        return [Problem("not a tuple of names", spot, promised, 'such as ("pre.n", "post.change")')]
    if promised and "on_signal" not in cls.hooks():
        return [Problem("a promise about on_signal, which the rule lacks", spot, promised)]
    known = [f"{side}.{name}" for side in SIDES for name in cls.variables(side)]
    return [
        Problem(f"'{name}' is not a declared Variable", spot, fix=suggestion(name, known))
        for name in promised
        if name not in known
    ]


def _visible(cls: type[LearningRule], hook: str, side: str) -> Collection[str]:
    """What a hook may read of one cell: its traces; its variables (of a source at a signal only); its count."""
    if hook == "transmit":
        return ()
    names = set(cls.traces(side))
    if hook in ("on_signal", "rewire") or side == "post":
        names |= set(cls.variables(side))
    if (hook, side) in (("on_pre", "pre"), ("on_post", "post")):
        names.add("count")
    return names


def _hook(cls: type[LearningRule], name: str, member: object, spot: str) -> list[Problem]:
    states, randoms = cls.states(), cls.randoms()
    expected = HOOKS[name] + (("syn",) if states or randoms else ())
    wrong = signature_problem(member, name, expected, spot)
    function = plain_function(member)
    if wrong is not None or function is None:
        return [wrong] if wrong else []
    allowed: dict[str, Collection[str]] = {side: _visible(cls, name, side) for side in SIDES}
    allowed |= {"p": cls.parameters(), "syn": [*states, *randoms]}
    problems = use_problems(function, allowed, spot, _reasons(cls, allowed))
    returned = ["w", *states] if name.startswith("on_") else ["w"]
    what = {"transmit": "what a spike delivers", "rewire": "whether it is given up"}.get(name, "the new weight")
    wrong = return_problem(function, len(returned), f"({', '.join(returned)})" if len(returned) > 1 else what, spot)
    return problems + ([wrong] if wrong else [])


def _reasons(cls: type[LearningRule], allowed: dict[str, Collection[str]]) -> dict[str, str]:
    """Why something that exists cannot be read in a hook."""
    reasons = {f"{side}.count": f"{side}.count is known in on_{side} only." for side in SIDES}
    reasons |= {
        f"pre.{n}": "A variable of the source is read in on_signal and rewire only." for n in cls.variables("pre")
    }
    return {text: why for text, why in reasons.items() if text.partition(".")[2] not in allowed[text.partition(".")[0]]}


registry = Registry(GROUP, "learning rule", check_rule)
