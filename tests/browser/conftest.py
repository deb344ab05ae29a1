"""Debian's chromium, driven by Playwright: no request leaves the machine, and a page that complains fails its test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser with a profile of its own. Where there is none tests are skipped, but for CI, where they fail."""
    needed = os.environ.get("CI") == "true" or os.environ.get("NEUROMORPH_BROWSER") == "required"
    if CHROMIUM is None:
        if needed:
            pytest.fail("no chromium on a machine that must have one (CI): apt-get install chromium")
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    if needed:
        import playwright.sync_api as playwright
    else:
        playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    profile = tmp_path_factory.mktemp("profile")
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=True, args=OPTIONS,
            viewport={"width": 1280, "height": 900}, color_scheme="light",
        )  # fmt: skip
        yield context
        context.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address and wait until the page says that it is ready; at the end it must have had no complaint.

    A script runs before the page's own.
    """
    complaints: list[str] = []
    pages = []

    def asked(request: Any) -> None:
        here = ("file://", "data:", "blob:", "http://127.0.0.1:")
        if not request.url.startswith(here):
            complaints.append(f"asked {request.url[:200]}")

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_page(address: str, script: str = "") -> Any:
        page = browser.new_page()
        page.add_init_script(script)
        pages.append(page)
        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_function("() => typeof neuromorph !== 'undefined' && neuromorph.ready", timeout=60_000)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Write a report of a trace and return its address."""

    def write(trace: Any, **options: Any) -> str:
        from neuromorph.report.page.build import report

        return report(trace, tmp_path / "page.html", force=True, **options).as_uri()

    return write
