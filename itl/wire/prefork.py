"""Several processes that answer at one address, each with a queue of its own for the connections that it is dealt.

A process that dies takes only the calls that it had in hand with it: the others go on, its queue is kept, and another
process takes its place.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

import structlog

_SHORTEST_LIFE = 1.0  # seconds; a process that ends sooner is replaced only then, lest a fault at start spins
_DRAIN = 15.0  # for the processes to end by themselves, seconds; longer than a server lets requests end

_log = structlog.get_logger(__name__)


def run(answer: Callable[[socket.socket], None], listening: Sequence[socket.socket]) -> None:
    """Run `answer` in a process for each socket until KeyboardInterrupt or SystemExit here, then let each end in order.

    `answer` is to end on KeyboardInterrupt, which SIGTERM raises in it. This must be called before the process has
    threads or connections, since the others are forks of it. They end with it, even where it is killed.
    """
    life = os.pipe()
    idle = set(listening)
    born: dict[int, tuple[socket.socket, float]] = {}
    try:
        while True:
            while idle:
                taken = idle.pop()
                born[_fork(answer, taken, listening, life)] = taken, time.monotonic()
            number, status = os.wait()
            if number in born:
                _log.error("process ended", process=number, status=os.waitstatus_to_exitcode(status))
                left, since = born.pop(number)
                idle.add(left)
                time.sleep(max(0.0, since + _SHORTEST_LIFE - time.monotonic()))
    except (KeyboardInterrupt, SystemExit):
        _log.info("closing", processes=len(born))
    finally:
        for each in listening:
            each.close()
        for end in life:  # by which they know
            os.close(end)
        _wait(set(born))


def _fork(
    answer: Callable[[socket.socket], None],
    own: socket.socket,
    listening: Sequence[socket.socket],
    life: tuple[int, int],
) -> int:
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        _follow(*life)
        for each in listening:
            if each is not own:
                each.close()
        answer(own)
        status = 0
    except (KeyboardInterrupt, SystemExit):
        status = 0
    except BaseException:
        _log.exception("process failed")
    finally:  # nothing of what the parent had in hand may run on here
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _follow(read: int, write: int) -> None:
    """End on the first SIGTERM, or when the parent is gone; Ctrl-C reaches the parent, which passes it on."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    def watch() -> None:
        os.read(read, 1)  # nothing is ever written: it ends when the last copy of the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    os.close(write)
    threading.Thread(target=watch, name="life", daemon=True).start()


def _wait(living: set[int]) -> None:
    """Until all have ended by themselves; who takes too long is killed."""
    deadline = time.monotonic() + _DRAIN
    with suppress(ChildProcessError):  # all have ended
        while living and time.monotonic() < deadline:
            number, _ = os.waitpid(-1, os.WNOHANG)
            living.discard(number)
            if number == 0:
                time.sleep(0.05)
        for number in living:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
