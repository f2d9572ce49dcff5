"""The transaction log, supplementary logs behind it, and registries: one thread, one clock, a faulty network.

Every call of one party to another goes through `Network.carry`, which does with it what the test says: carry it, not
reach anybody, lose the answer, carry it twice, or once more later.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from unittest.mock import patch

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from itl.clock import SetClock
from itl.codes import ACCOUNTS_WITHOUT_PERIOD, TransactionStatus
from itl.hub import Hub
from itl.messages import (
    InitiateReconciliationRequest,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationTransactionUnitBlock,
    Total,
    Transaction,
    UnitBlock,
)
from itl.reference import Registry, RegistryKind, Scheme
from itl.settings import Settings
from itl.store import tables as t
from itl.store.audit import Difference, audit
from itl.store.database import Database
from itl.store.enrol_scheme import put_scheme
from itl.store.reconciliations import Plan, running_of, start
from itl.store.reference_data import put_call_credentials, put_registry, put_user
from itl.wire.contract import OPERATIONS, Port, offering, service_name
from itl.wire.decode import decode_any, decode_reply
from itl.wire.encode import encode_reply, encode_request
from itl.wire.outgoing import HttpReply, PeerUnreachable
from tests.hub.world import OPERATION_OF, START, sandbox
from tests.supplement.world import into_1001, put_supplementary

SCHEMES: Mapping[str, tuple[str, ...]] = {"CITL": ("GB", "FR"), "STL2": ("JP",)}
"""Supplementary logs and the members of their schemes."""
SUPPLEMENTARY_TYPES = frozenset({(10, 2), (10, 53), (10, 61), (5, 1)})


ASKED = ("provideTotals", "provideUnitBlocks", "provideAuditTrail")


class Fate(Enum):
    """What becomes of a call."""

    ARRIVES = auto()
    REACHES_NOBODY = auto()
    LOSES_ANSWER = auto()
    ARRIVES_TWICE = auto()
    COMES_AGAIN_LATER = auto()


class Killed(BaseException):
    """The process ends here, before a commit."""


def log_with_schemes(url: str) -> None:
    """A transaction log with the sandbox's registries and all schemes."""
    sandbox(url)
    database = Database(url)
    with database.write() as connection:
        for code, members in SCHEMES.items():
            host = f"http://{code.lower()}.test"
            addresses = {"url": f"{host}/SupplementaryLogService", "relay_url": f"{host}/RelayService"}
            put_registry(connection, Registry(code, RegistryKind.STL, **addresses), START)
            put_user(connection, code, code.lower(), code.lower())
            put_call_credentials(connection, code, "itl", "itl")
            put_scheme(connection, Scheme(code, SUPPLEMENTARY_TYPES, frozenset(members)))
        for code in ("GB", "FR", "JP", "CDM"):
            host = f"http://{code.lower()}.test/"
            put_registry(connection, Registry(code, kind_of(code), url=host, relay_url=f"{host}RelayService"), START)
    database.close()


def kind_of(code: str) -> RegistryKind:
    return RegistryKind.CDM if code == "CDM" else RegistryKind.PARTY


def citl(url: str) -> None:
    """The supplementary log of the first scheme."""
    put_supplementary(url, "CITL", SCHEMES["CITL"])


def stl2(url: str) -> None:
    """That of the second."""
    put_supplementary(url, "STL2", SCHEMES["STL2"])


TEMPLATES: Mapping[str, Callable[[str], None]] = {"ITL": log_with_schemes, "CITL": citl, "STL2": stl2}


