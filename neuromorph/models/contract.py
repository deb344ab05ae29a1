"""What a neuron model and an input declare. Built-in models keep to this like a stranger's.

A model is a class of declarations and small pure functions (hooks). The hooks are inlined into a generated
kernel that loops over the cells of a population, so they take and return scalars only:

    class Lif(NeuronModel):
        tau_m = Param(10.0, "ms", above=0)
        V_m = Variable("mV", "E_L")               # initial value: a number or the name of a parameter
        receptors = (Receptor("delta", "mV"),)

Hooks (static; `s` the variables, `p` the parameters, `x` the arrivals of this instant summed per receptor,
`c` the coefficients, each with the declared names; `r` the cell's random stream). Each that returns a state
returns a tuple of all variables in order of declaration.

| hook | does | needed |
|---|---|---|
| coefficients(p, h) | numpy: values that depend on the step h (ms) alone; names in `coefficient_names` | grid |
| propagate(s, c, p, clamped) | one step of length h without arrivals | grid |
| advance(s, h, p, clamped) | h ms in closed form without arrivals | exact |
| crossing(s, h, p) | ms until V reaches V_th, inf if never or later than h; the value must not depend on h | exact |
| decays(h, p) | what `advance` needs of h: a tuple, many at a time in SIMD; names in `decay_names` | no |
| advance_by(s, h, decays, p, clamped) | `advance` given those, bit for bit the same | with `decays` |
| quiet(s, p) | ms for which there is surely no crossing, cheap, no branches: spares most calls of `crossing` | no |
| receive(s, x, p, refractory, r) | add the arrivals of one instant | always |
| fires(s, p) | spikes emitted at this instant (0: none) | always |
| reset(s, p) | state after those spikes | always |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from neuromorph.parameters import Param, declared

#: version of this contract
API = 1


@dataclass(frozen=True)
class Variable:
    """A state variable: canonical unit and initial value (a number, or the name of a parameter).

    `kept` variables survive a reset: they count random draws. `running` ones go on from one example to the next, as
    means do: of a minibatch (engine/minibatch.py) the changes are added up.
    """

    unit: str = "1"
    initial: float | str = 0.0
    doc: str = ""
    kept: bool = False
    running: bool = False


@dataclass(frozen=True)
class Receptor:
    """Where a projection arrives: its unit, and which signs of weight it takes.

    `sign`: +1 takes weights >= 0 and is the default for them, -1 takes weights <= 0 and is the default for
    them, 0 takes every weight. `explicit` receptors are used only where the projection names them.
    `into` promises that `receive` adds an arrival to this variable and does nothing else with it, and that neither
    `fires` nor `reset` knows the variable: arrivals may then be added there one by one.
    `gate`: (variable, receptor), the promise that arrivals change nothing while the variable is 0 and nothing arrives
    at that receptor, which alone opens the gate.
    """

    name: str
    unit: str
    sign: int = 0
    explicit: bool = False
    doc: str = ""
    into: str = ""
    gate: tuple[str, str] | None = None


class NeuronModel:
    """Base class of neuron models."""

    api: ClassVar[int] = API
    name: ClassVar[str] = ""
    receptors: ClassVar[tuple[Receptor, ...]] = ()
    resolutions: ClassVar[tuple[str, ...]] = ("exact", "grid")
    coefficient_names: ClassVar[tuple[str, ...]] = ()
    #: what `decays` returns; names have no meaning beside their number
    decay_names: ClassVar[tuple[str, ...]] = ()
    #: `crossing` costs the same however far ahead it looks
    closed_crossing: ClassVar[bool] = False
    #: name of the parameter that holds the refractory period (ms); "" for none
    refractory: ClassVar[str] = "t_ref"
    #: parameters that choose between ways of working: kernels are compiled for their value where all cells share it
    switches: ClassVar[tuple[str, ...]] = ()
    #: promise that without arrivals nothing changes and nothing fires: such ticks of the grid are passed over
    rests: ClassVar[bool] = False
    equations: ClassVar[str] = ""
    source: ClassVar[str] = ""

    @classmethod
    def parameters(cls) -> dict[str, Param]:
        """Declared parameters by name."""
        return declared(cls, Param)

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """Declared state variables by name."""
        return declared(cls, Variable)

    @classmethod
    def silent_between_arrivals(cls, parameters: dict[str, Any], initial: dict[str, Any], receptors: set[str]) -> bool:
        """Promise that cells below threshold fire at arrivals alone, and that `advance` holds on the grid as well.

        `parameters` and `initial` hold arrays by name, `receptors` the names of those that anything arrives at. Where
        arrivals are few, cells are then visited at ticks with an arrival only (an active list).
        """
        return False

    @staticmethod
    def coefficients(p: Any, h: float) -> Any:
        """Values that depend on the step alone, in order of `coefficient_names`."""
        return ()

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """Relations between parameters that must hold (such as V_reset < V_th), as sentences where broken."""
        return []


class InputModel:
    """Base class of inputs that emit spikes: a population without receptors.

    `prepare(params, size, clock, key)` returns a tuple of arrays, the whole mutable state of the input: `params` the
    parameters as arrays, `clock` the run's time (`unit` in ms, `exact`, `instants(times)`), `key` (seed, stream).
    `kernel(exact)` returns the kernel that emits: see kernels/inputs.py for its two signatures.
    """

    api: ClassVar[int] = API
    name: ClassVar[str] = ""
    equations: ClassVar[str] = ""
    source: ClassVar[str] = ""
    resolutions: ClassVar[tuple[str, ...]] = ("exact", "grid")
    #: array parameters beside the numbers: name -> (unit, what it holds)
    array_parameters: ClassVar[dict[str, tuple[str, str]]] = {}
    #: text parameters (file names, names of populations): name -> what it holds
    text_parameters: ClassVar[dict[str, str]] = {}
    #: variables that a rule may read of an input, such as the count of the current cycle
    registers: ClassVar[tuple[str, ...]] = ()
    #: parameters (ms) that on the grid are whole numbers of ticks -> what would fall between them
    in_ticks: ClassVar[dict[str, str]] = {}
    #: which arrays of `prepare` the kernels change; None: any of them
    changes: ClassVar[tuple[int, ...] | None] = None

    @classmethod
    def parameters(cls) -> dict[str, Param]:
        """Declared number parameters by name."""
        return declared(cls, Param)

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """What is wrong with the parameters together, as sentences; empty where nothing is."""
        return []

    @staticmethod
    def prepare(params: dict[str, Any], size: int, clock: Any, key: tuple[int, int]) -> tuple[Any, ...]:
        """Arrays of the input's state."""
        return ()

    @staticmethod
    def kernel(exact: bool) -> Any:
        """The kernel that emits the spikes of a window."""

    @staticmethod
    def due(arrays: tuple[Any, ...], tick: int) -> int:
        """First tick from `tick` on at which the input may emit (grid); until then its kernel is not called."""
        return tick

    @staticmethod
    def seek(arrays: tuple[Any, ...], clock: Any, now: tuple[int, float]) -> None:
        """Have what time alone says be so at an instant: a run goes on there, perhaps with other parameters."""

    @staticmethod
    def sound(arrays: tuple[Any, ...], clock: Any, base: int) -> bool:
        """Whether kernels may follow these arrays, which come from a checkpoint, at a time."""
        return True

    @staticmethod
    def register(arrays: tuple[Any, ...], name: str) -> Any:
        """A register as float64[size]."""


class CurrentModel:
    """Base class of inputs that inject a current (pA) into cells with a `current` receptor.

    A current is piecewise constant. A model overrides one of two: `steps(parameters, size)` returns all changes
    beforehand, as (times in ms, channels, new values in pA); `sample(parameters, size, tick, unit, key)` returns the
    values at a tick (float64[size], or None where nothing changes), on the grid only.
    """

    api: ClassVar[int] = API
    steps: ClassVar[Any] = None
    sample: ClassVar[Any] = None

    name: ClassVar[str] = ""
    equations: ClassVar[str] = ""
    source: ClassVar[str] = ""
    resolutions: ClassVar[tuple[str, ...]] = ("exact", "grid")
    array_parameters: ClassVar[dict[str, tuple[str, str]]] = {}
    text_parameters: ClassVar[dict[str, str]] = {}

    @classmethod
    def parameters(cls) -> dict[str, Param]:
        """Declared number parameters by name."""
        return declared(cls, Param)

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """What is wrong with the parameters together, as sentences; empty where nothing is."""
        return []
