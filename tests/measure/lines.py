"""Which lines of neuromorph/, plugins/ and cli/ the tests run: `python tests/measure/lines.py [what pytest takes]`.

Twice: all tests without the compiler, whose kernels Python can follow line by line, in one thread; then, compiled,
those that were too slow so or that need the compiler (without_compiler.py), which adds the Python around kernels and
the functions that write machine code. Processes that tests start are followed, too. Takes an hour on one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Both runs, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        left = Path(folder, "left.txt")
        run(
            folder,
            ["-p", "without_compiler", "-W", "ignore::RuntimeWarning", *sys.argv[1:]],
            NUMBA_DISABLE_JIT="1",
            NEUROMORPH_LEFT=str(left),
        )
        report(folder, "without the compiler")
        tests = left.read_text().splitlines() if left.exists() else []
        code = run(folder, tests, NEUROMORPH_CACHE_DIR=folder) if tests else 0
        report(folder, f"and {len(tests)} tests compiled")
    return code


def run(folder: str, arguments: list[str], **environment: str) -> int:
    """Run pytest with these arguments, and keep which lines it ran in the folder."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    settings = {"PYTHONPATH": path, "COVERAGE_FILE": f"{folder}/.coverage", "NUMBA_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings, **environment}).returncode


def report(folder: str, what: str) -> None:
    """Say what has been run until now, file by file."""
    print(f"\n== {what}", flush=True)
    environment = {**os.environ, "COVERAGE_FILE": f"{folder}/.coverage"}
    for command in (["combine", "--append", "--quiet"], ["report", "--show-missing"]):
        subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main())
