"""Whole transactions: a registry's part against real logs, and what it does with what the log says."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from itl.bench import complete, databases, pace, servers
from itl.bench.complete import Play, Player
from itl.bench.connection import Address, LoadError, Reply, turn
from itl.bench.endpoint import Endpoint, Notice
from itl.bench.proposals import Dialect, Units, transfer
from itl.cli.main import main
from itl.errors import UsageError
from itl.messages import EvaluationResult, NotificationRequest, TransactionStatusRequest
from itl.store import tables as t
from itl.store.database import Database
from itl.wire.contract import Port
from itl.wire.decode import decode_reply, decode_request
from itl.wire.encode import encode_request
from tests.bench.test_load import ACCEPTED, REFUSED
from tests.databases import FreshDatabase


@contextmanager
def playing(database: str, play: Play, clients: int = 3) -> Iterator[Player]:
    """A registry, and a log that works for it."""
    with servers.log(database, processes=1, threads=4, work=True) as url:
        player = Player(Address(url, "gb", "gb"), play, count(), clients=clients, listen=("127.0.0.1", 0))
        with closing(player):
            databases.let_call(database, "GB", player.url)
            yield player


def transactions(url: str) -> dict[tuple[int, int, bool], int]:
    """How many there are, by type, status, and whether the ledger has carried them out."""
    database = Database(url)
    columns = (t.transactions.c.transaction_type, t.transactions.c.status, t.transactions.c.settled_at.is_not(None))
    with database.read() as connection:
        rows = connection.execute(select(*columns, func.count()).group_by(*columns)).all()
    database.close()
    return {(row[0], row[1], bool(row[2])): row[3] for row in rows}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_units_go_back_and_forth_and_every_transaction_is_carried_out(
    engine: Any, fresh_database: FreshDatabase
) -> None:
    url = fresh_database(engine, databases.prepare)
    with playing(url, Play(blocks=3, dialect=Dialect.MULTIREF, open=4)) as player:
        player.issue()
        done = player.run(60.0, most=15)
        more = player.run(60.0, most=1)
    assert (done.accepted, done.refusals, more.accepted) == (15, {}, 1)
    assert all(0 < latency <= done.seconds for latency in done.latencies)
    counted = transactions(url)
    # The last of them may be carried out by the ledger only after the registry has its answer.
    assert {key[:2] for key in counted} == {(1, 4), (10, 4)}
    assert sum(counted.values()) == 4 + 16
    assert counted[1, 4, True] == 4
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.unit_blocks)).scalar_one() == 4 * 3
    database.close()


def test_units_that_may_not_be_issued_are_said(fresh_database: FreshDatabase) -> None:
    with playing(fresh_database("sqlite", databases.prepare), Play(period=0, open=1)) as player:
        with pytest.raises(LoadError, match=r"could not be issued: [0-9]{4}") as error:
            player.issue()
        assert "assigned amount" in str(error.value)


def test_a_log_that_never_calls_is_said(fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh_database("sqlite", databases.prepare)
    monkeypatch.setattr(pace, "STALLED", 0.3)
    with servers.log(url, processes=1, threads=2) as log:
        player = Player(Address(log, "gb", "gb"), Play(open=1), count(), clients=1, listen=("127.0.0.1", 0))
        with closing(player), pytest.raises(LoadError, match=r"nothing came.*a worker must run"):
            player.issue()


class Wire:
    """Takes the place of the connections: keeps what would be sent, until it is answered."""

    def __init__(self) -> None:
        self.waiting: list[tuple[bytes, Any]] = []

    def call(self, pieces: Any, then: Any) -> None:
        self.waiting.append((b"".join(pieces), then))

    def answer(self, *bodies: bytes) -> list[tuple[str, int | None]]:
        """Answer what waits; what it was: operation and status."""
        asked, self.waiting = self.waiting, []
        said = []
        for (body, then), answer in zip(asked, bodies, strict=True):
            read = decode_request(Port.TRANSACTION_LOG, body)
            said.append((read.operation, getattr(read.message, "transaction_status", None)))
            then(Reply(200, answer))
        return said


@pytest.fixture
def registry() -> tuple[complete._Registry, Wire]:
    wire = Wire()
    units = Units((1,))
    holding = complete._Holding([transfer(units, Dialect.INLINE), transfer(units, Dialect.INLINE, back=True)])
    return complete._Registry(wire, count(1), Play(open=1), [holding]), wire  # type: ignore[arg-type]


def notice(number: int, status: int, *codes: str) -> Notice:
    return Notice(b"GB10000000000000%d" % number, status, codes, b"")


def test_what_is_right_is_completed_once_and_the_way_back_comes_next(registry: tuple[Any, Wire]) -> None:
    player, wire = registry
    player.propose(0.0)
    there = wire.waiting[0][0]
    player.notified(notice(1, 2))  # before the answer to the proposal
    player.notified(notice(1, 2))
    assert wire.answer(ACCEPTED, ACCEPTED) == [("acceptProposal", None), ("acceptNotification", 4)]
    assert (len(player.outcome.latencies), len(player.idle), player.open) == (1, 1, {})
    player.notified(notice(1, 2))  # late, and once more
    player.notified(notice(9, 2))  # of another load
    assert wire.waiting == []
    player.propose(0.0)
    asked = [decode_request(Port.TRANSACTION_LOG, each).message for each in (there, wire.waiting[0][0])]
    from_accounts = [each.proposed_transaction.transferring_registry_account_identifier for each in asked]
    assert from_accounts == [1001, 1002]
    assert player.idle == []


@pytest.mark.parametrize(
    ("told", "answers", "said", "refusals"),
    [
        (None, [REFUSED], [("acceptProposal", None)], {"1501": 1, "1502": 1}),
        (notice(1, 3, "4003"), [ACCEPTED, ACCEPTED], [("acceptProposal", None), ("acceptNotification", 5)],
         {"4003": 1}),
        (notice(1, 7), [ACCEPTED], [("acceptProposal", None)], {"status 7": 1}),
        (notice(1, 2), [ACCEPTED, REFUSED], [("acceptProposal", None), ("acceptNotification", 4)],
         {"1501": 1, "1502": 1}),
    ],
    ids=["refused at the door", "found wrong", "cancelled", "completion refused"],
)  # fmt: skip
def test_what_is_refused_is_counted_and_tried_again_as_it_was(
    told: Notice | None, answers: list[bytes], said: Any, refusals: dict[str, int], registry: tuple[Any, Wire]
) -> None:
    player, wire = registry
    player.propose(0.0)
    if told is not None:
        player.notified(told)
    assert wire.answer(*answers) == said
    assert (player.outcome.refusals, player.outcome.latencies) == (refusals, [])
    assert (player.open, len(player.idle), player.idle[0].turn) == ({}, 1, 0)


def notification(number: int, status: int, *codes: int) -> bytes:
    return encode_request(
        Port.REGISTRY,
        "acceptNotification",
        NotificationRequest(
            sender="ITL",
            addressee="GB",
            major_version=1,
            minor_version=1,
            transaction_identifier=f"GB{number}",
            transaction_status=status,
            party_type=3,
            evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
        ),
    )


def posted(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("piece", [401, 10**6], ids=["in pieces", "all at once"])
def test_the_endpoint_reads_what_comes_in_any_pieces_and_answers_in_order(piece: int) -> None:
    other = encode_request(
        Port.TRANSACTION_LOG,
        "getTransactionStatus",
        TransactionStatusRequest(
            sender="ITL", addressee="GB", major_version=1, minor_version=1, transaction_identifier="GB7"
        ),
    )
    bodies = [notification(1, 2), notification(2, 3, 4003, 5008), other]
    stream = b"".join(map(posted, bodies))
    heard: list[Notice] = []
    with selectors.DefaultSelector() as selector:
        endpoint = Endpoint(selector, "127.0.0.1", 0, heard.append)
        port = int(endpoint.url.split(":")[-1].strip("/"))
        with pytest.raises(UsageError, match="cannot listen"):
            Endpoint(selector, "127.0.0.1", port, heard.append)
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.settimeout(20)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(stream), piece):
                caller.sendall(stream[start : start + piece])
                turn(selector, 5.0)
            while turn(selector, 0.0):
                pass
            answers = caller.recv(10**6).split(b"HTTP/1.1 ")[1:]
        turn(selector, 5.0)  # the end of the connection
        endpoint.close()
        assert not selector.get_map()
    assert [(each.identifier, each.status, each.codes) for each in heard] == [
        (b"GB1", 2, ()), (b"GB2", 3, ("4003", "5008")),
    ]  # fmt: skip
    assert [answer.split(b" ")[0] for answer in answers] == [b"200", b"200", b"500"]
    reply = decode_reply(Port.REGISTRY, "acceptNotification", answers[0].partition(b"\r\n\r\n")[2])
    assert reply.result_identifier == 1


def test_the_command_plays_a_registry(fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    url = fresh_database("sqlite", databases.prepare)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    databases.let_call(url, "GB", f"http://127.0.0.1:{port}/")
    with servers.log(url, processes=1, threads=4, work=True) as log:
        run = ["load", "complete", "--url", log, "--seconds", "1", "--open", "2", "--listen"]
        assert main([*run, f"127.0.0.1:{port}"]) == 0
        shown = capsys.readouterr()
        assert "done" in shown.out
        assert f"itl enrol GB --url http://127.0.0.1:{port}/" in shown.err
        assert main([*run, "nowhere"]) == 2
        assert "--listen nowhere" in capsys.readouterr().err
