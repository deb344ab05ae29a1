"""Damage to HDF5 files by way of the library: attributes, shapes, types, links, filters."""

from __future__ import annotations

import io
from random import Random

import h5py
import numpy as np

from fuzz.mutate import BYTES, EXTREMES, TEXTS

_SHAPES = ((), (0,), (1,), (3,), (10**6,), (10**12,), (2**40, 2**20), (3, 0), (0, 10**12), (2, 2, 2), (5, 1))
_OPTIONS: tuple[dict[str, object], ...] = (
    {}, {"compression": "gzip"}, {"compression": "lzf"}, {"scaleoffset": 1}, {"fletcher32": True},
)  # fmt: skip
_TYPES = ("u1", "i4", "u8", "i8", "f4", "f8", ">f8", "S3", "b1", "c16", h5py.string_dtype(), h5py.ref_dtype, "i4,f8")


def structure(data: bytes, random: Random) -> bytes:
    """One change to one object of a sound file, or to bytes where that cannot be done."""
    stream = io.BytesIO(data)
    try:
        with h5py.File(stream, "r+") as file:
            names: list[str] = [""]
            file.visit(names.append)
            name = random.choice(names) or "/"
            random.choice(_CHANGES)(file, name, random)
    except Exception:
        return random.choice(BYTES)(data, random)
    return stream.getvalue()


structure.first = True  # type: ignore[attr-defined]


def _value(random: Random) -> object:
    kind = random.randrange(6)
    if kind == 0:
        return random.choice(EXTREMES) % 2**63
    if kind == 1:
        return random.choice((float("nan"), float("inf"), -1.0, 0.0, 1e300, 1e18, 1e-320))
    if kind == 2:
        return random.choice(TEXTS).encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "0")
    if kind == 3:
        return random.choice(("json:[1]", "json:{", "json:" + "[" * 3000, "json:1e999", 'json:"x"', "by_time", "exact"))
    if kind == 4:
        return np.arange(random.choice((0, 1, 3, 1000)))
    return -random.choice(EXTREMES[:-2])


def _attribute(file: h5py.File, name: str, random: Random) -> None:
    found = file[name].attrs
    known = list(found) or ["x"]
    key = random.choice([*known, "size", "units", "channel", "sorting", "simulated_ms", "window_ms", "format"])
    if random.random() < 0.15:
        found.pop(key, None)
    else:
        found[key] = _value(random)


def _content(file: h5py.File, name: str, random: Random) -> None:
    """Other numbers in a dataset."""
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or not dataset.size or dataset.dtype.kind not in "iuf":
        return _attribute(file, name, random)
    values = dataset[...].ravel()
    with np.errstate(all="ignore"):
        values[random.randrange(values.size)] = np.array(random.choice(EXTREMES), np.uint64).astype(dataset.dtype)
        if dataset.dtype.kind == "f" and random.random() < 0.5:
            values[random.randrange(values.size)] = random.choice((np.nan, np.inf, -1.0, 1e300))
    dataset[...] = values.reshape(dataset.shape)
    return None


def _shape(file: h5py.File, name: str, random: Random) -> None:
    """Another dataset in place of one."""
    if name == "/":
        return
    if name in file:
        del file[name]
    shape, dtype = random.choice(_SHAPES), random.choice(_TYPES)
    options: dict[str, object] = {}
    if shape and 0 not in shape:
        options["chunks"] = tuple(min(n, random.choice((1, 100, 1000))) for n in shape)
        options |= random.choice(_OPTIONS)
    file.create_dataset(name, shape, dtype, **options)


def _link(file: h5py.File, name: str, random: Random) -> None:
    """Something that leads elsewhere in place of an object, or beside it."""
    place = name if random.random() < 0.7 and name != "/" else f"{name.rstrip('/')}/more"
    if place in file:
        del file[place]
    kind = random.randrange(6)
    if kind == 0:
        file[place] = h5py.SoftLink(random.choice(("/", "/spikes", "/nowhere", name)))
    elif kind == 1:
        file[place] = h5py.ExternalLink(random.choice(("/etc/passwd", "other.h5")), "/spikes")
    elif kind == 2:
        file[place] = file[random.choice(("/", "spikes", "committed", name))]
    elif kind == 3:
        layout = h5py.VirtualLayout(shape=(100,), dtype="f8")
        layout[:] = h5py.VirtualSource(random.choice((".", "other.h5")), "x", shape=(100,))
        file.create_virtual_dataset(place, layout)
    elif kind == 4:
        file.create_dataset(place, (100,), "u1", external=[("/etc/passwd", 0, 100)])
    else:
        file.create_group("/".join(["deep"] * random.choice((3, 20, 200))))


def _gone(file: h5py.File, name: str, random: Random) -> None:
    if name != "/":
        del file[name]


def _moved(file: h5py.File, name: str, random: Random) -> None:
    if name != "/":
        places = ("spikes/x", "report/E/x", "weights/x", "learning/x", "journal", "committed", "y")
        file.move(name, random.choice(places))


def _resized(file: h5py.File, name: str, random: Random) -> None:
    dataset = file[name]
    if isinstance(dataset, h5py.Dataset) and dataset.chunks:
        dataset.resize(random.choice((0, 1, 10**6, 10**12)), axis=0)
    else:
        _attribute(file, name, random)


_CHANGES = (_attribute, _attribute, _attribute, _content, _content, _shape, _shape, _link, _gone, _moved, _resized)
