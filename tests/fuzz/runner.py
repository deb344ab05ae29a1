"""Runs readers on mutated files in a process of their own: crashes, hangs, tracebacks and memory are seen and kept.

File k of a reader and a seed is always the same, so that the process which dies leaves its file behind in a number.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

SECONDS = 5.0  # that a reader may take
ROOM = 1 << 30  # bytes that it may ask for, over what the process has before
PATIENCE = 30.0  # seconds until a process that no alarm ends is killed
REPORT = 100  # files after which a process tells its counts
KEPT = ROOM // 4  # bytes more than at first with which a process ends, and another one goes on
FULL = "has kept too much memory"
FILLED = ROOM // 4  # bytes that libhdf5 may fill before it does not get more
#: outcomes that may be; `in vain`: refused, since libhdf5 did not get memory that a damaged file asked for
FINE = ("read", "refused", "in vain")
#: what a process runs before it reads
IMPORTS = ""


class Hang(BaseException):
    """A reader took too long."""


def content(reader: Any, seed: int, number: int, seeds: list[bytes]) -> bytes:
    """Mutated file `number`."""
    from fuzz import mutate

    random = Random(f"{reader.name}/{seed}/{number}")
    return mutate.mutated(random.choice(seeds), seeds, reader.kinds, random)


def outcome(reader: Any, path: Path, timed: bool = True) -> str:
    """One of FINE, or what went wrong: a line, and the traceback below it; `timed`: it may take SECONDS."""
    from fuzz.readers import DAMAGED, IN_VAIN, Said
    from neuromorph.errors import NeuromorphError, printable

    def ring(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS if timed else 0.0)
    try:
        reader.read(path)
        return "read"
    except NeuromorphError as error:
        text = str(error)
        if printable(text) != text:
            return f"commands a terminal\n{text!r}"
        if IN_VAIN.search(text):  # libhdf5 says so, and nothing has come of it
            return "in vain" if DAMAGED in text else f"asks for memory in vain\n{text}"
        return "refused"
    except Hang:
        return f"hangs\n{traceback.format_exc()[-2000:]}"
    except Said as error:
        return f"says\n{error}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}\n{traceback.format_exc()[-3000:]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def work(name: str, seed: int, first: int, end: int) -> None:
    """Do a share of the work: a line of JSON for each file that is begun and for each finding; the counts at last."""
    from fuzz import mutate, readers

    reader = readers.READERS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if reader.prepare:
            reader.prepare(folder)
        kept = {file.name for file in folder.iterdir()} | {Path(reader.file).parts[0]}
        path, seeds = folder / reader.file, mutate.seeds(readers.corpus(name))
        for data in seeds[:3]:  # what is imported on the way is no memory that a file asks for
            path.write_bytes(data)
            outcome(reader, path, timed=False)  # nor may an import be cut short on a busy machine
        used = _memory()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        counts: Counter[str] = Counter()
        for number in range(first, end):
            path.write_bytes(content(reader, seed, number, seeds))
            say({"at": number})
            before = _peak()
            found = outcome(reader, path)
            if found == "in vain" and _peak() > before + FILLED:
                found = "fills memory"
            if found.startswith("hangs"):  # a busy machine may have been it
                path.write_bytes(content(reader, seed, number, seeds))
                found = outcome(reader, path)
            if found in FINE:
                counts[found] += 1
            else:
                counts["found"] += 1
                say({"number": number, "found": found})
            for file in folder.iterdir():
                if file.name not in kept:
                    file.unlink()
            full = _memory() > used + KEPT
            if number % REPORT == 0 or number == end - 1 or full:
                say({"counts": counts})
            if full:  # libhdf5 does not give back what it got for a damaged file: go on in a new process
                say({"full": number})
                return


def _memory() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    """Bytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def say(line: dict[str, Any]) -> None:
    """One line for the process that watches."""
    os.write(3, json.dumps(line).encode() + b"\n")


@dataclass
class Results:
    """What came of a run: counts by reader, and findings by what they have in common, with an example each."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    findings: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)

    def add(self, reader: str, number: int, found: str) -> None:
        """Keep a finding under its last lines, by which those of one cause are known."""
        lines = [line.strip() for line in found.splitlines() if line.strip().startswith("File")]
        key = " | ".join([reader, found.split("\n")[0][:60], *lines[-1:]])
        if key not in self.findings:
            print(f"found: {key} (file {number})", file=sys.stderr, flush=True)
        self.findings.setdefault(key, []).append((reader, number, found))


def run(names: list[str], seed: int, files: int, first: int, results: Results) -> None:
    """Run readers on files first.. of a seed in one process, and in new ones from where it dies."""
    for name in names:
        at, end = first, first + files
        while at < end:
            at = _one(name, seed, at, end, results)


def _one(name: str, seed: int, at: int, end: int, results: Results) -> int:
    """One process; returns the number of the file to go on with."""
    before = Counter(results.counts.get(name, ()))
    process, got = _started(f"work({name!r}, {seed}, {at}, {end})")
    try:
        number, why = _listen(got, name, at, results, before)
    finally:
        process.kill()
        said = process.communicate()[1].decode(errors="replace")
        os.close(got)
    if process.returncode == 0 and not why:
        return end
    if why == FULL:
        return number + 1
    if process.returncode >= 0:
        why = f"ends\n{said[-2000:]}"
    results.add(name, number, why or f"dies of signal {-process.returncode}")
    so_far = results.counts.get(name, before)
    results.counts[name] = so_far + Counter(fine=number - at - (so_far - before).total(), found=1)
    return number + 1


def _started(call: str) -> tuple[subprocess.Popen[bytes], int]:
    """A process, and the descriptor at which it tells what it does."""
    got, put = os.pipe()
    code = f"import sys; sys.path[:0] = {sys.path!r}; {IMPORTS}from fuzz.runner import work; {call}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], pass_fds=(3,), preexec_fn=lambda: os.dup2(put, 3) and None,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(put)
    return process, got


def _listen(got: int, name: str, at: int, results: Results, before: Counter[str]) -> tuple[int, str]:
    """The last file that was begun when the process ended, and `hangs for good` where it did not."""
    number, begun, rest = at, False, b""
    while select.select([got], [], [], PATIENCE if begun else 60.0)[0]:
        data = os.read(got, 1 << 16)
        if not data:
            return number, ""
        *lines, rest = (rest + data).split(b"\n")
        for line in map(json.loads, lines):
            number, begun = line.get("at", number), True
            if "found" in line:
                results.add(name, line["number"], line["found"])
            if "counts" in line:
                results.counts[name] = before + Counter(line["counts"])
            if "full" in line:
                return line["full"], FULL
    return number, "hangs for good"


def keep(results: Results, seed: int, folder: Path) -> list[str]:
    """Write one example of each finding to a folder; returns a line for each."""
    from fuzz import mutate, readers

    lines = []
    for key, found in results.findings.items():
        name, number, text = found[0]
        data = content(readers.READERS[name], seed, number, mutate.seeds(readers.corpus(name)))
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(f"{text}\n\npython tests/fuzz --replay {name} {file}\n")
        lines.append(f"{len(found)} x {key}\n    {file}")
    return lines
