"""Code of one step of equations that have no closed form, on the grid, by a stated method.

Variables that are linear and driven by each other alone (synaptic currents) are exact, at the stages too. What stands
still while refractory has a slope of 0 then.
"""

from __future__ import annotations

from collections.abc import Callable

from neuromorph.equations.algebra import sympy, written
from neuromorph.equations.closed import Answers, advanced
from neuromorph.equations.expressions import Expression, parse
from neuromorph.equations.linear import Flow
from neuromorph.equations.system import System
from neuromorph.errors import PluginError, Problem

#: method -> (order, times of its stages in steps)
METHODS: dict[str, tuple[int, tuple[float, ...]]] = {
    "rk4": (4, (0.0, 0.5, 0.5, 1.0)),
    "heun": (2, (0.0, 1.0)),
    "euler": (1, (0.0,)),
    "exponential_euler": (1, (0.0,)),
}
WORDS = {
    "rk4": "classical Runge-Kutta", "heun": "Heun's method", "euler": "Euler's method",
    "exponential_euler": "exponential Euler",
}  # fmt: skip


class Step:
    """The hook `propagate` of a model that is not linear.

    flow : of the variables that are exact
    """

    def __init__(self, system: System, flow: Flow | None, method: str) -> None:
        self.system, self.method = system, method
        self.exact = list(flow.variables) if flow else []
        self.moved = [n for n in system.variables if n not in self.exact]
        self.flow = flow
        self.order, self.stages = METHODS[method]
        self.answers: dict[str, list[Answers]] = {}  # by what the step is called: half_ or ""
        self._held = {name for name in system.clamped if name in self.moved}

    def slopes(self) -> list[str]:
        """The function that the stages call: the right-hand sides as they were written."""
        system = self.system
        names = {name: system.local(name) for name in system.variables}
        names = system.names(**names)
        chosen = [system.slopes[n] for n in self.moved]
        lines = system.auxiliary_lines(chosen, names)
        values = []
        for name in self.moved:
            text = system.text(system.slopes[name], names, by=system.units[name].factor)
            lines.append(f"d_{name} = {text}")
            values.append(f"0.0 if clamped else d_{name}" if name in self._held else f"d_{name}")
        lines.append(f"return {', '.join(values)}{',' if len(values) == 1 else ''}")
        arguments = ", ".join(names[n] for n in system.variables)
        return ["@kernel(forceinline=True)", f"def _slopes({arguments}, p, clamped):", *(f"    {x}" for x in lines)]

    def propagate(self) -> list[str]:
        """Body of the hook."""
        lines = ["h = c.step"]
        at = {0.0: {n: f"s.{n}" for n in self.exact}}
        for time in dict.fromkeys(self.stages + (1.0,)):
            if time > 0.0:
                at[time] = self._exact_at(time, lines)
        if self.method == "exponential_euler":
            lines += self._exponential()
        else:
            lines += self._stages(at)
        new = {n: self.system.local(n) for n in self.moved} | at[1.0]
        values = [new[n] for n in self.system.variables]
        return [*lines, f"return {', '.join(values)}{',' if len(values) == 1 else ''}"]

    def _exact_at(self, time: float, lines: list[str]) -> dict[str, str]:
        """Code of the exact variables at a stage; lines define those that change."""
        if self.flow is None:
            return {}
        prefix = "half_" if time == 0.5 else ""
        clamped = [n for n in self.system.clamped if n in self.exact]
        answers, more, found = advanced(
            self.flow, clamped, self.exact, lambda n: f"s.{n}", self.system.names(), lambda n: f"c.{prefix}{n}"
        )
        self.answers[prefix] = answers
        lines += [line for line in more if line not in lines]
        for n, text in found.items():
            if text != f"s.{n}":
                found[n] = f"{prefix}{self.system.local(n)}"
                lines.append(f"{found[n]} = {text}")
        return found

    def _stages(self, at: dict[float, dict[str, str]]) -> list[str]:
        lines: list[str] = []
        for k, time in enumerate(self.stages, 1):
            state = {n: f"s.{n}" for n in self.moved} if k == 1 else {
                n: f"s.{n} + {_share(time)}h * k{k - 1}_{n}" for n in self.moved
            }  # fmt: skip
            state |= at[time]
            arguments = ", ".join(state[n] for n in self.system.variables)
            targets = ", ".join(f"k{k}_{n}" for n in self.moved)
            lines.append(f"{targets}{',' if len(self.moved) == 1 else ''} = _slopes({arguments}, p, clamped)")
        for n in self.moved:
            lines.append(f"{self.system.local(n)} = s.{n} + {self._sum(n)}")
        return lines

    def _sum(self, n: str) -> str:
        if self.method == "rk4":
            return f"h / 6.0 * (k1_{n} + 2.0 * (k2_{n} + k3_{n}) + k4_{n})"
        if self.method == "heun":
            return f"0.5 * h * (k1_{n} + k2_{n})"
        return f"h * k1_{n}"

    def _exponential(self) -> list[str]:
        """Each variable as if all else stood still: x + slope h (e^(b h) - 1)/(b h), b = d slope/dx."""
        system, lines = self.system, []
        arguments = ", ".join(f"s.{n}" for n in system.variables)
        targets = ", ".join(f"k1_{n}" for n in self.moved)
        lines.append(f"{targets}{',' if len(self.moved) == 1 else ''} = _slopes({arguments}, p, clamped)")
        names = system.names()
        lines += system.auxiliary_lines([system.slopes[n] for n in self.moved], names)
        for n in self.moved:
            text = f"relative_exp(h * ({self._own_rate(n, names)}))"
            lines.append(f"{system.local(n)} = s.{n} + h * k1_{n} * {text}")
        return lines

    def _own_rate(self, name: str, names: dict[str, str]) -> str:
        system = self.system
        y = system.symbols[name]
        slope = sympy().expand(system.slope(name))
        own = slope.diff(y)
        if y in own.free_symbols:
            what = f"d{name}/dt is not linear in {name}, as exponential_euler needs it"
            raise PluginError(Problem(what, f"{system.spec.name}: method", fix="Use rk4, heun or euler."))

        def opaque(text: str) -> str:
            return system.text(Expression(parse(text, name), text, None, frozenset()), names)

        return written(own, names, opaque=opaque)

    def coefficients(self, lines: Callable[[list[Answers], str, str], list[tuple[str, str]]]) -> list[tuple[str, str]]:
        """(name, code) of what depends on the step alone; `lines` writes those of answers for a step of that code."""
        found = [("step", "h")]
        for prefix, answers in self.answers.items():
            found += lines(answers, "0.5 * h" if prefix else "h", prefix)
        return found


def _share(time: float) -> str:
    return "" if time == 1.0 else f"{time} * "
