"""How fast the live view answers, in a headless chromium: one JSON line a size.

    python benchmarks/view.py [--spikes 1e7 1e8] [--steps 40] [--trace FILE]

The trace is that of page.py beside this, or a given one. `counted_s`: until the server has read every spike once.
`step_ms`: from a step of zoom or drag to the frame that shows the old picture in its new place; `answer_ms`: to the
frame that shows what the server has drawn for it; panels come 0.12 s after the last step. `server_mb`: peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from page import OPTIONS, record

from neuromorph import Trace
from neuromorph.report.server.serve import View

MOVE = """async (steps) => {
  const time = neuromorph.time, raster = neuromorph.raster, out = { step: [], answer: [] };
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const timed = async (move) => {
    const { drawn, answered } = raster, begin = performance.now();
    move();
    while (raster.drawn === drawn && performance.now() - begin < 9000) await frame();
    out.step.push(performance.now() - begin);
    while (raster.answered === answered && performance.now() - begin < 9000) await frame();
    await frame();
    out.answer.push(performance.now() - begin);
  };
  const factor = 1e4 ** (2 / steps), at = time.full.start + 0.37 * (time.full.stop - time.full.start);
  for (let k = 0; k < steps; k++) {
    await timed(() => time.zoom(k < steps / 2 ? 1 / factor : factor, at));
    const part = time.span / (time.full.stop - time.full.start), by = k % 2 ? 0.2 : -0.2;
    if (part < 0.9) await timed(() => time.pan(time.span * by));
  }
  return out;
}"""


def measured(view: View, chromium: str, steps: int) -> dict[str, Any]:
    """Open the view, move its raster, and say how long each step took."""
    from playwright.sync_api import sync_playwright

    begin = time.perf_counter()
    while view.windows.status()["counted"] < view.windows.status()["spikes"]:
        time.sleep(0.01)
    counted = time.perf_counter() - begin
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        context = driver.chromium.launch_persistent_context(
            profile, executable_path=chromium, headless=True, args=OPTIONS, viewport={"width": 1280, "height": 900}
        )
        page = context.new_page()
        page.goto(view.address)
        page.wait_for_function("() => typeof neuromorph !== 'undefined' && neuromorph.ready && neuromorph.raster.of")
        page.wait_for_timeout(1500)
        times = page.evaluate(MOVE, steps)
        context.close()
    row: dict[str, Any] = {"counted_s": counted}
    for name, values in times.items():
        row |= {f"{name}_ms": statistics.median(values), f"{name}_95_ms": sorted(values)[int(0.95 * len(values))]}
    return row | {"steps": len(times["step"])}


def main() -> None:
    """Measure every size and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikes", type=float, nargs="+", default=[1e7, 1e8])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args()
    for spikes in [0.0] if chosen.trace else chosen.spikes:
        with tempfile.TemporaryDirectory() as folder:
            path = chosen.trace or Path(folder, "a.h5")
            if not chosen.trace:
                record(path, spikes)
            with Trace(path) as trace, View(trace) as view:
                row = {"spikes": sum(trace.counts.values()), **measured(view, chosen.chromium, chosen.steps)}
        row["server_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({key: float(f"{value:.4g}") for key, value in row.items()}), flush=True)


if __name__ == "__main__":
    main()
