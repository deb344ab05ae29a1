"""The conformance kit of learning rules, one function a check: each returns what it found, or raises Failed."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from neuromorph.errors import InputError, NeuromorphError, PluginError
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import check_rule
from neuromorph.testing import documents, networks, plain
from neuromorph.testing.networks import CYCLE, DURATION
from neuromorph.testing.report import Failed, NotApplicable
from neuromorph.testing.running import CUTS, Outcome, Runs, difference, failing, learned, outcome, registered, simulated


class Subject(Runs):
    """A rule under test, and the runs that several checks look at."""

    def __init__(self, rule: type[LearningRule]) -> None:
        self.rule = rule

    @functools.cached_property
    def setting(self) -> networks.Setting:
        """The models that it is tried with."""
        return networks.setting(self.rule)

    @functools.cached_property
    def refused(self) -> dict[str, str]:
        """Resolutions that the engine refuses the rule in, with the reason."""
        found = {}
        for kind in self.setting.resolutions:
            try:
                with registered(self.rule):
                    simulated(self.network(), kind, duration=0.0)
            except NeuromorphError as error:
                found[kind] = str(error.problems[0])
        return found

    @property
    def kinds(self) -> list[str]:
        """The kinds of resolution that it runs in, the grid first."""
        found = [kind for kind in self.setting.resolutions if kind not in self.refused]
        if not found:
            raise Failed(f"it runs in no resolution: {'; '.join(self.refused.values())}")
        return found

    def network(self, number: int = 0, noisy: bool = True) -> Any:
        """A network of the kit."""
        return networks.network(self.rule, self.setting, number, noisy)

    def known(self) -> AbstractContextManager[None]:
        """The rule has its name inside the block."""
        return registered(self.rule)


# -- what can be read ------------------------------------------------------------------------------------------------


def contract(subject: Subject) -> str:
    """Declarations, signatures, and all that the hooks read."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            check_rule(subject.rule, subject.rule.__module__)
    except PluginError as error:
        raise Failed("; ".join(map(str, error.problems))) from error
    return "; ".join([f"hooks {', '.join(subject.rule.hooks())}", *(str(w.message) for w in said)])


def documented(subject: Subject) -> str:
    """A docstring with what the rule does to the weight, and where that is from."""
    return documents.documented(subject.rule, ("docstring",))


def units_and_ranges(subject: Subject) -> str:
    """Every parameter says what it is and what values it takes."""
    return documents.parameters(subject.rule)


def version(subject: Subject) -> str:
    """A published rule says for which version of the contract it is written."""
    return documents.version(subject.rule, "neuromorph.learning_rules")


# -- what it does ----------------------------------------------------------------------------------------------------


def compiles(subject: Subject) -> str:
    """It runs, compiled, in every resolution that the engine lets it run in."""
    for kind in subject.kinds:
        subject.plain_run(kind)
    refused = [f"{kind} refuses it: {why}" for kind, why in subject.refused.items()]
    missing = [f"{subject.setting.target} has no {k}" for k in {"grid", "exact"} - set(subject.setting.resolutions)]
    return "; ".join([f"{', '.join(subject.kinds)}, onto {subject.setting.target}", *refused, *missing])


def learns(subject: Subject) -> str:
    """At its default parameters something changes: else there is nothing that the other checks could see."""
    if set(subject.rule.hooks()) == {"transmit"}:
        raise NotApplicable("it says what a spike delivers, and keeps nothing")
    for kind in subject.kinds:
        simulation = subject.plain_run(kind)
        if not learned(simulation):
            seen = ", ".join(f"{n} spikes of {name}" for name, n in simulation.spike_counts.items())
            fix = "Choose defaults at which it learns weights of order 1."
            raise Failed(f"{kind}: neither a weight nor a state changed ({seen}). {fix}")
    return "weights or states change"


