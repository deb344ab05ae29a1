"""What `neuromorph why` has found, as text and as plain values."""

from __future__ import annotations

import math
from typing import Any

import click

from neuromorph.errors import InputError, Problem
from neuromorph_cli import text
from neuromorph_cli.sketch import sketch

#: columns of the membrane that is drawn in letters
WIDTH = 60


def ends(recording: Any, synapse: str) -> tuple[str, str]:
    """The two cells of `exc/3-exc/12`, whose names may hold dashes themselves."""
    places = [k for k, letter in enumerate(synapse) if letter == "-"]
    problem: InputError | None = None
    for k in places:
        try:
            recording.cell(synapse[:k])
            recording.cell(synapse[k + 1 :])
        except InputError as error:
            problem = problem or error
        else:
            return synapse[:k], synapse[k + 1 :]
    if problem is not None:
        raise problem
    allowed = "FROM-TO, such as exc/3-exc/12"
    raise InputError(Problem("not a synapse", "--synapse", synapse, allowed))


def spike(found: Any, most: int) -> None:
    """A spike, its membrane and its causes, and the chain before it."""
    cause = found.spike
    n = len(cause.decisive)
    early = f"; {cause.earlier:,} came before that" if cause.earlier else ""
    text.facts(f"{cause.name} fired at {cause.time_ms:.12g} ms", [
        ("replay", f"{cause.replayed_ms:.12g} ms, as recorded"),
        ("looked at", f"{len(cause.causes):,} arrivals since {cause.since} ({cause.begins_ms:.6g} ms){early}"),
        ("decisive", _decisive(n, cause.patience_ms)),
    ])  # fmt: skip
    click.echo()
    times, values = [*cause.at_ms, cause.time_ms], [*cause.V_m, cause.V_m[-1]]
    _membrane(times, values, {"arrivals": [c.arrived_ms for c in cause.causes]}, "mV")
    click.echo()
    names = ["source", "emitted (ms)", "delay", "arrived", "weight", "raised by (mV)", "without it"]
    text.columns(names, [_row(c, cause.time_ms) for c in cause.causes[:most]])
    if len(cause.causes) > most:
        click.echo(f"... and {len(cause.causes) - most:,} more (--most)")
    lines = _tree(found, 1)
    if any(before is not None for _, before in found.causes):
        click.echo("\n" + "\n".join([f"{cause.name} at {cause.time_ms:.6g} ms", *lines]))


def _decisive(n: int, patience_ms: float) -> str:
    within = f"within {patience_ms:g} ms more (tau_m/10)"
    return f"{n:,} of them: without it, no spike {within}" if n else f"none alone: without any one, a spike {within}"


def _row(cause: Any, time: float) -> list[str]:
    count = f"{cause.count} x " if cause.count > 1 else ""
    raised = "-" if math.isnan(cause.contribution_mV) else f"{cause.contribution_mV:+.4g}"
    return [
        cause.name, f"{cause.emitted_ms:.9g}", f"{cause.delay_ms:.4g}", f"{cause.arrived_ms - time:+.4g}",
        f"{count}{cause.weight:.5g} {cause.unit}", raised, _without(cause.later_ms),
    ]  # fmt: skip


def _without(later_ms: float) -> str:
    if math.isinf(later_ms):
        return "no spike"
    if later_ms == 0.0:
        return "the same"
    return f"{abs(later_ms):.3g} ms {'later' if later_ms > 0 else 'earlier'}"


def _tree(found: Any, level: int) -> list[str]:
    lines = []
    for cause, before in found.causes:
        decisive = " (decisive)" if cause.decisive else ""
        kind = " an input" if cause.is_input else ""
        lines.append(f"{'  ' * level}<- {cause.name}{kind} at {cause.emitted_ms:.6g} ms{decisive}")
        if before is not None:
            lines += _tree(before, level + 1)
    return lines


def _membrane(times: Any, values: Any, marks: dict[str, list[float]], unit: str) -> None:
    if len(times) > 1:
        click.echo("\n".join(sketch([float(t) for t in times], [float(v) for v in values], marks)) + f"  [{unit}]")


