"""What a learning rule declares: the whole contract between a rule and the emulator.

    class PairSTDP(LearningRule):
        tau_plus, tau_minus = Param(20.0, "ms", above=0), Param(20.0, "ms", above=0)
        a_plus, a_minus = Param(0.01), Param(0.0105)
        x = Trace("pre", "tau_plus")
        y = Trace("post", "tau_minus")
        def on_pre(w, pre, post, p): return w - p.a_minus * post.y
        def on_post(w, pre, post, p): return w + p.a_plus * pre.x

A hook sees one synapse: its weight `w`, what is declared of the two cells (`pre`, `post`, and `pre.count` or
`post.count`, the spikes of this instant), the parameters `p`, the `value` of a signal, and `syn`, the declared
States and Randoms of the synapse. It returns the new weight, or (weight, state, ...) where States are declared.
Weights are stored as float32 and clipped to the projection's bounds after every hook; hooks compute in float64.
`transmit` returns what one spike of the source delivers, after its on_pre; without it that is the weight.
`rewire` says, every so often, whether the synapse is given up: it then grows anew from another source.

Time at the synapse (the delay is dendritic): a presynaptic spike is seen at its emission, a postsynaptic one a
delay after it. At equal instants on_post comes first, then on_pre, then on_signal; all see traces strictly earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neuromorph.contract_checks import hands_on, plain_function, uses
from neuromorph.parameters import Param, declared

API = 1
#: numbers that one hook may draw
MOST_RANDOMS = 16
#: hook -> arguments; `syn` follows where the rule declares a State or a Random
HOOKS: dict[str, tuple[str, ...]] = {
    "on_pre": ("w", "pre", "post", "p"),
    "on_post": ("w", "pre", "post", "p"),
    "on_signal": ("w", "pre", "post", "p", "value"),
    "transmit": ("w", "p"),
    "rewire": ("w", "pre", "post", "p"),
}


@dataclass(frozen=True)
class Trace:
    """A variable of the pre- or postsynaptic cell: + `step` x count at each of its spikes, exp(-t / tau) between.

    `nearest`: a spike sets it to `step`, whatever it was, so that the latest spike alone counts.
    """

    side: str
    tau: str
    step: float = 1.0
    nearest: bool = False


@dataclass(frozen=True)
class Variable:
    """A variable of the cell's model: read just before the reset in on_post (side post), or at the signal.

    In on_pre (side post, grid only) it is what the target had at the end of the tick one delay ago.
    """

    side: str
    name: str


@dataclass(frozen=True)
class State:
    """A variable of each synapse; with `tau` (the name of a parameter) it decays as exp(-t / tau) between hooks."""

    initial: float = 0.0
    tau: str = ""


@dataclass(frozen=True)
class Random:
    """A uniform number in [0, 1), new at each hook of each synapse at each instant, by counter.

    No order and no cut changes it. Signals of one instant share theirs.
    """


class LearningRule:
    """Base class of learning rules."""

    api: ClassVar[int] = API
    #: promise that on_signal leaves the synapse as it is wherever one of these is zero, as ("pre.n", "post.change")
    unchanged_when_zero: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def parameters(cls) -> dict[str, Param]:
        """Declared parameters by name."""
        return declared(cls, Param)

    @classmethod
    def traces(cls, side: str) -> dict[str, Trace]:
        """Declared traces of one side, `pre` or `post`."""
        return {n: t for n, t in declared(cls, Trace).items() if t.side == side}

    @classmethod
    def variables(cls, side: str) -> dict[str, Variable]:
        """Declared readings of model variables of one side."""
        return {n: v for n, v in declared(cls, Variable).items() if v.side == side}

    @classmethod
    def states(cls) -> dict[str, State]:
        """Declared synapse states by name."""
        return declared(cls, State)

    @classmethod
    def randoms(cls) -> tuple[str, ...]:
        """Names of the declared random numbers."""
        return tuple(declared(cls, Random))

    @classmethod
    def reads_past(cls) -> tuple[str, ...]:
        """Names of the target's Variables that on_pre reads: what they were a delay ago."""
        hook = plain_function(getattr(cls, "on_pre", None))
        if hook is None:
            return ()
        read = {use.attribute for use in uses(hook) if use.argument == "post"}
        every = hands_on(hook, "post")  # to a helper, which may read any of them
        return tuple(name for name in cls.variables("post") if every or name in read)

    @classmethod
    def hooks(cls) -> dict[str, object]:
        """The hooks that the rule defines, by name."""
        return {name: getattr(cls, name) for name in HOOKS if hasattr(cls, name)}

    @classmethod
    def waits_for_signals(cls) -> bool:
        """Whether weights change at signals alone, by what cells show then: such a rule can learn in minibatches."""
        return set(cls.hooks()) <= {"on_signal"} and not (cls.traces("pre") or cls.traces("post"))


class Unchanging(LearningRule):
    """No hooks: what a matrix of static synapses runs with."""
