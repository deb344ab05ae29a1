"""What `neuromorph analyze --population` prints: the numbers of neuromorph.analysis, a line each."""

from __future__ import annotations

from typing import Any

import click

from neuromorph_cli import text


def show(found: dict[str, Any]) -> None:
    """Print what was found about a trace."""
    if "pair" in found:
        text.facts(f"{found['pair']['other']} after {found['pair']['one']}", _pair(found["pair"]))
        click.echo()
    if "populations" in found:
        _everything(found)


def _everything(found: dict[str, Any]) -> None:
    between = f"{text.milliseconds(found['from_ms'])} to {text.milliseconds(found['to_ms'])}"
    for row in found["populations"]:
        text.facts(f"{row['population']}, {between}", _population(row))
        click.echo()
    if found["events_left_out"]:
        click.echo(f"{text.count(found['events_left_out'])} events were left out: their windows leave this interval\n")
    if not found["populations"]:
        click.echo("no spikes of any population were recorded\n")
    for name, of in found["weights"].items():
        text.facts(f"weights of {name}", _weights(of))
        click.echo()
    for name, of in found["states_around_spikes"].items():
        text.facts(f"{name} around spikes", _around(of))
        click.echo()
    for name, of in found["learning"].items():
        text.facts(f"learning curve {name} ({_unit(of['unit'])})", _curve(of))
        click.echo()
    if not any(found[kind] for kind in ("weights", "states_around_spikes", "learning")):
        click.echo("no weights, no states of these populations and no learning curves were recorded")


def _pair(of: dict[str, Any]) -> list[tuple[str, str]]:
    pairs, expected = of["pairs"], of["expected"]
    peak = max(range(len(pairs)), key=pairs.__getitem__)
    many = " and ".join(text.count(spikes) for spikes in of["spikes"])
    if not expected:
        return [("note", f"{many} spikes: there are no pairs")]
    return [
        ("spikes", many),
        ("expected", f"{_number(expected)} pairs at each lag, in bins of {of['bin_ms']:g} ms"),
        ("at lag 0", f"{text.count(pairs[len(pairs) // 2])} pairs"),
        ("peak", f"{text.count(pairs[peak])} pairs at a lag of {of['lags_ms'][peak]:g} ms"),
    ]


def _population(row: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("cells", text.count(row["size"])), ("spikes", text.count(row["spikes"]))]
    if not row["spikes"]:
        return [*rows, ("note", "no spikes here: the rate is 0, and nothing else can be told")]
    isi, bursts = row["intervals"], row["bursts"]
    rows += [
        ("mean rate", f"{_number(row['mean_rate_hz'])} Hz"),
        ("active", f"{_number(row['active_fraction'])} of the cells"),
        ("rates of active cells", f"{_spread(row['rates_of_active_hz'])} Hz"),
        ("intervals", f"mean {_number(isi['mean_ms'])} ms, median {_number(isi['median_ms'])} ms"),
        ("CV of intervals", _spread(isi["cv"])),
        ("CV2", _spread(isi["cv2"])),
        ("LV", _spread(isi["lv"])),
        ("synchrony", _number(row["synchrony"])),
        ("bursts of cells", f"{text.count(bursts['number'])}, with {_number(bursts['share_of_spikes'])} of the spikes"),
    ]
    if "network" in bursts:
        rows += _together(row)
    if "selectivity" in row:
        rows += _selectivity(row["selectivity"])
    return rows


def _together(row: dict[str, Any]) -> list[tuple[str, str]]:
    network, fano, spectrum = row["bursts"]["network"], row["fano_factor"], row["spectrum"]
    within = _number(network["share_of_spikes"])
    rows = [
        ("network bursts", f"{text.count(network['number'])}, with {within} of the spikes"),
        ("Fano factor", f"{_spread(fano)}, bins of {fano['bin_ms']:g} ms"),
        *_pairwise(row),
    ]
    if spectrum is not None:
        rows.append(("spectrum", f"peak at {_number(spectrum['peak_hz'])} Hz, {spectrum['segments']} segments"))
    return rows


