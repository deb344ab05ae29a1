"""What plastic synapses do with the signals of a minibatch: events by example, tasks for threads."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.kernels.plastic import push
from neuromorph.kernels.plastic_lines import variable_names
from neuromorph.kernels.steps import Step, make_step

if TYPE_CHECKING:
    from neuromorph.engine.learning import PlasticPart

#: what a thread takes at once: rows of a projection, examples whose changes are listed
ROWS, EXAMPLES = 32, 8


class Events:
    """Events of some signals, for all synapses that listen to these: the example, the tick and the value of each."""

    def __init__(self, signals: Collection[str], size: int) -> None:
        self._signals, self.n = frozenset(signals), 0
        self.columns = {"which": np.zeros(size, np.int64), "at": np.zeros(size, np.int64), "value": np.zeros(size)}

    def take(self, events: list[tuple[int, int, float, str]]) -> None:
        """Keep those that are listened to, and how many they are."""
        mine = [event[:3] for event in events if event[3] in self._signals]
        self.n = len(mine)
        for column, values in zip(self.columns.values(), zip(*mine)):
            column[: self.n] = values


class Learner:
    """A plastic part, and the events of signals that it learns from next."""

    def __init__(
        self,
        projection: Any,
        part: PlasticPart,
        columns: Any,
        results: NDArray[np.float64],
        heard: Events,
        momentum: float,
    ) -> None:
        self.part = part
        self.heard = heard
        size = results.shape[0]
        names = [(projection.source, v) for v in part.pre_variables]
        names += [(projection.target, v) for v in part.post_variables]
        places = {f"{v}_at": columns[at] for v, at in zip(variable_names(part.plasticity.rule), names)}
        shown = {"results": results, **places}
        shown |= {"every_changed": np.zeros((size, part.n_post), np.int64), "n_every": np.zeros(size, np.int64)}
        self._listing = self._step("list_changed", "a, b", shown)
        self._learning = self._step("signals", "a, b, c", heard.columns | shown)
        self._rows = _tasks(self._learning, part.n_pre, ROWS)
        part.previous = part.weight.copy() if momentum else part.previous
        self._pushing = self._push(momentum) if momentum else None
        #: whether momentum has to be added before the next events
        self.waits_for_push = False
        self._lists: dict[int, NDArray[np.int64]] = {}  # by number of examples

    def _step(self, name: str, bounds: str, values: dict[str, Any]) -> Step:
        values = values | self.part.arguments(name)
        return make_step(getattr(self.part.module, name), f"{name}({bounds}, {', '.join(values)})", values)

    def pushes(self) -> NDArray[np.int64]:
        """Tasks that add momentum, once a minibatch."""
        assert self._pushing is not None
        self.waits_for_push = False
        return _tasks(self._pushing, self.part.n_pre, ROWS)

    def begin(self) -> None:
        """A minibatch begins."""
        self.waits_for_push = self._pushing is not None

    def _push(self, momentum: float) -> Step:
        p = self.part.plasticity
        values = {"row": self.part.rows.row, "weight": self.part.weight, "previous": self.part.previous}
        values |= {"momentum": momentum, "w_min": p.w_min, "w_max": p.w_max}
        return make_step(push, f"push(a, b, {', '.join(values)})", values)

    def lists(self, n: int) -> NDArray[np.int64]:
        """Tasks that list the cells that each of n examples has changed."""
        if n not in self._lists:
            self._lists[n] = _tasks(self._listing, n, EXAMPLES)
        return self._lists[n]

    def rows(self) -> NDArray[np.int64]:
        """Tasks that change rows of weights."""
        self._rows[:, 4] = self.heard.n
        return self._rows


def _tasks(step: Step, n: int, portion: int) -> NDArray[np.int64]:
    """Rows (address, table, low, high, number of events) that share 0..n-1 out in portions."""
    low = np.arange(0, n, portion)
    tasks = np.empty((low.size, 5), np.int64)
    tasks[:, :2], tasks[:, 2], tasks[:, 3], tasks[:, 4] = step.pair, low, np.minimum(low + portion, n), 0
    return tasks
