"""A load of whole transactions: a registry's part from the proposal to the completion, with many of them open.

What is moved is issued first, some units for each transaction that may be open at one time. Then they go back and forth
between two accounts of the registry: that uses up no limit, and leaves the ledger as large as it is, however long it
goes on.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from itl.bench.connection import Address, Calls, LoadError, Reply, now
from itl.bench.endpoint import Endpoint, Notice
from itl.bench.load import Load, Outcome
from itl.bench.pace import Pace, drive
from itl.bench.proposals import REGISTRY, Dialect, Prepared, Units, issuance, number_by_time, told, transfer
from itl.codes import TransactionStatus

NEEDED = (
    "the registry must be enrolled with the endpoint's address, a worker must run, and the registry's Party must have "
    "an assigned amount for the period, as those of `itl sandbox` have"
)
"""What a log needs for this load, in words."""


@dataclass(frozen=True, slots=True)
class Play:
    """What a registry proposes: `open` transactions at one time, each of `blocks` blocks of one unit."""

    registry: str = REGISTRY
    blocks: int = 1
    dialect: Dialect = Dialect.INLINE
    period: int = 2
    open: int = 64


@dataclass(slots=True)
class _Holding:
    """Units that one transaction after the other moves: its messages in turns, and the one that is open."""

    messages: list[Prepared]
    turn: int = 0
    since: float = 0.0
    """When the open transaction was due."""
    told: bool = False
    """The log was told how it ended; what it says of it again is the same."""

    @property
    def message(self) -> Prepared:
        return self.messages[self.turn % len(self.messages)]


@dataclass(slots=True)
class _Registry:
    """The registry's part; `outcome` counts the transactions that are completed."""

    calls: Calls
    numbers: Iterator[int]
    play: Play
    idle: list[_Holding]
    open: dict[bytes, _Holding] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    _completed: Prepared = field(init=False)
    _terminated: Prepared = field(init=False)
    _code: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._completed = told(TransactionStatus.COMPLETED, self.play.dialect, self.play.registry)
        self._terminated = told(TransactionStatus.TERMINATED, self.play.dialect, self.play.registry)
        self._code = self.play.registry.encode()

    def propose(self, due: float) -> None:
        """Begin the next transaction."""
        holding = self.idle.pop()
        holding.since, holding.told = due, False
        pieces = holding.message.request(next(self.numbers))
        _, digits, _ = pieces
        self.open[digits] = holding
        self.calls.call(pieces, partial(self._proposed, digits))

    def notified(self, notice: Notice) -> None:
        """Carry out what the log found right, end what it refused. What it says twice is the same once."""
        digits = notice.identifier.removeprefix(self._code)
        holding = self.open.get(digits)
        if holding is None or holding.told:
            return
        holding.told = True
        match notice.status:
            case TransactionStatus.CHECKED_NO_DISCREPANCY | TransactionStatus.STL_CHECKED_NO_DISCREPANCY:
                self._tell(self._completed, digits, partial(self._carried_out, digits))
            case TransactionStatus.CHECKED_DISCREPANCY:
                self.outcome.refuse(list(notice.codes), notice.body)
                self._tell(self._terminated, digits, partial(self._ended, digits))
            case status:
                self.outcome.refuse([f"status {status}"], notice.body)
                self._free(digits)

    def _tell(self, message: Prepared, digits: bytes, then: partial[None]) -> None:
        self.calls.call((message.before, digits, message.after), then)

    def _proposed(self, digits: bytes, reply: Reply) -> None:
        if not self.outcome.takes(reply):
            self._free(digits)

    def _carried_out(self, digits: bytes, reply: Reply) -> None:
        if self.outcome.takes(reply):
            holding = self.open[digits]
            self.outcome.latencies.append(now() - holding.since)
            holding.turn += 1
        self._free(digits)

    def _ended(self, digits: bytes, reply: Reply) -> None:
        self.outcome.takes(reply)
        self._free(digits)

    def _free(self, digits: bytes) -> None:
        holding = self.open.pop(digits, None)
        if holding is not None:
            self.idle.append(holding)


