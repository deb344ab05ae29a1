"""Damage to files: bytes, tokens of text, and the structure of zipped arrays, gzip and HDF5."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

Bytes = bytes
Mutation = Callable[[bytes, Random], bytes]

#: whole numbers at which something may overflow
EXTREMES = (
    0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**53, 2**63 - 1, 2**64 - 1,
)  # fmt: skip
#: what a number in a text may be replaced by
NUMBERS = (
    "0", "-1", "1", "3", "1e400", "-1e308", "1e-320", "nan", "inf", "-inf", "NaN", "Infinity", "0.1", "1000000000000",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e15", "2147483648", "0x" + "f" * 5000,
    "9" * 400, "9" * 5000, "true", "null", "[]", "{}", '""', '"20 ms"', "[1, 2]", "[[[]]]", "1979-05-27T07:32:00Z",
)  # fmt: skip
#: what a text may be replaced by
TEXTS = (
    "", " ", "a", "../x.npz", "/etc/passwd", "..", "x\\u0000y", "\\u001b[2J", "\x1b[31m", "\u202e", "e" * 3000, "true",
    "1", "20 ms", "-5 mV", "1e999 s", "20 parsec", "lif_exp", "lif_delta", "poisson", "spike_file", "spike_train",
    "pattern_volley", "dc_current", "pair_stdp", "oja", "exact", "normal", "uniform", "lognormal", "exponential",
    "all_to_all", "one_to_one", "fixed_total", "fixed_indegree", "bernoulli", "explicit", "distance", "weight",
    "spikes", "V_m", "A", "B", "noise", "%s%n", "${x}", "<&>", "'", '"', "\n", "\ud7ff", "\U0001f600", "nan", "a.b[0]",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_QUOTED = re.compile(rb'"[^"\n]*"')
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9]*")
_PIECE = re.compile(rb"[\[\]{}(),:=<>/]")


def _span(data: bytes, random: Random, longest: int = 64) -> tuple[int, int]:
    at = random.randrange(len(data) + 1)
    return at, min(len(data), at + 1 + int(random.expovariate(1.0) * longest / 4) % max(1, len(data)))


def flip(data: bytes, random: Random) -> bytes:
    """One bit, or one byte to a telling value."""
    if not data:
        return data
    at, new = random.randrange(len(data)), bytearray(data)
    new[at] = random.choice((new[at] ^ 1 << random.randrange(8), 0, 255, 127, 128, random.randrange(256)))
    return bytes(new)


def insert(data: bytes, random: Random) -> bytes:
    """Some bytes more."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.choice((1, 2, 4, 8, 64))) + data[at:]


def delete(data: bytes, random: Random) -> bytes:
    """Some bytes fewer."""
    first, last = _span(data, random)
    return data[:first] + data[last:]


def repeat(data: bytes, random: Random) -> bytes:
    """A part twice, or many times."""
    first, last = _span(data, random)
    return data[:last] + data[first:last] * random.choice((1, 1, 2, 30)) + data[last:]


def truncate(data: bytes, random: Random) -> bytes:
    """The beginning alone."""
    return data[: random.randrange(len(data) + 1)]


def swap(data: bytes, random: Random) -> bytes:
    """A part over another one."""
    first, last = _span(data, random)
    at = random.randrange(len(data) + 1)
    return data[:at] + data[first:last] + data[at + last - first :]


def extreme(data: bytes, random: Random) -> bytes:
    """A number of 1 to 8 bytes that is as large as can be, or close to a limit."""
    form = random.choice(("<B", "<H", ">H", "<I", ">I", "<Q", ">Q", "<d"))
    size = struct.calcsize(form)
    if len(data) < size:
        return data
    value = random.choice(EXTREMES) + random.choice((0, 0, 1, -1))
    number = struct.pack(form, float(value)) if form == "<d" else struct.pack(form, value % 256**size)
    at = random.randrange(len(data) - size + 1)
    return data[:at] + number + data[at + size :]


BYTES: tuple[Mutation, ...] = (flip, flip, insert, delete, repeat, truncate, swap, extreme, extreme)


