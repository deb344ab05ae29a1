"""How a model is integrated: exactly, and whether in exact mode too, or by which method; and in words, why."""

from __future__ import annotations

from dataclasses import dataclass

from neuromorph.equations.integrators import METHODS, WORDS, Step
from neuromorph.equations.linear import Flow, autonomous, linear_flow
from neuromorph.equations.system import System
from neuromorph.equations.thresholds import Crossing, by_roots, distance, membrane
from neuromorph.errors import PluginError, Problem, suggestion
from neuromorph.kernels.cascade import LONGEST


@dataclass(frozen=True)
class Plan:
    """flow: where all is linear; crossing: where exact mode is possible; step: where a method is needed."""

    flow: Flow | None
    crossing: Crossing | None
    step: Step | None
    words: str
    by_matrix: bool = False


def plan(system: System) -> Plan:
    """Choose how a model is integrated; raises PluginError for a method that is unknown or cannot be applied."""
    method, where = system.spec.method, f"{system.spec.name}: method"
    if method not in ("", "exact", *METHODS):
        fix = suggestion(method, ("exact", *METHODS))
        raise PluginError(Problem(f"unknown method '{method}'", where, fix=fix))
    flow, reason = linear_flow(system, system.variables)
    if flow is None or method not in ("", "exact"):
        if method == "exact":
            raise PluginError(Problem(f"there is no exact solution: {reason}", where, fix=f"Use {', '.join(METHODS)}."))
        return _stepped(system, method or "rk4", reason or "as asked for")
    words = "exact on the grid: linear with constant coefficients"
    reason = _no_closed_form(flow) or _no_closed_form(flow.held(system.clamped))
    if reason:
        words += f", propagated by a matrix exponential; no exact mode: {reason}"
        return Plan(flow, None, None, words, by_matrix=True)
    if system.threshold is None:
        crossing = Crossing("never", crossing=["return math.inf"], quiet=["return math.inf"], closed=True)
        return Plan(flow, crossing, None, f"{words}; exact mode: it never fires")
    f, reason = distance(system, flow)
    if f is None:
        return Plan(flow, None, None, f"{words}; no exact mode: {reason}")
    if not {a.target for a in system.reset} & set(f.weights):
        return Plan(flow, None, None, f"{words}; no exact mode: the reset leaves the cell at its threshold")
    crossing = membrane(system, flow, f) or by_roots(system, flow, f)
    return Plan(flow, crossing, None, f"{words}; exact mode: crossings {crossing.words}")


def _no_closed_form(flow: Flow) -> str:
    """Why a linear flow has no closed form here, "" where it has one."""
    if not flow.order:
        inside = [n for n in flow.variables if n in {j for i in flow.sources(n) for j in flow.upstream(i)}]
        return f"{' and '.join(inside)} drive each other, so that they may oscillate"
    if flow.longest > LONGEST:
        return f"a chain of more than {LONGEST} variables that drive one another"
    return ""


def _stepped(system: System, method: str, reason: str) -> Plan:
    chosen = autonomous(system)
    flow = linear_flow(system, chosen)[0] if chosen else None
    if flow is not None:
        moving = [n for n in flow.variables if not flow.is_constant(n)]
        if set(system.clamped) & set(moving):
            flow = None
    if flow is not None and set(flow.variables) == set(system.variables):
        kept = [n for n in flow.variables if flow.is_constant(n)]
        flow = linear_flow(system, kept)[0] if kept else None
    step = Step(system, flow, method)
    exact = [n for n in step.exact if n in system.slopes]
    words = f"grid only, by {WORDS[method]} ({method}, order {step.order}), one step a tick: {reason}"
    if exact:
        words += f"; {', '.join(exact)} exact"
    return Plan(None, None, step, words)