def uncompiled(subject: Subject) -> str:
    """Plain Python comes to the same weights, to the bit."""
    for kind in subject.kinds:
        found = plain.uncompiled("neuromorph.testing.rule_checks:weights_of", subject.rule, kind)
        mine = {k: v for k, v in subject.outcome(kind).items() if k.startswith("weights")}
        where = difference(mine, found)
        if where:
            fix = "Look for integers beyond 64 bits, globals that change, and divisions by zero."
            raise Failed(f"{kind}: {where}, compiled beside uncompiled. {fix}")
    return "the same weights, to the bit"


def weights_of(rule: type[LearningRule], kind: str) -> Outcome:
    """What `uncompiled` has the other process do."""
    found = Subject(rule).outcome(kind)
    return {name: values for name, values in found.items() if name.startswith("weights")}


def _same(subject: Subject, how: str, run: Callable[[str], Any], fix: str) -> str:
    for kind in subject.kinds:
        where = difference(subject.outcome(kind), outcome(run(kind)))
        if where:
            raise Failed(f"{kind}: {where}, {how}. {fix}")
    return "the same to the bit"


_DRAWS = "A hook that draws numbers declares a Random: u = Random(), read as syn.u."


def repeatable(subject: Subject) -> str:
    """Two runs are the same."""
    return _same(subject, "in two runs of one network", lambda kind: subject.run(subject.network(), kind), _DRAWS)


def threads(subject: Subject) -> str:
    """The number of parts changes nothing."""
    return _same(subject, "in one part and in two", lambda kind: subject.run(subject.network(), kind, parts=2), _DRAWS)


def insertion_order(subject: Subject) -> str:
    """The order in which the network was described changes nothing."""

    def run(kind: str) -> Any:
        return subject.run(networks.shuffled(subject.network(), 3), kind)

    return _same(subject, "described in two orders", run, _DRAWS)


def cuts(subject: Subject) -> str:
    """Where a run is cut changes nothing."""

    def run(kind: str) -> Any:
        return subject.run(subject.network(), kind, cuts=CUTS[kind])

    return _same(subject, "run at once and in pieces", run, _DRAWS)


def resume(subject: Subject) -> str:
    """A run that is saved and gone on with comes to what one never cut does."""
    for kind in subject.kinds:
        where = difference(*_two_ways(subject, subject.network(), kind))
        if where:
            raise Failed(f"{kind}: {where}, never cut and gone on with")
    learns_at_ends = subject.rule.waits_for_signals() and "grid" in subject.kinds
    return "the same, to the bit" + (_in_minibatches(subject) if learns_at_ends else "")


def _in_minibatches(subject: Subject) -> str:
    """The same of examples that learn in minibatches; a few words of it, none where they cannot be run so."""
    from neuromorph.engine.minibatch import Batches

    net = subject.network(noisy=False)
    # in minibatches all signals come at the ends of examples
    at_ends = {"times": [CYCLE - 1.0, 3.0 * CYCLE - 1.0], "values": [0.5, -0.5], "delay": 1.0}
    net.graph.graph["signals"] |= {"crowd": at_ends, "given": at_ends}
    try:
        where = difference(*_two_ways(subject, net, "grid", batches=Batches(CYCLE, 2)))
    except Failed as error:
        if not isinstance(error.__cause__, InputError):  # it refuses what it cannot run
            raise
        return ""
    if where:
        raise Failed(f"in minibatches: {where}, never cut and gone on with")
    return ", in minibatches too"


def _two_ways(subject: Subject, network: Any, kind: str, **how: Any) -> list[Any]:
    """What a run comes to, and what one that was saved half way."""
    from neuromorph.engine.resume import restore, snapshot

    def made(duration: float | None) -> Any:
        with registered(subject.rule), failing(kind):
            return simulated(network, kind, duration=duration, **how)

    whole, half, rest = made(DURATION), made(DURATION / 2), made(None)
    restore(rest, snapshot(half))
    rest.run_until(DURATION)
    # spikes of the first half are in the memory of the first
    return [{k: v for k, v in outcome(s).items() if "spike" not in k and "fired" not in k} for s in (whole, rest)]


