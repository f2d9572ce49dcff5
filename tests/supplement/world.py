"""A supplementary log in one thread, with a scripted transaction log in front of it and scripted members beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import msgspec
import sqlalchemy as sa

from itl.clock import SetClock
from itl.hub import Hub
from itl.messages import NotificationRequest, ProposalRequest, TransactionStatusRequest
from itl.reference import Registry, RegistryKind
from itl.settings import Settings
from itl.store import tables as log
from itl.store.database import Database
from itl.store.enrolment import kind_of, put_sandbox
from itl.store.facts import Source
from itl.store.reference_data import LOG_CODE, put_call_credentials, put_registry, put_setting, put_user
from itl.store.schema import migrate
from itl.supplement import book
from itl.supplement.role import SupplementaryLog
from itl.supplement.scheme import Holder, Link, Member, SchemeAccount
from itl.wire.contract import OPERATIONS, Port, offering, service_name
from itl.wire.decode import decode_any, decode_reply
from itl.wire.encode import encode_reply, encode_request
from itl.wire.outgoing import HttpReply
from tests.hub.world import OPERATION_OF, START, notification, proposal, units

CODE = "CITL"
SOURCE = Source("tests", "the world of the tests", START)

ACCOUNTS = (
    SchemeAccount("", 100, 1001, Holder.PARTY),
    SchemeAccount("", 121, 2002, Holder.PERSON),
    SchemeAccount("", 120, 1201, Holder.OPERATOR, installation=7),
)
"""The accounts of every member."""


def supplementary(url: str, link: Link = Link.THROUGH) -> None:
    """Migrate the database and enrol the log and the members GB and FR."""
    put_supplementary(url, CODE, ("GB", "FR"), link)


def alone(url: str) -> None:
    """As `supplementary`, with members that call directly."""
    supplementary(url, Link.DIRECT)


def put_supplementary(url: str, code: str, members: Iterable[str], link: Link = Link.THROUGH) -> None:
    """A supplementary log of these members, each with the accounts of `ACCOUNTS`."""
    migrate(url, beside=SupplementaryLog.migrations)
    database = Database(url)
    with database.write() as connection:
        put_sandbox(connection, START)
        put_setting(connection, LOG_CODE, code)
        hosts = {"ITL": "http://itl.test/TransactionLogService"}
        hosts |= {each: f"http://{each.lower()}.test/" for each in ("GB", "FR", "JP", "CDM")}
        for each, host in hosts.items():
            kind = RegistryKind.LOG if each == "ITL" else kind_of(each)
            relay_url = f"{host.rpartition('/')[0]}/RelayService"
            put_registry(connection, Registry(each, kind, url=host, relay_url=relay_url), START)
        put_user(connection, "ITL", "itl", "itl")
        put_call_credentials(connection, "ITL", code.lower(), code.lower())
        for each in members:
            book.put_member(connection, Member(each, link), SOURCE)
            for account in ACCOUNTS:
                book.put_account(connection, replace(account, registry=each), SOURCE)
    database.close()


class Peer:
    """Whoever the supplementary log calls: keeps what it was told, and accepts it."""

    def __init__(self) -> None:
        self.told = list[Any]()

    def post(self, operation: str, body: bytes) -> HttpReply:
        self.told.append(decode_any(body).message)
        port = offering(operation)
        return HttpReply(
            200, encode_reply(port, operation, OPERATIONS[port][operation].response(result_identifier=1)), {}
        )

    def close(self) -> None:
        """Nothing is kept open."""

    @property
    def heard(self) -> list[tuple[str, int, list[int]]]:
        """Transaction, status and codes of each notification."""
        return [
            (
                each.transaction_identifier,
                each.transaction_status,
                [code.response_code for code in each.evaluation_result],
            )
            for each in self.told
            if isinstance(each, NotificationRequest)
        ]


class SchemeWorld:
    """A supplementary log on a database that `supplementary` or `alone` prepared."""

    def __init__(self, url: str) -> None:
        self.clock = SetClock(START)
        self.settings = replace(Settings(database=url), role="stl")
        self.peers = {code: Peer() for code in ("ITL", "GB", "FR", "JP")}
        self.hub = Hub(self.settings, self.clock)
        self.application = self.hub.application()

    @classmethod
    @contextmanager
    def on(cls, url: str) -> Iterator[SchemeWorld]:
        world = cls(url)
        with patch("itl.relay.relay.Peer", world._peer):
            yield world
        world.hub.close()

    def restart(self) -> None:
        self.hub.close()
        self.hub = Hub(self.settings, self.clock)
        self.application = self.hub.application()

    def _peer(self, url: str, **_how: Any) -> Peer:
        return self.peers[url.removeprefix("http://").partition(".")[0].upper()]

    # What the transaction log, and members, say

    def call(self, message: Any, user: str = "itl", port: Port = Port.SUPPLEMENTARY_LOG) -> Any:
        operation = OPERATION_OF.get(type(message), "relayMessage")
        port = Port.RELAY if operation == "relayMessage" else port
        body = encode_request(port, operation, message)
        started: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/{service_name(port)}",
            "SERVER_NAME": "citl.test",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "HTTP_SOAPACTION": f'"{operation}"',
            "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode(),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        answer = self.application(environ, lambda status, _headers: started.append(status))
        return decode_reply(port, operation, b"".join(answer))

    def say(self, message: Any, user: str = "itl", port: Port = Port.SUPPLEMENTARY_LOG) -> int | tuple[int, ...]:
        answer = self.call(message, user, port)
        return 1 if answer.result_identifier == 1 else answer.response_codes

    def relay(self, *given: Any, **more: Any) -> int | tuple[int, ...]:
        """The transaction log asks about a proposal of a registry, given as `tests.hub.world.proposal` wants it."""
        return self.say(relayed(into_1001(proposal(*given, **more))))

    def tell(self, identifier: str, status: int, *codes: int, **more: Any) -> int | tuple[int, ...]:
        """The transaction log says what has become of it."""
        return self.say(notification("ITL", identifier, status, *codes, **{"addressee": CODE, "party_type": 3, **more}))

    def propose(self, sender: str, *given: Any, **more: Any) -> int | tuple[int, ...]:
        """A member proposes directly."""
        message = msgspec.structs.replace(into_1001(proposal(sender, *given, **more)), addressee=CODE)
        return self.say(message, sender.lower(), Port.TRANSACTION_LOG)

    def notify(self, sender: str, identifier: str, status: int) -> int | tuple[int, ...]:
        """A member notifies directly."""
        message = notification(sender, identifier, status, addressee=CODE)
        return self.say(message, sender.lower(), Port.TRANSACTION_LOG)

    def settle(self) -> None:
        self.hub.settle_down()

    def later(self, step: timedelta) -> None:
        self.clock.advance(step)
        self.settle()

    # What it has

    def rows(self, table: sa.Table, *where: Any) -> list[Any]:
        with self.hub.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*where).order_by(table.primary_key.columns[0])))

    def status(self, identifier: str) -> int:
        [row] = self.rows(log.transactions, log.transactions.c.identifier == identifier)
        return row.status

    def places(self) -> list[tuple[str, int, int, str, int, int | None]]:
        return sorted(
            (row.originating_registry, row.serial_start, row.serial_end, row.registry, row.account_type,
             row.account_identifier)
            for row in self.rows(log.unit_blocks)
        )  # fmt: skip

    @property
    def answers(self) -> list[tuple[str, int, list[int]]]:
        """What the transaction log heard."""
        return self.peers["ITL"].heard

    def hold(self, start: int, end: int, code: str = "GB", number: int = 1, **more: Any) -> str:
        """A member issues AAU through the log; the whole exchange."""
        identifier = f"{code}{number}"
        block = units(start, end, code, **more)
        assert self.relay(code, identifier, 1, block, accounts=(100, 100)) == 1
        self.settle()
        assert self.tell(identifier, 4) == 1
        self.settle()
        return identifier


def into_1001(message: ProposalRequest) -> ProposalRequest:
    """What goes to a Party holding account goes to the one that units leave in the next proposal."""
    proposed = message.proposed_transaction
    if proposed.acquiring_registry_account_type != 100:
        return message
    proposed = msgspec.structs.replace(proposed, acquiring_registry_account_identifier=1001)
    return msgspec.structs.replace(message, proposed_transaction=proposed)


def relayed(message: ProposalRequest) -> ProposalRequest:
    """The proposal as the transaction log passes it on."""
    return msgspec.structs.replace(message, sender="ITL", addressee=CODE)


def status_query(identifier: str) -> TransactionStatusRequest:
    return TransactionStatusRequest(
        sender="ITL", addressee=CODE, major_version=1, minor_version=1, transaction_identifier=identifier
    )
