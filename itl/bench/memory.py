"""How much memory processes have resident, as Linux tells it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(root: int) -> dict[int, int]:
    """Bytes that each process below the process `root` has resident, by its number. Empty where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    below: dict[int, int] = {}
    for process in parents:
        if _is_below(process, root, parents):
            with suppress(OSError):
                pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
                below[process] = pages * _PAGE
    return below


def _is_below(process: int, root: int, parents: dict[int, int]) -> bool:
    seen = parents.get(process, 0)
    while seen not in (0, root):
        seen = parents.get(seen, 0)
    return seen == root
