"""neuromorph view TRACE."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import click

from neuromorph_cli import explained, options
from neuromorph_cli.interrupts import Interrupts


class Waiting:
    """Ctrl-C ends the view, and that is no failure."""

    time = 1.0  # something has happened already: a signal asks for the end, and breaks nothing off

    def __init__(self) -> None:
        self._over = threading.Event()

    def stop(self) -> None:
        """End."""
        self._over.set()

    def wait(self) -> None:
        """Until somebody says stop; signals are seen in between."""
        while not self._over.wait(0.2):
            pass


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port; by default a free one.")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Let other machines ask at this address.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@options.plugin
def view(trace: str, port: int, host: str, no_browser: bool, plugins: tuple[str, ...]) -> None:
    """Show a trace in a browser, also of a run that is still going on.

    Serves a page on this machine, for who has its address with the secret in it. It draws what the window of time
    shows, whatever the size of the trace, and a click on a spike asks why it came. Ctrl-C ends it. Needs pip install
    'neuromorph[report]'.

    \b
    Example:
      neuromorph view traces/brunel.h5
    """
    from neuromorph.report.server.serve import LOOPBACK, View
    from neuromorph.traces.reader import Trace

    options.load_plugins(plugins)
    interrupts, waiting = Interrupts.of_command(), Waiting()
    with Trace(trace) as opened, View(opened, host, port, explainer(opened)) as served:
        if host not in (LOOPBACK, "::1", "localhost"):
            text = f"other machines can reach {host}; whoever has the address below can read this trace, unencrypted"
            click.echo(f"{click.style('neuromorph: warning:', fg='yellow', bold=True)} {text}.", err=True)
        click.echo(served.address)
        interrupts.running = waiting
        if not no_browser and _has_screen():
            import webbrowser

            webbrowser.open(served.address)
        waiting.wait()


def explainer(trace: Any) -> Callable[[str, float], dict[str, Any]]:
    """Answers why a neuron of a finished trace fired; the network is described again for the first question alone."""

    @cache
    def recording() -> Any:
        from neuromorph.why.recording import Recording

        return Recording(trace.path)

    def explain(neuron: str, at_ms: float) -> dict[str, Any]:
        from neuromorph.why.chain import chain

        return explained.shown(chain(recording(), neuron, at_ms))

    return explain


def _has_screen() -> bool:
    """Without one a browser of the terminal would come up in place of a window."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
