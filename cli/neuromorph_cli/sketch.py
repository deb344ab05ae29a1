"""A drawing in letters: a value that changes in steps, and rows of marks below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 60, 8


def sketch(times: Sequence[float], values: Sequence[float], marks: Mapping[str, Sequence[float]]) -> list[str]:
    """Lines of text: the value from each time on, until the next, and a row of `|` for each kind of mark.

    times : ascending; the drawing goes from the first to the last
    """
    first, last = times[0], times[-1]
    low, high = min(values), max(values)

    def column(time: float) -> int:
        return round((time - first) / (last - first) * (WIDTH - 1)) if last > first else 0

    def height(value: float) -> int:
        return round((value - low) / (high - low) * (HEIGHT - 1)) if high > low else 0

    rows = [[" "] * WIDTH for _ in range(HEIGHT if high > low else 1)]
    before = height(values[0])
    for time, value, end in zip(times, values, [*map(column, times[1:]), WIDTH - 1]):
        k, now = column(time), height(value)
        for level in range(min(before, now), max(before, now) + 1):  # the step itself
            rows[-1 - level][k] = "|" if before != now else "-"
        for later in range(k + 1, end + 1):
            rows[-1 - now][later] = "-"
        before = now
    labels = [f"{high:.6g}"] + [""] * (len(rows) - 2) + ([f"{low:.6g}"] if len(rows) > 1 else [])
    below = []
    for at in marks.values():
        row = [" "] * WIDTH
        for time in at:
            row[column(time)] = "|"
        below.append(row)
    width = max(map(len, [*labels, *marks]))
    lines = [f"{label:>{width}} {''.join(row)}".rstrip() for label, row in zip([*labels, *marks], rows + below)]
    begin, until = f"{first:g}", f"{last:g} ms"
    return [*lines, f"{'':{width}} {begin}{until:>{WIDTH - len(begin)}}"]
