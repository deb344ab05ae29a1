"""A short run of the fuzzer, and every file that once went wrong: docs/fuzzing.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import hdf5, mutate, readers, runner

CORPUS = Path(__file__).parent / "corpus"
#: mutated files in all, some 45 s on one core
FILES = 3_000
SEED = 7


@pytest.mark.parametrize("name", list(readers.READERS))
def test_a_share_of_mutated_files(name):
    share = readers.READERS[name].share / sum(reader.share for reader in readers.READERS.values())
    results = runner.Results()
    runner.run([name], SEED, max(2, round(FILES * share)), 0, results)
    assert not results.findings, "\n".join(found[0][2] for found in results.findings.values())
    assert sum(results.counts[name].values()) == max(2, round(FILES * share))


@pytest.mark.parametrize("name", list(readers.READERS))
def test_seeds_and_what_once_went_wrong(name, tmp_path):
    reader = readers.READERS[name]
    if reader.prepare:
        reader.prepare(tmp_path)
    path = tmp_path / reader.file
    for file in sorted(readers.corpus(name).iterdir()):
        path.write_bytes(file.read_bytes())
        found = runner.outcome(reader, path)
        assert found in runner.FINE, f"{file}: {found}"
        assert found == "read" or not file.name.startswith("seed"), file


def test_the_corpus_is_small():
    assert sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()) < 300_000


def test_the_same_number_is_the_same_file():
    for reader in (readers.READERS[name] for name in ("toml", "trace", "arrays")):
        seeds = mutate.seeds(readers.corpus(reader.name))
        one, same, other = (runner.content(reader, 1, number, seeds) for number in (5, 5, 6))
        assert one == same != other


def crash(_):
    import ctypes

    ctypes.string_at(0)


def asks(_):
    return bytearray(3 << 30)


def fails(_):
    raise ValueError("no error of ours")


def loops(_):
    while True:
        pass


@pytest.mark.parametrize(
    ("read", "words"), [(asks, "MemoryError"), (fails, "ValueError: no error of ours"), (loops, "hangs")]
)
def test_the_fuzzer_sees_what_goes_wrong(read, words, tmp_path, monkeypatch):
    import resource

    monkeypatch.setattr(runner, "SECONDS", 0.2)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + runner.ROOM, before[1]))
    try:
        found = runner.outcome(readers.Reader("x", read, mutate.BYTES, "x"), tmp_path / "x")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert found.startswith(words)


def test_a_process_that_dies_leaves_the_number_of_its_file(monkeypatch, tmp_path):
    """The reader kills its process at one file of five: the others are read, and that one is kept."""
    module = tmp_path / "deadly.py"
    module.write_text(
        "import ctypes, pathlib\nfrom fuzz import mutate, readers\n"
        "def read(path):\n    if path.read_bytes().startswith(b'3'):\n        ctypes.string_at(0)\n"
        "def count(data, random):\n    return data\n"
        "readers.READERS['deadly'] = readers.Reader('deadly', read, (count,), 'x')\n"
        "from fuzz import runner\n"
        "runner.content = lambda reader, seed, number, seeds: str(number).encode()\n"
        f"readers.corpus = lambda name: pathlib.Path({str(tmp_path / 'seeds')!r})\n"
    )
    (tmp_path / "seeds").mkdir()
    monkeypatch.setattr(runner, "IMPORTS", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import deadly; ")
    results = runner.Results()
    runner.run(["deadly"], 0, 5, 0, results)
    (found,) = results.findings.values()
    assert found == [("deadly", 3, "dies of signal 11")]
    assert sum(results.counts["deadly"].values()) == 5


def test_hdf5_is_changed_by_structure():
    from random import Random

    seed = (CORPUS / "trace" / "seed-grid.h5").read_bytes()
    changed = {hdf5.structure(seed, Random(number)) for number in range(30)}
    assert len(changed) > 20
    assert sum(data.startswith(b"\x89HDF") for data in changed) > 20
