"""How much memory a run will take, from its description alone: counted before anything is allocated.

What counts is what grows: synapses, cells, what is in hand while a projection is made, and recordings in memory. The
interpreter, compiled kernels and spikes in flight come on top; `limits.RESERVE` is for these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuromorph import limits
from neuromorph.errors import InputError, Problem
from neuromorph.graph.description import Description, PopulationSpec, ProjectionSpec, RecordSpec
from neuromorph.graph.rules import Ends, synapse_count
from neuromorph.graph.values import Array, Constant, Value, support
from neuromorph.models.contract import InputModel, NeuronModel

#: cells and receptors are numbered in 32 bits
MOST_SLOTS = 2**31 - 1
#: bytes a synapse of a projection that learns (or is a matrix) takes on top of its own while it is made: ends, order,
#: keys to sort by
MAKING = 48
#: bytes a cell of exact mode takes for its instants, wake and visits (engine/exact_windows.py)
INSTANTS = 160
#: bytes that the log of a learning projection takes, and for each target cell (engine/learning.py)
LOG, RECENT = 3 << 20, 160
#: cells times ticks of a window, at most (engine/windows.py)
WINDOW = 1 << 21
#: so many parts are named where a run does not fit
SHOWN = 3


@dataclass(frozen=True)
class Piece:
    """A part of what a run takes: bytes held while it lasts, and more of them while it is built."""

    what: str
    held: int
    building: int = 0


def footprint(description: Description, parts: int = 1, in_memory: bool = False) -> list[Piece]:
    """What a run of `description` (at its resolution, for its duration) takes, largest first.

    in_memory : whether recordings stay in memory, instead of going into a trace
    """
    sizes = {p.name: p.size for p in description.populations}
    counts = {p.name: expected_synapses(p, sizes) for p in description.projections}
    window = _window(description, sum(sizes.values()))
    ring = _ring(description, window)
    pieces = [_cells(p, window, ring) for p in description.populations]
    pieces += [_synapses(p, counts[p.name], description, parts) for p in description.projections]
    pieces += [_recording(r, description, counts, in_memory) for r in description.records]
    pieces += [Piece(f"signal '{s.name}'", 40 * s.times.size) for s in description.signals]
    pieces.append(Piece("windows and calendar", (1 << 21) + _calendar(description)))
    return sorted(pieces, key=lambda piece: piece.held + piece.building, reverse=True)


def total(pieces: list[Piece]) -> int:
    """Bytes at the worst moment: all that is held, and the largest that is being made."""
    return sum(p.held for p in pieces) + max((p.building for p in pieces), default=0)


def check_memory(description: Description, parts: int = 1, in_memory: bool = False) -> None:
    """Raise InputError where a run cannot fit into the memory that is available, with what takes it and what to do."""
    slots = sum(p.size * len(p.model.receptors) for p in description.populations if issubclass(p.model, NeuronModel))
    if slots > MOST_SLOTS:
        what = "too many cells: they and their receptors are numbered in 32 bits"
        raise InputError(Problem(what, "populations", slots, f"at most {MOST_SLOTS} receptors of cells", "Use fewer."))
    pieces = footprint(description, parts, in_memory)
    asked, free = total(pieces), limits.available()
    if asked <= free:
        return
    shown = ", ".join(f"{p.what} {limits.spelled(p.held + p.building)}" for p in pieces[:SHOWN])
    fix = (
        f"{limits.spelled(free)} are available; the largest parts are {shown}. Make these smaller: fewer synapses (a "
        "lower indegree or probability) or cells, fewer cells or synapses recorded. To go ahead all the same: "
        "--no-memory-check (in Python: memory_check=False)."
    )
    raise InputError(Problem(f"the run takes about {limits.spelled(asked)} of memory", description.name, fix=fix))


def expected_synapses(spec: ProjectionSpec, sizes: dict[str, int]) -> int:
    """How many synapses a projection has: exactly, or what its rule makes on average (distance: at most)."""
    ends = Ends(sizes[spec.source], sizes[spec.target], spec.source == spec.target)
    count = synapse_count(spec.rule, spec.arguments, ends)
    return math.ceil(ends.pairs * float(spec.arguments["probability"])) if count is None else count


def _window(description: Description, ids: int) -> int:
    """Ticks of a window on the grid; 1 in exact mode."""
    if description.run.resolution is None:
        return 1
    delays = [_range(p.delay)[0] for p in description.projections if p.delay is not None]
    ticks = max(1.0, round(_ticks(min(delays, default=1.0), description)))
    return int(min(ticks, max(1, WINDOW // max(ids, 1))))


def _ticks(time: float, description: Description) -> float:
    """A time in ticks, of which there may be too many for any number."""
    return min(time / (description.run.resolution or 1.0), 1e18)


def _range(delay: Value) -> tuple[float, float]:
    """Shortest and longest delay (ms) that may be drawn; the longest of none at all is 0."""
    low, high = support(delay)
    return low, max(high, 0.0)


def _ring(description: Description, window: int) -> int:
    """Rows of input sums: one, or where anything learns as many as reach to its longest delay; none in exact mode."""
    delays = [_range(p.delay)[1] for p in description.projections if p.plasticity is not None and p.delay is not None]
    if description.run.resolution is None:
        return 0
    return 1 if not delays else window + 1 + math.ceil(_ticks(max(delays), description))


def _many(value: Value) -> bool:
    return not isinstance(value, Constant)


def _cells(spec: PopulationSpec, window: int, ring: int) -> Piece:
    """State, refractoriness, inputs, parameters that differ, and buffers for the spikes of a window."""
    own = sum(map(_many, spec.params.values()))
    if not issubclass(spec.model, NeuronModel):
        emitted = 32 * max(window, 2) if issubclass(spec.model, InputModel) else 8
        return Piece(f"input '{spec.name}'", spec.size * (emitted + 8 * own))
    variables, receptors = len(spec.model.variables()), len(spec.model.receptors)
    every = len(spec.model.parameters()) + len(spec.model.coefficient_names) if own else 0
    bytes_ = 16 * variables + (5 + 8 * ring) * receptors + 16 + (72 * window if ring else INSTANTS)
    bytes_ += 8 * own + 16 * every
    return Piece(f"population '{spec.name}'", spec.size * bytes_)


def _synapses(spec: ProjectionSpec, count: int, description: Description, parts: int) -> Piece:
    what = f"projection '{spec.name}' ({count:,} synapses)"
    source = description.population(spec.source)
    drawn = spec.delay is not None and _many(spec.delay)
    plastic = spec.plasticity is not None and not spec.plasticity.frozen
    exact = description.run.resolution is None
    matrix = not exact and spec.rule == "all_to_all" and count >= 4096 and not drawn
    if not (plastic or matrix) or spec.delay is None:
        slices = _slices(spec, count, source.size, description) if drawn else min(count, source.size)
        return Piece(what, 8 * count + (8 if exact else 4) * slices + 8 * source.size * (parts + 1))
    rule = spec.plasticity.rule if plastic and spec.plasticity else None
    states = rule.states() if rule else {}
    each = 16 + 8 * drawn + 8 * len(states) + 16 * any(s.tau for s in states.values())
    each += 8 * bool(rule and rule.randoms())
    log = LOG + RECENT * description.population(spec.target).size if rule else 0
    return Piece(what, each * count + log, (MAKING + 8 * drawn) * count)


def _slices(spec: ProjectionSpec, count: int, sources: int, description: Description) -> int:
    """Slices of rows (docs/design.md, section 3): one for each delay of a source, but no more than it has synapses."""
    assert spec.delay is not None
    low, high = _range(spec.delay)
    if isinstance(spec.delay, Array) or description.run.resolution is None:
        return count
    different = round(_ticks(high, description)) - round(_ticks(low, description)) + 1
    if not sources or not count:
        return 0
    # of as many delays as ticks those that a row of that length meets, were they equally likely
    row = count / sources
    return math.ceil(sources * different * -math.expm1(row * math.log1p(-1.0 / max(different, 2))))


def _calendar(description: Description) -> int:
    """One bucket of the calendar for each tick up to the longest delay."""
    if description.run.resolution is None:
        return 0
    delays = [_range(p.delay)[1] for p in description.projections if p.delay is not None]
    return 16 * math.ceil(_ticks(max(delays, default=0.0), description))


def _recording(record: RecordSpec, description: Description, counts: dict[str, int], in_memory: bool) -> Piece:
    what = f"recording {record.variable} of '{record.name}'"
    every = counts.get(record.name, 0) if record.kind == "weight" else description.population(record.name).size
    chosen = every if record.indices is None else record.indices.size
    if record.kind == "spikes":
        return Piece(what, every)
    duration = min(record.stop, description.run.duration or 0.0)
    readings = max(0.0, duration - record.start) / record.interval + 1 if in_memory else 2
    width, held, building = (4, 16 * chosen, 8 * every) if record.kind == "weight" else (8, 8 * chosen, 0)
    return Piece(what, int(readings * width * chosen) + held, building)
