"""Which lines of neuromorph/, plugins/ and cli/ the tests run: `python tests/measure/lines.py [--jobs 2] [--kept DIR]`.

Twice, file by file: first without the compiler, so that Python can follow the lines of kernels, in one thread; then,
compiled, those tests that were too slow so or that need the compiler (without_compiler.py), which adds the Python
around kernels and the functions that write machine code. Processes that tests start are followed, too. `--kept` keeps
what was run of each file, so that a run that was stopped goes on from there. Takes two hours of one core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTEST = (sys.executable, "-m", "coverage", "run", "-m", "pytest", "-p", "no:cacheprovider")
UNCOMPILED = ("-p", "without_compiler", "-W", "ignore::RuntimeWarning")


def main() -> None:
    """Both runs of every file, and the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="files at once")
    parser.add_argument("--kept", type=Path, help="where to keep what was run")
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "tests"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.kept or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        files = sorted(file for path in given.paths for file in ([path] if path.is_file() else path.rglob("test_*.py")))
        with ThreadPoolExecutor(given.jobs) as pool:
            for line in pool.map(lambda file: measure(file.resolve(), folder), files):
                print(line, flush=True)
        report(folder)


def measure(file: Path, folder: Path) -> str:
    """Run the tests of one file without the compiler, then those that are left with it; say how that went."""
    name = str(file.relative_to(ROOT / "tests").with_suffix("")).replace("/", ".")
    left, data, done = folder / f"{name}.left", folder / f".coverage.{name}", folder / f"{name}.done"
    if done.exists():
        return done.read_text().strip()
    for old in [left, *folder.glob(f"{data.name}.*")]:
        old.unlink(missing_ok=True)
    begin = time.monotonic()
    run(data, [*UNCOMPILED, str(file)], NUMBA_DISABLE_JIT="1", NEUROMORPH_LEFT=str(left))
    between = time.monotonic()
    tests = sorted(set(left.read_text().splitlines())) if left.exists() else []
    last = run(data, tests) if tests else "nothing left"
    said = f"{name}: {between - begin:.0f} s; compiled {len(tests)} tests, {time.monotonic() - between:.0f} s: {last}"
    if last == "nothing left" or ("passed" in last and "failed" not in last):
        done.write_text(f"{said}\n")
    return said


def run(data: Path, arguments: list[str], **environment: str) -> str:
    """Run pytest with these arguments, add which lines it ran to `data`, and return the last line it said."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    kernels = str(data.parent / "kernels")  # what is on disk already, also of equations, is not written again
    settings = {
        "PYTHONPATH": path,
        "COVERAGE_FILE": str(data),
        "NUMBA_NUM_THREADS": "2",
        "NEUROMORPH_CACHE_DIR": kernels,
    }
    ended = subprocess.run(
        [*PYTEST, *arguments], cwd=ROOT, env={**os.environ, **settings, **environment}, capture_output=True, text=True
    )
    return (ended.stdout.strip() or ended.stderr.strip()).rpartition("\n")[2]


def report(folder: Path) -> None:
    """Say what has been run, file by file."""
    environment = {**os.environ, "COVERAGE_FILE": str(folder / "all")}
    pieces = [str(piece) for piece in folder.glob(".coverage.*")]
    for command in (["combine", "--keep", "--quiet", *pieces], ["report", "--show-missing"]):
        subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, env=environment)


if __name__ == "__main__":
    main()
