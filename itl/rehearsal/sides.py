"""Either side of a rehearsal, in this process or in one of its own: asked the same way, one thing at a time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Protocol

from itl.errors import LogError, UsageError


class Side(Protocol):
    """What the conductor talks to."""

    def ask(self, what: str, *about: Any) -> Any:
        """The result of the side's method `what`."""

    def send(self, what: str, *about: Any) -> None:
        """The same, without waiting; `take` has the result."""

    def take(self) -> Any:
        """The result of what was sent."""

    def close(self) -> None:
        """End it."""


class Here:
    """A side in this process."""

    def __init__(self, made: Callable[..., Any], *of: Any) -> None:
        self._side = made(*of)
        self._result: Any = None

    def ask(self, what: str, *about: Any) -> Any:
        return getattr(self._side, what)(*about)

    def send(self, what: str, *about: Any) -> None:
        self._result = self.ask(what, *about)

    def take(self) -> Any:
        return self._result

    def close(self) -> None:
        self._side.close()


class Elsewhere:
    """A side in a process of its own, which ends with this object or with this process. `first` is done there first."""

    def __init__(self, made: Callable[..., Any], *of: Any, first: Callable[[], object] = object) -> None:
        context = multiprocessing.get_context("spawn")  # threads and database connections are not to be inherited
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, first, made, of), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.take()
        except LogError:
            self._end()
            raise

    def ask(self, what: str, *about: Any) -> Any:
        self.send(what, *about)
        return self.take()

    def send(self, what: str, *about: Any) -> None:
        try:
            self._pipe.send((what, about))
        except BrokenPipeError:
            raise self._death() from None

    def take(self) -> Any:
        try:
            failed, result = self._pipe.recv()
        except EOFError:
            raise self._death() from None
        if failed:
            raise result
        return result

    def close(self) -> None:
        if self._process.is_alive():
            self.send("close")
        self._end()

    def _end(self) -> None:
        self._process.join()
        self._pipe.close()

    def _death(self) -> LogError:
        self._process.join()
        return LogError(f"a process of the rehearsal died (exit code {self._process.exitcode})")


def _serve(pipe: Connection, first: Callable[[], object], made: Callable[..., Any], of: tuple[Any, ...]) -> None:
    """Do what is asked over `pipe` until it is to close; a failure is told as what it says."""
    first()
    side = None
    what, about = "", of
    while what != "close":
        try:
            if side is None:
                result = None
                side = made(*about)
            else:
                result = getattr(side, what)(*about)
        except LogError as error:
            pipe.send((True, UsageError(str(error))))
        except Exception as error:  # whatever it is, the other process is to hear of it
            pipe.send((True, LogError(f"{type(error).__name__}: {error}")))
        else:
            pipe.send((False, result))
        if what == "close" or side is None:
            return
        what, about = pipe.recv()
