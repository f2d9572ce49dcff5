"""Gather, judge, record: a batch costs a bounded number of queries, and one bad task does not hold up the others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, event, insert, select, update

from itl.checks import judge
from itl.clock import SetClock
from itl.hub import Hub
from itl.ledger.block import SerialRange
from itl.lifecycle.transaction import TransactionHead
from itl.messages import (
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionUnitBlock,
    content_digest,
    dump,
    load,
)
from itl.settings import Settings
from itl.store import gather, statements
from itl.store import tables as t
from itl.store.acceptance import Acceptance, Content, accept_proposal
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.store.gather import TooManyBlocks, units
from itl.store.schema import migrate
from itl.worker import timers
from tests.databases import FreshDatabase

NOW = datetime(2012, 6, 1, 12, tzinfo=UTC)


def sandbox(url: str) -> None:
    migrate(url)
    database = Database(url)
    with database.write() as connection:
        put_sandbox(connection, NOW)
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Hub]:
    hub = Hub(Settings(database=fresh_database(request.param, sandbox)), SetClock(NOW))
    yield hub
    hub.close()


def issued(hub: Hub, blocks: int, size: int = 10) -> None:
    """A ledger of `blocks` adjacent blocks of AAU, held by GB."""
    with hub.database.write() as connection:
        connection.execute(
            insert(t.unit_blocks),
            [
                {
                    "originating_registry": "GB",
                    "serial_start": number * size + 1,
                    "serial_end": (number + 1) * size,
                    "unit_type": 1,
                    "original_commit_period": 1,
                    "applicable_commit_period": 1,
                    "issued_unit_type": 1,
                    "registry": "GB",
                    "account_type": 100,
                    "since": NOW,
                }
                for number in range(blocks)
            ],
        )


def cancellation(identifier: str, ranges: list[tuple[int, int]]) -> ProposalRequest:
    return ProposalRequest(
        sender="GB",
        addressee="ITL",
        major_version=1,
        minor_version=1,
        proposed_transaction=ProposalTransaction(
            transaction_identifier=identifier,
            transaction_type=4,
            transferring_registry_code="GB",
            transferring_registry_account_type=100,
            transferring_registry_account_identifier=1,
            acquiring_registry_code="GB",
            acquiring_registry_account_type=230,
            acquiring_registry_account_identifier=2,
            proposal_unit_blocks=tuple(
                TransactionUnitBlock(
                    unit_serial_block_start=start,
                    unit_serial_block_end=end,
                    originating_registry_code="GB",
                    unit_type=1,
                    original_commit_period=1,
                    applicable_commit_period=1,
                )
                for start, end in ranges
            ),
        ),
    )


def accepted(hub: Hub, request: ProposalRequest, sender: str = "GB") -> None:
    identifier = request.proposed_transaction.transaction_identifier
    content = dump(request)
    outcome = accept_proposal(
        hub.database,
        Arrival("acceptProposal", sender, "ITL", identifier, b"<raw/>", NOW),
        request,
        Content(content, content_digest("acceptProposal", content)),
        occupies=True,
        deadline=NOW + timedelta(hours=24),
        now=NOW,
        stamp=hub.reference.current.stamp,
    )
    assert outcome is Acceptance.ACCEPTED


def statuses(hub: Hub) -> dict[str, int]:
    with hub.database.read() as connection:
        rows = connection.execute(select(t.transactions.c.identifier, t.transactions.c.status))
        return {row.identifier: row.status for row in rows}


def codes_told(hub: Hub) -> dict[str, list[int]]:
    with hub.database.read() as connection:
        contents = connection.execute(select(t.outbox.c.content).order_by(t.outbox.c.id)).scalars().all()
    told = [load(NotificationRequest, content) for content in contents]
    return {each.transaction_identifier: [found.response_code for found in each.evaluation_result] for each in told}


@contextmanager
def counted(hub: Hub) -> Iterator[list[str]]:
    """The statements that reach the database: text by SQLAlchemy, and names of those that are compiled once."""
    seen: list[str] = []
    execute = statements._execute

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    def noted(connection: Connection, steps: Sequence[tuple[statements._Compiled, Any]]) -> Any:
        seen.extend(compiled.name for compiled, _ in steps)
        return execute(connection, steps)

    event.listen(hub.database.engine, "before_cursor_execute", note)
    with patch.object(statements, "_execute", noted):
        yield seen
    event.remove(hub.database.engine, "before_cursor_execute", note)


def test_a_proposal_of_3000_blocks_costs_as_many_queries_as_one_of_one_block(hub: Hub) -> None:
    issued(hub, 3001)
    needed = []
    for number, blocks in enumerate((1, 3000), start=1):
        first = 0 if blocks == 1 else 1
        accepted(hub, cancellation(f"GB{number}", [(n * 10 + 1, n * 10 + 5) for n in range(first, first + blocks)]))
        with counted(hub) as seen:
            hub.worker.once()
        needed.append(seen)
    assert statuses(hub) == {"GB1": 2, "GB2": 2}
    assert "claim" in needed[0]
    assert len(needed[0]) == len(needed[1]) < 22


def issuance(identifier: str, projects: range) -> ProposalRequest:
    """CER of many projects of IN, ten of each, to an account that has an identifier."""
    return ProposalRequest(
        sender="CDM",
        addressee="ITL",
        major_version=1,
        minor_version=1,
        proposed_transaction=ProposalTransaction(
            transaction_identifier=identifier,
            transaction_type=1,
            transferring_registry_code="CDM",
            acquiring_registry_code="CDM",
            acquiring_registry_account_type=110,
            acquiring_registry_account_identifier=2,
            proposal_unit_blocks=tuple(
                TransactionUnitBlock(
                    unit_serial_block_start=project * 10 + 1,
                    unit_serial_block_end=project * 10 + 10,
                    originating_registry_code="IN",
                    unit_type=5,
                    original_commit_period=1,
                    applicable_commit_period=1,
                    project_identifier=project,
                )
                for project in projects
            ),
        ),
    )


def expiry_date_change(identifier: str, serials: range) -> ProposalRequest:
    """In answer to notice 9; nothing of it passes, but all of it is looked up."""
    asked = issuance(identifier, range(serials.start, serials.stop))
    transaction = asked.proposed_transaction
    blocks = tuple(
        replace(block, unit_type=7, lulucf_activity=1, expiry_date=date(2036, 12, 31))
        for block in transaction.proposal_unit_blocks
    )
    return replace(
        asked,
        proposed_transaction=replace(
            transaction, transaction_type=8, proposal_unit_blocks=blocks, notification_identifier=9
        ),
    )


@pytest.mark.parametrize("make", [issuance, expiry_date_change])
def test_projects_totals_accounts_and_notices_cost_as_many_queries_for_3000_blocks_as_for_one(
    hub: Hub, make: Callable[[str, range], ProposalRequest]
) -> None:
    needed = []
    for identifier, projects in (("CDM1", range(1, 2)), ("CDM2", range(2, 3002))):
        accepted(hub, make(identifier, projects), "CDM")
        with counted(hub) as judged:
            hub.worker.once()
        with hub.database.write() as connection:
            settling = (t.transactions.c.identifier == identifier) & (t.transactions.c.status == 2)
            connection.execute(update(t.transactions).where(settling).values(status=4))
            connection.execute(
                update(t.inbox)
                .values(work="settle")
                .where(
                    t.inbox.c.transaction_id.in_(
                        select(t.transactions.c.id).where(
                            t.transactions.c.identifier == identifier, t.transactions.c.status == 4
                        )
                    )
                )
            )
        with counted(hub) as settled:
            hub.worker.once()
        needed.append(judged + settled)
    assert len(needed[0]) == len(needed[1]) < 40
    expected = {"CDM1": 4, "CDM2": 4} if make is issuance else {"CDM1": 3, "CDM2": 3}
    assert statuses(hub) == expected


def test_a_batch_costs_as_many_queries_as_one_proposal(hub: Hub) -> None:
    issued(hub, 200)
    accepted(hub, cancellation("GB1", [(1, 5)]))
    with counted(hub) as alone:
        hub.worker.once()
    for number in range(2, 52):
        accepted(hub, cancellation(f"GB{number}", [(number * 10 + 1, number * 10 + 5)]))
    with counted(hub) as together:
        hub.worker.once()
    assert set(statuses(hub).values()) == {2}
    assert len(together) == len(alone)


def test_inside_a_batch_a_later_proposal_sees_the_earlier_one(hub: Hub) -> None:
    issued(hub, 1)
    accepted(hub, cancellation("GB1", [(1, 5)]))
    accepted(hub, cancellation("GB2", [(5, 6)]))
    accepted(hub, cancellation("GB3", [(6, 10)]))
    assert hub.worker.once() == 3
    assert statuses(hub) == {"GB1": 2, "GB2": 3, "GB3": 2}
    assert codes_told(hub) == {"GB1": [], "GB2": [4010], "GB3": []}


def test_a_task_that_breaks_its_batch_is_put_off_and_the_others_are_done(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued(hub, 4)
    for number in range(1, 5):
        accepted(hub, cancellation(f"GB{number}", [(number * 10 - 9, number * 10)]))
    right = judge.proposal

    def broken(message: ProposalRequest, *more: object) -> object:
        if message.proposed_transaction.transaction_identifier == "GB2":
            raise ZeroDivisionError("a defect of the log")
        return right(message, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "proposal", broken)
    while hub.worker.once():
        pass
    assert statuses(hub) == {"GB1": 2, "GB2": 1, "GB3": 2, "GB4": 2}
    with hub.database.read() as connection:
        row = connection.execute(select(t.inbox).where(t.inbox.c.work.is_not(None))).one()
    assert (row.failures, row.problem) == (1, "a defect of the log")
    monkeypatch.setattr(judge, "proposal", right)
    assert isinstance(hub.clock, SetClock)
    hub.clock.advance(timedelta(seconds=5))
    hub.worker.once()
    assert statuses(hub)["GB2"] == 2


def test_a_range_that_spans_more_of_the_ledger_than_can_be_judged_is_refused(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued(hub, 30)
    monkeypatch.setattr(gather.units, "__defaults__", (20,))
    accepted(hub, cancellation("GB1", [(1, 999_999_999_999_999)]))
    accepted(hub, cancellation("GB2", [(1, 200)]))
    while hub.worker.once():
        pass
    assert statuses(hub) == {"GB1": 3, "GB2": 2}
    assert codes_told(hub) == {"GB1": [1104], "GB2": []}


@pytest.mark.parametrize(
    ("wanted", "starts"),
    [
        ([(1, 1)], [1]),
        ([(10, 11)], [1, 11]),
        ([(15, 16)], [11]),
        ([(5, 35)], [1, 11, 21, 31]),
        ([(5, 8), (9, 9), (38, 60)], [1, 31]),
        ([(41, 60)], []),
    ],
)
def test_units_finds_the_blocks_that_touch_what_is_wanted(
    hub: Hub, wanted: list[tuple[int, int]], starts: list[int]
) -> None:
    issued(hub, 4)
    with hub.database.read() as connection:
        found = units(connection, [SerialRange("GB", start, end) for start, end in wanted])
    assert sorted(block.range.start for block in found.held) == starts
    with hub.database.read() as connection:
        assert units(connection, [SerialRange("FR", start, end) for start, end in wanted]).held == ()


def test_units_says_when_it_would_be_too_many(hub: Hub) -> None:
    issued(hub, 4)
    with hub.database.read() as connection:
        assert len(units(connection, [SerialRange("GB", 1, 40)], limit=4).held) == 4
        with pytest.raises(TooManyBlocks):
            units(connection, [SerialRange("GB", 1, 40)], limit=3)


def test_a_timer_that_cannot_be_carried_out_holds_up_no_other(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    issued(hub, 3)
    for number in range(1, 4):
        accepted(hub, cancellation(f"GB{number}", [(number * 10 - 9, number * 10)]))
    while hub.worker.once():
        pass
    right = timers.timed_out

    def broken(head: TransactionHead, *given: object) -> object:
        if head.identifier == "GB1":
            raise ZeroDivisionError("a defect of the log")
        return right(head, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(timers, "timed_out", broken)
    assert isinstance(hub.clock, SetClock)
    hub.clock.advance(timedelta(hours=24))
    while hub.worker.once():
        pass
    assert statuses(hub) == {"GB1": 2, "GB2": 7, "GB3": 7}
    monkeypatch.setattr(timers, "timed_out", right)
    hub.clock.advance(timers.PUT_OFF)
    hub.worker.once()
    assert statuses(hub)["GB1"] == 7
