"""How fast the page of a report opens and moves, in a headless chromium: one JSON line a size.

    python benchmarks/page.py [--spikes 1e6 1e7 4e7] [--steps 40] [--ratio 1]

The trace: 10,000 cells at 20 Hz in waves. `raster_s`: from the opening of the file to the frame after the raster's
first, with all spikes there. `step_ms`: from a step of zoom or drag to the frame that shows it, of which `draw_ms` is
drawing. `charts_ms`: what the other panels in sight take to follow, which they do when the raster pauses. The steps go
from the whole run into a thousandth of it and back, and drag half a window to and fro at each size. Where chromium
is: --chromium PATH, by default the one on the path.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import Trace
from neuromorph.engine.sink import RunDescription
from neuromorph.report.page.build import report
from neuromorph.traces import TraceWriter

SIZES = {"E": 8000, "I": 2000}
TICKS = 10_000  # of 0.1 ms: one chunk of spikes
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
MOVE = """async (steps) => {
  const time = neuromorph.time, raster = neuromorph.raster, out = { step: [], draw: [], charts: [] };
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const timed = async (move) => {
    const drawn = raster.drawn, begin = performance.now();
    move();
    while (raster.drawn === drawn && performance.now() - begin < 5000) await frame();
    out.step.push(performance.now() - begin);
    out.draw.push(raster.lastMs);
  };
  const factor = 1000 ** (2 / steps), at = time.full.start + 0.37 * (time.full.stop - time.full.start);
  for (let k = 0; k < steps; k++) {
    await timed(() => time.zoom(k < steps / 2 ? 1 / factor : factor, at));
    if (time.span < (time.full.stop - time.full.start) * 0.9) {
      await timed(() => time.pan(time.span / 2));
      await timed(() => time.pan(-time.span / 2));
    }
  }
  for (let k = 0; k < 10; k++) {
    time.pan(time.span / 10 + 1);
    time.zoom(0.9, time.start);
    await new Promise((done) => setTimeout(done, 20));
    const begin = performance.now();
    neuromorph.charts.follow();
    await frame();
    await frame();
    out.charts.push(performance.now() - begin);
  }
  return out;
}"""


def record(path: Path, spikes: float) -> None:
    """A trace of about so many spikes."""
    rng = np.random.default_rng(1)
    wave = 1 + 0.8 * np.sin(np.arange(TICKS) / 300)
    chunks = max(1, round(spikes / (sum(SIZES.values()) * 20 * TICKS / 10_000)))
    writer = TraceWriter(path)
    writer.open(RunDescription(0.1, 0.1, SIZES))
    for k in range(chunks):
        for name, size in SIZES.items():
            n = size * 20 * TICKS // 10_000
            ticks = k * TICKS + np.sort(rng.choice(TICKS, n, p=wave / wave.sum()))
            writer.spikes(name, ticks, np.zeros(n), rng.integers(0, size, n))
    writer.close({"status": "complete", "simulated_ms": chunks * TICKS / 10})


def measured(address: str, chromium: str, moves: int, ratio: float) -> dict[str, Any]:
    """Open a page, move its raster, and say how long each step took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        context = driver.chromium.launch_persistent_context(
            profile, executable_path=chromium, headless=True, args=OPTIONS, device_scale_factor=ratio,
            viewport={"width": 1280, "height": 900},
        )  # fmt: skip
        page = context.new_page()
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => typeof neuromorph !== 'undefined' && neuromorph.ready", timeout=120_000)
        page.locator(".raster").scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        shown = page.evaluate("() => neuromorph.rasterAt") / 1e3
        times = page.evaluate(MOVE, moves)
        context.close()
    steps, draws = sorted(times["step"]), sorted(times["draw"])
    return {
        "raster_s": shown, "step_ms": statistics.median(steps), "step_95_ms": steps[int(0.95 * len(steps))],
        "step_worst_ms": steps[-1], "draw_ms": statistics.median(draws), "draw_worst_ms": draws[-1],
        "charts_ms": statistics.median(times["charts"]), "steps": len(steps),
    }  # fmt: skip


def main() -> None:
    """Measure every size and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikes", type=float, nargs="+", default=[1e6, 1e7, 4e7])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--ratio", type=float, default=1.0, help="pixels of the screen for one of CSS")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args()
    for spikes in chosen.spikes:
        with tempfile.TemporaryDirectory() as folder:
            trace, page = Path(folder, "a.h5"), Path(folder, "a.html")
            record(trace, spikes)
            with Trace(trace) as opened:
                count, begin = sum(opened.counts.values()), time.perf_counter()
                report(opened, page)
            row = {"spikes": count, "write_s": time.perf_counter() - begin, "page_mb": os.stat(page).st_size / 1e6}
            row |= measured(page.as_uri(), chosen.chromium, chosen.steps, chosen.ratio)
        print(json.dumps({key: float(f"{value:.4g}") for key, value in row.items()}), flush=True)


if __name__ == "__main__":
    main()
