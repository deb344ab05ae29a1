"""Text on standard output: numbers, aligned columns, and facts with their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from neuromorph.errors import printable


def count(value: float) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,.0f}"


def significant(value: float) -> str:
    """Three significant digits: 0.0123, 1.23, 123, 12,300."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def milliseconds(value: float) -> str:
    """1000.5 as 1,000.5 ms."""
    return f"{value:,.15g} ms"


def clock(value: float) -> str:
    """Seconds as 0:05, 2:05 or 1:02:05."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def seconds(value: float) -> str:
    """Wall time: 0.12 s, 12.3 s, 125 s (2:05)."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    return f"{value:,.0f} s ({clock(value)})"


def rate(events: float, wall_s: float) -> str:
    """Events per second of wall time, without the unit: 27.9 M, 310 k."""
    value = events / max(wall_s, 1e-9)
    return f"{significant(value / 1e6)} M" if value >= 1e6 else f"{significant(value / 1e3)} k"


def facts(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """A title, and below it names with what they are."""
    rows = [(_line(name), value) for name, value in rows]
    width = max((len(name) for name, _ in rows), default=0)
    click.secho(_line(title), bold=True)
    for name, value in rows:
        click.echo(f"  {click.style(f'{name:<{width}}', dim=True)}  {_line(value)}")


def line(said: str) -> None:
    """One line, whatever came out of a file."""
    click.echo(_line(said))


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table: text to the left, numbers to the right, what is not known as a dash."""
    rows = list(rows)
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells)]
    sides = ["<" if all(isinstance(value, str) for value in column) else ">" for column in zip(*rows)]
    sides = sides or ["<"] * len(names)

    def row_of(texts: Sequence[str]) -> str:
        return "  ".join(f"{text:{side}{width}}" for text, side, width in zip(texts, sides, widths)).rstrip()

    click.secho(row_of(names), bold=True)
    for row in cells:
        click.echo(row_of(row))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return significant(value)
    return count(value) if isinstance(value, int) else _line(str(value))


def _line(value: str) -> str:
    """What came out of a file, on one line, and without commands to the terminal."""
    return printable(value).replace("\n", "\\n")
