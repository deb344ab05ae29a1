"""What was run, in rows of a name and a text, and what a reader has to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

ENDINGS = {
    "interrupted": "Somebody stopped this run",
    "failed": "This run failed",
    "killed": "The process of this run was killed",
    "running": "This run is still going on",
}


def name_of(trace: Trace) -> str:
    """The network's name, else the file's."""
    table = trace.network.get("network")
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) and name else trace.path.name


def description_of(trace: Trace) -> str:
    """The sentence of the network file that says what this is, where there is one."""
    table = trace.network.get("network")
    text = table.get("description") if isinstance(table, dict) else None
    return text if isinstance(text, str) else ""


def facts(trace: Trace, summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of (name, text); what the trace does not say is left out."""
    known = trace.provenance
    grid = "exact times" if summary["resolution_ms"] in (None, "exact") else f"steps of {summary['resolution_ms']:g} ms"
    if trace.window_ms is None:
        grid = "recorded by another program"
    versions = {"neuromorph": summary["neuromorph_version"], "Python": known.get("python")}
    rows: list[tuple[str, Any]] = [
        ("command", _command(known.get("command"))),
        ("seed", known.get("seed")),
        ("simulated", f"{summary['simulated_ms']:,.10g} ms, {grid}"),
        ("status", summary["status"]),
        ("spikes", f"{summary['spikes']:,}"),
        ("synaptic events", None if summary["synaptic_events"] is None else f"{summary['synaptic_events']:,}"),
        ("versions", ", ".join(f"{name} {value}" for name, value in versions.items() if value is not None)),
        *_more(known),
        ("file", str(trace.path.name)),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _command(text: Any) -> str:
    """A command as it is typed, without the folder that neuromorph lies in."""
    first, _, rest = str(text or "").partition(" ")
    ours = first.rpartition("/")[2] in ("neuromorph", "__main__.py")
    return f"neuromorph {rest}" if ours else str(text or "")


def _more(known: dict[str, Any]) -> list[tuple[str, Any]]:
    told = {"command", "seed", "python", "neuromorph", "resolution", "folder"}
    plain = {key: value for key, value in known.items() if key not in told and isinstance(value, str | int | float)}
    return [(key.replace("_", " "), value) for key, value in plain.items()]


def warning(summary: dict[str, Any]) -> str:
    """What a reader has to know of a run that did not end as planned; "" of one that did."""
    status, at = summary["status"], f"{summary['simulated_ms']:,.10g} ms"
    if status not in ENDINGS:
        return ""
    rest = "what follows is what was recorded until then" if status == "running" else "it ended early"
    return f"{ENDINGS[status]}: {rest}, at {at} of simulated time."