def _pairwise(row: dict[str, Any]) -> list[tuple[str, str]]:
    related, wide, pairs = row["correlation"], row["dimensionality"], row["cross_correlogram"]
    if related["neurons"] < 2:
        return [("pairs of cells", "none: only one cell spiked (or one was asked for)")]
    cells = f"{related['neurons']} cells, bins of {related['bin_ms']:g} ms"
    return [
        ("pairwise correlation", f"{_spread(related)}, {cells}"),
        ("coincidences", f"{_number(pairs['ratio_at_0'])} times what independent cells would have"),
        ("dimensionality", f"{_number(wide['participation_ratio'])}, {cells}, {text.count(wide['bins'])} of them"),
    ]


def _selectivity(of: dict[str, Any]) -> list[tuple[str, str]]:
    prefer = ", ".join(f"{label} {many}" for label, many in zip(of["labels"], of["neurons_preferring"]))
    return [
        ("selectivity", f"{_spread(of['sparseness'])} (sparseness), {of['events']} events"),
        ("explained by labels", _spread(of["explained_variance"])),
        ("cells that prefer", prefer),
    ]


def _weights(of: dict[str, Any]) -> list[tuple[str, str]]:
    if "missing" in of:
        return [("note", of["missing"])]
    change = of["drift"]
    rows = [("synapses", text.count(of["synapses"]))]
    for when, at in (("before", of["from_ms"]), ("after", of["to_ms"])):
        found = of[when]
        spread = f"{_number(found['mean'])} +- {_number(found['std'])} {of['unit']}"
        range_ = f"{_number(found['min'])} to {_number(found['max'])}, median {_number(found['q50'])}"
        rows.append((f"at {text.milliseconds(at)}", f"{spread}, {range_}"))
        if of["rows"] == 1:
            return [*rows, ("drift", "unknown: recorded only once")]
    kept = f"correlation {_number(change['correlation'])}, {_number(change['changed'])} of the synapses changed"
    return [*rows, ("drift", f"mean {_number(change['mean'])}, rms {_number(change['rms'])} {of['unit']}, {kept}")]


def _around(of: dict[str, Any]) -> list[tuple[str, str]]:
    if "missing" in of:
        return [("note", of["missing"])]
    if not of["spikes"]:
        return [("note", "no spike of a recorded cell has a whole window")]
    known = [(lag, value) for lag, value in zip(of["lags_ms"], of["mean"]) if value is not None]
    shown = [known[round(k * (len(known) - 1) / 8)] for k in range(9)]
    rows = [("spikes", f"{text.count(of['spikes'])} of {of['cells']} cells")]
    return rows + [(f"{lag:+.3g} ms", f"{_number(value)} {_unit(of['unit'])}") for lag, value in dict(shown).items()]


def _curve(of: dict[str, Any]) -> list[tuple[str, str]]:
    if "columns" in of:
        return [("points", f"{of['points']}"), ("columns", f"{len(of['columns'])} (see --json)")]
    half = "never" if of["half"] is None else f"at point {of['half']}"
    return [
        ("points", f"{of['points']}"),
        ("first, last", f"{_number(of['first'])}, {_number(of['last'])}"),
        ("range", f"{_number(of['min'])} to {_number(of['max'])}"),
        ("mean of the last tenth", f"{_number(of['tail'])}, half of the way there {half}"),
    ]


def _spread(of: dict[str, Any]) -> str:
    if not of["number"]:
        return "unknown (too few spikes)"
    return f"{_number(of['mean'])} +- {_number(of['std'])}, median {_number(of['median'])}"


def _number(value: float | None) -> str:
    return "-" if value is None else text.significant(float(value))


def _unit(unit: str) -> str:
    return "no unit" if unit == "1" else unit
