"""What the scheme was told, read and added to: the row in force, its history, and a new row beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select, tuple_

from itl.errors import UsageError
from itl.store.enrolment import put_parties
from itl.store.facts import Source
from itl.store.reference_data import put_status, raise_stamp
from itl.store.tables import Record
from itl.supplement import tables as t
from itl.supplement.scheme import (
    AccountKey,
    Holder,
    Link,
    Member,
    Plan,
    SchemeAccount,
    SurrenderWindow,
)


def in_force(connection: Connection, table: Table, at: datetime, *where: ColumnElement[bool]) -> list[Record]:
    """The rows of `table` in force at the instant `at`, by what they are about."""
    keys = [table.c[name] for name in t.KEYS[table]]
    statement = select(table).where(table.c.valid_from <= at, *where).order_by(*keys, table.c.valid_from, table.c.id)
    found: dict[tuple[Any, ...], Record] = {}
    for row in connection.execute(statement):
        found[tuple(getattr(row, key.name) for key in keys)] = row
    return list(found.values())


def history(connection: Connection, table: Table, *where: ColumnElement[bool]) -> list[Record]:
    """All that was ever recorded in `table`, in the order in which a later row prevails."""
    keys = [table.c[name] for name in t.KEYS[table]]
    return list(connection.execute(select(table).where(*where).order_by(*keys, table.c.valid_from, table.c.id)))


def record(
    connection: Connection, table: Table, values: Mapping[str, Any], source: Source, valid_from: datetime | None = None
) -> None:
    """Add a row to `table`: from `valid_from` on (None: from now) it says what is so."""
    told = {"recorded_at": source.at, "recorded_by": source.by, "reason": source.reason}
    connection.execute(table.insert(), {**values, **told, "valid_from": valid_from or source.at})


# Members -------------------------------------------------------------------------------------------------------------


def members(connection: Connection, at: datetime) -> dict[str, Member]:
    """The registries of the scheme by code."""
    return {
        row.registry: Member(row.registry, Link(row.link), row.may_propose, row.may_accept)
        for row in in_force(connection, t.members, at)
    }


def put_member(connection: Connection, member: Member, source: Source) -> None:
    """Make a registry a member, or change its link or status from now on.

    The base checks see the link as well: only a direct member is a registry in force at this log's own port, and one
    that is being moved may neither propose nor accept there.
    """
    put_parties(connection, [member.code])
    row = {
        "registry": member.code,
        "link": str(member.link),
        "may_propose": member.may_propose,
        "may_accept": member.may_accept,
    }
    record(connection, t.members, row, source)
    is_open = member.link is Link.DIRECT
    status = {"in_force": member.link is not Link.THROUGH, "may_propose": is_open, "may_accept": is_open}
    put_status(connection, member.code, status, source, source.at)
    raise_stamp(connection)


# Accounts ------------------------------------------------------------------------------------------------------------


def accounts(connection: Connection, named: Iterable[tuple[int, int]], at: datetime) -> dict[AccountKey, SchemeAccount]:
    """The accounts of these types and identifiers, under whichever registry the scheme has them. One query."""
    wanted = sorted(set(named))
    if not wanted:
        return {}
    columns = t.accounts.c
    numbers = columns.identifier.in_(sorted({identifier for _, identifier in wanted}))
    types = columns.account_type.in_(sorted({account_type for account_type, _ in wanted}))
    found = map(account_of, in_force(connection, t.accounts, at, numbers, types))
    return {account.key: account for account in found}


def account(connection: Connection, key: AccountKey, at: datetime) -> SchemeAccount | None:
    """One account as it stands at an instant; None where the scheme does not have it."""
    return accounts(connection, [key[1:]], at).get(key)


def account_of(row: Record) -> SchemeAccount:
    """The account in a row."""
    return SchemeAccount(
        row.registry,
        row.account_type,
        row.identifier,
        Holder(row.holder),
        row.installation,
        row.blocked,
        row.closed,
    )


def put_account(connection: Connection, account: SchemeAccount, source: Source) -> None:
    """An account as it is from now on; UsageError where holder and installation do not fit."""
    if (account.holder is Holder.OPERATOR) != (account.installation is not None):
        raise UsageError(
            f"account {account.registry}-{account.account_type}-{account.identifier}: an operator's has an "
            "installation, no other has; give both or none"
        )
    row = {
        "registry": account.registry,
        "account_type": account.account_type,
        "identifier": account.identifier,
        "holder": str(account.holder),
        "installation": account.installation,
        "blocked": account.blocked,
        "closed": account.closed,
    }
    record(connection, t.accounts, row, source)


# Plans, agreements, windows, emissions -------------------------------------------------------------------------------


def plan(
    connection: Connection,
    issuing: Iterable[tuple[str, int]],
    allocating: Iterable[tuple[str, int, int]],
    at: datetime,
) -> Plan:
    """What plans say of registries and periods, and of installations and years. At most two queries."""
    columns = t.plan.c
    issuable: dict[tuple[str, int], int] = {}
    pairs = sorted(set(issuing))
    for row in in_force(connection, t.plan, at, tuple_(columns.registry, columns.period).in_(pairs)) if pairs else ():
        key = row.registry, row.period
        issuable[key] = issuable.get(key, 0) + row.quantity
    asked: Sequence[tuple[str, int, int]] = sorted(set(allocating))
    named = tuple_(columns.registry, columns.installation, columns.year).in_(asked)
    allocations: dict[tuple[str, int, int], int] = {}
    for row in in_force(connection, t.plan, at, named) if asked else ():
        of = row.registry, row.installation, row.year
        allocations[of] = allocations.get(of, 0) + row.quantity
    return Plan(issuable, allocations)


def put_plan(
    connection: Connection, registry: str, period: int, installation: int, year: int, quantity: int, source: Source
) -> None:
    """What the plan of a registry has for an installation and year; installation 0 and year 0: the reserve."""
    if (installation == 0) != (year == 0):
        raise UsageError(f"plan of {registry}: an installation has a year, the reserve has neither")
    row = {
        "registry": registry,
        "period": period,
        "installation": installation,
        "year": year,
        "quantity": quantity,
    }
    record(connection, t.plan, row, source)


def agreements(connection: Connection, at: datetime) -> frozenset[str]:
    """The registries outside the scheme with which there is an agreement."""
    return frozenset(row.registry for row in in_force(connection, t.agreements, at) if row.agreed)


def put_agreement(connection: Connection, registry: str, agreed: bool, source: Source) -> None:
    record(connection, t.agreements, {"registry": registry, "agreed": agreed}, source)


def windows(connection: Connection, at: datetime) -> dict[int, SurrenderWindow]:
    """By period, when its units may be surrendered."""
    return {
        row.period: SurrenderWindow(row.period, row.opens, row.closes, row.first_year, row.last_year)
        for row in in_force(connection, t.windows, at)
    }


def put_window(connection: Connection, window: SurrenderWindow, source: Source) -> None:
    row = {
        "period": window.period,
        "opens": window.opens,
        "closes": window.closes,
        "first_year": window.first_year,
        "last_year": window.last_year,
    }
    record(connection, t.windows, row, source)


def put_emissions(
    connection: Connection, registry: str, installation: int, year: int, verified: int, source: Source
) -> None:
    row = {"registry": registry, "installation": installation, "year": year, "verified": verified}
    record(connection, t.emissions, row, source)
