"""neuromorph bench [CASE]."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from neuromorph_cli import options, text
from neuromorph_cli.progress import Progress

PEERS = ("nest", "nest-precise", "brian2", "numpy", "none")


@click.command()
@click.argument("case", required=False)
@click.option(
    "--peer", type=click.Choice(PEERS),
    help="Whom to compare with; by default the case's first peer if it is installed, else none.",
)  # fmt: skip
@click.option(
    "--resolution", type=click.Choice(["exact", "0.1"]), help="Exact times or a grid of 0.1 ms, which is the default."
)
@click.option("--threads", type=click.IntRange(1), default=1, metavar="N", help="Cores for each run; 1 by default.")
@click.option(
    "--precision", type=click.Choice(["float64", "float32"]), default="float64", show_default=True,
    help="Of our cells' state; float32 is for static networks on the grid.",
)  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(1), default=1, metavar="N",
    help="Images that are learnt together, by the case learn; 1 by default: one after the other.",
)  # fmt: skip
@click.option("--scale", type=click.FloatRange(0, min_open=True), default=1.0, metavar="S", help="Scale the sizes.")
@click.option("--repeats", type=click.IntRange(1), default=3, metavar="R", help="Runs of each, in turn; 3 by default.")
@click.option(
    "--duration", type=click.FloatRange(0, min_open=True), metavar="MS",
    help="Simulated time that is measured; by default what suits the case.",
)  # fmt: skip
@click.option(
    "--peer-python",
    envvar="NEUROMORPH_PEER_PYTHON",
    metavar="PATH",
    help="Interpreter that has the peer, if it is not this one. Or set NEUROMORPH_PEER_PYTHON.",
)
@click.option("--history", type=click.Path(), metavar="FILE", help="Append the report, one line of JSON, to a file.")
@options.seed
@options.json
@options.quiet
def bench(case: str | None, as_json: bool, quiet: bool, **given: Any) -> int:
    """Measure a case here and, side by side, a peer; without CASE, list the cases.

    Each run has a process and cores of its own. A ratio is the peer's time over ours. If their mean rates differ by
    more than chance allows, the exit code is 1.

    \b
    Example:
      neuromorph bench
      neuromorph bench brunel --peer nest --resolution 0.1
      neuromorph bench learn --batch 32 --threads 2
      neuromorph bench cuba --peer brian2 --peer-python other/bin/python
    """
    from neuromorph.errors import Problem, RunError
    from neuromorph_cli.benchmarks import compare

    if case is None:
        _list(as_json)
        return 0
    plan = _plan(case, given)
    with Progress(not quiet) as progress:
        report = compare.compare(plan, lambda what: progress.wait(f"{plan.case.name}: {what}"))
    if given["history"]:
        _append(given["history"], report)
    if as_json:
        click.echo(json.dumps(report))
    elif not quiet:
        _print(report)
    if report["disagreements"]:
        where = f"bench {plan.case.name}"
        raise RunError(*(Problem(f"the mean rates disagree: {one}", where) for one in report["disagreements"]))
    return 0


def _list(as_json: bool) -> None:
    from neuromorph_cli.benchmarks.cases import CASES

    if as_json:
        facts = [
            {"name": c.name, "text": c.text, "peers": c.peers, "resolutions": c.resolutions} for c in CASES.values()
        ]
        click.echo(json.dumps(facts))
        return
    text.facts("cases of neuromorph bench", [(c.name, c.text) for c in CASES.values()])


def _plan(name: str, given: dict[str, Any]) -> Any:
    from neuromorph.errors import InputError, Problem, suggestion
    from neuromorph_cli.benchmarks.cases import CASES
    from neuromorph_cli.benchmarks.compare import Plan

    if name not in CASES:
        raise InputError(Problem("no such case", "bench", name, fix=suggestion(name, CASES)))
    case = CASES[name]
    if given["resolution"] is not None and given["resolution"] not in case.resolutions:
        allowed = " or ".join(case.resolutions)
        raise InputError(Problem(f"{name} does not run so", "--resolution", given["resolution"], allowed))
    if given["batch"] > 1 and name != "learn":
        raise InputError(Problem(f"{name} has no minibatches", "--batch", given["batch"], "the case learn"))
    return Plan(
        case=case, resolution=given["resolution"] or case.resolutions[0], peer=_peer(case, given),
        python=given["peer_python"] or sys.executable, threads=given["threads"], scale=given["scale"],
        precision=given["precision"], batch=given["batch"],
        repeats=given["repeats"], duration=given["duration"], seed=1 if given["seed"] is None else given["seed"],
    )  # fmt: skip


def _peer(case: Any, given: dict[str, Any]) -> str | None:
    """The peer to run, or None; InputError where the one asked for is not installed or not for this case."""
    from neuromorph.errors import InputError, Problem
    from neuromorph_cli.benchmarks.compare import has

    python, asked = given["peer_python"] or sys.executable, given["peer"]
    if asked == "none" or (asked is None and not case.peers):
        return None
    if asked is not None and asked not in case.peers:
        raise InputError(Problem(f"{case.name} has no such peer", "--peer", asked, ", ".join([*case.peers, "none"])))
    peer = asked or ("nest-precise" if given["resolution"] == "exact" and "nest" in case.peers else case.peers[0])
    if has(peer, python):
        return str(peer)
    if asked is None:
        return None
    fix = "Run: pip install 'neuromorph[bench]', or name an interpreter that has it with --peer-python."
    raise InputError(Problem(f"{peer} is not installed", "--peer", python, fix=fix))


def _append(file: str, report: dict[str, Any]) -> None:
    import datetime
    import os
    import platform

    from neuromorph.errors import InputError, Problem

    about = {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "cpu": _processor(),
        "cores": os.cpu_count(), "python": platform.python_version(),
    }  # fmt: skip
    try:
        with open(file, "a") as lines:
            lines.write(json.dumps(about | _short(report)) + "\n")
    except OSError as error:
        raise InputError(Problem(f"cannot be written: {error.strerror}", "--history", file)) from None


def _short(report: dict[str, Any]) -> dict[str, Any]:
    """The report without the rates of each population, which --json prints."""

    def side(one: Any) -> Any:
        return one and {key: value for key, value in one.items() if key != "rates"}

    return report | {"ours": side(report["ours"]), "peer": side(report["peer"])}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return ""


#: field of a report, what it is called, how it is written
ROWS = (
    ("build_s", "build", lambda v: f"{v:.2f} s"),
    ("s_per_simulated_s", "per simulated second", lambda v: f"{text.significant(v)} s"),
    ("cpu_s_per_simulated_s", "  of the processor", lambda v: f"{text.significant(v)} s"),
    ("events_per_s", "synaptic events", lambda v: f"{text.rate(v, 1.0)}/s and core"),
    ("bytes_per_synapse", "memory of a synapse", lambda v: f"{v:.1f} B"),
    ("peak_mb", "peak memory", lambda v: f"{text.count(v)} MB"),
    ("rate_hz", "mean rate", lambda v: f"{text.significant(v)} Hz"),
    ("cv_isi", "CV of intervals", lambda v: f"{v:.3f}"),
    ("examples_per_s", "examples", lambda v: f"{text.significant(v)}/s"),
    ("spikes", "spikes", text.count),
    ("record_s", "recording, beside the run", lambda v: f"{v:.2f} s"),
    ("file_mb", "file", lambda v: f"{text.count(v)} MB"),
    ("help_s", "help", lambda v: f"{v:.3f} s"),
    ("cold_s", "first spike, cold", lambda v: f"{v:.2f} s"),
    ("warm_s", "first spike, warm", lambda v: f"{v:.2f} s"),
)


def _print(report: dict[str, Any]) -> None:
    resolution = "exact times" if report["resolution"] == "exact" else f"steps of {report['resolution']} ms"
    threads = f"{report['threads']} thread{'s' if report['threads'] > 1 else ''}"
    threads += f", minibatches of {report['batch']}" if report["batch"] > 1 else ""
    click.secho(
        f"{report['case']}, {resolution}, {threads}, {report['precision']}, scale {report['scale']:g}", bold=True
    )
    ours, peer = report["ours"], report["peer"] or {}
    lines = []
    for field, name, write in ROWS:
        if ours.get(field) is None and peer.get(field) is None:
            continue
        cells = ["-" if side.get(field) is None else write(side[field]) for side in (ours, peer)]
        lines.append((name, *(cells if peer else cells[:1])))
    names = ["", ours["version"], *([peer["version"]] if peer else [])]
    text.columns(names, lines)
    if report["ratio"] is not None:
        low, high = report["ratio_spread"]
        cpu = "" if report["cpu_ratio"] is None else f", by processor time {text.significant(report['cpu_ratio'])} x"
        spread = f"({text.significant(low)} to {text.significant(high)})"
        click.echo(f"ratio {text.significant(report['ratio'])} x {spread}{cpu}, {report['repeats']} runs each in turn")
    elif not peer:
        click.echo("no peer: none was asked for, or none is installed (pip install 'neuromorph[bench]')")
    if report["rates_agree"] is not None:
        click.echo(f"rates {'agree' if report['rates_agree'] else 'DISAGREE'} ({report['tolerance']})")
