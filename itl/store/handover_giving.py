"""What a log hands over with a registry: its units, its history, what is counted of it, and what was told about it.

A log answers for the units of the registries that are in force here; what its ledger has of others is what it was last
told. So just the former go into the file: what the registry holds, and of what it issued or ever had in a transaction
where that is now, so that the other log can tell a new serial from one that is there already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, collate, exists, func, or_, select

from itl.codes import CDM, OPEN_STATUSES, TransactionStatus
from itl.ledger.totals import TotalKey, TotalKind
from itl.store import tables as t
from itl.store.fact_kinds import KINDS, FactName
from itl.store.handover_file import Evaluation, Fact, Head, Line, Notice, Step, Total, Transaction, Units
from itl.store.notices import recorded
from itl.store.recount import stream
from itl.store.reference_data import STATUS_FACTS, load_reference
from itl.store.rows import held_block, proposal_of

KEPT = frozenset({*STATUS_FACTS, FactName.VERSION_SPOKEN})
"""Facts that say how a registry stands with one log, and mean nothing to another."""


def of_registry(registry: str) -> ColumnElement[bool]:
    """The transactions of a registry: those that it proposed or acquires by, under identifiers that are taken."""
    heads = t.transactions.c
    behind = func.substr(heads.identifier, len(registry) + 1, 1)
    own = and_(heads.identifier.like(f"{registry}%"), behind.between("0", "9"))
    return and_(heads.occupies, or_(heads.transferring_registry == registry, heads.acquiring_registry == registry, own))


def answered_for(connection: Connection, now: datetime) -> set[str]:
    """The registries of whose units this log says where they are: those in force.

    Of one that is still on its way into production only once it came by a handover.
    """
    came = select(t.handovers.c.registry).where(t.handovers.c.status.in_(("imported", "opened")))
    taken = set(connection.execute(came).scalars())
    known = load_reference(connection, now).registries.items()
    return {code for code, each in known if each.is_registry and (each.is_live or code in taken)}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What keeps a registry here: open transactions by status, messages that are not delivered, differences."""

    transactions: tuple[tuple[str, int], ...]
    undelivered: int
    inconsistencies: int

    def __bool__(self) -> bool:
        return bool(self.transactions or self.undelivered or self.inconsistencies)


def unfinished(connection: Connection, registry: str, log: str) -> Unfinished:
    """What has still to end before the registry can go."""
    heads, outbox, found = t.transactions.c, t.outbox.c, t.inconsistencies.c
    carried_out = (heads.status == TransactionStatus.COMPLETED) & heads.settled_at.is_(None)
    statement = select(heads.identifier, heads.status).where(
        of_registry(registry), heads.status.in_(OPEN_STATUSES) | carried_out
    )
    about = exists().where(heads.id == outbox.transaction_id, of_registry(registry))
    waiting = select(func.count()).where(outbox.delivered_at.is_(None), (outbox.receiver == registry) | about)
    differing = select(func.count()).where(found.registry == registry, found.log == log, found.closed_at.is_(None))
    return Unfinished(
        tuple((row.identifier, row.status) for row in connection.execute(statement.order_by(heads.id))),
        connection.execute(waiting).scalar_one(),
        connection.execute(differing).scalar_one(),
    )


def reconciled(connection: Connection, registry: str, since: datetime) -> str | None:
    """The identifier of the latest reconciliation that shows that log and registry agree on what is so since `since`.

    Its snapshot is not before that, nor before the last transaction of the registry was carried out.
    """
    found = t.reconciliations.c
    heads = t.transactions.c
    last = select(func.max(heads.settled_at, type_=t.Instant())).where(of_registry(registry))
    settled: datetime | None = connection.execute(last).scalar_one()
    statement = (
        select(found.identifier)
        .where(
            found.registry == registry,
            found.snapshot_at >= max(since, settled or since),
            found.outcome.in_(("consistent", "repaired")),
        )
        .order_by(found.snapshot_at.desc(), found.id.desc())
        .limit(1)
    )
    identifier: str | None = connection.execute(statement).scalar()
    return identifier


def lines(connection: Connection, head: Head, now: datetime) -> Iterator[Line]:
    """All that goes into the file but its end; `connection` should see one state of the database throughout."""
    registry = head.registry
    origins = _origins(connection, registry)
    here = answered_for(connection, now)
    yield head
    yield from _facts(connection, registry, origins)
    yield from _notices(connection, registry)
    yield from _transactions(connection, registry)
    yield from _units(connection, registry, here | {registry}, origins)
    yield from _totals(connection, registry)


def _origins(connection: Connection, registry: str) -> list[str]:
    """The originating registries of the units that the registry has, or had in a transaction."""
    blocks, held = t.transaction_blocks.c, t.unit_blocks.c
    touched = (
        select(blocks.originating_registry)
        .join(t.transactions, t.transactions.c.id == blocks.transaction_id)
        .where(of_registry(registry))
    )
    has = select(held.originating_registry).where(held.registry == registry)
    return sorted({registry, *connection.execute(touched.union(has)).scalars()})


