"""Carrying a relayed document out, in the caller's commit. A member speaks of its own registry alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, exists, select

from itl.errors import UsageError
from itl.store import tables as log
from itl.store.facts import Source
from itl.supplement import book, figures
from itl.supplement.documents import Document, UnfitDocument
from itl.supplement.scheme import AccountKey, Figure, FigureKey, FigureKind, Holder, SchemeAccount

Item = Mapping[str, str]
TRUE = ("true", "1")


def carry_out(connection: Connection, registry: str, document: Document, source: Source) -> None:
    """What `document` of `registry` says, recorded; UnfitDocument where one of its items does not stand."""
    try:
        for item in document.items:
            _CARRY_OUT[document.operation](connection, registry, item, source)
    except UsageError as unfit:  # what the book does not take, from whomever it comes
        raise UnfitDocument(str(unfit)) from unfit


def _create(connection: Connection, registry: str, item: Item, source: Source) -> None:
    key = _key(registry, item)
    if book.account(connection, key, source.at) is not None:
        raise UnfitDocument(f"account {_name(key)} is there already; change it by accountUpdate")
    book.put_account(connection, _held(key, item), source)


def _update(connection: Connection, registry: str, item: Item, source: Source) -> None:
    known = _open(connection, registry, item, source)
    changed = _held(known.key, item)
    account = replace(known, holder=changed.holder, installation=changed.installation)
    book.put_account(connection, account, source)


def _close(connection: Connection, registry: str, item: Item, source: Source) -> None:
    known = _open(connection, registry, item, source)
    units = log.unit_blocks.c
    holds = exists().where(
        units.registry == registry,
        units.account_type == known.account_type,
        units.account_identifier == known.identifier,
    )
    if connection.execute(select(holds)).scalar_one():
        raise UnfitDocument(f"account {_name(known.key)} holds units; move them out first")
    book.put_account(connection, replace(known, closed=True), source)


def _block(connection: Connection, registry: str, item: Item, source: Source) -> None:
    known = _open(connection, registry, item, source)
    book.put_account(connection, replace(known, blocked=item["blocked"] in TRUE), source)


def _emissions(connection: Connection, registry: str, item: Item, source: Source) -> None:
    of = (int(item["installationIdentifier"]), int(item["year"]), int(item["verified"]))
    book.put_emissions(connection, registry, *of, source)


def _plan(connection: Connection, registry: str, item: Item, source: Source) -> None:
    installation, year = int(item.get("installationIdentifier", 0)), int(item.get("year", 0))
    quantity = int(item["quantity"])
    if (installation == 0) != (year == 0):
        raise UnfitDocument("an entry has installationIdentifier and year, or neither: then it is the reserve")
    key = FigureKey(FigureKind.ALLOCATED, registry, installation=installation, year=year)
    allocated = figures.load(connection, [key]).get(key, Figure()).together if installation else 0
    if quantity < allocated:
        raise UnfitDocument(
            f"installation {installation} was allocated {allocated} for {year} already; it cannot have {quantity}"
        )
    book.put_plan(connection, registry, int(item["commitPeriod"]), installation, year, quantity, source)


def _agreement(connection: Connection, _registry: str, item: Item, source: Source) -> None:
    if item["registry"] in book.members(connection, source.at):
        raise UnfitDocument(f"{item['registry']} is a member of the scheme; it needs no agreement")
    book.put_agreement(connection, item["registry"], item["agreed"] in TRUE, source)


_CARRY_OUT: Mapping[str, Callable[[Connection, str, Item, Source], None]] = {
    "accountCreation": _create,
    "accountUpdate": _update,
    "accountClosing": _close,
    "accountBlocking": _block,
    "verifiedEmissions": _emissions,
    "allocationPlanChange": _plan,
    "transferAgreement": _agreement,
}


def _key(registry: str, item: Item) -> AccountKey:
    return registry, int(item["accountType"]), int(item["accountIdentifier"])


def _name(key: AccountKey) -> str:
    return "-".join(map(str, key))


def _held(key: AccountKey, item: Item) -> SchemeAccount:
    installation = item.get("installationIdentifier")
    return SchemeAccount(*key, Holder(item["holder"]), None if installation is None else int(installation))


def _open(connection: Connection, registry: str, item: Item, source: Source) -> SchemeAccount:
    key = _key(registry, item)
    known = book.account(connection, key, source.at)
    if known is None or known.closed:
        raise UnfitDocument(f"account {_name(key)} is {'closed' if known else 'not there'}")
    return known
