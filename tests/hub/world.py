"""A whole log in one thread: a hub on a given database, a clock that stands, and registries that do as they are told.

Calls go through the WSGI application, deliveries through the relay to a `Peer` of ours; nothing runs by itself, so that
a test says when the log works (`World.settle`) and what time it is.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from itl.clock import SetClock
from itl.codes import TransactionType
from itl.hub import Hub
from itl.messages import (
    EvaluationResult,
    InitiateReconciliationRequest,
    MessageRequest,
    NotificationRequest,
    NotificationResponse,
    ProposalRequest,
    ProposalResponse,
    ProposalTransaction,
    ProvideAuditTrailRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    RelayRequest,
    TransactionStatusRequest,
    TransactionUnitBlock,
)
from itl.settings import Settings
from itl.store import tables as t
from itl.store.database import Database
from itl.store.enrolment import SANDBOX_REGISTRIES, put_sandbox
from itl.store.holdings import Holding, holdings
from itl.store.schema import migrate
from itl.wire.contract import offering, service_name
from itl.wire.decode import decode_any, decode_reply
from itl.wire.encode import encode_fault, encode_reply, encode_request
from itl.wire.faults import ServerFault
from itl.wire.outgoing import HttpReply, PeerUnreachable

START = datetime(2014, 6, 1, 12, tzinfo=UTC)
"""The second commitment period runs."""
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)

HEAD = {"addressee": "ITL", "major_version": 1, "minor_version": 1}

ISSUANCE, EXTERNAL, CANCELLATION, RETIREMENT, INTERNAL = (
    TransactionType.ISSUANCE,
    TransactionType.EXTERNAL_TRANSFER,
    TransactionType.CANCELLATION,
    TransactionType.RETIREMENT,
    TransactionType.INTERNAL_TRANSFER,
)

ACCOUNTS: Mapping[int, tuple[int | None, int]] = {
    ISSUANCE: (None, 100),
    EXTERNAL: (100, 100),
    CANCELLATION: (100, 230),
    RETIREMENT: (100, 300),
    INTERNAL: (100, 121),
}
"""Account types that the units of a plain transaction leave and reach."""

OPERATION_OF = {
    ProposalRequest: "acceptProposal",
    NotificationRequest: "acceptNotification",
    MessageRequest: "acceptMessage",
    TransactionStatusRequest: "getTransactionStatus",
    ReceiveTotalsRequest: "receiveTotals",
    ReceiveUnitBlocksRequest: "receiveUnitBlocks",
    ReceiveAuditTrailRequest: "receiveAuditTrail",
    ReconciliationResultRequest: "receiveReconciliationResult",
    ProvideUnitBlocksRequest: "provideUnitBlocks",
    ProvideAuditTrailRequest: "provideAuditTrail",
    InitiateReconciliationRequest: "initiateReconciliation",
    RelayRequest: "relayMessage",
}


# Messages ------------------------------------------------------------------------------------------------------------


def units(start: int, end: int, origin: str = "GB", **more: Any) -> TransactionUnitBlock:
    """AAU of the first period, unless `more` says otherwise: those of the second owe a share of proceeds (5107)."""
    plain = {"unit_type": 1, "original_commit_period": 1, "applicable_commit_period": 1}
    return TransactionUnitBlock(
        unit_serial_block_start=start, unit_serial_block_end=end, originating_registry_code=origin, **(plain | more)
    )


def proposal(
    sender: str,
    identifier: str,
    transaction_type: int,
    *blocks: TransactionUnitBlock,
    to: str | None = None,
    accounts: tuple[int | None, int] | None = None,
    **more: Any,
) -> ProposalRequest:
    """`sender` proposes `blocks`; `to` is the acquiring registry, else the sender."""
    source, target = accounts or ACCOUNTS.get(transaction_type, (100, 100))
    return ProposalRequest(
        sender=sender,
        **HEAD,
        proposed_transaction=ProposalTransaction(
            transaction_identifier=identifier,
            transaction_type=int(transaction_type),
            transferring_registry_code=sender,
            transferring_registry_account_type=source,
            transferring_registry_account_identifier=None if source is None else 1001,
            acquiring_registry_code=to or sender,
            acquiring_registry_account_type=target,
            acquiring_registry_account_identifier=2002,
            proposal_unit_blocks=blocks,
            **more,
        ),
    )


def notification(sender: str, identifier: str, status: int, *codes: int, **more: Any) -> NotificationRequest:
    plain = {"sender": sender, **HEAD, "party_type": 1}
    return NotificationRequest(
        transaction_identifier=identifier,
        transaction_status=status,
        evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
        **(plain | more),
    )


def status_query(sender: str, identifier: str) -> TransactionStatusRequest:
    return TransactionStatusRequest(sender=sender, **HEAD, transaction_identifier=identifier)


# Registries ----------------------------------------------------------------------------------------------------------

Answer = Callable[[str, Any], HttpReply]
"""What a registry answers to an operation with a message; PeerUnreachable where it gives no answer."""


def replies(result: int, *codes: int) -> Answer:
    def answer(operation: str, _message: Any) -> HttpReply:
        response = ProposalResponse if operation == "acceptProposal" else NotificationResponse
        message = response(result_identifier=result, response_codes=codes or None)
        return HttpReply(200, encode_reply(offering(operation), operation, message), {})

    return answer


def is_down(_operation: str, _message: Any) -> HttpReply:
    raise PeerUnreachable("connection refused", never_sent=True)


def is_silent(_operation: str, _message: Any) -> HttpReply:
    raise PeerUnreachable("not within 60 s")


def faults(_operation: str, _message: Any) -> HttpReply:
    return HttpReply(500, encode_fault(ServerFault("java.lang.NullPointerException")), {})


def talks_nonsense(_operation: str, _message: Any) -> HttpReply:
    return HttpReply(200, b"<html><body>It works!</body></html>", {"content-type": "text/html"})


def answers_another_operation(operation: str, message: Any) -> HttpReply:
    other = "acceptNotification" if operation == "acceptProposal" else "acceptProposal"
    body = replies(1)(other, message).body.replace(b"resultIdentifier", b"result")
    return HttpReply(200, body, {})


accepts = replies(1)


@dataclass
class ScriptedRegistry:
    """The endpoint of a registry: keeps what it was told, answers as `answer` says."""

    code: str
    answer: Answer = accepts
    calls: list[tuple[str, Any, bytes]] = field(default_factory=list)
    """Every call that reached it: operation, message, raw body."""

    def post(self, operation: str, body: bytes) -> HttpReply:
        message = decode_any(body).message
        if self.answer is not is_down:
            self.calls.append((operation, message, body))
        return self.answer(operation, message)

    def close(self) -> None:
        """As a `Peer`: nothing is kept open."""

    @property
    def heard(self) -> list[tuple[str, int]]:
        """Transaction and status of each call in its order; a relayed proposal is status 1."""
        return [
            (message.proposed_transaction.transaction_identifier, 1)
            if isinstance(message, ProposalRequest)
            else (message.transaction_identifier, message.transaction_status)
            for _, message, _ in self.calls
        ]

    def codes(self, identifier: str, status: int) -> list[int]:
        """The response codes with which it was told `status` last."""
        told = [
            message
            for _, message, _ in self.calls
            if isinstance(message, NotificationRequest)
            and (message.transaction_identifier, message.transaction_status) == (identifier, status)
        ]
        return [result.response_code for result in told[-1].evaluation_result]


# The world -----------------------------------------------------------------------------------------------------------


def sandbox(url: str) -> None:
    """Migrate the database and enrol the sandbox's registries: the template of this package's databases."""
    migrate(url)
    database = Database(url)
    with database.write() as connection:
        put_sandbox(connection, START, {code: f"http://{code.lower()}.test/" for code in SANDBOX_REGISTRIES})
    database.close()


class World:
    """A log with the sandbox's registries, on a database that `sandbox` prepared."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.url = url
        self.clock = SetClock(START)
        self.settings = replace(Settings(database=url), **settings)
        self.registries = {code: ScriptedRegistry(code) for code in SANDBOX_REGISTRIES}
        self.hub = Hub(self.settings, self.clock)
        self.application = self.hub.application()

    @classmethod
    @contextmanager
    def on(cls, url: str, **settings: Any) -> Iterator[World]:
        world = cls(url, **settings)
        with patch("itl.relay.relay.Peer", world._peer):
            yield world
        world.close()

    def close(self) -> None:
        self.hub.close()

    def restart(self) -> None:
        """Another process on the same database: nothing but what is written survives."""
        self.hub.close()
        self.hub = Hub(self.settings, self.clock)
        self.application = self.hub.application()

    def __getitem__(self, code: str) -> ScriptedRegistry:
        return self.registries[code]

    def _peer(self, url: str, **_how: Any) -> ScriptedRegistry:
        return self.registries[url.removeprefix("http://").partition(".")[0].upper()]

    # Calls of registries

    def post(self, body: bytes, operation: str = "", user: str | None = None, **environ: Any) -> tuple[str, bytes]:
        """HTTP status and body of the answer to `body`, from the Basic user `user` (its password is its name)."""
        started: list[str] = []
        request = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/TransactionLogService",
            "SERVER_NAME": "itl.test",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "HTTP_SOAPACTION": f'"{operation}"',
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        if user is not None:
            request["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()
        answer = self.application(request | environ, lambda status, _headers: started.append(status))
        return started[0], b"".join(answer)

    def call(self, message: Any, user: str | None = None, **environ: Any) -> Any:
        """The typed answer to `message`, sent by its sender unless `user` says otherwise; PeerFault for a fault."""
        operation = OPERATION_OF[type(message)]
        port = offering(operation)
        body = encode_request(port, operation, message)
        environ = {"PATH_INFO": f"/{service_name(port)}", **environ}
        user = message.sender.lower() if user is None else user or None
        _, answer = self.post(body, operation, user, **environ)
        return decode_reply(port, operation, answer)

    def say(self, message: Any, user: str | None = None, **environ: Any) -> int | tuple[int, ...]:
        """1 where `message` was accepted, else the codes of the refusal."""
        answer = self.call(message, user, **environ)
        return 1 if answer.result_identifier == 1 else answer.response_codes

    def propose(self, *given: Any, **more: Any) -> int | tuple[int, ...]:
        return self.say(proposal(*given, **more))

    def notify(self, *given: Any, **more: Any) -> int | tuple[int, ...]:
        return self.say(notification(*given, **more))

    # Time and work

    def settle(self) -> None:
        """Let the log do all that is due now."""
        self.hub.settle_down()

    def later(self, step: timedelta) -> None:
        """Let time pass, then let the log do what has become due."""
        self.clock.advance(step)
        self.settle()

    # What the log has

    def rows(self, table: sa.Table, *where: Any) -> list[Any]:
        with self.hub.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*where).order_by(table.primary_key.columns[0])))

    def transaction(self, identifier: str) -> Any:
        [row] = self.rows(t.transactions, t.transactions.c.identifier == identifier)
        return row

    def status(self, identifier: str) -> int:
        return self.transaction(identifier).status

    def history(self, identifier: str) -> list[tuple[int, str]]:
        """Each status that the transaction had, with who set it."""
        key = self.transaction(identifier).id
        return [
            (row.status, row.set_by) for row in self.rows(t.status_history, t.status_history.c.transaction_id == key)
        ]

    def force_status(self, identifier: str, status: int) -> None:
        """Put a transaction to a status that nothing leads to without an STL."""
        with self.hub.database.write() as connection:
            connection.execute(
                sa.update(t.transactions).where(t.transactions.c.identifier == identifier).values(status=status)
            )

    def holdings(self, at: datetime | None = None) -> list[Holding]:
        with self.hub.database.read() as connection:
            found = holdings(connection, at)
        assert all(holding.is_balanced for holding in found)
        return found

    def places(self) -> list[tuple[str, int, int, str, int]]:
        """Originating registry, first and last serial, registry and account type of every block held."""
        blocks = self.rows(t.unit_blocks)
        return sorted(
            (row.originating_registry, row.serial_start, row.serial_end, row.registry, row.account_type)
            for row in blocks
        )

    def reserved(self) -> list[tuple[str, int, int]]:
        rows = self.rows(t.reservations)
        return sorted((row.originating_registry, row.serial_start, row.serial_end) for row in rows)

    # Whole steps

    def issue(self, start: int, end: int, code: str = "GB", number: int = 1) -> str:
        """The registry issues AAU of its Party; the whole exchange, to status 4."""
        identifier = f"{code}{number}"
        assert self.propose(code, identifier, ISSUANCE, units(start, end, code)) == 1
        self.settle()
        assert self.notify(code, identifier, 4) == 1
        self.settle()
        return identifier

    def reach(self, status: int, transaction_type: int, identifier: str, start: int = 1, end: int = 50) -> str:
        """A transaction of GB about units that it holds (`issue` them first) or issues; external ones go to FR."""
        external = transaction_type == EXTERNAL
        block = units(start, end)
        if status in (3, 10):
            block = units(9001, 9050)
        accounts = (None, 300) if status in (3, 10) and transaction_type == ISSUANCE else None
        to = "FR" if external else None
        assert self.propose("GB", identifier, transaction_type, block, to=to, accounts=accounts) == 1
        if status == 1:
            return identifier
        self.settle()
        for sender, said in _STEPS[external].get(status, ()):
            assert self.notify(sender, identifier, said) == 1
            self.settle()
        if status == 7:
            self.later(DAY)
        elif status in (9, 10):
            self.force_status(identifier, status)
        assert self.status(identifier) == status
        return identifier


_STEPS: Mapping[bool, Mapping[int, tuple[tuple[str, int], ...]]] = {
    False: {4: (("GB", 4),), 5: (("GB", 5),)},
    True: {
        4: (("FR", 8), ("GB", 4)),
        5: (("FR", 6), ("GB", 5)),
        6: (("FR", 6),),
        8: (("FR", 8),),
    },
}
"""What is said, after the checks, to bring a transaction to a status; by whether it is external."""
