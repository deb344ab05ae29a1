"""The server of neuromorph view without a browser: who may ask, what is refused, and what it says of a trace."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from neuromorph.errors import InputError, Problem
from neuromorph.report.server import windows as module
from neuromorph.report.server.serve import View
from neuromorph.traces import Trace, TraceWriter
from page_traces import description, fill, recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")

WHOLE = "start=0&stop=100"
BANDS = "bands=0:0:80:200,1:0:20:100"


@pytest.fixture(scope="module")
def view(tmp_path_factory) -> Iterator[View]:
    with Trace(recorded(tmp_path_factory.mktemp("view") / "a.h5")) as trace, View(trace) as served:
        yield served


@pytest.fixture
def ask(view) -> Callable[..., Any]:
    """(status, headers, body) of a GET; the path is below the token."""

    def get(path: str, token: str | None = None, host: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", view.port, timeout=20)
        headers = {} if host is None else {"Host": host}
        connection.request("GET", f"/{view.token if token is None else token}/{path}", headers=headers)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    return get


def wait_counted(view: View) -> None:
    for _ in range(400):
        status = view.windows.status()
        if status["counted"] == status["spikes"]:
            return
        time.sleep(0.02)
    pytest.fail("the spikes were not counted within 8 s")


def unpacked(body: bytes) -> list[dict[str, Any]]:
    """The strips of a frame with their arrays, read as the page reads them."""
    length = int.from_bytes(body[:4], "little")
    strips, at = json.loads(body[4 : 4 + length])["strips"], 4 + length
    assert at % 8 == 0
    for strip in strips:
        kinds = ("<f8", "<u4") if strip["kind"] == "marks" else ("<u4",)
        strip["data"] = []
        for kind, count in zip(kinds, strip["lengths"], strict=True):
            strip["data"].append(np.frombuffer(body, kind, count, at))
            at += -(-count * np.dtype(kind).itemsize // 8) * 8
    assert at == len(body)
    return strips


# -- who may ask -------------------------------------------------------------------------------------------------------


def test_the_address_is_loopback_and_holds_a_long_secret(view):
    assert view.address == f"http://127.0.0.1:{view.port}/{view.token}/"
    assert len(view.token) >= 32
    assert view._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("token", ["", "wrong", "x" * 32, "%00", "..", "%C3%A9"])
@pytest.mark.parametrize("path", ["", "status", f"frame?{WHOLE}&width=10&{BANDS}"])
def test_without_the_token_nothing_is_told(view, ask, token, path):
    status, _, body = ask(path, token=token)
    assert status == 403
    assert body == b"the address must hold the token that neuromorph view printed\n"


def test_bytes_that_are_no_text_are_no_token(view):
    with socket.create_connection(("127.0.0.1", view.port), timeout=20) as connection:
        connection.sendall(b"GET /\xff\xfe/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.0 403 ")


def test_part_of_the_token_is_not_the_token(view, ask):
    assert ask("", token=view.token[:-1])[0] == 403
    assert ask("", token=view.token + "a")[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_machine_is_refused(ask, host):
    """DNS rebinding: a site points its own name at 127.0.0.1 and its scripts would be of the same origin."""
    status, _, body = ask("status", host=host)
    assert status == 403
    assert body == b"this server answers to its own address only\n"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:80"])
def test_its_own_names_are_answered(ask, host):
    assert ask("status", host=host)[0] == 200


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc/passwd", "page.js", "status/..", "/etc/passwd"])
def test_no_file_is_served(ask, path):
    assert ask(path)[0] == 404


def test_only_reading_is_possible(view):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        connection = http.client.HTTPConnection("127.0.0.1", view.port, timeout=20)
        connection.request(method, f"/{view.token}/status")
        assert connection.getresponse().status == 501
        connection.close()


def test_headers_keep_the_page_to_itself(ask):
    headers = ask("")[1]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("panels", "start must be a number of ms"),
        ("panels?start=x&stop=1", "start must be a number of ms"),
        ("panels?start=0&stop=nan", "stop must be a number of ms within 1e15"),
        ("panels?start=0&stop=1e300", "stop must be a number of ms within 1e15"),
        ("panels?start=5&stop=5", "start must be below stop"),
        (f"frame?{WHOLE}&{BANDS}", "width must be a whole number from 1 to 8192"),
        (f"frame?{WHOLE}&width=0&{BANDS}", "width must be a whole number"),
        (f"frame?{WHOLE}&width=8193&{BANDS}", "width must be a whole number"),
        (f"frame?{WHOLE}&width=-1&{BANDS}", "width must be a whole number"),
        (f"frame?{WHOLE}&width=10", "bands must be strips INDEX:LOW:HIGH:HEIGHT of cells that there are"),
        (f"frame?{WHOLE}&width=10&bands=2:0:1:10", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands=0:0:81:10", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands=0:3:3:10", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands=0:0:80:99999", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands=0:0:80", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands=0:0:{'9' * 5000}:1", "bands must be strips"),
        (f"frame?{WHOLE}&width=10&bands={',' * 5000}", "bands must be at most 4096 strips"),
        ("status?" + "&".join(f"a{k}=1" for k in range(30)), "number of fields exceeded"),
    ],
)
def test_bad_numbers_are_refused_with_the_reason(ask, path, words):
    status, _, body = ask(path)
    assert status == 400
    assert words.lower() in body.decode().lower()


def test_a_port_that_is_taken(view):
    with pytest.raises(
        InputError, match="cannot listen there: Address already in use, found .*Choose another with --port"
    ):
        View(view.windows.trace, port=view.port)


def test_a_host_that_is_not_this_machine(view):
    with pytest.raises(InputError, match="cannot listen there: .*--host is an address of this machine"):
        View(view.windows.trace, host="192.0.2.1")


def test_a_file_that_breaks_is_told(view, ask, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise InputError("the file is damaged")

    monkeypatch.setattr(view.windows.trace, "spikes", broken)
    status, _, body = ask("panels?start=1&stop=2")
    assert (status, body) == (500, b"the file is damaged\n")


# -- what it says ------------------------------------------------------------------------------------------------------


def test_status(view, ask):
    wait_counted(view)
    assert json.loads(ask("status")[2]) == {
        "status": "complete", "running": False, "simulated_ms": 100.0, "spikes": 1200, "counted": 1200, "error": "",
    }  # fmt: skip


def test_marks_are_the_spikes_of_the_window(view, ask):
    strips = unpacked(ask("frame?start=10&stop=20&width=1000&bands=0:10:50:200,1:0:20:100")[2])
    times, ids = view.windows.trace.spikes("E", 10.0, 20.0)
    inside = (ids >= 10) & (ids < 50)
    assert [strip["kind"] for strip in strips] == ["marks", "marks"]
    np.testing.assert_array_equal(strips[0]["data"][0], times[inside])
    np.testing.assert_array_equal(strips[0]["data"][1], ids[inside])
    assert strips[1]["lengths"] == [0, 0]


def test_an_image_counts_the_spikes_of_each_pixel(view, ask, monkeypatch):
    monkeypatch.setattr(module, "MARKS", 0)
    strip = unpacked(ask("frame?start=0&stop=50&width=25&bands=0:0:80:16")[2])[0]
    assert (strip["kind"], strip["rows"], strip["low"], strip["high"]) == ("image", 16, 0, 80)
    times, ids = view.windows.trace.spikes("E", 0.0, 50.0)
    expected = np.zeros((16, 25), np.int64)
    np.add.at(expected, ((79 - ids) // 5, np.floor(times / 2.0 + 1e-6).astype(int)), 1)
    np.testing.assert_array_equal(strip["data"][0].reshape(16, 25), expected)


def test_the_density_has_the_spikes_of_the_image(view, ask, monkeypatch):
    """With more spikes than are read one by one, rows and columns hold the same sums."""
    wait_counted(view)
    path = "frame?start=0&stop=50&width=25&bands=0:0:80:16"
    monkeypatch.setattr(module, "MARKS", 0)
    exact = unpacked(ask(path)[2])[0]["data"][0].reshape(16, 25)
    monkeypatch.setattr(module, "EXACT", 10)
    strip = unpacked(ask(path)[2])[0]
    found = strip["data"][0].reshape(strip["rows"], 25)
    assert found.sum() == exact.sum() == 800
    # bins are a fraction of a pixel wide: a spike may be in the next one
    np.testing.assert_allclose(np.cumsum(found.sum(axis=0)), np.cumsum(exact.sum(axis=0)), atol=5)
    np.testing.assert_array_equal(found.sum(axis=1), exact.sum(axis=1))


@pytest.mark.parametrize("exact", [10**9, 10])
def test_rates_are_those_of_the_spikes(view, ask, monkeypatch, exact):
    wait_counted(view)
    monkeypatch.setattr(module, "EXACT", exact)
    rates = json.loads(ask(f"panels?{WHOLE}")[2])["rates"]
    for (name, size), rate in zip({"E": 80, "I": 20}.items(), rates, strict=True):
        x, y = np.array(rate["x"])[::2], np.array(rate["y"])[::2]
        widths = np.diff([*x, rate["x"][-1]])
        expected = view.windows.trace.counts[name] / size / 0.1
        assert (y * widths).sum() / 100.0 == pytest.approx(expected, rel=0.02)


def test_states_are_the_readings(view, ask):
    (state,) = json.loads(ask("panels?start=10&stop=20")[2])["states"]
    expected = view.windows.trace.state("E", "V_m", 10.0, np.nextafter(20.0, 21.0))
    np.testing.assert_allclose(state["x"], expected.times)
    np.testing.assert_allclose(np.array(state["y"]).T, expected.values, atol=1e-6)


def test_a_run_is_followed_to_its_end(tmp_path):
    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(description())
    fill(writer)
    writer.flush()
    with Trace(tmp_path / "b.h5") as trace, View(trace) as served:
        wait_counted(served)
        assert served.windows.status()["running"]
        assert served.windows.status()["spikes"] == 1200
        writer.spikes("E", np.arange(3000, 3100), np.zeros(100), np.arange(100) % 80)
        writer.flush()
        wait_counted(served)
        for _ in range(100):
            if served.windows.status()["counted"] == 1300:
                break
            time.sleep(0.05)
        assert served.windows.status()["counted"] == 1300
        assert served.windows.follower.densities[0].counts.sum() == 900
        writer.close({"status": "interrupted", "simulated_ms": 320.0})
        status = served.windows.status()
        assert (status["status"], status["running"], status["simulated_ms"]) == ("interrupted", False, 320.0)


def test_why(view, ask, monkeypatch):
    def explain(neuron: str, at_ms: float) -> dict[str, Any]:
        if neuron != "E/3":
            raise InputError(Problem("no such neuron", "a.h5", neuron))
        return {"time_ms": at_ms}

    assert json.loads(ask("why?neuron=E/3&at=5")[2])["refused"] == "this view was opened without an answer to that"
    monkeypatch.setattr(view, "explain", explain)
    assert json.loads(ask("why?neuron=E/3&at=5.25")[2]) == {"time_ms": 5.25}
    status = view.windows.status()
    with monkeypatch.context() as patch:
        patch.setattr(view.windows, "status", lambda: status | {"running": True})
        found = json.loads(ask("why?neuron=E/3&at=5")[2])
    assert found["refused"] == "the run goes on: ask again when it has ended"
    assert json.loads(ask("why?neuron=E/4&at=5")[2])["refused"] == "a.h5: no such neuron, found 'E/4'"
    status, _, body = ask("why?neuron=E/3&at=x")
    assert (status, body) == (400, b"at must be a number of ms\n")
    assert ask("why?neuron=E/3&at=5", token="x")[0] == 403


def test_of_many_questions_the_latest_is_answered(view, ask, monkeypatch):
    """A replay takes a second or more: those that nobody waits for any more are not begun."""
    begun, go_on = threading.Event(), threading.Event()

    def explain(neuron: str, at_ms: float) -> dict[str, Any]:
        begun.set()
        assert go_on.wait(10)
        return {"time_ms": at_ms}

    monkeypatch.setattr(view, "explain", explain)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask, "why?neuron=E/3&at=1")]
        assert begun.wait(10)
        for at in (2, 3):
            before = view._latest
            answers.append(pool.submit(ask, f"why?neuron=E/3&at={at}"))
            while view._latest is before:
                time.sleep(0.01)
        go_on.set()
        found = [json.loads(answer.result()[2]) for answer in answers]
    assert found[0] == {"time_ms": 1.0}
    assert found[1] == {"refused": "another spike has been asked about meanwhile"}
    assert found[2] == {"time_ms": 3.0}