@dataclass
class Log:
    """One hub, which may be killed and started again."""

    code: str
    url: str
    clock: SetClock
    hub: Hub = field(init=False)
    application: Any = field(init=False)
    kill_next: bool = False
    """Its next unit of work ends before its commit."""
    commits: int = 0
    kill_at: int | None = None
    """Its unit of work of that number ends before its commit."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        role = "itl" if self.code == "ITL" else "stl"
        self.hub = Hub(replace(Settings(database=self.url), role=role), self.clock)
        self.application = self.hub.application()
        database = self.hub.database

        def mortal(write: Callable[[], AbstractContextManager[Connection]]) -> Any:
            @contextmanager
            def writing() -> Iterator[Connection]:
                with write() as connection:
                    yield connection
                    self.commits += 1
                    if self.kill_next or self.commits == self.kill_at:
                        self.kill_next = False
                        raise Killed(self.code)

            return writing

        database.write = mortal(database.write)  # type: ignore[method-assign]
        database.write_steadily = mortal(database.write_steadily)  # type: ignore[method-assign]

    def restart(self) -> None:
        """Another process on the same database: nothing but what is written survives."""
        self.kill_next = False
        self.hub.close()
        self.start()

    def surviving(self, work: Callable[[], Any]) -> Any:
        """Do `work`; a process that is killed in it is started again, and nothing comes of it."""
        try:
            return work()
        except Killed as killed:
            if killed.args != (self.code,):
                raise
            self.restart()
            return None

    def rows(self, statement: Any) -> list[Any]:
        with self.hub.database.read() as connection:
            return list(connection.execute(statement))

    def audited(self) -> list[Difference]:
        """What its audit finds."""
        with self.hub.database.snapshot() as connection:
            return list(audit(connection))

    def statuses(self) -> dict[str, int]:
        """Where each transaction stands."""
        statement = sa.select(t.transactions.c.identifier, t.transactions.c.status).where(t.transactions.c.occupies)
        return {row.identifier: row.status for row in self.rows(statement)}

    def holdings(self, members: Sequence[str]) -> dict[tuple[str, int], tuple[str, int]]:
        """Where each unit is that one of these registries holds."""
        return {
            (row.originating_registry, serial): (row.registry, row.account_type)
            for row in self.rows(sa.select(t.unit_blocks))
            if row.registry in members
            for serial in range(row.serial_start, row.serial_end + 1)
        }

    @property
    def reserved(self) -> int:
        return len(self.rows(sa.select(t.reservations.c.id)))


class RegistryAtWork:
    """A registry that keeps its books: proposes, answers what it is told, and moves its units when it is final."""

    def __init__(self, code: str, network: Network) -> None:
        self.code, self.network = code, network
        self.units: dict[tuple[str, int], int] = {}
        """Account type of every unit that it holds."""
        self.proposals: dict[str, ProposalTransaction] = {}
        """By identifier, what it has proposed and been proposed."""
        self.told: list[Any] = []
        self.to_say: list[Any] = []
        """What it has decided to say and has not been acknowledged for."""
        self._seen: set[bytes] = set()
        self.accepts = True
        self.log = "ITL"
        """The log that it speaks to."""
        self.completed: list[Transaction] = []
        """What it has carried out, as its audit trail has it."""
        self.snapshots: dict[str, tuple[datetime, dict[tuple[str, int], int] | None]] = {}
        """By identifier of a reconciliation, the instant, and its units then; none before it has come."""
        self.ignores: tuple[type, ...] = ()
        """Questions in reconciliations that it does not answer."""

    def post(self, operation: str, body: bytes) -> HttpReply:
        """What the log tells it; the same again has no effect."""
        message = decode_any(body).message
        if body not in self._seen:
            self._seen.add(body)
            self.told.append(message)
            if isinstance(message, ProposalRequest):
                self._proposed(message.proposed_transaction)
            elif isinstance(message, NotificationRequest):
                self._notified(message)
            elif not isinstance(message, self.ignores):
                self.answer(message)
        port = offering(operation)
        return HttpReply(
            200, encode_reply(port, operation, OPERATIONS[port][operation].response(result_identifier=1)), {}
        )

    def _head(self) -> dict[str, Any]:
        return {"sender": self.code, "addressee": self.log, "major_version": 1, "minor_version": 1}

    def propose(self, message: ProposalRequest) -> Any:
        """Sends it until it is answered."""
        message = msgspec.structs.replace(into_1001(message), addressee=self.log)
        self.proposals[message.proposed_transaction.transaction_identifier] = message.proposed_transaction
        return self.network.call(self.code, message)

    def say_next(self) -> None:
        """One thing that it has decided to say; said again until it is acknowledged."""
        message = msgspec.structs.replace(self.to_say[0], addressee=self.log)
        answer = self.network.call(self.code, message)
        if answer is None:
            return
        self.to_say.pop(0)
        completes = (
            isinstance(message, NotificationRequest) and message.transaction_status == TransactionStatus.COMPLETED
        )
        if completes and answer.result_identifier == 1:
            self._carry_out(self.proposals[message.transaction_identifier])

    def _proposed(self, transaction: ProposalTransaction) -> None:
        self.proposals[transaction.transaction_identifier] = transaction
        self._say(transaction.transaction_identifier, 8 if self.accepts else 6)

    def _notified(self, message: NotificationRequest) -> None:
        identifier, status = message.transaction_identifier, message.transaction_status
        transaction = self.proposals[identifier]
        if transaction.transferring_registry_code == self.code:
            if status in (2, 8, 9):
                self._say(identifier, 4)
            elif status in (3, 6, 10):
                self._say(identifier, 5)
        elif status == TransactionStatus.COMPLETED:
            self._carry_out(transaction)

    def _say(self, identifier: str, status: int) -> None:
        self.to_say.append(
            NotificationRequest(
                **self._head(),
                transaction_identifier=identifier,
                transaction_status=status,
                party_type=1,
                evaluation_result=(),
            )
        )

    # Reconciliations

    def freeze(self) -> None:
        """Take the snapshots whose instant has come: before any unit moves after it."""
        for identifier, (at, units) in self.snapshots.items():
            if units is None and self.network.clock() >= at:
                self.snapshots[identifier] = at, dict(self.units)

    def answer(self, message: Any) -> None:
        """Owe an answer to what is asked."""
        identifier = getattr(message, "reconciliation_identifier", "")
        head = {**self._head(), "reconciliation_identifier": identifier}
        self.freeze()
        match message:
            case InitiateReconciliationRequest():
                self.snapshots[identifier] = message.snapshot_datetime, None
            case ProvideTotalsRequest():
                self.to_say.append(ReceiveTotalsRequest(**head, totals=self._totals(identifier)))
            case ProvideUnitBlocksRequest():
                wanted = {each.account_type for each in message.unit_block_requests}
                blocks = [each for each in self._blocks(identifier) if not wanted or each.account_type in wanted]
                for part in (blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :]):
                    self.to_say.append(ReceiveUnitBlocksRequest(**head, unit_blocks=tuple(part)))
            case ProvideAuditTrailRequest():
                named = [
                    (each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
                    for each in message.unit_block_identifiers or ()
                ]
                trail = tuple(each for each in self.completed if _touches(each, named))
                self.to_say.append(ReceiveAuditTrailRequest(**head, transactions=trail))

    def _totals(self, identifier: str) -> tuple[Total, ...]:
        counted = Counter((self.snapshots[identifier][1] or {}).values())
        return tuple(
            Total(
                account_type=account_type,
                account_commit_period=0 if account_type in ACCOUNTS_WITHOUT_PERIOD else 1,
                unit_type=1,
                unit_count=count,
            )
            for account_type, count in sorted(counted.items())
        )

    def _blocks(self, identifier: str) -> list[UnitBlock]:
        found: list[UnitBlock] = []
        for (origin, serial), account_type in sorted((self.snapshots[identifier][1] or {}).items()):
            last = found[-1] if found else None
            if last is not None and (origin, serial - 1, account_type) == (
                last.originating_registry_code,
                last.unit_serial_block_end,
                last.account_type,
            ):
                found[-1] = msgspec.structs.replace(last, unit_serial_block_end=serial)
                continue
            found.append(
                UnitBlock(
                    unit_serial_block_start=serial,
                    unit_serial_block_end=serial,
                    originating_registry_code=origin,
                    unit_type=1,
                    account_type=account_type,
                    applicable_commit_period=1,
                )
            )
        return found

    def _carry_out(self, transaction: ProposalTransaction) -> None:
        self.freeze()
        self.completed.append(_trail(transaction, self.network.clock()))
        for block in transaction.proposal_unit_blocks:
            for serial in range(block.unit_serial_block_start, block.unit_serial_block_end + 1):
                unit = block.originating_registry_code, serial
                if transaction.acquiring_registry_code == self.code:
                    self.units[unit] = transaction.acquiring_registry_account_type or 0
                else:
                    del self.units[unit]


def _trail(transaction: ProposalTransaction, at: datetime) -> Transaction:
    return Transaction(
        transaction_identifier=transaction.transaction_identifier,
        transaction_type=transaction.transaction_type,
        transaction_status_date_time=at,
        transferring_registry_code=transaction.transferring_registry_code,
        acquiring_registry_code=transaction.acquiring_registry_code,
        transaction_blocks=tuple(
            ReconciliationTransactionUnitBlock(
                unit_serial_block_start=each.unit_serial_block_start,
                unit_serial_block_end=each.unit_serial_block_end,
                originating_registry_code=each.originating_registry_code,
                unit_type=each.unit_type,
                original_commit_period=each.original_commit_period,
                applicable_commit_period=each.applicable_commit_period,
            )
            for each in transaction.proposal_unit_blocks
        ),
    )


def _touches(transaction: Transaction, named: Sequence[tuple[str, int, int]]) -> bool:
    return any(
        each.originating_registry_code == origin
        and each.unit_serial_block_start <= end
        and each.unit_serial_block_end >= start
        for each in transaction.transaction_blocks
        for origin, start, end in named
    )


class Network:
    """All of them; `fate` says what becomes of each call, by who calls whom."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.clock = SetClock(START)
        self.logs = {code: Log(code, url, self.clock) for code, url in urls.items()}
        self.registries = {code: RegistryAtWork(code, self) for code in ("GB", "FR", "JP", "CDM")}
        self.fate: Callable[[str], Fate] = lambda _to: Fate.ARRIVES
        self.late: list[Callable[[], Any]] = []
        """Calls that come once more, some time."""
        self.carried: list[tuple[str, str, str]] = []
        """Every call that arrived: from which user, to whom, which operation."""
        self.posted: list[tuple[str, str, bytes]] = []
        """Every call that may have arrived, as it was sent: to whom, which operation, the body."""

    @classmethod
    @contextmanager
    def on(cls, urls: Mapping[str, str]) -> Iterator[Network]:
        network = cls(urls)
        with ExitStack() as stack:
            stack.enter_context(patch("itl.relay.relay.Peer", network.peer))
            for log in network.logs.values():
                stack.callback(lambda log=log: log.hub.close())
            yield network

    def __getitem__(self, code: str) -> RegistryAtWork:
        return self.registries[code]

    @property
    def log(self) -> Log:
        return self.logs["ITL"]

    # Calls

    def peer(self, url: str, *, user: str | None = None, **_how: Any) -> Any:
        host, _, path = url.removeprefix("http://").partition("/")
        return Line(self, (user or "itl").upper(), host.partition(".")[0].upper(), f"/{path}")

    def carry(self, sender: str, to: str, path: str, operation: str, body: bytes) -> HttpReply:
        """One call, by its fate."""

        def arrive() -> HttpReply:
            self.carried.append((sender, to, operation))
            if to in self.registries:
                return self.registries[to].post(operation, body)
            reply = self.logs[to].surviving(lambda: self._post(sender, to, path, operation, body))
            if reply is None:
                raise PeerUnreachable("it was killed")
            return reply

        fate = self.fate(to)
        if fate is not Fate.REACHES_NOBODY:
            self.posted.append((to, operation, body))
        match fate:
            case Fate.REACHES_NOBODY:
                raise PeerUnreachable("connection refused", never_sent=True)
            case Fate.LOSES_ANSWER:
                arrive()
                raise PeerUnreachable("the connection broke")
            case Fate.ARRIVES_TWICE:
                arrive()
            case Fate.COMES_AGAIN_LATER:
                self.late.append(arrive)
        return arrive()

    def call(self, sender: str, message: Any) -> Any:
        """What its log answers a registry; None where no answer comes."""
        operation = OPERATION_OF[type(message)]
        port = Port.RELAY if operation == "relayMessage" else Port.TRANSACTION_LOG
        body = encode_request(port, operation, message)
        to = self.registries[sender].log
        try:
            reply = self.carry(sender, to, f"/{service_name(port)}", operation, body)
        except PeerUnreachable:
            return None
        return decode_reply(port, operation, reply.body)

    def _post(self, sender: str, to: str, path: str, operation: str, body: bytes) -> HttpReply:
        started: list[str] = []
        user = sender.lower()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "SERVER_NAME": f"{to.lower()}.test",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "HTTP_SOAPACTION": f'"{operation}"',
            "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode(),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        answer = self.logs[to].application(environ, lambda status, _headers: started.append(status))
        return HttpReply(int(started[0].split()[0]), b"".join(answer), {})

    # Work

    def work(self, code: str) -> int:
        """One round of the worker of a log."""
        return self.logs[code].surviving(self.logs[code].hub.worker.once) or 0

    def reconcile(self, code: str) -> int:
        """One round of the reconciler of a log."""
        return self.logs[code].surviving(self.logs[code].hub.reconciler.once) or 0

    def deliver(self, code: str) -> int:
        """What a log has to tell now."""
        return self.logs[code].surviving(self.logs[code].hub.relay.deliver_once) or 0

    def begin_reconciliation(self, code: str) -> str | None:
        """The log begins one with a registry; None where one is running."""
        hub = self.log.hub
        with hub.database.engine.begin() as connection:
            if running_of(connection, code) is not None:
                return None
            plan = Plan(code, "tests", "a reconciliation of the network")
            return start(connection, plan, hub.identity, self.clock(), may=True).head.identifier

    def questions(self, code: str) -> list[tuple[str, bytes]]:
        """What may have reached a registry in reconciliations."""
        return [
            (operation, body)
            for to, operation, body in self.posted
            if to == code and ("econcil" in operation or operation in ASKED)
        ]

    def settle(self) -> None:
        """Everybody does all that can be done now."""
        busy = True
        while busy:
            busy = False
            for code in self.logs:
                busy = bool(self.work(code)) or busy
                busy = bool(self.reconcile(code)) or busy
                busy = bool(self.deliver(code)) or busy
            for registry in self.registries.values():
                if registry.to_say:
                    registry.say_next()
                    busy = True

    def later(self, step: timedelta) -> None:
        self.clock.advance(step)
        self.settle()

    def come_late(self, which: int) -> None:
        """A call that was carried before arrives once more; nobody waits for its answer."""
        with suppress(PeerUnreachable):
            self.late.pop(which)()

    def heal(self) -> None:
        """The network is whole again; what was late comes, and what waits for its time gets it."""
        self.fate = lambda _to: Fate.ARRIVES
        for log in self.logs.values():
            log.kill_next = False
        while self.late:
            self.come_late(0)
        for _ in range(4):
            self.later(timedelta(minutes=20))

    # Agreement

    def disagreements(self) -> list[str]:
        """Where the logs, and the registries, do not say the same of transactions and units."""
        statuses = self.log.statuses()
        found = []
        for row in self.log.rows(sa.select(t.transaction_supplements.c.stl, t.transactions.c.identifier).join_from(
            t.transaction_supplements, t.transactions
        )):  # fmt: skip
            if row.stl in self.logs:
                there = self.logs[row.stl].statuses().get(row.identifier)
                if there != statuses[row.identifier]:
                    found.append(f"{row.identifier} is at {statuses[row.identifier]} in the log, {there} at {row.stl}")
        for code, members in SCHEMES.items():
            if code in self.logs and self.logs[code].holdings(members) != self.log.holdings(members):
                found.append(f"{code} has {self.logs[code].holdings(members)}, the log {self.log.holdings(members)}")
        for code, registry in self.registries.items():
            books = {unit: (code, account_type) for unit, account_type in registry.units.items()}
            if books != self.log.holdings([code]):
                found.append(f"{code} has {books}, the log {self.log.holdings([code])}")
        for code, log in self.logs.items():
            still_open = [name for name, status in log.statuses().items() if status in (1, 2, 9)]
            if not still_open and not any(status == 8 for status in log.statuses().values()) and log.reserved:
                found.append(f"{code} still keeps units of no transaction")
        return found


@dataclass
class Line:
    """A log's connection to somebody."""

    network: Network
    sender: str
    to: str
    path: str

    def post(self, operation: str, body: bytes) -> HttpReply:
        return self.network.carry(self.sender, self.to, self.path, operation, body)

    def close(self) -> None:
        """Nothing is kept open."""
