"""python tests/fuzz --files 200000: mutate files, read them, and keep what goes wrong."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz import readers, runner


def main() -> int:
    """Run the fuzzer, or one reader on one file; returns 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="mutated files, shared among the readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="*", default=list(readers.READERS), choices=list(readers.READERS))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="folder for what goes wrong")
    parser.add_argument("--replay", nargs=2, metavar=("READER", "FILE"), help="read one file, with its traceback")
    given = parser.parse_args()
    if given.replay:
        return replay(*given.replay)
    results, began = runner.Results(), time.monotonic()
    shares = {name: readers.READERS[name].share for name in given.readers}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):  # what has been done by then is told
        for name, share in shares.items():
            files, since = round(given.files * share / sum(shares.values())), time.monotonic()
            runner.run([name], given.seed, files, 0, results)
            took = time.monotonic() - since
            print(f"{name:12} {files:8,} files {took:7.0f} s  {dict(results.counts[name])}", flush=True)
    total = sum((Counter(c) for c in results.counts.values()), Counter())
    print(f"{total.total():,} files in {time.monotonic() - began:.0f} s, seed {given.seed}: {dict(total)}")
    for line in runner.keep(results, given.seed, given.keep):
        print(line)
    return int(bool(results.findings))


def replay(name: str, file: str) -> int:
    """Read one file in this process, without limits."""
    reader = readers.READERS[name]
    with tempfile.TemporaryDirectory() as place:
        if reader.prepare:
            reader.prepare(Path(place))
        path = Path(place) / reader.file
        path.write_bytes(Path(file).read_bytes())
        found = runner.outcome(reader, path)
    print(found)
    return int(found not in runner.FINE)


if __name__ == "__main__":
    sys.exit(main())
