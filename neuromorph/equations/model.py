"""neuromorph.Model: a neuron model from its equations."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Mapping
from typing import Any

from neuromorph.equations.modules import written_module
from neuromorph.equations.quantities import parameter
from neuromorph.equations.system import Spec, system
from neuromorph.errors import PluginError, Problem
from neuromorph.models.contract import NeuronModel
from neuromorph.parameters import Param


def Model(
    equations: str,
    threshold: str = "",
    reset: str = "",
    refractory: str = "",
    *,
    name: str,
    parameters: Mapping[str, Param | str | float] | None = None,
    receptors: Mapping[str, str] | None = None,
    initial: Mapping[str, float | str] | None = None,
    method: str = "",
    doc: str = "",
    source: str = "",
) -> type[NeuronModel]:
    """Make a neuron model of equations; it runs as one that was written by hand.

    equations : lines `dv/dt = EXPRESSION : UNIT`, `NAME = EXPRESSION : UNIT` and `NAME : UNIT` (docs/equations.md)
    threshold : a condition, such as "v > V_th"; reached is enough
    reset : statements, such as "v = V_r; u += d"
    refractory : name of a parameter in ms, or a time such as "2 ms"; the variable of the threshold stands still then
    name : under which the model is registered
    parameters : a Param, a number or a text such as "10 ms above 0  # membrane time constant", by name
    receptors : what an arrival of weight w does, such as {"excitatory": "I += w (positive)  # doc"}
    initial : values of variables, or names of parameters; else what the reset puts them to, else 0
    method : rk4 (the default where equations are not linear), heun, euler, exponential_euler, or exact
    doc, source : what `neuromorph models show` says of it

    Returns a class derived from NeuronModel, of the module that calls. Raises PluginError for texts that cannot be
    read, for names that are unknown and for units that do not fit. Needs sympy when the texts are first seen.
    """
    caller = sys._getframe(1).f_globals.get("__name__", "__main__")
    check_name(name, "model")
    given = parameters or {}
    spec = Spec(
        name, equations, threshold.strip(), reset, refractory.strip(),
        tuple((key, parameter(value, f"{name}: parameter {key}")) for key, value in given.items()),
        tuple((receptors or {}).items()), tuple((initial or {}).items()), method, doc, source,
    )  # fmt: skip

    def write() -> str:
        from neuromorph.equations.writing import write_model

        return write_model(system(spec))

    return made_class(spec, write, caller)


def check_name(name: object, what: str) -> None:
    """Raise PluginError where a model or rule cannot be called so."""
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise PluginError(Problem(f"a {what} cannot be called so", "name", name, 'a name such as "my_lif"'))


def made_class(spec: Any, write: Any, caller: str) -> Any:
    """The class of the module that is written for a spec, as if the calling module had defined it."""
    module = written_module(repr(spec), write)
    made = vars(module)[class_name(spec.name)]
    code = pathlib.Path(str(module.__file__)).read_text(encoding="utf-8")
    return type(made.__name__, (made,), {"__module__": caller, "__doc__": made.__doc__, "code": code})


def class_name(name: str) -> str:
    """The name of the class of a model or rule: MyLif for my_lif."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
