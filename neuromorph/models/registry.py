"""Neuron models, inputs and currents by name, and the check that each keeps its contract."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from neuromorph.contract_checks import (
    CANONICAL_UNITS,
    api_problems,
    parameter_problems,
    plain_function,
    return_problem,
    signature_problem,
    use_problems,
)
from neuromorph.errors import PluginError, Problem, suggestion
from neuromorph.models.contract import API, CurrentModel, InputModel, NeuronModel, Receptor
from neuromorph.registration import Entry, Registry
from neuromorph.units import is_canonical

GROUP = "neuromorph.neuron_models"
#: versions of the contract that load, in ascending order, the present one last
SUPPORTED_APIS = (API,)
RESOLUTIONS = ("exact", "grid")
#: hook -> (arguments, when it is needed: "always" or the name of a resolution)
HOOKS: dict[str, tuple[tuple[str, ...], str]] = {
    "propagate": (("s", "c", "p", "clamped"), "grid"),
    "advance": (("s", "h", "p", "clamped"), "exact"),
    "crossing": (("s", "h", "p"), "exact"),
    "receive": (("s", "x", "p", "refractory", "r"), "always"),
    "fires": (("s", "p"), "always"),
    "reset": (("s", "p"), "always"),
}
#: hooks that return all variables
STATEFUL = ("propagate", "advance", "receive", "reset")

Model = type[NeuronModel] | type[InputModel] | type[CurrentModel]


def get(name: str) -> Model:
    """Return the model called `name`; raises PluginError if there is none or if it breaks its contract."""
    return cast(Model, registry.get(name))


def names() -> list[str]:
    """Names of all registered models, sorted; imports none of them."""
    return registry.names()


def entries() -> list[Entry]:
    """Every registered model, loaded, or with the error that keeps it from being used."""
    return registry.entries()


def check_model(cls: type, where: str) -> None:
    """Check a neuron model, an input or a current against its contract.

    Raises PluginError that names `where` (the file or distribution), the class, the method, what was found and what
    was expected, for every breach at once.
    """
    place = f"{where}: {getattr(cls, '__name__', cls)}"
    if not (isinstance(cls, type) and issubclass(cls, NeuronModel | InputModel | CurrentModel)):
        bases = "a class derived from NeuronModel, InputModel or CurrentModel"
        raise PluginError(Problem("not a model", place, cls, bases))
    wrong = api_problems(cls.api, SUPPORTED_APIS, place)
    if wrong:
        raise PluginError(*wrong)
    problems = parameter_problems(cls.parameters(), place) + _resolutions(cls, place)
    if issubclass(cls, NeuronModel):
        problems += _variables(cls, place) + _receptors(cls, place) + _refractory(cls, place)
        for name, (arguments, needed) in HOOKS.items():
            if needed == "always" or needed in cls.resolutions:
                problems += _hook(cls, name, arguments, place)
        problems += _coefficients(cls, place)
    else:
        problems += _source(cls, place)
    if problems:
        raise PluginError(*problems)


def _resolutions(cls: Model, place: str) -> list[Problem]:
    found = cls.resolutions
    if isinstance(found, tuple) and found and set(found) <= set(RESOLUTIONS):
        return []
    return [Problem("unknown resolutions", f"{place}.resolutions", found, f"some of {RESOLUTIONS}")]


def _variables(cls: type[NeuronModel], place: str) -> list[Problem]:
    problems: list[Problem] = []
    parameters = cls.parameters()
    for name, variable in cls.variables().items():
        spot, initial = f"{place}.{name}", variable.initial
        if not is_canonical(variable.unit):
            allowed = ", ".join(CANONICAL_UNITS)
            problems.append(Problem(f"unit '{variable.unit}' is not canonical", spot, allowed=allowed))
        if isinstance(initial, str) and initial not in parameters:
            fix = suggestion(initial, parameters)
            problems.append(Problem(f"initial value '{initial}' is not a declared parameter", spot, fix=fix))
    return problems


def _receptors(cls: type[NeuronModel], place: str) -> list[Problem]:
    spot, receptors = f"{place}.receptors", cls.receptors
    if not isinstance(receptors, tuple) or not all(isinstance(r, Receptor) for r in receptors):
        return [Problem("not a tuple of receptors", spot, receptors)]
    problems: list[Problem] = []
    for index, receptor in enumerate(receptors):
        if receptor.name in [other.name for other in receptors[:index]]:
            problems.append(Problem(f"receptor '{receptor.name}' is declared twice", spot))
        if receptor.sign not in (-1, 0, 1):
            problems.append(Problem(f"sign of receptor '{receptor.name}'", spot, receptor.sign, "-1, 0 or 1"))
        if not is_canonical(receptor.unit):
            what = f"unit '{receptor.unit}' of receptor '{receptor.name}' is not canonical"
            problems.append(Problem(what, spot, allowed=", ".join(CANONICAL_UNITS)))
    return problems


def _refractory(cls: type[NeuronModel], place: str) -> list[Problem]:
    name, parameters = cls.refractory, cls.parameters()
    if not name or (name in parameters and parameters[name].unit == "ms"):
        return []
    fix = 'Declare it as Param(2.0, "ms", at_least=0), or say refractory = "".'
    return [Problem(f"refractory '{name}' is not a declared parameter in ms", f"{place}.refractory", fix=fix)]


def _hook(cls: type[NeuronModel], name: str, arguments: tuple[str, ...], place: str) -> list[Problem]:
    member, spot = _member(cls, name), f"{place}.{name}"
    if member is None:
        return [Problem("hook is missing", spot, allowed=f"def {name}({', '.join(arguments)})")]
    wrong, function = signature_problem(member, name, arguments, spot), plain_function(member)
    if wrong is not None or function is None:
        return [wrong] if wrong else []
    variables = cls.variables()
    allowed: dict[str, Collection[str]] = {"s": variables, "p": cls.parameters(), "c": cls.coefficient_names}
    allowed["x"] = [receptor.name for receptor in cls.receptors if isinstance(receptor, Receptor)]
    problems = use_problems(function, allowed, spot)
    if name in STATEFUL and len(variables) > 1:
        wrong = return_problem(function, len(variables), f"({', '.join(variables)})", spot)
        problems += [wrong] if wrong else []
    return problems


def _coefficients(cls: type[NeuronModel], place: str) -> list[Problem]:
    if "grid" not in cls.resolutions or not cls.coefficient_names:
        return []
    member, spot = _member(cls, "coefficients"), f"{place}.coefficients"
    if member is None:
        return [Problem("hook is missing", spot, allowed="def coefficients(p, h)")]
    wrong = signature_problem(member, "coefficients", ("p", "h"), spot)
    return [wrong] if wrong else []


def _source(cls: type[InputModel] | type[CurrentModel], place: str) -> list[Problem]:
    """An input prepares its state and names its kernels; a current has steps, or (grid only) a sample."""
    problems: list[Problem] = []
    for name in {*cls.array_parameters, *cls.text_parameters} & set(cls.parameters()):
        problems.append(Problem("is both a number and an array or text", f"{place}.{name}"))
    for name, (unit, _) in cls.array_parameters.items():
        if unit not in CANONICAL_UNITS:
            problems.append(Problem(f"unit '{unit}' is not canonical", f"{place}.{name}", allowed=str(CANONICAL_UNITS)))
    if issubclass(cls, InputModel):
        needed: list[tuple[str, ...]] = [("prepare",), ("kernel",), *([("register",)] if cls.registers else [])]
    else:
        needed = [("steps",) if "exact" in cls.resolutions else ("steps", "sample")]
    for names in needed:
        if not any(_defines(cls, name) for name in names):
            problems.append(Problem(f"{' or '.join(names)} is missing", place))
    return problems


def _defines(cls: type, name: str) -> bool:
    """Whether the class has the method, and not only from the base class of the contract."""
    member = getattr(cls, name, None)
    return callable(member) and member is not getattr(InputModel, name, None)


def _member(cls: type, name: str) -> Any:
    """The class attribute as it is written, so that a static method is seen as one."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


registry = Registry(GROUP, "model", check_model)
