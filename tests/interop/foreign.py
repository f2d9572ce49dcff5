"""What the drivers of foreign SOAP stacks share.

A stack that is not installed skips its tests and says what to install; with ITL_REQUIRE_INTEROP=1 it fails them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

import pytest

REQUIRED = "ITL_REQUIRE_INTEROP"
SECONDS = 120.0  # after which a foreign program is taken to hang
ENVIRONMENT = os.environ | {"TZ": "America/New_York"}  # where a time without a zone would be read as hours away


@dataclass(frozen=True, slots=True)
class Basic:
    """A registry says who it is by user and password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A registry says who it is by a certificate, and trusts an authority: PEM files."""

    certificate: Path
    key: Path
    authority: Path


Identity = Basic | Certificate
Call = dict[str, Any]  # {"operation": ..., "request": {...}}
Outcome = dict[str, Any]  # {"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": ...}}


def words(identity: Identity) -> tuple[str, ...]:
    """`identity` as the programs take it at the end of their arguments: USER PASSWORD or CERTIFICATE KEY AUTHORITY."""
    return tuple(str(getattr(identity, field.name)) for field in fields(identity))


def lacking(what: str, install: str) -> NoReturn:
    """Skip or fail the test, for `what` is not on this machine; on Debian the command `install` brings it."""
    reason = f"{what} is not installed; on Debian: {install}"
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(reason)


def run(*command: str | Path, given: str = "") -> str:
    """What `command` prints, with `given` as its standard input; an AssertionError with its complaint if it fails."""
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def running(command: Sequence[str | Path], directory: Path) -> Iterator[str]:
    """The root URL, which it prints, of the server that `command` starts in `directory`; ended afterwards."""
    with subprocess.Popen(
        command,
        cwd=directory,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        said: list[str] = []
        try:
            url = next(filter(None, (_url(line, said) for line in process.stdout)), None)
            watchdog.cancel()
            assert url, f"{command[0]} did not serve: {''.join(said)}"
            threading.Thread(target=said.extend, args=(process.stdout,)).start()  # else it would wait for a reader
            yield url
        finally:
            watchdog.cancel()
            process.terminate()


def _url(line: str, said: list[str]) -> str | None:
    said.append(line)
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    return found[0] if found else None


class Registry:
    """A registry's endpoint that a foreign stack serves in `directory`: what it received, and what it is to answer."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.answer({})

    def answer(self, answers: dict[str, Any]) -> None:
        """From now on answer the operations so: a reply in its canonical form or {"fault": TEXT}; others accepted."""
        (self.directory / "answers.json").write_text(json.dumps(answers), encoding="utf-8")

    def received(self) -> list[Call]:
        """All requests so far."""
        file = self.directory / "received.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
