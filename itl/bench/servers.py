"""The servers that are measured, each started as it would be in production: processes of their own, on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType

from itl.errors import LogError

_START = 60.0  # seconds until a server must have said its address
_END = 30.0  # seconds until it must have ended

_URL = re.compile(r"http://\S+")
_WORKS = re.compile("the worker works")


class ServerError(LogError):
    """A server that did not start."""


@contextmanager
def log(database: str, processes: int, threads: int, *, work: bool = False) -> Iterator[str]:
    """URL of a log on `database` that accepts and, unless told to `work`, does nothing else."""
    serve = ["serve", "--database", database, "--port", "0"]
    serve += ["--processes", str(processes), "--threads", str(threads), *(["--work"] if work else [])]
    with _running(["itl.cli.main", "--log-level", "warning", *serve]) as url:
        yield url


@contextmanager
def echo(processes: int, threads: int) -> Iterator[str]:
    """URL of the echo (`itl.bench.echo`)."""
    with _running(["itl.bench.echo", "--processes", str(processes), "--threads", str(threads)]) as url:
        yield url


@contextmanager
def workers(database: str, count: int) -> Iterator[None]:
    """So many worker processes on `database`, which look for work often, as they are not woken from outside."""
    worker = ["itl.cli.main", "--log-level", "warning", "worker", "--database", database]
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(_running(worker, _WORKS, {"ITL_POLL": "0.05"}))
        yield


@contextmanager
def _running(
    module: Sequence[str], said: re.Pattern[str] = _URL, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """A module as a program; what `said` finds in its first line."""
    command = [sys.executable, "-m", *module]
    known = {**os.environ, **environment}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=known) as process:  # noqa: S603
        late = threading.Timer(_START, process.kill)
        late.start()
        try:
            found = said.search(next(iter(process.stdout or ()), ""))
            late.cancel()
            if found is None:
                raise ServerError(f"{' '.join(module)} did not start; what it said stands above")
            yield found[0]
        finally:
            late.cancel()
            process.terminate()
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                process.kill()
