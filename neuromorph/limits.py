"""What a file may ask for: memory that there is, and tables that are not nested without end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuromorph.errors import InputError, Problem

#: levels of tables and lists in a file; a network has six
DEPTH = 32
#: of what is free, as much is left alone: for the interpreter, kernels, and buffers that nobody counts
RESERVE = 1 << 26
#: to find out what is available takes a millisecond
SMALL = 1 << 20
_CGROUP = Path("/sys/fs/cgroup")


def too_deep(value: Any) -> bool:
    """Whether tables and lists are nested more than DEPTH levels; looks level by level, without recursion."""
    level: list[Any] = [value]
    for _ in range(DEPTH + 1):
        level = [item for outer in level for item in _inner(outer)]
        if not level:
            return False
    return True


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return ()
    return [item for item in value if isinstance(item, Mapping | list | tuple)]


def available() -> int:
    """Bytes that this process may still take: the least of free memory, its cgroup's limit and RLIMIT_AS."""
    return max(min(_free(), _of_cgroup(), _address_space()) - RESERVE, 0)


def need(count: int, what: str, where: str, fix: str) -> None:
    """Raise InputError where `count` bytes are more than what is available; so little as SMALL always is."""
    if count <= SMALL:
        return
    free = available()
    if count > free:
        raise InputError(Problem(f"{what} {spelled(count)}", where, fix=f"{spelled(free)} are available. {fix}"))


def spelled(count: float) -> str:
    """1234567890 as 1.23 GB."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1e3
    return f"{count:.3g} PB"


def _free() -> int:
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_cgroup() -> int:
    """What the control groups of this process, version 1 or 2, and those above them leave."""
    try:
        lines = Path("/proc/self/cgroup").read_text().split()
    except OSError:
        return 1 << 62
    left = 1 << 62
    for line in lines:
        _, kinds, name = line.split(":", 2)
        if kinds == "":
            left = min(left, _left(_CGROUP, name, "memory.max", "memory.current", "inactive_file"))
        elif "memory" in kinds.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            left = min(left, _left(_CGROUP / "memory", name, *names))
    return left


def _left(root: Path, name: str, limit: str, usage: str, cache: str) -> int:
    """The least of limit - usage over a group and those above it; pages of files that can be dropped are no use."""
    left, folder = 1 << 62, root / name.lstrip("/")
    for group in (folder, *folder.parents):
        try:
            most = int((group / limit).read_text())
            held = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            left = min(left, most - int((group / usage).read_text()) + int(held.get(cache, 0)))
        except (OSError, ValueError):  # no such file, or "max"
            pass
        if group == root:
            break
    return left


def _address_space() -> int:
    """What RLIMIT_AS leaves."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return 1 << 62
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return 1 << 62
