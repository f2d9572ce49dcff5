"""Whether the log is consistent in itself: every figure that is kept is counted anew, every unit is accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select, union_all

from itl.codes import SYMBOLS, TransactionType
from itl.ledger.block import SerialRange
from itl.ledger.corrections import corrected_units
from itl.ledger.ranges import parts_in, subtraction, union
from itl.ledger.totals import Total, TotalKey, TotalKind
from itl.reference import NoticeStatus
from itl.store import tables as t
from itl.store.holdings import holdings
from itl.store.recount import KEEPS_UNITS, corrections, recount, stream


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it must be."""

    rule: str
    about: str
    must_be: str
    found: str


def audit(connection: Connection) -> Iterator[Difference]:
    """All differences, rule by rule; `connection` should see one state of the database throughout."""
    yield from _totals(connection)
    yield from _units(connection)
    yield from _figures(connection)
    yield from _reservations(connection)
    yield from _notices(connection)


def _totals(connection: Connection) -> Iterator[Difference]:
    count = recount(connection)
    kept = {
        TotalKey(TotalKind(row.kind), row.subject, row.period, row.detail): Total(row.completed, row.open)
        for row in stream(connection, select(t.totals))
    }
    for key in sorted(count.totals.keys() | kept.keys()):
        must_be, found = count.totals.get(key, Total()), kept.get(key, Total())
        if must_be != found:
            yield Difference("running totals equal a recount", _named(key), _total(must_be), _total(found))
    opened: dict[int, dict[TotalKey, int]] = defaultdict(dict)
    for row in stream(connection, select(t.transaction_totals)):
        key = TotalKey(TotalKind(row.kind), row.subject, row.period, row.detail)
        opened[row.transaction_id][key] = row.quantity
    for transaction_id in sorted(count.opened.keys() | opened.keys()):
        adds, noted = count.opened.get(transaction_id, {}), opened.get(transaction_id, {})
        for key in sorted(adds.keys() | noted.keys()):
            if adds.get(key, 0) != noted.get(key, 0):
                yield Difference(
                    "what a transaction has open equals its content",
                    f"{_identifier(connection, transaction_id)}: {_named(key)}",
                    str(adds.get(key, 0)),
                    str(noted.get(key, 0)),
                )


def _units(connection: Connection) -> Iterator[Difference]:
    """Conservation, serial by serial: issued is held, cancelled, retired or replaced, once, and nothing else is."""
    overlaps: list[Difference] = []
    gained, lost = corrected_units(corrections(connection))
    corrected = union([*gained, *lost])
    came = list(_joined(connection, _came_into_being(), "issued once", overlaps, corrected))
    there = list(_joined(connection, _ranges(t.unit_blocks), "a unit is in one place", overlaps))
    list(_joined(connection, _ranges(t.reservations), "a unit is in one open transaction", overlaps))
    yield from overlaps
    came = subtraction(came, corrected)
    issued = [part for row in stream(connection, _came_into_being()) for part in parts_in(_range(row), corrected)]
    must_be, wrong = _counted([*issued, *gained], lost)
    for units in wrong:
        about = "issued or added once, and removed no oftener"
        yield Difference("a unit comes into being once", _serials(units), about, "otherwise")
    came += must_be
    for units in subtraction(came, there):
        yield Difference("every unit issued is somewhere", _serials(units), f"{units.quantity} units", "nowhere")
    for units in subtraction(there, came):
        yield Difference("every unit was issued", _serials(units), "issued", f"{units.quantity} units, never issued")


def _counted(came: Iterable[SerialRange], went: Iterable[SerialRange]) -> tuple[list[SerialRange], list[SerialRange]]:
    """Units that came once oftener than they went, and those that came otherwise than once or as often."""
    steps: defaultdict[tuple[str, int], int] = defaultdict(int)
    for sign, ranges in ((1, came), (-1, went)):
        for each in ranges:
            steps[each.originating_registry, each.start] += sign
            steps[each.originating_registry, each.end + 1] -= sign
    there: list[SerialRange] = []
    wrong: list[SerialRange] = []
    count = 0
    for (origin, start), (_, behind) in pairwise(sorted(steps)):
        count += steps[origin, start]
        if count:
            (there if count == 1 else wrong).append(SerialRange(origin, start, behind - 1))
    return there, wrong


