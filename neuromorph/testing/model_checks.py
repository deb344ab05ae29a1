"""The conformance kit of neuron models, inputs and currents, one function a check."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from neuromorph.errors import InputError, PluginError
from neuromorph.models import registry as models
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel
from neuromorph.testing import documents, model_networks, networks, plain, promises
from neuromorph.testing.networks import rule_name
from neuromorph.testing.report import Failed, NotApplicable
from neuromorph.testing.running import CUTS, Outcome, Runs, difference, outcome


class Subject(Runs):
    """A model under test with the parameters to try it at, and the runs that several checks look at."""

    def __init__(self, model: Any, params: dict[str, Any] | None = None) -> None:
        self.model = model
        self.params = params if params is not None else model_networks.EXAMPLES.get(getattr(model, "name", ""), {})

    @property
    def kinds(self) -> list[str]:
        """The kinds of resolution that it declares, the grid first."""
        return [kind for kind in ("grid", "exact") if kind in self.model.resolutions]

    def network(self, **how: Any) -> Any:
        """A network of the kit."""
        return model_networks.network(self.model, self.params, **how)

    def known(self) -> AbstractContextManager[None]:
        """The model has its name inside the block."""
        return models.registry.override({rule_name(self.model): self.model}, "conformance kit")


def contract(subject: Subject) -> str:
    """Declarations, signatures, and all that the hooks read."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            models.check_model(subject.model, subject.model.__module__)
    except PluginError as error:
        raise Failed("; ".join(map(str, error.problems))) from error
    return "; ".join([", ".join(subject.kinds), *(str(w.message) for w in said)])


def version(subject: Subject) -> str:
    """A published model says for which version of the contract it is written."""
    return documents.version(subject.model, models.GROUP)


def documented(subject: Subject) -> str:
    """What it does, its equations, and where they are from."""
    return documents.model(subject.model)


def units_and_ranges(subject: Subject) -> str:
    """Every parameter, variable and receptor says what it is, and parameters what values they take."""
    return documents.model_declarations(subject.model)


def compiles(subject: Subject) -> str:
    """It runs, compiled, in every resolution that it declares."""
    missing = _needed(subject)
    if missing:
        raise NotApplicable(f"it needs parameters: {missing}. Give them: model_conformance(MODEL, params={{...}})")
    for kind in subject.kinds:
        subject.plain_run(kind)
    return ", ".join(subject.kinds)


def _needed(subject: Subject) -> str:
    """What an input or current says of its parameters where none are given."""
    if subject.params or issubclass(subject.model, NeuronModel):
        return ""
    defaults = {name: np.atleast_1d(p.default) for name, p in subject.model.parameters().items()}
    return "; ".join(subject.model.validate(defaults))


def active(subject: Subject) -> str:
    """Cells fire, an input emits, a current moves a membrane: else there is nothing that the other checks could see."""
    for kind in subject.kinds:
        simulation = subject.plain_run(kind)
        if issubclass(subject.model, CurrentModel):
            done = bool(np.any(simulation.state("cells", "V_m") != -70.0)) or simulation.spike_counts["cells"] > 0
        else:
            names = ("inputs",) if issubclass(subject.model, InputModel) else ("alike", "varied")
            done = sum(simulation.spike_counts[name] for name in names) > 0
        if not done:
            raise Failed(f"{kind}: nothing happened. Say at which parameters: model_conformance(MODEL, params={{...}})")
    return "something happens"


def uncompiled(subject: Subject) -> str:
    """Plain Python comes to the same spikes and states, to the bit."""
    for kind in subject.kinds:
        found = plain.uncompiled("neuromorph.testing.model_checks:outcome_of", subject.model, subject.params, kind)
        where = difference(subject.outcome(kind), found)
        if where:
            raise Failed(f"{kind}: {where}, compiled beside uncompiled. {_FIX}")
    return "the same to the bit"


_FIX = (
    "Use the functions of neuromorph.kernels.elementary, which are the same everywhere, and no integers beyond 64 bits."
)


def outcome_of(model: Any, params: dict[str, Any], kind: str) -> Outcome:
    """What `uncompiled` has the other process do."""
    return Subject(model, params).outcome(kind)


_DRAWS = "Random numbers come from the cell's stream, by counter (neuromorph.kernels.rng)."


def _same(subject: Subject, how: str, run: Callable[[str], Any]) -> str:
    for kind in subject.kinds:
        where = difference(subject.outcome(kind), outcome(run(kind)))
        if where:
            raise Failed(f"{kind}: {where}, {how}. {_DRAWS}")
    return "the same to the bit"


