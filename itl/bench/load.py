"""A load of proposals: clients that each send a prepared proposal, wait for its answer, and send the next."""

from __future__ import annotations

import re
import selectors
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from math import ceil

from itl.bench.connection import Address, Calls, LoadError, Reply, now
from itl.bench.pace import Pace, drive
from itl.errors import UsageError

_RESULT = re.compile(rb"<(?:\w+:)?resultIdentifier[^>]*>([01])<")
_CODES = re.compile(rb"<responseCodes\b.*</responseCodes>", re.DOTALL)
_CODE = re.compile(rb">([0-9]+)<")


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. `latencies` has the seconds that each message took that was accepted."""

    seconds: float
    latencies: tuple[float, ...]
    refusals: Mapping[str, int] = field(default_factory=dict)
    """How often each code was answered, or HTTP status where there was no answer of a log."""
    unsent: int = 0
    """Of an open loop: messages that were due and never went out, since all clients were busy."""
    example: str = ""
    """A refusal, as it was answered."""

    @property
    def accepted(self) -> int:
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds

    def percentile(self, percent: float) -> float | None:
        """Seconds within which so many percent of the messages were done; None where none was."""
        ordered = sorted(self.latencies)
        return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else None

    def require_accepted(self) -> Load:
        """This load, if nothing was refused; else LoadError."""
        if self.refusals:
            raise LoadError(f"not accepted: {self.example}")
        return self


class Outcome:
    """Counts what the answers say."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.refusals: Counter[str] = Counter()
        self.example = ""

    def takes(self, reply: Reply) -> bool:
        """Whether the log accepted; if not, its codes are counted. UsageError for a caller that it does not know."""
        if reply.status == 401:
            raise UsageError("the log knows no such user or password; give --user and --password, or --certificate")
        result = _RESULT.search(reply.body)
        if reply.status == 200 and result is not None and result[1] == b"1":
            return True
        listed = _CODES.search(reply.body) if result is not None else None
        codes = [code.decode() for code in _CODE.findall(listed[0])] if listed else []
        self.refuse(codes or [f"HTTP {reply.status}"], reply.body)
        return False

    def refuse(self, codes: list[str], body: bytes) -> None:
        """Count a refusal under each of its codes."""
        self.refusals.update(codes)
        self.example = self.example or f"{' '.join(codes)}: {body[:1000].decode(errors='replace')}"

    def load(self, pace: Pace) -> Load:
        return Load(now() - pace.begun, tuple(self.latencies), dict(self.refusals), pace.unsent, self.example)


def load(
    address: Address,
    messages: Iterator[Sequence[bytes]],
    *,
    clients: int,
    seconds: float,
    most: int | None = None,
    rate: float | None = None,
) -> Load:
    """Send messages, each in its pieces, until the time is over or `most` are sent; all answers are waited for.

    With `rate` so many a second, else as many as the log takes. The seconds counted end with the last answer.
    """
    outcome = Outcome()
    with selectors.DefaultSelector() as selector, closing(Calls(selector, address, clients)) as calls:
        pace = Pace(seconds, most, rate)

        def begin(due: float) -> None:
            calls.call(next(messages), partial(answered, due))

        def answered(due: float, reply: Reply) -> None:
            if outcome.takes(reply):
                outcome.latencies.append(now() - due)

        drive(
            selector,
            pace,
            free=lambda: calls.free,
            begin=begin,
            busy=lambda: clients - calls.free,
            silence=f"{address.url} answers nothing",
        )
        return outcome.load(pace)
