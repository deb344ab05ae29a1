"""A whole trace in numbers: what `neuromorph analyze --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neuromorph.analysis import recorded
from neuromorph.analysis.account import Settings, account
from neuromorph.analysis.events import Events
from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem, suggestion

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace


def analyze(
    trace: Trace,
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    settings: Settings | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Return status, how far the run got, and everything about populations, weights, learning curves and states.

    Parameters
    ----------
    trace: an open trace.
    populations: which ones; by default all.
    start_ms, stop_ms: start_ms <= time < stop_ms counts; by default the whole run.
    settings: bins, sample and seed.
    events: labelled instants, for selectivity and PSTHs; those whose window leaves the interval are left out.

    Returns plain numbers, lists and dicts, as JSON has them; None for what cannot be told. Raises InputError if the
    interval is empty, a population is not in the trace, or no event is in the interval.
    """
    known = trace.populations
    chosen = list(known) if populations is None else list(dict.fromkeys(populations))
    for name in chosen:
        if name not in known:
            fix = suggestion(name, known)
            raise InputError(Problem(f"no population '{name}' in this trace", str(trace.path), fix=fix))
    start, stop = interval(trace, start_ms, stop_ms)
    given, used = settings or Settings(), events.within(start, stop) if events is not None else None
    return {
        **ending(trace),
        "from_ms": start,
        "to_ms": stop,
        "events_left_out": 0 if events is None or used is None else len(events.times_ms) - len(used.times_ms),
        "populations": [account(trace, name, start, stop, given, used) for name in chosen],
        "weights": recorded.weights(trace, start_ms, stop_ms),
        "states_around_spikes": recorded.states_around_spikes(trace, chosen, (-20.0, 20.0), start_ms, stop_ms),
        "learning": recorded.learning_curves(trace),
    }


def ending(trace: Trace) -> dict[str, Any]:
    """Return status, whether the run ended before it should have, and how far it got (ms)."""
    status = trace.status
    early = status not in ("complete", "unknown", "running")
    return {"status": status, "ended_early": early, "simulated_ms": trace.simulated_ms}