def both_resolutions(subject: Subject) -> str:
    """Where all spikes lie on ticks, grid and exact mode come to the same weights."""
    if set(subject.kinds) != {"grid", "exact"}:
        raise NotApplicable(f"it runs in one resolution only: {', '.join(subject.kinds)}")
    if subject.rule.randoms():
        raise NotApplicable("it draws numbers, and each resolution draws its own")
    ends = [outcome(subject.run(subject.network(noisy=False), kind)) for kind in ("grid", "exact")]
    for name, on_grid in ends[0].items():
        if name.startswith("spike times") and not np.array_equal(on_grid, ends[1][name]):
            raise NotApplicable(f"{subject.setting.target} fires between ticks: {name} differ")
    for name, on_grid in ends[0].items():
        if name.startswith("weights"):
            off = np.abs(on_grid.astype(float) - ends[1][name]).max()
            if not off <= 1e-4 * subject.setting.weight:
                raise Failed(f"{name}: grid and exact mode differ by {off:g} for the same spikes")
    return "the same weights for the same spikes"


# -- at the edges ----------------------------------------------------------------------------------------------------


def bounds(subject: Subject) -> str:
    """Weights stay inside the projection's bounds, at default parameters and at the ends of their ranges."""
    for kind, what, simulation in _extreme_runs(subject):
        for name, parts in simulation.plastic.items():
            for part in parts:
                low, high = np.float32(part.plasticity.w_min), np.float32(part.plasticity.w_max)
                bad = np.flatnonzero(~((part.weight >= low) & (part.weight <= high)))
                if bad.size:
                    found = f"a weight of {name} is {part.weight[bad[0]]}, outside {low} to {high}"
                    raise Failed(f"{kind}, {what}: {found}")
    return "kept"


def extremes(subject: Subject) -> str:
    """Weights and states stay finite whatever parameters the ranges allow, at any rate and any signal."""
    runs = 0
    for kind, what, simulation in _extreme_runs(subject):
        runs += 1
        for name, parts in simulation.plastic.items():
            for part in parts:
                _finite(part.weight, f"{kind}, {what}: a weight of {name}")
                for state, values in zip(part.plasticity.rule.states(), part.synapse.state):
                    _finite(values, f"{kind}, {what}: the state '{state}' of {name}")
    return f"finite in {runs} runs"


def _finite(values: Any, what: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        fix = "Narrow the ranges of parameters, or keep the hook from dividing by what may be 0."
        raise Failed(f"{what} is {values.flat[bad[0]]}. {fix}")


def _extreme_runs(subject: Subject) -> Iterator[tuple[str, str, Any]]:
    for kind in subject.kinds:
        for what in networks_of_extremes(subject.rule):
            yield kind, what, _extreme_run(subject, kind, what)


@functools.lru_cache(maxsize=64)
def _extreme_run(subject: Subject, kind: str, what: str) -> Any:
    from neuromorph.testing import extremes as extreme

    net = extreme.network(subject.rule, subject.setting, extreme.parameters(subject.rule)[what], kind)
    return subject.run(net, kind, duration=extreme.LATE[kind] + extreme.REST)


def networks_of_extremes(rule: type[LearningRule]) -> list[str]:
    """Names of the sets of parameters that `bounds` and `extremes` try."""
    from neuromorph.testing import extremes as extreme

    return list(extreme.parameters(rule))


def cost(subject: Subject) -> str:
    """Nanoseconds per synaptic event on the grid, beside a static synapse's and pair STDP written by hand."""
    from neuromorph.testing import cost as costs

    return str(costs.measure(subject.rule, subject.setting))


#: name of a check -> the check, in the order of a report
CHECKS: dict[str, Callable[[Subject], str]] = {
    "contract": contract,
    "version": version,
    "documented": documented,
    "units and ranges": units_and_ranges,
    "compiles": compiles,
    "learns": learns,
    "compiled equals uncompiled": uncompiled,
    "repeatable": repeatable,
    "threads": threads,
    "insertion order": insertion_order,
    "cuts": cuts,
    "resume": resume,
    "both resolutions": both_resolutions,
    "bounds": bounds,
    "extremes": extremes,
}
#: takes seconds, and its result is a figure
COST: dict[str, Callable[[Subject], str]] = {"cost": cost}
