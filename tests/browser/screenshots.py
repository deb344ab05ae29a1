"""Take the screenshots of docs/report.md anew: `python tests/browser/screenshots.py` (a minute; needs chromium)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from conftest import CHROMIUM, OPTIONS
from PIL import Image
from playwright.sync_api import sync_playwright

from neuromorph import Trace
from neuromorph.report.page.build import report
from neuromorph.report.server.serve import View
from neuromorph_cli.view import explainer

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
READY = "() => typeof neuromorph !== 'undefined' && neuromorph.ready"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "neuromorph_cli", *arguments]


def brunel(trace: Path, duration: str) -> list[str]:
    """Brunel's network with the membranes of three cells."""
    shutil.copy(ROOT / "examples" / "brunel.toml", trace.parent)
    record = ["--record", "E[0:3].V_m@0.1", "-q"]
    return command("run", "brunel.toml", "--duration", duration, "-o", trace.name, *record)


def shoot(
    browser: Any, address: str, name: str, clip: dict[str, int] | None = None, dark: bool = False, act: str = "0"
) -> Any:
    """Open a page, have it do something, and keep a picture of it, in few colours, so that it stays small."""
    page = browser.new_page()
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.goto(address)
    page.wait_for_function(READY)
    page.evaluate("() => neuromorph.charts.showAll()")
    page.evaluate(act)
    page.wait_for_timeout(6000 if act != "0" else 1500)
    page.screenshot(path=IMAGES / name, full_page=True, clip=clip)
    picture = Image.open(IMAGES / name).convert("RGB").quantize(160 if dark else 48, dither=Image.Dither.NONE)
    picture.save(IMAGES / name, optimize=True)
    page.close()


def main() -> None:
    """A report in light, the lower half of one of a learning network in dark, and a view of a run that goes on."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        browser = driver.chromium.launch_persistent_context(
            folder / "profile", executable_path=CHROMIUM, headless=True, args=OPTIONS,
            viewport={"width": 1240, "height": 1000},
        )  # fmt: skip
        subprocess.run(brunel(folder / "brunel.h5", "400 ms"), check=True, cwd=folder)
        with Trace(folder / "brunel.h5") as trace:
            page = report(trace, folder / "a.html")
        shoot(browser, page.as_uri(), "report.png", {"x": 0, "y": 0, "width": 1240, "height": 1560})
        learn = command("learn", "digits", "--top-down", "mirror", "--epochs", "4", "-o", "digits.h5")
        subprocess.run(learn, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with Trace(folder / "digits.h5") as trace:
            page = report(trace, folder / "b.html")
        shoot(browser, page.as_uri(), "report-learning.png", {"x": 0, "y": 4560, "width": 1240, "height": 1360}, True)
        running = subprocess.Popen(brunel(folder / "live.h5", "60 s"), cwd=folder)
        while not (folder / "live.h5.part").exists():
            time.sleep(0.1)
        time.sleep(3.0)
        with Trace(folder / "live.h5") as trace, View(trace) as view:
            shoot(browser, view.address, "view.png", {"x": 0, "y": 0, "width": 1240, "height": 1080})
        running.terminate()
        running.wait()
        shutil.copy(ROOT / "examples" / "cuba.toml", folder)
        subprocess.run(command("run", "cuba.toml", "--duration", "300 ms", "-o", "cuba.h5"), check=True, cwd=folder)
        with Trace(folder / "cuba.h5") as trace, View(trace, explain=explainer(trace)) as view:
            times, cells = trace.spikes("E")
            k = len(times) * 3 // 4
            window = f"neuromorph.time.set({times[k] - 20}, {times[k] + 20})"
            act = f"() => {{ {window}; neuromorph.why.show('E/{cells[k]}', {times[k]}); }}"
            shoot(browser, view.address, "view-why.png", {"x": 0, "y": 0, "width": 1240, "height": 1180}, act=act)
        browser.close()


if __name__ == "__main__":
    main()