def _came_into_being() -> Select[Any]:
    """Ranges of issuances that were carried out, of openings, which no message brought, and of what arrived."""
    issued = (
        _serial_columns(t.transaction_blocks)
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(
            t.transactions.c.settled_at.is_not(None),
            (t.transactions.c.transaction_type == TransactionType.ISSUANCE) | t.transactions.c.id.not_in(_BROUGHT),
            t.transactions.c.id.not_in(_SEEN_ELSEWHERE),
        )
    )
    came = union_all(issued, _serial_columns(t.arrivals)).subquery()
    return select(came).order_by(came.c.originating_registry, came.c.serial_start)


_BROUGHT = select(t.inbox.c.transaction_id).where(t.inbox.c.transaction_id.is_not(None))
"""Transactions that messages to this log brought about."""
_SEEN_ELSEWHERE = select(t.handover_transactions.c.transaction_id)
"""Transactions that were carried out at another log: their units arrived from there."""


def _ranges(table: Table) -> Select[Any]:
    return _serial_columns(table).order_by(table.c.originating_registry, table.c.serial_start)


def _serial_columns(table: Table) -> Select[Any]:
    return select(table.c.originating_registry, table.c.serial_start, table.c.serial_end)


def _joined(
    connection: Connection,
    statement: Select[Any],
    rule: str,
    overlaps: list[Difference],
    but_for: Sequence[SerialRange] = (),
) -> Iterator[SerialRange]:
    """The ranges of `statement`, in its order, neighbours joined; those that overlap, `but_for` some, are noted."""
    last: SerialRange | None = None
    for row in stream(connection, statement):
        units = _range(row)
        if last is None or last.originating_registry != units.originating_registry or last.end + 1 < units.start:
            if last is not None:
                yield last
            last = units
            continue
        if units.start <= last.end:
            twice = SerialRange(units.originating_registry, units.start, min(units.end, last.end))
            overlaps += [Difference(rule, _serials(part), "once", "twice") for part in subtraction([twice], but_for)]
        last = SerialRange(last.originating_registry, last.start, max(last.end, units.end))
    if last is not None:
        yield last


def _figures(connection: Connection) -> Iterator[Difference]:
    """Holdings are balanced, and their issued units are what issuances, corrections and openings of that Party say."""
    blocks, heads = t.transaction_blocks.c, t.transactions.c
    alike = (blocks.originating_registry, blocks.unit_type, blocks.original_commit_period)
    quantity = func.sum(blocks.serial_end - blocks.serial_start + 1).label("quantity")
    statement = (
        select(*alike, quantity)
        .join(t.transactions, heads.id == blocks.transaction_id)
        .where(
            heads.settled_at.is_not(None),
            heads.transaction_type == TransactionType.ISSUANCE,
            heads.id.not_in(_SEEN_ELSEWHERE),
        )
        .group_by(*alike)
    )
    new = t.arrivals.c
    as_issued = (new.originating_registry, new.issued_unit_type.label("unit_type"), new.original_commit_period)
    arrived = func.sum(new.serial_end - new.serial_start + 1).label("quantity")
    issued: dict[tuple[str, str, int], int] = defaultdict(int)
    for counted in (statement, select(*as_issued, arrived).group_by(*as_issued)):
        for row in connection.execute(counted):
            issued[row.originating_registry, SYMBOLS[row.unit_type], row.original_commit_period] += int(row.quantity)
    for changed in corrections(connection):
        for sign, corrected in ((-1, changed.closed), (1, changed.opened)):
            for each in corrected:
                unit = SYMBOLS[each.attributes.issued_unit_type]
                about_units = each.range.originating_registry, unit, each.attributes.original_commit_period
                issued[about_units] += sign * each.range.quantity
    openings = _parties_with_openings(connection)
    for holding in holdings(connection):
        about = f"{holding.party} {holding.unit} of period {holding.cp}"
        if not holding.is_balanced:
            came = holding.issued + holding.converted_in - holding.converted_out
            there = holding.held + holding.cancelled + holding.retired + holding.replaced
            yield Difference("issued = held + cancelled + retired + replaced", about, str(came), str(there))
        by_issuances = issued.pop((holding.party, holding.unit, holding.cp), 0)
        if holding.party not in openings and by_issuances != holding.issued:
            yield Difference("issued by type as issuances say", about, str(by_issuances), str(holding.issued))
    for (party, unit, period), units in issued.items():
        if units and party not in openings:
            yield Difference("issued by type as issuances say", f"{party} {unit} of period {period}", str(units), "0")


