"""How much memory this process has had at most."""

from __future__ import annotations

import resource
import sys


def peak() -> int:
    """Bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # the one system that counts in bytes