def _replaced(pattern: re.Pattern[bytes], new: Callable[[Random, bytes], bytes]) -> Mutation:
    def mutation(data: bytes, random: Random) -> bytes:
        found = list(pattern.finditer(data))
        if not found:
            return data
        one = random.choice(found)
        return data[: one.start()] + new(random, one[0]) + data[one.end() :]

    return mutation


def _text(random: Random, _: bytes) -> bytes:
    return b'"' + random.choice(TEXTS).encode("utf-8", "surrogatepass") + b'"'


def _lines(data: bytes, random: Random) -> bytes:
    """A line gone, twice, or elsewhere."""
    lines = data.split(b"\n")
    k = random.randrange(len(lines))
    line = lines.pop(k)
    for _ in range(random.choice((0, 1, 2))):
        lines.insert(random.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


def _words(data: bytes, random: Random) -> bytes:
    """A word of the text in place of another one."""
    words = _WORD.findall(data)
    return _replaced(_WORD, lambda random, _: random.choice(words))(data, random) if words else data


def _nested(data: bytes, random: Random) -> bytes:
    """A number within many brackets, or a name of many parts."""
    depth = random.choice((1, 2, 40, 3000))
    opening, closing = random.choice(((b"[", b"]"), (b"{a=", b"}"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"a.", b"")))
    return _replaced(_NUMBER, lambda _, old: opening * depth + old + closing * depth)(data, random)


def _grown(data: bytes, random: Random) -> bytes:
    """A number a little or a lot larger."""
    return _replaced(_NUMBER, lambda random, old: old + random.choice((b"0", b"e3", b"000000", b".5")))(data, random)


TEXT: tuple[Mutation, ...] = (
    *BYTES, _lines, _lines, _words, _words, _nested, _grown, _grown,
    *(3 * (_replaced(_NUMBER, lambda random, _: random.choice(NUMBERS).encode()),)),
    *(3 * (_replaced(_QUOTED, _text),)),
    _replaced(_PIECE, lambda random, _: random.choice((b"[", b"]", b"{", b"}", b",", b":", b"=", b"<", b">", b""))),
)  # fmt: skip


def zipped(data: bytes, random: Random) -> bytes:
    """Arrays of an .npz file changed inside, with checksums that are right; or the archive itself."""
    if random.random() < 0.2:
        return random.choice(BYTES)(data, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # damaged before
        return random.choice(BYTES)(data, random)
    if members:
        k = random.randrange(len(members))
        name, content = members[k]
        head = 128 if content[:6] == b"\x93NUMPY" else 0
        part, rest = (content[:head], content[head:]) if random.random() < 0.7 else (b"", content)
        changed = random.choice(TEXT)(part or rest, random)
        members[k] = (name, changed + rest if part else changed)
        if random.random() < 0.1:
            members.append((random.choice(TEXTS)[:50] + ".npy", members[k][1]))
    out = io.BytesIO()
    how = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members:
            archive.writestr(name or "x", content)
    return out.getvalue()


def gzipped(data: bytes, random: Random) -> bytes:
    """The content of a gzip file changed inside, or the file itself; now and then a lot more content."""
    if random.random() < 0.3:
        return random.choice(BYTES)(data, random)
    try:
        content = gzip.decompress(data)
    except Exception:  # damaged before
        return random.choice(BYTES)(data, random)
    content = random.choice(BYTES)(content, random)
    if random.random() < 0.05:
        content += bytes(10**7)
    return gzip.compress(content, mtime=0)


def mutated(data: bytes, others: Sequence[bytes], kinds: Sequence[Mutation], random: Random) -> bytes:
    """`data` after one to five mutations; now and then the beginning of one seed with the end of another."""
    chosen = [random.choice(kinds) for _ in range(1 + int(random.expovariate(1.0)))]
    chosen.sort(key=lambda kind: not getattr(kind, "first", False))  # the library may not survive what others do
    for kind in chosen:
        data = kind(data, random)
    if len(others) > 1 and random.random() < 0.03:
        other = random.choice(others)
        data = data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]
    return data[: 1 << 20]


def seeds(folder: Path) -> list[bytes]:
    """The sound files of a corpus, in the order of their names."""
    return [file.read_bytes() for file in sorted(folder.glob("seed*"))]
