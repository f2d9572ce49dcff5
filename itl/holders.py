"""Who holds a lease: a name for this process, and whether the process of a name still runs."""

from __future__ import annotations

import os
import secrets
import socket

_TOKEN = secrets.token_hex(4)


def new_holder() -> str:
    """A name for this process in leases: machine, process, and a token that a recycled process number cannot have."""
    return f"{socket.gethostname()}/{os.getpid()}/{_TOKEN}"


def is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine that runs no more. Unknown is alive: its lease will run out."""
    machine, _, rest = holder.partition("/")
    process, _, token = rest.partition("/")
    if machine != socket.gethostname() or not process.isdigit():
        return False
    if int(process) == os.getpid():
        return token != _TOKEN
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
