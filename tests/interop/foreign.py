"""What the drivers of foreign SOAP stacks share.

A stack that is not installed skips its tests and says what to install; with ITL_REQUIRE_INTEROP=1 it fails them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

REQUIRED = "ITL_REQUIRE_INTEROP"
SECONDS = 120.0  # after which a foreign program is taken to hang

Call = dict[str, Any]  # {"operation": ..., "request": {...}}
Outcome = dict[str, Any]  # {"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": ...}}


def lacking(what: str, packages: str) -> NoReturn:
    """Skip or fail the test, for `what` is not on this machine; it is in these Debian packages."""
    reason = f"{what} is not installed; on Debian: apt-get install {packages}"
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(reason)


def run(*command: str | Path, given: str = "") -> str:
    """What `command` prints, with `given` as its standard input; an AssertionError with its complaint if it fails."""
    done = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout}{done.stderr}"
    return done.stdout
