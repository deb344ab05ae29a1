"""Arrays out of .npy and .npz files of strangers: no pickles, and nothing is allocated before its size is checked."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from neuromorph import limits
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    import numpy as np

#: deflate makes at most so many bytes of one
DEFLATE = 1032
_MAGIC, _ZIP = b"\x93NUMPY", b"PK"
#: numpy's own bound on the text that describes an array
_HEADER = 10_000


class NotArrays(InputError):
    """A file is no whole .npy or .npz file of numbers."""


class ArrayFile:
    """The arrays of a .npz file, or the only one of a .npy file (called ``).

    Raises OSError where the file cannot be read, NotArrays where it is none, InputError for what does not fit.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file() and self.path.exists():
            raise NotArrays(Problem("is no plain file", str(path)))
        with _checked(self.path), self._open() as file:
            head = file.read(6)
        self._zipped = head.startswith(_ZIP)
        self.names = self._members() if self._zipped else [""]
        if not self._zipped and not head.startswith(_MAGIC):
            raise NotArrays(Problem("is no .npy or .npz file", str(path)))

    def read(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Some of the arrays by name, all by default; KeyError for a name that is not there."""
        wanted = list(self.names if names is None else names)
        found = {}
        with _checked(self.path), self._open() as file:
            if not self._zipped:
                return {"": self._array(file, os.fstat(file.fileno()).st_size, "")}
            with ZipFile(file) as archive:
                for name in wanted:
                    info = archive.getinfo(f"{name}.npy")
                    with archive.open(info) as member:
                        found[name] = self._array(member, info.file_size, name)
        return found

    def _members(self) -> list[str]:
        """Names of the arrays of an archive whose sizes can be true."""
        with _checked(self.path), self._open() as file, ZipFile(file) as archive:
            infos = archive.infolist()
            packed = sum(info.compress_size for info in infos)
            if packed > os.fstat(file.fileno()).st_size:
                raise NotArrays(Problem("its parts overlap", str(self.path), fix="Get the file again."))
            for info in infos:
                ratio = {ZIP_STORED: 1, ZIP_DEFLATED: DEFLATE}.get(info.compress_type)
                if ratio is None or info.flag_bits & 1:
                    what, allowed = f"'{info.filename}' is packed in another way", "stored or deflated"
                    raise NotArrays(Problem(what, str(self.path), allowed=allowed, fix="Write it with numpy.savez."))
                if info.file_size > ratio * info.compress_size:
                    what = f"'{info.filename}' cannot be as large as the file says"
                    raise NotArrays(Problem(what, str(self.path), info.file_size, fix="Get the file again."))
            return [info.filename.removesuffix(".npy") for info in infos if info.filename.endswith(".npy")]

    def _array(self, file: IO[bytes], size: int, name: str) -> np.ndarray[Any, Any]:
        """An array of a stream of `size` bytes."""
        import numpy as np
        from numpy.lib import format as npy

        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError("an unknown version of the format")
        shape, fortran, dtype = read(file, max_header_size=_HEADER)
        count = math.prod(shape)
        if dtype.hasobject or dtype.kind not in "biufUS" or dtype.subdtype is not None or min(shape, default=0) < 0:
            raise ValueError("not an array of numbers")
        if file.tell() + count * dtype.itemsize != size:
            raise ValueError("not as many numbers as it says")
        limits.need(count * dtype.itemsize, f"array '{name}' takes", str(self.path), "Use a smaller one.")
        array = np.empty(count, dtype)
        view = array.view(np.uint8).data if count and dtype.itemsize else memoryview(b"")
        done = 0
        while done < len(view):
            part = file.read(min(len(view) - done, 1 << 22))
            if not part:
                raise ValueError("cut short")
            view[done : done + len(part)] = part
            done += len(part)
        return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)

    def _open(self) -> IO[bytes]:
        return self.path.open("rb")


@contextmanager
def _checked(path: Path) -> Iterator[None]:
    """What zipfile, zlib and numpy say of a damaged file becomes NotArrays."""
    try:
        yield
    except (OSError, InputError, KeyError, MemoryError):
        raise
    except Exception as error:  # struct.error, TokenError, LZMAError ...
        raise NotArrays(Problem(f"is no whole .npy or .npz file: {error}", str(path))) from error
