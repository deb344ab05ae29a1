"""The run of a trace that a command is given."""

from __future__ import annotations

from neuromorph.recorded import RecordedRun as RecordedRun
from neuromorph.recorded import network_of as network_of
from neuromorph_cli import options


def read(trace: str) -> RecordedRun:
    """What a trace says of its run, with what was given as --record."""
    from neuromorph import recorded

    return recorded.read(trace, options.record)
