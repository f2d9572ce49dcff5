"""Writes docs/interop.json anew: `python -m tests.interop`. Look at the difference before committing it."""

import os
import sys
from pathlib import Path

import pytest

from tests.interop.foreign import REQUIRED

os.environ[REQUIRED] = "1"
tests = [str(Path(__file__).parent / name) for name in ("test_clients.py", "test_registries.py")]
sys.exit(pytest.main([*tests, "--record-interop", "--numprocesses", "0"]))
