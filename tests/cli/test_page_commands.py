"""neuromorph report and neuromorph view: what they write, print and refuse, and how a view ends."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from pathlib import Path

import h5py
import pytest

from page_traces import recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture
def trace(folder) -> Path:
    return recorded(folder / "a.h5")


def test_report_writes_a_page_and_says_where(call, trace):
    assert call("report", "a.h5", "-o", "a.html") == (0, "a.html\n", "")
    assert "neuromorph run tiny.toml" in Path("a.html").read_text()
    assert call("report", "a.h5", "-o", "a.html", "--force", "--start", 10, "--stop", 20).code == 0


def test_report_refuses(refused, trace):
    Path("there.html").write_text("mine")
    assert "the file exists already" in refused("report", "a.h5", "-o", "there.html")
    assert "a page is a file of HTML" in refused("report", "a.h5", "-o", "a.pdf")
    assert "the interval is empty" in refused("report", "a.h5", "-o", "a.html", "--start", 500)
    assert "Missing option '-o'" in refused("report", "a.h5")
    for command in (["report", "-o", "a.html"], ["view", "--no-browser"]):
        assert "no such file" in refused(*command, "none.h5")
        assert "not an HDF5 file" in refused(*command, "there.html")


@pytest.mark.parametrize("command", [["report", "-o", "a.html"], ["view", "--no-browser"]])
def test_a_file_of_a_newer_schema_is_refused(refused, trace, command):
    with h5py.File(trace, "r+") as file:
        file.attrs["schema_version"] = 99
    assert "unknown schema version, found 99" in refused(*command, "a.h5")


def test_view_refuses(refused, trace):
    assert "cannot listen there" in refused("view", "a.h5", "--host", "192.0.2.1")
    assert "is not in the range" in refused("view", "a.h5", "--port", 99999)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_view_is_served_until_somebody_stops_it(start, trace, number):
    process = start("view", "a.h5", "--no-browser")
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address + "status", timeout=20) as answer:
        assert json.load(answer)["spikes"] == 1200
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_another_interface_is_warned_of(start, trace):
    process = start("view", "a.h5", "--no-browser", "--host", "0.0.0.0")
    assert process.stdout.readline().startswith("http://0.0.0.0:")
    process.send_signal(signal.SIGINT)
    warning = process.communicate(timeout=20)[1]
    assert "warning: other machines can reach 0.0.0.0; whoever has the address below can read this trace" in warning


def test_a_browser_is_opened_where_there_is_a_screen(start, trace, folder):
    """A browser that writes down which address it was told."""
    browser = folder / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {folder}/told\n")
    browser.chmod(0o755)
    process = start("view", "a.h5", env={"DISPLAY": ":7", "BROWSER": str(browser), "PATH": os.environ["PATH"]})
    address = process.stdout.readline()
    for _ in range(200):
        if (folder / "told").exists() and (folder / "told").read_text():
            break
        signal.sigtimedwait([], 0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert (folder / "told").read_text() == address
