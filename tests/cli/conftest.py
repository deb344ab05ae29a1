"""The command line in this process (fast) or in one of its own (signals, pipes, terminals)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import neuromorph
import neuromorph_cli
import neuromorph_plugins
from neuromorph.learning import registry as rules
from neuromorph.models import registry as models
from neuromorph_cli.main import main

#: three cells that a Poisson input keeps busy, and a cell that they drive; every value in a line of its own
NETWORK = """\
[network]
name = "tiny"
[run]
duration = "50 ms"
resolution = 0.1
seed = 3
[populations.E]
model = "lif_delta"
size = 3
params = { tau_m = "20 ms", V_th = -55.0 }
[populations.I]
model = "lif_delta"
[inputs.noise]
model = "poisson"
size = 3
params = { rate = "8 kHz" }
[[projections]]
source = "noise"
target = "E"
rule = "one_to_one"
weight = 0.5
delay = 1.0
[[projections]]
source = "E"
target = "I"
rule = "all_to_all"
weight = 4.0
delay = "1.5 ms"
"""


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with one network file, tiny.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(NETWORK)
    return tmp_path


@pytest.fixture
def network(folder: Path) -> Callable[..., str]:
    """Write tiny.toml with some lines replaced, each of which it must have."""

    def write(*changes: tuple[str, str], name: str = "changed.toml") -> str:
        text = NETWORK
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (folder / name).write_text(text)
        return name

    return write


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Answer]]:
    """Run the command line in this process; plugins are forgotten at the end of the test."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as left:  # the completion of a shell leaves so
            code = int(left.code or 0)
        return Answer(code, *capsys.readouterr())

    with rules.registry.override({}), models.registry.override({}):
        yield run


@pytest.fixture
def refused(call: Callable[..., Answer]) -> Callable[..., str]:
    """Run a command that must be refused; returns its message.

    Exit code 2, nothing on standard output, paragraphs without a traceback, and not a file more or less than before.
    """

    def run(*arguments: object) -> str:
        before = contents()
        answer = call(*arguments)
        assert answer.code == 2, answer
        assert answer.out == ""
        lines = answer.err.splitlines()
        assert lines
        assert all(line.startswith("neuromorph: ") for line in lines), answer.err
        assert "Traceback" not in answer.err
        assert contents() == before
        return answer.err

    return run


def contents() -> dict[str, bytes | None]:
    """Every file and folder of the working directory; what Python caches aside."""
    found = [p for p in Path().rglob("*") if "__pycache__" not in p.parts]
    return {str(p): p.read_bytes() if p.is_file() else None for p in found}


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `neuromorph` as a process; it is killed when the test ends."""
    processes = []
    packages = (neuromorph, neuromorph_cli, neuromorph_plugins)
    path = os.pathsep.join(str(Path(str(package.__file__)).parents[1]) for package in packages)

    def run(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "neuromorph_cli", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path, **options.pop("env", {})}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        processes.append(subprocess.Popen(command, env=environment, **pipes))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.wait()
