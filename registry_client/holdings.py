"""Accounts and unit blocks in the store: who holds what, and what of it is reserved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from itl.codes import CANCELLATION_ACCOUNTS
from registry_client.errors import AccountError
from registry_client.identifiers import SerialRange
from registry_client.tables import accounts, numbers, unit_blocks
from registry_client.units import Account, Attributes, Block, Wanted

_blocks = unit_blocks.c


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """An account of the registry; `period` is 0 for holding accounts."""

    account: Account
    period: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """Units of a kind in one account; `reserved` of `quantity` wait for open transactions."""

    account: Account
    unit_type: int
    applicable_period: int
    originating_registry: str
    quantity: int
    reserved: int


def next_number(connection: sa.Connection, name: str, first: int, step: int = 1) -> int:
    """The next running number `name`, which begins at `first`; `step` numbers are used up."""
    found = connection.execute(sa.select(numbers.c.next).where(numbers.c.name == name)).scalar()
    number = first if found is None else int(found)
    skip_numbers(connection, name, number + step)
    return number


def skip_numbers(connection: sa.Connection, name: str, following: int) -> None:
    """Let the running number `name` go on at `following`, if it is not beyond it already."""
    connection.execute(
        sa.text(
            "INSERT INTO numbers (name, next) VALUES (:name, :next)"
            " ON CONFLICT (name) DO UPDATE SET next = max(next, excluded.next)"
        ),
        {"name": name, "next": following},
    )


def open_account(connection: sa.Connection, account: Account, period: int, now: datetime) -> None:
    """Open an account; AccountError if there is one of that number."""
    if find_account(connection, account) is not None:
        raise AccountError(f"account {account} exists already")
    connection.execute(
        accounts.insert().values(
            account_type=account.account_type, identifier=account.identifier, period=period, opened_at=now
        )
    )


def close_account(connection: sa.Connection, account: Account, now: datetime) -> None:
    """Close an account for good; AccountError if it does not exist or still holds units."""
    if find_account(connection, account) is None:
        raise AccountError(f"account {account} does not exist")
    if connection.execute(sa.select(_blocks.id).where(*_in(account)).limit(1)).first() is not None:
        raise AccountError(f"account {account} still holds units: move them first")
    connection.execute(accounts.update().where(*_named(account)).values(closed_at=now))


def find_account(connection: sa.Connection, account: Account) -> OpenedAccount | None:
    row = connection.execute(sa.select(accounts).where(*_named(account))).first()
    return None if row is None else _account(row)


def accounts_of(connection: sa.Connection, account_type: int | None = None) -> list[OpenedAccount]:
    """The accounts (of one type), by type and identifier."""
    query = sa.select(accounts).order_by(accounts.c.account_type, accounts.c.identifier)
    if account_type is not None:
        query = query.where(accounts.c.account_type == account_type)
    return [_account(row) for row in connection.execute(query)]


def free(connection: sa.Connection, wanted: Wanted, account: Account) -> Iterator[Block]:
    """Free blocks of the wanted kind in `account`: first acquired first, then by originating registry and serial."""
    query = sa.select(unit_blocks).where(
        *_in(account),
        _blocks.unit_type == wanted.unit_type,
        _blocks.reserved_by.is_(None),
        _blocks.replaced.is_(False),
    )
    for column, value in (
        (_blocks.applicable_period, wanted.period),
        (_blocks.originating_registry, wanted.originating),
        (_blocks.project, wanted.project),
    ):
        if value is not None:
            query = query.where(column == value)
    query = query.order_by(_blocks.acquired_at, _blocks.originating_registry, _blocks.range_start)
    with connection.execute(query) as rows:
        for row in rows:
            yield _block(row)


def of_project(connection: sa.Connection, originating: str, project: int, unit_types: Iterable[int]) -> list[Block]:
    """Free blocks of a project's units in whatever account, cancelled and replaced ones excepted, by serial."""
    query = sa.select(unit_blocks).where(
        _blocks.originating_registry == originating,
        _blocks.project == project,
        _blocks.unit_type.in_(tuple(unit_types)),
        _blocks.account_type.not_in(CANCELLATION_ACCOUNTS),
        _blocks.reserved_by.is_(None),
        _blocks.replaced.is_(False),
    )
    return [_block(row) for row in connection.execute(query.order_by(_blocks.range_start))]


def meeting(connection: sa.Connection, wanted: SerialRange) -> list[Block]:
    """Blocks that share a unit with `wanted`, by serial."""
    of_registry = _blocks.originating_registry == wanted.originating_registry
    first = (
        sa.select(sa.func.max(_blocks.range_start))
        .where(of_registry, _blocks.range_start <= wanted.start)
        .scalar_subquery()
    )
    query = (
        sa.select(unit_blocks)
        .where(
            of_registry,
            _blocks.range_start >= sa.func.coalesce(first, wanted.start),
            _blocks.range_start <= wanted.end,
            _blocks.range_end >= wanted.start,
        )
        .order_by(_blocks.range_start)
    )
    return [_block(row) for row in connection.execute(query)]


def reserved_quantity(connection: sa.Connection, transaction: str) -> int:
    """How many units a transaction has reserved."""
    query = sa.select(_quantity()).where(_blocks.reserved_by == transaction)
    return int(connection.execute(query).scalar() or 0)


def blocks(connection: sa.Connection) -> list[Block]:
    """All blocks, by originating registry and serial."""
    query = sa.select(unit_blocks).order_by(_blocks.originating_registry, _blocks.range_start)
    return [_block(row) for row in connection.execute(query)]


def totals(connection: sa.Connection) -> list[Holding]:
    """Units by account, type, applicable period and originating registry."""
    keys = (
        _blocks.account_type,
        _blocks.account_identifier,
        _blocks.unit_type,
        _blocks.applicable_period,
        _blocks.originating_registry,
    )
    reserved = _quantity().filter(_blocks.reserved_by.is_not(None))
    query = sa.select(*keys, _quantity(), sa.func.coalesce(reserved, 0)).group_by(*keys).order_by(*keys)
    return [
        Holding(Account(account_type, identifier), unit_type, period, originating, int(quantity), int(held))
        for account_type, identifier, unit_type, period, originating, quantity, held in connection.execute(query)
    ]


def _quantity() -> sa.Function[int]:
    return sa.func.sum(_blocks.range_end - _blocks.range_start + 1)


def _in(account: Account) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _blocks.account_type == account.account_type, _blocks.account_identifier == account.identifier


def _named(account: Account) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return accounts.c.account_type == account.account_type, accounts.c.identifier == account.identifier


def _account(row: sa.Row[Any]) -> OpenedAccount:
    return OpenedAccount(Account(row.account_type, row.identifier), row.period, row.closed_at is None)


def _block(row: sa.Row[Any]) -> Block:
    return Block(
        range=SerialRange(row.originating_registry, row.range_start, row.range_end),
        attributes=Attributes(
            unit_type=row.unit_type,
            original_period=row.original_period,
            applicable_period=row.applicable_period,
            lulucf_activity=row.lulucf_activity,
            project=row.project,
            track=row.track,
            expiry_date=row.expiry_date,
            supp_unit_type=row.supp_unit_type,
            replaced=row.replaced,
        ),
        account=Account(row.account_type, row.account_identifier),
        reserved_by=row.reserved_by,
    )
