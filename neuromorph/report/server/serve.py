"""The server of neuromorph view: on loopback, for who knows the token alone."""

from __future__ import annotations

import hmac
import ipaddress
import json
import math
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from neuromorph.errors import InputError, NeuromorphError, Problem
from neuromorph.report.page import figures
from neuromorph.report.server.live_page import live_page
from neuromorph.report.server.windows import Shown, Windows

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

LOOPBACK = "127.0.0.1"
#: (neuron, ms) -> the account of its spike
Explain = Callable[[str, float], dict[str, Any]]
#: pixels of a side, and bands at once, that a window may have
MOST_PIXELS, MOST_BANDS = 8192, 4096


class View:
    """Serves one trace until it is closed; `address` is where, its token included.

    Parameters
    ----------
    trace: an open trace, also of a run that is still going on. Nobody else may use it as long as it is served.
    host: the interface to listen on; anything but the default lets other machines ask.
    port: 0 for a free one.
    explain: (neuron, time in ms) -> why it fired then, as plain values; without it the page says which command to give.

    Raises
    ------
    InputError where bokeh is missing or the port cannot be had.
    """

    def __init__(self, trace: Trace, host: str = LOOPBACK, port: int = 0, explain: Explain | None = None) -> None:
        figures.need_bokeh()
        self.windows = Windows(trace)
        self.explain = explain
        self._explaining, self._latest = threading.Lock(), object()
        self.token = secrets.token_urlsafe(24)
        self.policy = live_page(self.windows, explain is not None)[1]
        try:
            self._server = _Server((host, port), self)
        except (OSError, OverflowError) as error:
            fix = "Choose another with --port, or 0 for a free one; --host is an address of this machine."
            what = f"cannot listen there: {getattr(error, 'strerror', None) or error}"
            raise InputError(Problem(what, "view", f"{host}:{port}", fix=fix)) from None
        self.port: int = self._server.server_address[1]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/{self.token}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        """Begin to answer, and to count the trace's spikes."""
        self.windows.follower.start()
        self._thread.start()

    def close(self) -> None:
        """Stop answering; the trace stays open."""
        self.windows.follower.stop()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> View:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def page(self) -> str:
        """The page as it is now."""
        with self.windows.lock:
            return live_page(self.windows, self.explain is not None)[0]

    def why(self, neuron: str, at_ms: float) -> dict[str, Any]:
        """Why a neuron fired, one question at a time; `refused`: why that cannot be said."""
        if self.explain is None:
            return {"refused": "this view was opened without an answer to that"}
        if self.windows.status()["running"]:
            return {"refused": "the run goes on: ask again when it has ended"}
        self._latest = mine = object()
        with self._explaining:
            if mine is not self._latest:
                return {"refused": "another spike has been asked about meanwhile"}
            try:
                return self.explain(neuron, at_ms)
            except NeuromorphError as error:
                return {"refused": str(error)}

    def knows(self, host: str | None) -> bool:
        """Whether a Host header is ours: a name that another site has pointed here (DNS rebinding) is not."""
        name = urlsplit(f"//{host or ''}").hostname or ""
        return name == "localhost" or _is_address(name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], view: View) -> None:
        import socket

        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.view = view
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As the base class, but without asking a name server who we are."""
        import socketserver

        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is nothing to talk about."""
        import sys

        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "neuromorph", ""
    timeout = 60

    def do_GET(self) -> None:
        view, parts = self.server.view, urlsplit(self.path)
        token, _, name = parts.path.removeprefix("/").partition("/")
        if not view.knows(self.headers.get("Host")):
            self._refuse(HTTPStatus.FORBIDDEN, "this server answers to its own address only")
            return
        if not hmac.compare_digest(token.encode("utf-8", "replace"), view.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "the address must hold the token that neuromorph view printed")
            return
        try:
            found = self._answer(name, parse_qs(parts.query, max_num_fields=20))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except NeuromorphError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        else:
            if found is None:
                self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            else:
                self._send(HTTPStatus.OK, *found)

    def _answer(self, name: str, query: dict[str, list[str]]) -> tuple[str, bytes] | None:
        view = self.server.view
        if name == "":
            return "text/html; charset=utf-8", view.page().encode("utf-8", "backslashreplace")
        if name == "status":
            return "application/json", _json(view.windows.status())
        if name == "why":
            return "application/json", _json(view.why(query.get("neuron", [""])[0], _number(query, "at")))
        if name == "panels":
            return "application/json", _json(view.windows.panels(*_interval(query)))
        if name == "frame":
            width = _whole(query, "width", MOST_PIXELS)
            return "application/octet-stream", view.windows.frame(
                *_interval(query), width, _strips(query, view.windows)
            )
        return None

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{text}\n".encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        for key, value in {
            "Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store",
            "Content-Security-Policy": self.server.view.policy, "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin",
        }.items():  # fmt: skip
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is the user's."""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, allow_nan=False).encode()


def _number(query: dict[str, list[str]], name: str) -> float:
    try:
        value = float(query[name][0])
    except (KeyError, ValueError):
        raise ValueError(f"{name} must be a number of ms") from None
    if not math.isfinite(value) or abs(value) > 1e15:
        raise ValueError(f"{name} must be a number of ms within 1e15")
    return value


def _interval(query: dict[str, list[str]]) -> tuple[float, float]:
    start, stop = _number(query, "start"), _number(query, "stop")
    if not start < stop:
        raise ValueError("start must be below stop")
    return start, stop


def _whole(query: dict[str, list[str]], name: str, most: int) -> int:
    text = query.get(name, [""])[0]
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 0 < int(text) <= most):
        raise ValueError(f"{name} must be a whole number from 1 to {most}")
    return int(text)


def _strips(query: dict[str, list[str]], windows: Windows) -> list[Shown]:
    """bands=INDEX:LOW:HIGH:HEIGHT,... as strips of the raster."""
    texts = query.get("bands", [""])[0].split(",")
    if len(texts) > MOST_BANDS:
        raise ValueError(f"bands must be at most {MOST_BANDS} strips")
    return [_strip(text, windows) for text in texts]


def _strip(text: str, windows: Windows) -> Shown:
    numbers = text.split(":")
    if len(numbers) == 4 and all(n.isascii() and n.isdigit() and len(n) < 12 for n in numbers):
        strip = Shown(*map(int, numbers))
        known = strip.band < len(windows.bands)
        if known and strip.low < strip.high <= windows.bands[strip.band].size and 0 < strip.height <= MOST_PIXELS:
            return strip
    raise ValueError("bands must be strips INDEX:LOW:HIGH:HEIGHT of cells that there are")
