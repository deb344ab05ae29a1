"""An independent, slow simulator that judges the engine: heapq, floats and dicts, one event at a time.

It follows docs/design.md, sections 3 to 6, and imports nothing of neuromorph. `simulate(network)` takes

    {"resolution": "exact" or ms, "duration": ms, "seed": int,
     "populations": {name: {"model", "size", "params": {name: value or list}, "initial": {variable: value or list}}},
     "inputs": {name: {"size", "spikes": [(time, index, count)], "registers": {name: [(time, index, value)]}}},
     "currents": [(time, population, index, change in pA)],
     "projections": {name: {"source", "target", "receptor", "sources", "targets", "weights", "delays",
                            "matrix": bool (a static one that the engine keeps as a matrix: of account for sums only),
                            "plasticity": None or {"rule", "params", "w_min", "w_max", "signals", "frozen"}}},
     "signals": {name: {"times", "values", "delay"} or {"population", "delay"}}, "probes": [time, ...]}

**Times** (of inputs, currents, signals and probes, and delays): on the grid an int is a tick and a float is ms, rounded
to the nearest tick; in exact mode every number is ms. `duration` is always ms.

**Result**: `spikes` [(ms, population, index, count)] of the neurons by (time, global id); on the grid `spike_ticks`,
the same in ticks; `weights` {projection: list} and `state` {population: {variable: list}} at the end; `probes`
[{time, state, weights}]; `events`, the deliveries to synapses (a spike of count n is one a synapse); `grazes`.

**Grazes**: zero means that nothing hung on rounding. Counted are
- V within 1e-9 mV of V_th at a test (in exact mode also just before arrivals), unless they are equal and V before the
  arrivals was a multiple of 2^-20 mV, which a rounded result hardly ever is: such a tie is meant and defined;
- in exact mode a local maximum of V that close to V_th, and a crossing slower than 1e-3 mV/ms, whose time is not
  defined to 1e-9 ms;
- in exact mode, within 1e-9 ms but not equal: a delta arrival and its target's spike or end of refractoriness; a spike
  and the instant at which its trace is read;
- the argument of a rhythmic cell's floor (or Poisson inversion) within 1e-9 of the next count, but not equal.

**A rule of one's own**: `plasticity["rule"]` may be an object with any of `traces_pre`, `traces_post` {name: tau, ms},
`nearest` (names of traces that a spike sets to 1), `states` {name: (initial, tau in ms or None)}, `randoms` (names) and
on_pre(w, pre, post, syn), on_post(w, pre, post, syn), on_signal(w, pre, post, syn, value), each of which returns w, or
(w, state, ...) where there are states, and transmit(w, syn), what a spike delivers. pre and post hold the traces; in
on_pre also pre.count and on the grid the target's variables at the end of the tick a delay ago, in on_post post.count
and the target's variables just before its reset, in on_signal the variables of both cells (of an input its registers).
syn holds the states, decayed to the time of the hook, and (grid) the random numbers.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count as counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle_models import MODELS, Arrival, Cell, State, first_crossing
from oracle_rules import Rules, Seen, Watch, philox, plasticity, settings, uniform

__all__ = ["MODELS", "Rules", "philox", "simulate", "uniform"]
CONTRACT = Rules()


@dataclass
class Synapse:
    source: int
    target: int
    receptor: str
    weight: float
    delay: float
    projection: int
    ordinal: int
    early: bool = False
    rule: Any = None
    low: float = -math.inf
    high: float = math.inf
    states: dict[str, float] = field(default_factory=dict)
    states_at: float = 0


class Simulation:
    """One run: a heap of (time, rank within the instant, order, serial number, what to do)."""

    def __init__(self, network: dict[str, Any], rules: Rules) -> None:
        resolution = network["resolution"]
        self.on_grid = resolution != "exact"
        self.dt = float(resolution) if self.on_grid else 1.0  # ms per unit of time
        self.end = self.instant(float(network["duration"]))
        self.rules, self.watch, self.network = rules, Watch(rules), network
        self.heap: list[Any] = []
        self.serial = counter()
        self.spikes: list[tuple[float, int, int]] = []
        self.history: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self.shown: dict[int, list[State]] = {}  # on the grid: state of a cell at the end of each tick from 0 on
        self.events = 0
        self.probes: list[dict[str, Any]] = []
        self.number()
        self.build_cells()
        self.build_synapses()
        self.schedule()

    # -- description ------------------------------------------------------------------------------------------

    def instant(self, time: float) -> float:
        """A time or delay of the description in the run's own unit."""
        if not self.on_grid:
            return float(time)
        return int(time) if isinstance(time, int | np.integer) else round(float(time) / self.dt)

    def delay(self, time: float, where: str) -> float:
        whole = isinstance(time, int | np.integer)
        if time <= 0 or (self.on_grid and not whole and float(time) / self.dt < 0.5):
            raise ValueError(f"{where}: delay {time} is not above zero, or under half a tick")
        return max(1, self.instant(time)) if self.on_grid else float(time)

    def number(self) -> None:
        """Global ids: populations and inputs together, sorted by name."""
        sizes = {n: d["size"] for kind in ("populations", "inputs") for n, d in self.network.get(kind, {}).items()}
        self.first: dict[str, int] = {}
        self.place: list[tuple[str, int]] = []  # global id -> (population, index)
        for name in sorted(sizes):
            self.first[name] = len(self.place)
            self.place += [(name, i) for i in range(sizes[name])]

    def build_cells(self) -> None:
        self.cells: dict[int, Cell] = {}
        for name, d in self.network.get("populations", {}).items():
            model = MODELS[d["model"]]
            if not (model.exact or self.on_grid):
                raise ValueError(f"{name}: {d['model']} has no closed form and runs on the grid only")
            for i in range(d["size"]):
                p = settings(model.parameters, d.get("params"), i, f"{name}: parameter")
                s = settings(model.initial(p), d.get("initial"), i, f"{name}: variable")
                if model.threshold and not self.on_grid and s["V_m"] >= p[model.threshold]:
                    raise ValueError(f"{name}: V_m starts at or above the threshold, which exact mode never crosses")

                def draw(index: int, entity: int = i, stream: str = f"{name}/cell") -> float:
                    return uniform(self.network["seed"], stream, entity, index)

                self.cells[self.first[name] + i] = Cell(self.first[name] + i, name, model, p, s, draw)
                self.shown[self.first[name] + i] = [dict(s)]

    def build_synapses(self) -> None:
        projections = self.network.get("projections", {})
        self.names = sorted(projections, key=lambda n: (projections[n]["source"], projections[n]["target"], n))
        self.synapses: list[list[Synapse]] = []
        self.outgoing: dict[int, list[Synapse]] = defaultdict(list)
        self.incoming: dict[int, list[Synapse]] = defaultdict(list)  # those that learn
        for k, name in enumerate(self.names):
            d = projections[name]
            if d["receptor"] not in MODELS[self.network["populations"][d["target"]]["model"]].receptors:
                raise ValueError(f"{name}: {d['target']} has no receptor '{d['receptor']}'")
            weights = [float(np.float32(w)) for w in d["weights"]]
            extra = plasticity(d.get("plasticity"), weights) or {"early": d.get("matrix", False)}
            row = [
                Synapse(self.first[d["source"]] + i, self.first[d["target"]] + j, d["receptor"], w,
                        self.delay(t, name), k, n, **extra)
                for n, (i, j, w, t) in enumerate(zip(d["sources"], d["targets"], weights, d["delays"], strict=True))
            ]  # fmt: skip
            self.synapses.append(row)
            for syn in row:
                syn.states = {n: initial for n, (initial, _) in getattr(syn.rule, "states", {}).items()}
                self.outgoing[syn.source].append(syn)
                if syn.rule is not None:
                    self.incoming[syn.target].append(syn)

    def schedule(self) -> None:
        """Put on the heap all that is known beforehand."""
        for time in self.network.get("probes") or ():
            self.push(self.instant(time), "probe", (), self.probe, self.instant(time))
        for name, d in self.network.get("inputs", {}).items():
            counts: dict[tuple[float, int], int] = defaultdict(int)
            for time, i, n in d.get("spikes", ()):
                counts[self.instant(time), self.first[name] + i] += n
            for (t, source), n in counts.items():
                if n > 0:
                    self.push(t, "cell", (source,), self.emit, source, t, n, {})
        for name, d in self.network.get("signals", {}).items():
            for time, value in zip(d.get("times", ()), d.get("values", ()), strict=True):
                t = self.instant(time) + self.instant(d["delay"])
                self.push(t, "signal", self.signal_order(name, -1), self.signal, name, t, value)
        for order, (time, name, i, change) in enumerate(self.network.get("currents") or ()):
            self.inject(self.instant(time), self.cells[self.first[name] + i], change, order)
        for cell in self.cells.values():
            if self.on_grid:
                self.push(1, "cell", (cell.id,), self.tick, cell, 1)
            else:
                self.look(cell, 0.0, 0)

    def inject(self, t: float, cell: Cell, change: float, order: int) -> None:
        if t <= 0:  # there before the run: neither an event nor a test
            cell.s["I_stim"] += change
        else:
            self.arrive(cell, t, Arrival("current", change, False, t, -1, cell.id, 0, -1, order))

    # -- the run ----------------------------------------------------------------------------------------------

    def push(self, t: float, kind: str, order: tuple[int, ...], do: Callable[..., None], *args: Any) -> None:
        if t > self.end or (t == self.end and not self.rules.duration_included):
            return
        if t < 0 or (t == 0 and kind != "probe"):
            raise ValueError(f"a {kind} event at {t}, but a run begins after 0")
        heapq.heappush(self.heap, (t, self.rules.rank(kind), order, next(self.serial), do, args))

    def run(self) -> dict[str, Any]:
        while self.heap:
            *_, do, args = heapq.heappop(self.heap)
            do(*args)
        sign = 1 if self.rules.spikes_by_id else -1
        self.spikes.sort(key=lambda e: (e[0], sign * e[1]))
        result = {
            "spikes": [(t * self.dt, *self.place[i], n) for t, i, n in self.spikes],
            "weights": self.weights(),
            "state": self.states(self.end),
            "probes": self.probes,
            "grazes": self.watch.grazes,
            "events": self.events,
        }
        if self.on_grid:
            result["spike_ticks"] = [(t, *self.place[i], n) for t, i, n in self.spikes]
        return result

    def arrive(self, cell: Cell, t: float, arrival: Arrival) -> None:
        cell.pending[t].append(arrival)
        if not self.on_grid:
            self.push(t, "cell", (cell.id,), self.due, cell, t)

    def tick(self, cell: Cell, t: int) -> None:
        self.push(t + 1, "cell", (cell.id,), self.tick, cell, t + 1)
        self.visit(cell, t)

    def due(self, cell: Cell, t: float) -> None:
        if t in cell.pending:
            self.visit(cell, t)

    def cross(self, cell: Cell, t: float, version: int) -> None:
        if version == cell.version:
            self.visit(cell, t, crossing=True)

    def graze(self, cell: Cell, version: int) -> None:
        self.watch.grazes += version == cell.version

    def look(self, cell: Cell, t: float, version: int) -> None:
        """Exact mode: foresee the next crossing from t on, a stretch at a time."""
        start = max(t, cell.free_at)
        if version != cell.version or not cell.model.threshold or start >= self.end:
            return
        model, p, V_th = cell.model, cell.p, cell.p[cell.model.threshold]
        highest, bend = model.reach(cell.at(start), p)
        if highest < V_th - 1e-6:
            return
        stop = min(start + p["tau_m"], *(start + p[f"tau_syn_{k}"] for k in model.synapses), self.end)

        @functools.cache
        def V(t: float) -> tuple[float, float]:
            s = cell.at(t)
            return s["V_m"], model.slope(s, p)

        found, grazed = first_crossing(V, bend, start, stop, V_th)
        if grazed is not None:
            self.push(grazed, "cell", (cell.id,), self.graze, cell, version)
        if found is not None:
            self.push(found, "cell", (cell.id,), self.cross, cell, found, version)
        else:
            self.push(stop, "cell", (cell.id,), self.look, cell, stop, version)

    def visit(self, cell: Cell, t: float, crossing: bool = False) -> None:
        """One instant of a cell: propagate, add the sums, test once, reset, emit."""
        model, p = cell.model, cell.p
        arrivals = sorted(cell.pending.pop(t, ()), key=lambda a: self.rules.sum_key(a, self.on_grid))
        self.events += sum(a.projection >= 0 for a in arrivals)
        late = self.on_grid and not self.rules.propagate_first
        s = dict(cell.s) if late else self.propagated(cell, cell.s, t)
        before = s.get("V_m", 0.0)
        if arrivals and not self.on_grid:
            self.watch_times(cell, t, arrivals, before)
        count = 0
        for group in [arrivals] if self.rules.sum_before_test else [[a] for a in arrivals] or [[]]:
            sums: dict[str, float] = defaultdict(float)
            for a in group:
                sums[a.receptor] += a.value
            emitted = model.receive(s, p, sums, self.rules.refractory(t, cell.free_at), self.watch, cell.draw)
            s = self.propagated(cell, s, t) if late else s
            if model.threshold and not crossing:
                self.watch.near_threshold(s["V_m"], p[model.threshold], before)
            emitted += model.fires(s, p, self.watch)
            if emitted:
                cell.unreset, cell.spiked = dict(s), t
                cell.free_at = t + self.instant(p.get("t_ref", 0.0))
                model.reset(s, p)
                count += emitted
        cell.s, cell.t, cell.version = s, t, cell.version + 1
        self.shown[cell.id].append(dict(s))
        if count:
            self.spikes.append((t, cell.id, count))
            self.emit(cell.id, t, count, cell.unreset)
        if not self.on_grid:
            self.look(cell, t, cell.version)

    def propagated(self, cell: Cell, s: State, t: float) -> State:
        return cell.model.advance(s, cell.p, self.dt, t <= cell.free_at) if self.on_grid else cell.at(t)

    def watch_times(self, cell: Cell, t: float, arrivals: list[Arrival], before: float) -> None:
        if cell.model.threshold:
            self.watch.near_threshold(before, cell.p[cell.model.threshold], before)
        if any(a.receptor == "delta" for a in arrivals):
            self.watch.near(t, cell.spiked)
            self.watch.near(t, cell.free_at)

    def emit(self, source: int, t: float, count: int, unreset: State) -> None:
        """Everything that a spike sets going; `unreset` is its cell's state just before the reset."""
        self.history[source].append((t, count))
        for syn in self.outgoing[source]:
            old = syn.weight
            self.hook(syn, "on_pre", t, {"count": count}, self.past(syn.target, t - syn.delay))
            weight = syn.weight if self.rules.weight_after_on_pre else old
            if hasattr(syn.rule, "transmit"):
                weight = syn.rule.transmit(weight, self.of_synapse(syn, "transmit", t))
            value, place = count * weight, (source, syn.target, syn.delay, syn.projection, syn.ordinal)
            self.arrive(self.cells[syn.target], t + syn.delay, Arrival(syn.receptor, value, syn.early, t, *place))
        for syn in self.incoming[source]:
            at, seen = self.rules.seen_at(t, syn.delay), {**unreset, "count": count}
            self.push(at, "on_post", (syn.projection, syn.ordinal), self.hook, syn, "on_post", at, {}, seen)
        for name, d in self.network.get("signals", {}).items():
            if d.get("population") == self.place[source][0]:
                at = t + self.delay(d["delay"], name)
                self.push(at, "signal", self.signal_order(name, source), self.signal, name, at, float(count))

    # -- plasticity -------------------------------------------------------------------------------------------

    def signal_order(self, name: str, source: int) -> tuple[int, int]:
        rank = sorted(self.network["signals"]).index(name)
        return (rank, source) if self.rules.signals_by_name else (-rank, -source)

    def signal(self, name: str, t: float, value: float) -> None:
        for k, projection in enumerate(self.names):
            plasticity = self.network["projections"][projection].get("plasticity") or {}
            if name in plasticity.get("signals", ()):
                for syn in self.synapses[k]:
                    self.hook(syn, "on_signal", t, self.reading(syn.source, t), self.reading(syn.target, t), value)

    def reading(self, cell_id: int, t: float) -> State:
        """Variables of a neuron at t, or of an input each register's latest entry up to t (0 before the first)."""
        if cell_id in self.cells:
            cell = self.cells[cell_id]
            return dict(cell.s) if self.on_grid else cell.at(t)
        name, index = self.place[cell_id]
        registers: State = {}
        for register, entries in self.network["inputs"][name].get("registers", {}).items():
            past = [(self.instant(time), n, v) for n, (time, i, v) in enumerate(entries) if i == index]
            registers[register] = max((e for e in past if e[0] <= t), default=(0, 0, 0.0))[2]
        return registers

    def past(self, cell_id: int, tick: float) -> State:
        """State of a neuron at the end of a tick, before the run what it was at the beginning (grid)."""
        return dict(self.shown[cell_id][max(0, int(tick))]) if self.on_grid else {}

    def of_synapse(self, syn: Synapse, hook: str, t: float) -> SimpleNamespace:
        """What a hook called at t sees of its synapse: states decayed until then, and random numbers."""
        states = getattr(syn.rule, "states", {})
        lapse = (t - syn.states_at) * self.dt
        seen = {n: syn.states[n] * (math.exp(-lapse / tau) if tau else 1.0) for n, (_, tau) in states.items()}
        own = t - syn.delay if hook == "on_post" else t
        place = ("on_pre", "on_post", "on_signal", "transmit").index(hook)
        for k, name in enumerate(getattr(syn.rule, "randoms", ())):
            stream = f"{self.names[syn.projection]}/learning"
            seen[name] = uniform(self.network["seed"], stream, syn.ordinal, int(own), 16 * place + k)
        return SimpleNamespace(**seen)

    def trace(self, cell_id: int, now: float, delay: float, tau: float, nearest: bool) -> float:
        """Trace of a cell's spikes as a synapse sees it `now`: + count at each spike, exp(-t / tau) between."""
        value, last = 0.0, None
        for t, count in self.history[cell_id]:
            seen = self.rules.seen_at(t, delay) if delay else t
            if not self.on_grid:
                self.watch.near(seen, now)
            if not self.rules.earlier(seen, now):
                break
            value = count + (0.0 if last is None else value * math.exp(-(t - last) * self.dt / tau))
            value = 1.0 if nearest else value
            last = t
        share = delay if self.rules.delay_dendritic else 0
        return 0.0 if last is None else value * math.exp(-(now - share - last) * self.dt / tau)

    def hook(self, syn: Synapse, name: str, t: float, of_pre: State, of_post: State, *value: float) -> None:
        """Let the rule change one synapse at t, then clip and round the weight."""
        hook = getattr(syn.rule, name, None)
        if hook is None:
            return
        for side, cell_id, delay, seen in (("pre", syn.source, 0, of_pre), ("post", syn.target, syn.delay, of_post)):
            for trace, tau in getattr(syn.rule, f"traces_{side}", {}).items():
                seen[trace] = self.trace(cell_id, t, delay, tau, trace in getattr(syn.rule, "nearest", ()))
        states, held = getattr(syn.rule, "states", {}), self.of_synapse(syn, name, t)
        pre, post = (Seen(where=self.place[i][0], **seen) for i, seen in ((syn.source, of_pre), (syn.target, of_post)))
        result = hook(syn.weight, pre, post, held, *value)
        w, *after = result if states else (result,)
        syn.states, syn.states_at = dict(zip(states, after, strict=True)), t
        w = max(syn.low, min(w, syn.high)) if self.rules.clip_after_every_hook else w
        syn.weight = float(np.float32(w)) if self.rules.round_after_every_hook else float(w)

    # -- reading ----------------------------------------------------------------------------------------------

    def probe(self, t: float) -> None:
        self.probes.append({"time": t * self.dt, "state": self.states(t), "weights": self.weights()})

    def weights(self) -> dict[str, list[float]]:
        return {name: [syn.weight for syn in self.synapses[k]] for k, name in enumerate(self.names)}

    def states(self, t: float) -> dict[str, dict[str, list[float]]]:
        found: dict[str, dict[str, list[float]]] = {}
        for cell_id in sorted(self.cells):
            cell = self.cells[cell_id]
            before_reset = cell.spiked == t and not self.rules.record_after_reset
            for variable, value in (cell.unreset if before_reset else self.reading(cell_id, t)).items():
                found.setdefault(cell.population, {}).setdefault(variable, []).append(value)
        return found


def simulate(network: dict[str, Any], rules: Rules = CONTRACT) -> dict[str, Any]:
    """Run the network (see the top of this file) under the contract's rules, or others (see Rules.flipped)."""
    return Simulation(network, rules).run()