def _parties_with_openings(connection: Connection) -> set[str]:
    """Whose units came into being elsewhere: what they were at issuance is not on record."""
    statement = (
        select(t.transaction_blocks.c.originating_registry)
        .join(t.transactions, t.transactions.c.id == t.transaction_blocks.c.transaction_id)
        .where(
            t.transactions.c.settled_at.is_not(None),
            t.transactions.c.transaction_type != TransactionType.ISSUANCE,
            t.transactions.c.id.not_in(_BROUGHT),
            t.transactions.c.id.not_in(_SEEN_ELSEWHERE),
        )
        .distinct()
    )
    return set(connection.execute(statement).scalars())


def _reservations(connection: Connection) -> Iterator[Difference]:
    """A reservation belongs to a transaction that is open, which has just its blocks reserved."""
    rule = "open transactions keep their units, others none"
    identifiers: dict[int, str] = {}
    blocks = _by_transaction(connection, t.transaction_blocks, identifiers, only_open=True)
    kept = _by_transaction(connection, t.reservations, identifiers, only_open=False)
    for transaction_id in sorted(blocks.keys() | kept.keys()):
        must_be, found = union(blocks.get(transaction_id, ())), union(kept.get(transaction_id, ()))
        for units in subtraction(must_be, found):
            yield Difference(rule, f"{identifiers[transaction_id]}: {_serials(units)}", "reserved", "free")
        for units in subtraction(found, must_be):
            yield Difference(rule, f"{identifiers[transaction_id]}: {_serials(units)}", "free", "reserved")


def _by_transaction(
    connection: Connection, table: Table, identifiers: dict[int, str], *, only_open: bool
) -> dict[int, list[SerialRange]]:
    statement = select(table, t.transactions.c.identifier).join(
        t.transactions, t.transactions.c.id == table.c.transaction_id
    )
    found: dict[int, list[SerialRange]] = defaultdict(list)
    for row in stream(connection, statement.where(KEEPS_UNITS) if only_open else statement):
        found[row.transaction_id].append(_range(row))
        identifiers[row.transaction_id] = row.identifier
    return found


def _notices(connection: Connection) -> Iterator[Difference]:
    """What was answered is not open, and what nobody answered is not incomplete."""
    counted = select(t.totals.c.subject, t.totals.c.completed).where(t.totals.c.kind == TotalKind.NOTICE)
    done = {int(row.subject): row.completed for row in connection.execute(counted)}
    for row in connection.execute(select(t.notices).order_by(t.notices.c.identifier)):
        answered, status = done.get(row.identifier, 0), NoticeStatus(row.status)
        must_be = NoticeStatus.INCOMPLETE if answered else NoticeStatus.OPEN
        if row.target_value is not None and answered >= row.target_value > 0:
            must_be = NoticeStatus.COMPLETED
        if status not in (must_be, NoticeStatus.COMPLETED):
            yield Difference(
                "notices stand where their answers put them",
                f"notice {row.identifier}",
                must_be.name.lower(),
                status.name.lower(),
            )


def _identifier(connection: Connection, transaction_id: int) -> str:
    found: str = connection.execute(
        select(t.transactions.c.identifier).where(t.transactions.c.id == transaction_id)
    ).scalar_one()
    return found


def _named(key: TotalKey) -> str:
    parts = [key.kind.value, key.subject]
    return " ".join([*parts, *(f"{name} {value}" for name, value in _parts(key) if value)])


def _parts(key: TotalKey) -> Iterable[tuple[str, int]]:
    return ("period", key.period), ("detail", key.detail)


def _total(total: Total) -> str:
    return f"{total.completed} completed, {total.open} open"


def _range(row: t.Record) -> SerialRange:
    return SerialRange(row.originating_registry, row.serial_start, row.serial_end)


def _serials(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"