def repeatable(subject: Subject) -> str:
    """Two runs are the same."""
    return _same(subject, "in two runs of one network", lambda kind: subject.run(subject.network(), kind))


def threads(subject: Subject) -> str:
    """The number of parts changes nothing."""
    return _same(subject, "in one part and in two", lambda kind: subject.run(subject.network(), kind, parts=2))


def insertion_order(subject: Subject) -> str:
    """The order in which the network was described changes nothing."""

    def run(kind: str) -> Any:
        return subject.run(networks.shuffled(subject.network(), 3), kind)

    return _same(subject, "described in two orders", run)


def cuts(subject: Subject) -> str:
    """Where a run is cut changes nothing."""

    def run(kind: str) -> Any:
        return subject.run(subject.network(), kind, cuts=CUTS[kind])

    return _same(subject, "run at once and in pieces", run)


def both_resolutions(subject: Subject) -> str:
    """Below threshold, where all arrivals lie on ticks, grid and exact mode come to the same states."""
    if not issubclass(subject.model, NeuronModel):
        raise NotApplicable("an input or a current draws and steps by its resolution")
    if len(subject.kinds) < 2:
        raise NotApplicable(f"it has one resolution: {subject.kinds[0]}")
    ends = [subject.run(subject.network(noisy=False, strength=1e-3), kind) for kind in ("grid", "exact")]
    if any(sum(end.spike_counts[name] for name in ("alike", "varied")) for end in ends):
        raise NotApplicable("it fires by itself, and crossings lie between ticks")
    both = [outcome(end) for end in ends]
    for name, on_grid in both[0].items():
        if name.endswith(("of alike", "of varied")) and not np.allclose(on_grid, both[1][name], rtol=1e-9, atol=1e-9):
            worst = np.abs(on_grid - both[1][name]).max()
            raise Failed(f"{name}: `propagate` and `advance` differ by {worst:g} after {networks.DURATION:g} ms")
    return "the same states below threshold"


def promised(subject: Subject) -> str:
    """What the model promises so that the engine may be fast: `into`, `decays`, `quiet`, `rests`."""
    if not issubclass(subject.model, NeuronModel):
        raise NotApplicable("an input or a current makes no promises")
    states = [subject.plain_run(kind) for kind in subject.kinds]
    return promises.kept(subject.model, states)


def extremes(subject: Subject) -> str:
    """States stay finite at the ends of every parameter's range, under strong input at every tick."""
    if not issubclass(subject.model, NeuronModel):
        raise NotApplicable("an input or a current has no states that the kit knows of")
    tried = 0
    for kind in subject.kinds:
        for what, params in _extreme_parameters(subject.model, subject.params):
            try:
                simulation = subject.run(model_networks.busy(subject.model, params), kind)
            except Failed as error:
                if isinstance(error.__cause__, InputError):
                    continue  # the engine refuses these parameters, such as a start above threshold
                raise
            tried += 1
            for variable in subject.model.variables():
                values = simulation.state("alike", variable)
                if not np.all(np.isfinite(values)):
                    bad = values[~np.isfinite(values)][0]
                    raise Failed(f"{kind}, {what}: {variable} is {bad}. Narrow the ranges of parameters")
    return f"finite in {tried} runs"


def _extreme_parameters(model: type[NeuronModel], given: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    defaults = {name: p.default for name, p in model.parameters().items()} | given
    sets = [("default parameters", dict(given))]
    for name, param in model.parameters().items():
        for value in model_networks.far(param):
            arrays = {k: np.atleast_1d(np.asarray(v, float)) for k, v in (defaults | {name: value}).items()}
            if not model.validate(arrays):
                sets.append((f"{name} = {value:g}", given | {name: value}))
    return sets


def cost(subject: Subject) -> str:
    """Nanoseconds per cell and tick of the grid, and per synaptic event."""
    from neuromorph.testing import model_cost

    return model_cost.measure(subject.model, subject.params)


#: name of a check -> the check, in the order of a report
CHECKS: dict[str, Callable[[Subject], str]] = {
    "contract": contract,
    "version": version,
    "documented": documented,
    "units and ranges": units_and_ranges,
    "compiles": compiles,
    "active": active,
    "compiled equals uncompiled": uncompiled,
    "repeatable": repeatable,
    "threads": threads,
    "insertion order": insertion_order,
    "cuts": cuts,
    "both resolutions": both_resolutions,
    "promises": promised,
    "extremes": extremes,
}
#: takes seconds, and its result is a figure
COST: dict[str, Callable[[Subject], str]] = {"cost": cost}
