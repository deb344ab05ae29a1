"""The mutable state of a plastic projection's part: weights, traces, postsynaptic history."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.calendar import Calendar
from neuromorph.engine.cells import Cells
from neuromorph.kernels import driver, plastic, recent, rng
from neuromorph.kernels.plastic_lines import STRUCTS, only_adds, variable_names
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Input, Neurons, Plasticity, PlasticRows

#: postsynaptic events kept before rows are swept, of each thousand cells; results do not depend on it
HISTORY = 1 << 14
#: ticks that a trace's decay is tabulated for (32 kB a trace): 20 time constants of 20 ms at 0.1 ms
DECAYS = 1 << 12
Rows: Any
Synapse: Any
Source: Any
History: Any
Rule: Any
Rows, Synapse, Source, History, Rule = (namedtuple(name.title(), fields) for name, fields in STRUCTS.items())


class Pending:
    """Arrivals of plastic synapses in exact mode, until their window comes."""

    def __init__(self, capacity: int = 1024) -> None:
        self.n = 0
        self.base = np.zeros(capacity, np.int64)
        self.offset = np.zeros(capacity)
        self.slot = np.zeros(capacity, np.int32)
        self.weight = np.zeros(capacity)
        self.source = np.zeros(capacity, np.int64)
        self.synapse = np.zeros(capacity, np.int64)

    def arrays(self) -> tuple[Any, ...]:
        """The arrays in the order that kernels take them."""
        return self.base, self.offset, self.slot, self.weight, self.source, self.synapse

    def grow(self, n: int) -> None:
        """Make room for n more."""
        extra = max(n, self.base.size)
        for name in ("base", "offset", "slot", "weight", "source", "synapse"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros(extra, old.dtype)]))

    def take(self, base: int, low: float, high: float) -> tuple[Any, ...]:
        """Remove and return (slot, offset, weight, source, synapse) of the arrivals in (low, high] of a window."""
        n = self.n
        due = (self.base[:n] == base) & (self.offset[:n] > low) & (self.offset[:n] <= high)
        taken = tuple(a[:n][due] for a in (self.slot, self.offset, self.weight, self.source, self.synapse))
        kept = int(n - np.count_nonzero(due))
        if kept < n:
            for array in self.arrays():
                array[:kept] = array[:n][~due]
        self.n = kept
        return taken


class PlasticPart:
    """One projection's synapses onto one part of the target population."""

    def __init__(
        self,
        plasticity: Plasticity,
        rows: PlasticRows,
        clock: Clock,
        pre: Neurons | Input,
        n_post: int,
        number: int,
        key: tuple[int, str],
    ) -> None:
        rule = plasticity.rule
        self.module = plastic.plastic_kernels(rule, clock.exact)
        self.plasticity = plasticity
        self.rows = rows
        self.first_pre, self.n_pre = pre.first_id, pre.size
        self.clock = clock
        self.projection_key = number << 40
        self.rewired = False
        self.weight = rows.weight.copy()
        states = rule.states()
        timed = any(s.tau for s in states.values())
        n = self.weight.size
        self.synapse = Synapse(
            np.repeat(np.array([[s.initial] for s in states.values()]).reshape(-1, 1), n, axis=1),
            np.full(n if timed else 0, -1 if clock.exact else 0, np.int64),
            np.full(n if timed else 0, clock.unit if clock.exact else 0.0),
            rows.origin.astype(np.int64) if rule.randoms() else np.zeros(0, np.int64),
        )
        n_pre = pre.size
        n_x, self.n_y = len(rule.traces("pre")), len(rule.traces("post"))
        self.source = Source(
            np.zeros((n_x, n_pre)), np.zeros((n_x, n_pre)), np.full(n_pre, -1, np.int64), np.zeros(n_pre),
            np.full(n_pre, -1, np.int64), np.zeros(n_pre),
        )  # fmt: skip
        hooks = rule.hooks()
        self.replays = "on_post" in hooks
        self.remembers = self.replays or self.n_y > 0
        self.learns_at_signal = "on_signal" in hooks
        #: spikes only add rows of a matrix to what arrives, so that those to which nobody listens need no visit
        self.only_adds = rows.dense and not clock.exact and only_adds(rule)
        self.post_variables = [v.name for v in rule.variables("post").values()]
        self.pre_variables = [v.name for v in rule.variables("pre").values()]
        # the last whole volley of a matrix and what it came to (kernels/matrix.py)
        width = rows.high - rows.low if self.only_adds else 0
        self._known = np.zeros(min(width, 1), np.int64)
        volley = np.zeros((3, n_pre if self.only_adds else 0), np.int64)
        self._rows = Rows(
            rows.row, rows.target, rows.slot, rows.delay, self.weight, rows.low, rows.dense, self._known, volley,
            np.zeros(width),
        )  # fmt: skip
        self.n_post = n_post
        #: weights before the last minibatch, where there is momentum
        self.previous = np.zeros(0, np.float32)
        self._size = np.zeros(1, np.int64)  # events of the history
        self._columns = np.zeros(0, np.int64)
        unit, ms = (clock.unit, 1.0) if clock.exact else (1.0, clock.unit)
        self._rule = Rule(
            plasticity.parameters, plasticity.w_min, plasticity.w_max, unit, ms, self._decays(ms), key[0],
            rng.stream(f"{key[1]}/learning"),
        )  # fmt: skip
        self._recent = self._recent_spikes()
        self.largest_delay = float(rows.delay.max()) if rows.delay.size else 0.0
        #: variables of the targets at the latest ticks, as long as on_pre may ask for them
        self.past_variables = [rule.variables("post")[name].name for name in rule.reads_past()]
        depth = int(self.largest_delay) + 1 if self.past_variables else 0
        self._past = np.zeros((len(self.past_variables), depth, n_post if depth else 0))
        self._new_history(max(HISTORY, HISTORY * n_post // 1024) if self.remembers else 1)

    def _decays(self, ms: float) -> NDArray[np.float64]:
        """Decay of each trace, pre then post, by ticks; empty in exact mode."""
        rule, n = self.plasticity.rule, 0 if self.clock.exact else DECAYS
        values = dict(zip(rule.parameters(), self.plasticity.parameters))
        traces = [*rule.traces("pre").values(), *rule.traces("post").values()]
        return np.array([plastic.decays(ms, float(values[t.tau]), n) for t in traces]).reshape(len(traces), n)

    def _recent_spikes(self) -> tuple[NDArray[Any], ...]:
        """The latest spikes of each cell as kernels/recent.py keeps them; empty where the rule does without."""
        rows = recent.learns_rows(self.plasticity.rule, self.clock.exact)
        n, widest = (recent.RECENT * self.n_post, int(np.diff(self.rows.row).max(initial=0))) if rows else (0, 0)
        traces = np.zeros((self.n_y, n)), np.zeros((self.n_y, n))
        return np.full(n, recent.NEVER, np.int64), np.zeros(n, np.int64), *traces, np.zeros(widest, np.bool_)

    def _new_history(self, capacity: int, keep: Any = None) -> None:
        n_v = len(self.post_variables) if self.replays else 0
        fresh = (
            np.zeros(capacity, np.int64), np.zeros(capacity), np.zeros(capacity, np.int64),
            np.zeros(capacity, np.int64), np.full(capacity, -1, np.int64), np.zeros((self.n_y, capacity)),
            np.zeros((n_v, capacity)),
        )  # fmt: skip
        if keep is None:
            head = np.full(self.n_post, -1, np.int64)
            # long ago: what a trace has fallen by since then must not be a growth where the synapse looks before time 0
            began = np.full(self.n_post, recent.NEVER, np.int64)
            floor = np.zeros((self.n_y, self.n_post)), began, np.zeros(self.n_post)
        else:
            n = int(self._size[0])
            for new, old in zip(fresh, keep[:7]):
                new[..., :n] = old[..., :n]
            head, floor = keep.head, (keep.floor_y, keep.floor_base, keep.floor_offset)
        self.history = History(*fresh, head, np.zeros(capacity, np.int64), *floor, *self._recent, self._past)
        self._flatten()

    def arguments(self, kernel: str) -> dict[str, Any]:
        """The fields of structs that a kernel of the rule ends with."""
        return {name: self._flat[name] for name in self.module.ARGUMENTS[kernel]}

    def _run(self, kernel: str, *arguments: Any) -> Any:
        return getattr(self.module, kernel)(*arguments, *self.arguments(kernel).values())

    def share(self, weight: NDArray[np.float32]) -> None:
        """Have the weights of another part, the same array."""
        self.weight = weight
        self._rows = self._rows._replace(weight=weight)
        self._flatten()

    def _flatten(self) -> None:
        values = (*self._rows, *self.synapse, *self.source, *self.history, *self._rule)
        self._flat = dict(zip([f"{name}_{field}" for name, fields in STRUCTS.items() for field in fields], values))
        self._sweeping: list[Step] = []

    def remember(self, cells: Cells, part: int, now: tuple[int, float]) -> None:
        """Append the window's postsynaptic spikes to the history."""
        low, high = int(cells.rows_of_part[part]), int(cells.rows_of_part[part + 1])
        if high > low:
            arguments = tuple(self._events(cells).values())
            if self._run("append", *arguments, low, high) < 0:
                self.make_room(high - low, now)
                self._run("append", *arguments, low, high)

    def _events(self, cells: Cells) -> dict[str, Any]:
        if self.replays and self.post_variables and not self._columns.size:
            self._columns = np.array([cells.variables.index(v) for v in self.post_variables], np.int64)
        return {
            "size": self._size, "base": cells.out_base, "offset": cells.out_offset, "index": cells.out_index,
            "count": cells.out_count, "archive": cells.archive, "columns": self._columns,
        }  # fmt: skip

    def make_room(self, n: int, now: tuple[int, float]) -> None:
        """Make room for n more events in the history; `now` is the start of the window: all before it is settled."""
        self.sweep(now)
        self._size[0] = self._run("compact", int(self._size[0]), *now, self.largest_delay)
        if int(self._size[0]) + n > self.history.base.size // 2:
            self._new_history(2 * (self.history.base.size + n), keep=self.history)

    def remembering(self, cells: Cells) -> Step:
        """Step that appends the postsynaptic spikes a..b-1 of a window to the history (grid)."""
        events, flat = self._events(cells), self.arguments("append")
        return make_step(self.module.append, f"append({', '.join(events)}, a, b, {', '.join(flat)})", events | flat)

    def keeping(self, cells: Cells) -> list[Step]:
        """Steps that, at tick a, put by what the targets had at its beginning, for on_pre to read (grid)."""
        steps = []
        for past, name in zip(self._past, self.past_variables):
            values = {"now": cells.state[cells.variables.index(name)], "past": past}
            steps.append(make_step(plastic.keep_past, "keep_past(a, now, past)", values))
        return steps

    def past(self, tick: int) -> NDArray[np.float64]:
        """What the targets had 1, 2, ... ticks before a tick that is done, as far as on_pre looks back."""
        depth = self._past.shape[1]
        return self._past[:, (tick - 1 - np.arange(depth)) % max(depth, 1)]

    def put_past(self, past: NDArray[np.float64], tick: int) -> None:
        """Have that be the past."""
        depth = self._past.shape[1]
        self._past[:, (tick - 1 - np.arange(depth)) % max(depth, 1)] = past[:, :depth]

    def fill_past(self, cells: Cells) -> None:
        """Before the first tick the targets had what they have now."""
        for past, name in zip(self._past, self.past_variables):
            past[:] = cells.state[cells.variables.index(name)]

    def visiting(self, calendar: Calendar, ring: NDArray[np.float64]) -> Step:
        """Step that visits the rows of the spikes a..b-1 of the calendar; returns the synaptic events (grid)."""
        values = {
            "base": calendar.base, "offset": calendar.offset, "spike_source": calendar.source,
            "spike_count": calendar.count, "first_id": self.first_pre, "n_pre": self.n_pre, "ring": ring,
        }  # fmt: skip
        flat = self.arguments("visit")
        call = f"visit(a, b, {', '.join(values)}, c, {', '.join(flat)})"  # c: whether nobody listens
        return make_step(self.module.visit, call, values | flat)

    def signalled(self, variables: list[Any], value: NDArray[np.float64]) -> Step:
        """Step that applies a signal of value[0] at tick a to every synapse (grid)."""
        values = dict(zip(variable_names(self.plasticity.rule), variables)) | self.arguments("signal")
        call = f"signal(a, 0.0, value[0], {', '.join(values)})"
        return make_step(self.module.signal, call, values | {"value": value})

    def sweeping(self) -> list[Step]:
        """Step that brings every synapse up to tick a, where any may be behind (grid)."""
        if self.replays and not self._sweeping:
            flat = self.arguments("sweep")
            self._sweeping = [make_step(self.module.sweep, f"sweep(a, 0.0, {', '.join(flat)})", flat)]
        return self._sweeping

    def forget_volley(self) -> None:
        """To be called where weights have changed: what a volley came to before holds no longer."""
        self._known[:] = 0

    def last_change(self) -> NDArray[np.float32]:
        """What the last minibatch changed, where there is momentum."""
        return self.weight - self.previous if self.previous.size else self.previous

    def weights_were_set(self, last_change: NDArray[np.float32]) -> None:
        """To be called where weights have been set by hand, with what `last_change` was: momentum is as before."""
        self.forget_volley()
        self.previous[:] = self.weight - last_change if self.previous.size else last_change

    def sweep(self, now: tuple[int, float]) -> None:
        """Bring every synapse up to an instant."""
        if not self.replays:
            return
        if self.clock.exact or not hasattr(self.module.sweep, "py_func"):
            self._run("sweep", *now)
        else:  # an inner kernel, which Python cannot call
            driver.run_step(*self.sweeping()[0].pair, now[0], 0, 0)

    def visit(self, calendar: Calendar, start: int, end: int, pending: Pending) -> int:
        """Learn from and deliver presynaptic spikes start..end-1 of the calendar; returns synaptic events (exact)."""
        events = 0
        while start < end:
            start, pending.n, more = self._run(
                "visit", start, end, calendar.base, calendar.offset, calendar.source, calendar.count, self.first_pre,
                self.n_pre, *pending.arrays(), pending.n, self.projection_key,
            )  # fmt: skip
            events += more
            if start < end:
                pending.grow(int(np.diff(self.rows.row).max()))
        return events

    def signal(self, now: tuple[int, float], value: float, variables: list[NDArray[np.float64]]) -> None:
        """A third factor arrives at every synapse; `variables` of sources, then of targets."""
        self.sweep(now)
        self._run("signal", *now, value, *variables)

    def sources(self) -> NDArray[np.int64]:
        """Source of each synapse, in the order of rows."""
        return np.repeat(np.arange(self.n_pre), np.diff(self.rows.row))

    def given_up(self, now: tuple[int, float], variables: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
        """Which synapses the rule gives up now; `variables` of sources, then of targets."""
        self.sweep(now)
        chosen = np.zeros(self.weight.size, np.bool_)
        self._run("choose", *now, chosen, *variables)
        return chosen

    def rewire(self, source: NDArray[np.int64], moved: NDArray[np.bool_], now: tuple[int, float]) -> None:
        """Give synapses, in the order of rows, these sources; those that have `moved` begin anew."""
        rows, own = self.rows, self.rows.delay.size > 1
        self.rewired = True
        self.weight[moved] = rows.weight[moved]
        for row, state in zip(self.synapse.state, self.plasticity.rule.states().values()):
            row[moved] = state.initial
        if self.synapse.base.size:
            self.synapse.base[moved], self.synapse.offset[moved] = now
        order = np.lexsort((rows.origin, rows.target, rows.delay if own else np.zeros(source.size), source))
        self.rows = replace(
            rows, row=np.searchsorted(source[order], np.arange(self.n_pre + 1)), target=rows.target[order],
            slot=rows.slot[order] if rows.slot.size == order.size > 1 else rows.slot, dense=False,
            delay=rows.delay[order] if own else rows.delay, weight=rows.weight[order], origin=rows.origin[order],
        )  # fmt: skip
        self.synapse = Synapse(*(np.ascontiguousarray(a[..., order]) if a.shape[-1] else a for a in self.synapse))
        self._recent = (*self._recent[:-1], self._recent_spikes()[-1])
        self._rows = self._rows._replace(
            row=self.rows.row, target=self.rows.target, slot=self.rows.slot, delay=self.rows.delay, dense=False
        )
        self.history = self.history._replace(late=self._recent[-1])
        self.share(self.weight[order])

    def settle(self, now: tuple[int, float]) -> None:
        """Bring every synapse up to an instant, and keep of the history what some synapse has not seen yet."""
        self.sweep(now)
        if self.remembers:
            self._size[0] = self._run("compact", int(self._size[0]), *now, self.largest_delay)

    def events(self) -> dict[str, NDArray[Any]]:
        """The postsynaptic spikes of the history, in order of time for each cell."""
        n = int(self._size[0])
        return {name: getattr(self.history, name)[..., :n] for name in ("base", "offset", "cell", "count", "y", "v")}

    def put_events(self, columns: dict[str, NDArray[Any]]) -> None:
        """Make these the spikes of the history."""
        n = columns["base"].size
        if n > self.history.base.size // 2:
            self._new_history(2 * n)
        h = self.history
        for name, values in columns.items():
            getattr(h, name)[..., :n] = values
        order = np.argsort(h.cell[:n], kind="stable")
        again = order[1:][np.diff(h.cell[order]) == 0]
        h.prev[:n], h.head[:] = -1, -1
        h.prev[again] = order[:-1][np.diff(h.cell[order]) == 0]
        h.head[h.cell[order]] = order  # of equal cells the last counts
        self._size[0] = n

    def reset(self, now: tuple[int, float]) -> None:
        """Forget traces and history; weights stay, brought up to date."""
        self.sweep(now)
        self.source.x[:] = 0.0
        self.source.before[:] = 0.0
        self.source.seen_base[:], self.source.seen_offset[:] = now
        self.history.head[:] = -1
        self.history.floor_y[:] = 0.0
        self.history.recent[:] = recent.NEVER
        self.history.y_after[:] = 0.0
        self._size[0] = 0
        for row, state in zip(self.synapse.state, self.plasticity.rule.states().values()):
            row[:] = state.initial
        self.synapse.base[:], self.synapse.offset[:] = now