def link(found: Any) -> dict[str, Any]:
    """A spike and its chain as plain values."""
    cause = found.spike
    names = (
        "population",
        "index",
        "name",
        "time_ms",
        "replayed_ms",
        "begins_ms",
        "since",
        "earlier",
        "threshold_mV",
        "patience_ms",
    )
    before = {id(c): link(b) for c, b in found.causes if b is not None}
    causes = [
        {**vars(c), "decisive": c.decisive, **({"because": before[id(c)]} if id(c) in before else {})}
        for c in cause.causes
    ]
    membrane = {"at_ms": cause.at_ms.tolist(), "V_m": cause.V_m.tolist()}
    return {name: getattr(cause, name) for name in names} | {"causes": causes, "membrane": membrane}


def shown(found: Any, most: int = 12) -> dict[str, Any]:
    """A spike as plain values for a page: its most important causes, and what would have been without each."""
    values = link(found)
    for cause in values["causes"]:
        cause["without"] = _without(cause["later_ms"])
    numbers = {"looked_at": len(values["causes"]), "decisive": len(found.spike.decisive)}
    return plain(values | {"causes": values["causes"][:most]} | numbers)


def weight(found: Any, most: int) -> None:
    """The life of one synapse."""
    checked = f"; {found.checked:,} recorded weights agree" if found.checked else ""
    text.facts(f"{found.source} to {found.target} ({found.projection}, {found.rule})", [
        ("weight", f"{found.first:.9g} at 0 ms, {found.last:.9g} at {found.until_ms:g} ms ({found.unit}){checked}"),
        ("changes", f"{sum(c.change != 0 for c in found.changes):,} in {len(found.changes):,} calls of hooks"),
    ])  # fmt: skip
    if not found.changes:
        click.echo("nothing has happened at this synapse")
        return
    click.echo()
    times = [0.0, *(c.time_ms for c in found.changes), found.until_ms]
    click.echo("\n".join(sketch(times, [found.first, *(c.after for c in found.changes), found.last], _hooks(found))))
    click.echo()
    shown = found.changes[-most:]
    seen = list(dict.fromkeys(name for c in shown for name in c.seen))
    rows = [
        [
            f"{c.time_ms:.9g}",
            c.hook,
            *(_known(c.seen.get(n)) for n in seen),
            f"{c.before:.6g}",
            f"{c.after:.6g}",
            f"{c.change:+.4g}",
        ]
        for c in shown
    ]
    if len(shown) < len(found.changes):
        click.echo(f"the latest {len(shown):,} (--most)")
    text.columns(["time (ms)", "hook", *seen, "before", "after", "change"], rows)


def _hooks(found: Any) -> dict[str, list[float]]:
    names = list(dict.fromkeys(c.hook for c in found.changes))
    return {name: [c.time_ms for c in found.changes if c.hook == name] for name in names}


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def ledger(found: Any) -> dict[str, Any]:
    """The life of one synapse as plain values."""
    return {**vars(found), "changes": [{**vars(c), "change": c.change} for c in found.changes]}


def silence(found: Any) -> None:
    """How close a neuron came."""
    text.facts(f"{found.name} did not fire from {found.begin_ms:g} to {found.end_ms:g} ms", [
        ("closest", f"{found.V_m_mV:.6g} mV at {found.closest_ms:.6g} ms, {found.gap_mV:.4g} mV below threshold"),
        ("threshold", f"{found.threshold_mV:g} mV"),
        ("arrivals", f"{found.arrivals:,}"),
        ("enough", _stronger(found)),
        ("or", _more(found)),
        ("or", _less(found)),
    ])  # fmt: skip
    click.echo()
    points = range(0, len(found.at_ms), max(1, len(found.at_ms) // WIDTH))
    _membrane([found.at_ms[k] for k in points], [found.V_m[k] for k in points], {}, "mV")


def _stronger(found: Any) -> str:
    if math.isnan(found.factor):
        return "not even excitation 8 times as strong"
    return f"excitation {found.factor:.4g} times as strong"


def _more(found: Any) -> str:
    if not found.more:
        return "not even 64 more arrivals at once"
    return f"{found.more} more arrivals like that of {found.more_like} at {found.more_ms:.6g} ms"


def _less(found: Any) -> str:
    if not found.without:
        return "no inhibitory arrival kept it silent by itself"
    return "without the inhibition of " + ", ".join(f"{name} at {t:.6g} ms" for name, t in found.without[:5])


def quiet(found: Any) -> dict[str, Any]:
    """The same as plain values."""
    arrays = {"at_ms": found.at_ms.tolist(), "V_m": found.V_m.tolist()}
    return {**vars(found), **arrays, "without": [list(pair) for pair in found.without]}


def plain(value: Any) -> Any:
    """The same in values that JSON has: what is not finite is null."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