class SupplementaryLog:
    """A supplementary log that agrees to everything: its endpoint listens at `url`, in the loop of a player."""

    def __init__(
        self, selector: selectors.BaseSelector, address: Address, code: str, play: Play, *, clients: int
    ) -> None:
        self._registry = play.registry.encode()
        self._agreed = told(TransactionStatus.STL_CHECKED_NO_DISCREPANCY, play.dialect, play.registry, code)
        self._endpoint = Endpoint(selector, "127.0.0.1", 0, self._notified)
        self._calls = Calls(selector, address, clients)
        self.url = self._endpoint.url

    def close(self) -> None:
        self._calls.close()
        self._endpoint.close()

    def _notified(self, notice: Notice) -> None:
        if notice.status == TransactionStatus.PROPOSED:
            digits = notice.identifier.removeprefix(self._registry)
            self._calls.call((self._agreed.before, digits, self._agreed.after), self._answered)

    def _answered(self, reply: Reply) -> None:
        outcome = Outcome()
        if not outcome.takes(reply):
            raise LoadError(f"the supplementary log's answer was refused: {outcome.example}")


class Player:
    """A registry that is up: its endpoint listens at `url`, its connections to the log are open."""

    def __init__(
        self, address: Address, play: Play, numbers: Iterator[int], *, clients: int, listen: tuple[str, int]
    ) -> None:
        self._clients = clients
        self._beside: list[SupplementaryLog] = []
        self._address, self._play = address, play
        self._selector = selectors.DefaultSelector()
        self._endpoint = Endpoint(self._selector, *listen, self._notified)
        try:
            self._calls = Calls(self._selector, address, clients)
        except BaseException:
            self._endpoint.close()
            self._selector.close()
            raise
        self._registry = _Registry(self._calls, numbers, play, [])

    @property
    def url(self) -> str:
        """Where the log is to call."""
        return self._endpoint.url

    def issue(self) -> None:
        """Bring the units into being that are moved later; LoadError where the log refuses that."""
        registry, first = self._registry, number_by_time()
        everything: list[Sequence[Prepared]] = []
        for _ in range(self._play.open):
            units = Units.spaced(first, self._play.blocks, period=self._play.period)
            first = units.behind
            dialect, code = self._play.dialect, self._play.registry
            registry.idle.append(_Holding([issuance(units, dialect, code)]))
            everything.append((transfer(units, dialect, code), transfer(units, dialect, code, back=True)))
        issuances = [*registry.idle]
        issued = self._run(Pace(float("inf"), most=self._play.open))
        if issued.refusals:
            raise LoadError(f"units to move could not be issued: {issued.example}; {NEEDED}")
        for holding, messages in zip(issuances, everything, strict=True):
            holding.messages, holding.turn = list(messages), 0

    def run(self, seconds: float, *, most: int | None = None, rate: float | None = None) -> Load:
        """Move units for so many seconds, or `most` times; what is open then is completed.

        With `rate` so many times a second, else as often as the log takes. Latencies are from the proposal to the
        answer to the completion.
        """
        return self._run(Pace(seconds, most, rate))

    def supplementary_log(self, address: Address, code: str) -> SupplementaryLog:
        """One that is asked beside, and agrees to all; it calls the log by `address`, and ends with this player."""
        self._beside.append(SupplementaryLog(self._selector, address, code, self._play, clients=self._clients))
        return self._beside[-1]

    def close(self) -> None:
        for each in self._beside:
            each.close()
        self._calls.close()
        self._endpoint.close()
        self._selector.close()

    def _notified(self, notice: Notice) -> None:
        self._registry.notified(notice)

    def _run(self, pace: Pace) -> Load:
        registry = self._registry
        registry.outcome = Outcome()
        drive(
            self._selector,
            pace,
            free=lambda: len(registry.idle),
            begin=registry.propose,
            busy=lambda: len(registry.open),
            silence=f"transactions are open, and the log is to call {self.url}: {NEEDED}",
        )
        return registry.outcome.load(pace)
