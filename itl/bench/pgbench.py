"""PostgreSQL's own yardstick: `pgbench -N`, three statements and a commit that is on disk, on the same server."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from itl.bench import databases
from itl.bench.connection import LoadError
from itl.bench.plan import processors

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version, which are not on the path."""

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)

Rate = Callable[[float], float]
"""Of a run of so many seconds: transactions a second."""


def find(installed: Path = INSTALLED) -> str | None:
    """The program on the path, else of the newest version that is installed."""
    versions = sorted(installed.glob("*/bin/pgbench"), key=lambda path: _number(path.parts[-3]))
    return shutil.which("pgbench") or (str(versions[-1]) if versions else None)


@contextmanager
def running(program: str, server: str, scale: int, clients: int) -> Iterator[Rate]:
    """Rates on a new database of `server`, dropped afterwards."""
    with databases.new_postgresql(server, prepared=False) as url:
        _run(program, url, "--initialize", "--quiet", f"--scale={scale}")
        threads = min(clients, processors())
        load = ["--skip-some-updates", f"--client={clients}", f"--jobs={threads}"]

        def rate(seconds: float) -> float:
            said = _run(program, url, *load, f"--time={max(1, round(seconds))}")
            found = _RATE.search(said)
            if found is None:
                raise LoadError(f"{program} told no rate: {said}")
            return float(found[1])

        yield rate


def _run(program: str, url: str, *arguments: str) -> str:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = [program, *arguments, address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        raise LoadError(f"{program} failed: {done.stderr.strip()}")
    return done.stdout


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return 0.0
