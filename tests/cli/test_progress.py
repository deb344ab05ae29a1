"""What is drawn where standard error is a terminal."""

from __future__ import annotations

import os
import re
import signal

import pytest

from neuromorph_cli import text
from neuromorph_cli.progress import Progress


@pytest.fixture
def screen(start):
    """Run a command with a terminal for standard error; returns (exit code, standard output, what was drawn)."""
    pty = pytest.importorskip("pty")

    def run(*arguments, until: str = "", then: int = 0):
        reading, writing = pty.openpty()
        process = start(*arguments, stderr=writing, env={"TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": "1"})
        os.close(writing)
        drawn = ""
        while True:
            try:
                piece = os.read(reading, 4096).decode(errors="replace")
            except OSError:  # Linux says so where the other end is closed
                break
            if not piece:
                break
            drawn += piece
            if until and then and re.search(until, drawn):
                process.send_signal(then)
                then = 0
        os.close(reading)
        out = process.stdout.read()
        return process.wait(), out, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)

    return run


def test_a_run_draws_a_bar_with_rate_and_remaining_time(screen):
    bar = r"tiny [━╸╺ ]+ 0 % [\d:]+ left +[\d,]+ of 1,000,000,000 ms, [\d.]+ [Mk] events/s"
    code, out, drawn = screen("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9", until=r"left", then=signal.SIGINT)
    assert code == 130
    assert "tiny: building the network" in drawn
    assert re.search(bar, drawn), drawn
    assert "neuromorph: ended early, at " in drawn.splitlines()[-1]
    assert out.startswith("tiny\n  simulated ")
    assert "\x1b" not in out


def test_json_and_quiet_on_a_terminal(screen):
    code, out, drawn = screen("run", "tiny.toml", "-o", "x.h5", "--json")
    assert (code, out[0], out[-2:]) == (0, "{", "}\n")
    assert "building" in drawn
    assert screen("run", "tiny.toml", "-o", "y.h5", "-q") == (0, "", "")


def test_learning_draws_epochs_and_images(screen):
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    code, out, drawn = screen(
        "learn", "digits", "--top-down", "fixed", "--hidden", "1200", "--epochs", "2", "--passes", "4", "-o", "x.h5"
    )
    assert code == 0
    assert out.startswith("digits, fixed top-down weights\n  test images ")
    assert re.search(r"fixed: epoch 2 of 2 ━+.* \d+ % \d:\d\d left [\d,]+ images/s", drawn), drawn
    assert re.search(r"fixed: epoch 1, \d+\.\d\d % right \(\d+ errors of 360\)\s*\n", drawn)


def test_no_bar_without_a_terminal(capsys):
    with Progress(True) as progress:
        progress.wait("a")
        assert not progress.due()
        progress.show("b", 0.5, "c")
        progress.line("d")
    with Progress(False) as progress:
        progress.line("e")
    assert capsys.readouterr() == ("", "d\n")


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (text.count, 1234567.4, "1,234,567"),
        (text.significant, 0.012345, "0.0123"),
        (text.significant, 12.0, "12"),
        (text.significant, 999.9, "1,000"),
        (text.significant, 12345.6, "12,346"),
        (text.milliseconds, 1000.5, "1,000.5 ms"),
        (text.milliseconds, 1e6 + 0.1, "1,000,000.1 ms"),
        (text.seconds, 0.1234, "0.12 s"),
        (text.seconds, 12.34, "12.3 s"),
        (text.seconds, 3725.2, "3,725 s (1:02:05)"),
        (text.clock, 125, "2:05"),
        (text.clock, 5, "0:05"),
    ],
)
def test_numbers_in_words(function, value, expected):
    assert function(value) == expected


def test_rates():
    assert [text.rate(n, 2.0) for n in (0, 1_000, 2_500_000, 4_000_000_000)] == ["0 k", "0.5 k", "1.25 M", "2,000 M"]


def test_columns_of_unknowns_and_texts(capsys):
    text.columns(["name", "n", "x"], [["a", 1000, None], ["long", 2, 0.5]])
    assert capsys.readouterr().out == "name      n    x\na     1,000    -\nlong      2  0.5\n"