def _facts(connection: Connection, registry: str, origins: Collection[str]) -> Iterator[Fact]:
    """What was told of the registry and its Party, and of projects whose units it has or had."""
    names = [name for name in FactName if name not in KEPT and KINDS[name].about]
    of_projects = [name for name in names if "project" in KINDS[name].about]
    facts = t.facts.c
    wanted = or_(
        and_(facts.subject == registry, facts.name.in_(names)),
        and_(facts.subject.in_(origins), facts.name.in_(of_projects)),
    )
    for row in stream(connection, select(t.facts).where(wanted).order_by(facts.id)):
        yield Fact(
            row.name,
            row.subject,
            row.number,
            row.period,
            row.detail,
            row.value,
            row.valid_from,
            row.recorded_by,
            row.reason,
        )


def _notices(connection: Connection, registry: str) -> Iterator[Notice]:
    for each in recorded(connection, registry):
        notice = each.notice
        yield Notice(
            notice.identifier,
            notice.notice_type,
            int(notice.status),
            notice.registry,
            notice.project,
            notice.unit_type,
            notice.target_value,
            notice.target_date,
            notice.lulucf_activity,
            notice.commit_period,
            tuple((units.originating_registry, units.start, units.end) for units in notice.blocks),
            each.action_due_date,
            each.source.by,
            each.source.reason,
        )


class _Beside:
    """Rows of a statement, by transaction, beside another that is read in the same order."""

    def __init__(self, rows: Iterable[t.Record]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def of(self, transaction_id: int) -> list[t.Record]:
        found = []
        while self._next is not None and self._next.transaction_id <= transaction_id:
            if self._next.transaction_id == transaction_id:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _transactions(connection: Connection, registry: str) -> Iterator[Transaction]:
    def beside(table: Any, order: Any) -> _Beside:
        of = table.c.transaction_id
        statement = select(table).join(t.transactions, t.transactions.c.id == of).where(of_registry(registry))
        return _Beside(stream(connection, statement.order_by(of, order)))

    blocks = beside(t.transaction_blocks, t.transaction_blocks.c.position)
    history = beside(t.status_history, t.status_history.c.id)
    evaluations = beside(t.evaluations, t.evaluations.c.id)
    heads = select(t.transactions).where(of_registry(registry)).order_by(t.transactions.c.id)
    for head in stream(connection, heads):
        yield Transaction(
            proposal_of(head, blocks.of(head.id)),
            head.status,
            head.status_at,
            head.proposed_at,
            head.settled_at,
            head.confirmed_at,
            head.flagged_at,
            head.ended_at,
            tuple(Step(row.status, row.at, row.set_by) for row in history.of(head.id)),
            tuple(
                Evaluation(row.at, row.evaluated_by, msgspec.json.decode(row.results))
                for row in evaluations.of(head.id)
            ),
        )


def _units(connection: Connection, registry: str, here: Collection[str], origins: Collection[str]) -> Iterator[Units]:
    """The unit blocks for which this log answers, by originating registry and serial: see above."""
    touched = by_serial(
        connection,
        t.transaction_blocks,
        select(
            t.transaction_blocks.c.originating_registry,
            t.transaction_blocks.c.serial_start,
            t.transaction_blocks.c.serial_end,
        )
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(of_registry(registry)),
    )
    reach = _Reach(touched)
    held = by_serial(
        connection, t.unit_blocks, select(t.unit_blocks).where(t.unit_blocks.c.originating_registry.in_(origins))
    )
    for row in held:
        is_touched = reach.overlaps(row.originating_registry, row.serial_start, row.serial_end)
        if row.registry in here and (registry in (row.registry, row.originating_registry) or is_touched):
            yield Units(held_block(row))


class _Reach:
    """Whether ranges that come by serial overlap others that come by serial; of these only how far they reach is kept.

    Of those that begin before the end of a range one overlaps it if the one that reaches farthest does.
    """

    def __init__(self, rows: Iterator[t.Record]) -> None:
        self._rows = rows
        self._next = next(rows, None)
        self._origin, self._end = "", 0

    def overlaps(self, origin: str, start: int, end: int) -> bool:
        while (row := self._next) is not None and (row.originating_registry, row.serial_start) <= (origin, end):
            reached = self._end if row.originating_registry == self._origin else 0
            self._origin, self._end = row.originating_registry, max(reached, row.serial_end)
            self._next = next(self._rows, None)
        return self._origin == origin and self._end >= start


def by_serial(connection: Connection, table: Any, statement: Select[Any]) -> Iterator[t.Record]:
    """The rows of a statement about `table` by originating registry and serial, as Python sorts, and one by one."""
    origin: ColumnElement[str] = table.c.originating_registry
    if connection.dialect.name != "sqlite":
        origin = collate(origin, "C")
    return stream(connection, statement.order_by(origin, table.c.serial_start))


def counted_of(registry: str, key: TotalKey) -> bool:
    """Whether a running total is one of the registry: it follows from its own transactions and holdings alone."""
    if key.kind is TotalKind.NOTICE:
        return False
    if key.kind is TotalKind.PROJECT_ISSUED:
        return registry == CDM
    return key.subject == registry or key.subject.startswith(f"{registry}/")


def running_totals(connection: Connection, registry: str) -> dict[TotalKey, int]:
    """The completed part of every running total of the registry that is not 0."""
    rows = stream(connection, select(t.totals).where(t.totals.c.completed != 0))
    found = ((TotalKey(TotalKind(row.kind), row.subject, row.period, row.detail), row.completed) for row in rows)
    return {key: completed for key, completed in found if counted_of(registry, key)}


def _totals(connection: Connection, registry: str) -> Iterator[Total]:
    for key, completed in sorted(running_totals(connection, registry).items()):
        yield Total(str(key.kind), key.subject, key.period, key.detail, completed)
