"""`itl reconcile propose`, `confirm`, `withdraw`: corrections, which take two persons; and what there is to correct."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    database_argument,
    evidence_arguments,
    evidence_of,
    opened,
    reason_of,
    say,
    settings_of,
)
from itl.clock import system_clock
from itl.codes import ACCOUNT_TYPES, COMMITMENT_PERIODS, UnitType
from itl.errors import UsageError
from itl.hub import identity_of
from itl.ledger import corrections as pure
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.ledger.corrections import Piece
from itl.ledger.ranges import union
from itl.store import corrections
from itl.store.correction_records import Author
from itl.store.corrections import ledger_around
from itl.store.reference_data import ReferenceData, load_reference

UNITS = re.compile(r"([A-Za-z]{2,3})[: ]([0-9]{1,15})(?:-([0-9]{1,15}))?")

ATTRIBUTES: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "unit_type": (int, "unit type, 1 to 7"),
    "supp_unit_type": (int, "supplementary unit type"),
    "original_commit_period": (int, "original commitment period"),
    "applicable_commit_period": (int, "applicable commitment period"),
    "lulucf_activity": (int, "LULUCF activity"),
    "project_identifier": (int, "number of the project"),
    "track": (int, "track of the project"),
    "expiry_date": (date.fromisoformat, "expiry date (ISO 8601)"),
    "issued_unit_type": (int, "what they were at issuance (added units: else their unit type)"),
}
"""What units are, as arguments; the names are those of `ledger.block.Attributes`."""


def register(ways: Subparsers) -> None:
    proposing = ways.add_parser(
        "propose",
        help="Propose a correction, for another person to confirm.",
        description="Propose a correction, for another person to confirm. Units are given as CODE:FIRST-LAST, "
        "such as GB:1-100.",
    )
    kinds = proposing.add_subparsers(title="commands", required=True, metavar="COMMAND")
    move = _proposal(kinds, "move", run_move, "The log shall have units in another account, or another registry.")
    _place_arguments(move, required=True)
    alter = _proposal(kinds, "alter", run_alter, "The log shall have units as something else. What is not given stays.")
    _attribute_arguments(alter)
    bring = _proposal(kinds, "add", run_add, "The log shall have units that it does not have.")
    _place_arguments(bring, required=True)
    _attribute_arguments(bring)
    _proposal(kinds, "remove", run_remove, "The log shall not have units that it has: they never were.")
    request = _proposal(kinds, "request", run_request, "Ask the registry to mend its record, by a message.")
    request.add_argument("--text", required=True, help="the message, up to 2000 characters")
    _proposal(kinds, "release", run_release, "Let go of units that were found to be right after all.")
    confirm = add(ways, "confirm", run_confirm, "Carry a proposed correction out. Another person than proposed it.")
    withdraw = add(ways, "withdraw", run_withdraw, "Take a proposed correction back.")
    for each in (confirm, withdraw):
        each.add_argument("number", type=int, help="number of the correction")
        actor_arguments(each)
        database_argument(each)


def _proposal(kinds: Subparsers, name: str, run: Callable[[Namespace], int], description: str) -> ArgumentParser:
    parser = add(kinds, name, run, description)
    parser.add_argument("units", nargs="+", metavar="UNITS", help="ranges of serials, such as GB:1-100")
    needed = name in ("request", "release")
    whose = "the registry that differs" if needed else "the registry that differs (default: where the units are)"
    parser.add_argument("--registry", metavar="CODE", required=needed, help=whose)
    evidence_arguments(parser)
    actor_arguments(parser)
    database_argument(parser)
    return parser


def _place_arguments(parser: ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--to", metavar="CODE", help="the registry that holds the units (default: as it is)")
    parser.add_argument("--account-type", type=int, required=required, metavar="TYPE", help="type of the account")
    parser.add_argument("--account", type=int, metavar="NUMBER", help="identifier of the account, where it is known")


def _attribute_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what the units are")
    for name, (kind, description) in ATTRIBUTES.items():
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="VALUE", help=description)
    group.add_argument("--replaced", choices=("yes", "no"), help="whether others stand in for them in a replacement")


# Proposing -----------------------------------------------------------------------------------------------------------


def run_move(arguments: Namespace) -> int:
    def make(rows: tuple[HeldBlock, ...], units: list[SerialRange]) -> list[Piece]:
        def alteration(block: HeldBlock) -> HeldBlock:
            place = Place(arguments.to or block.place.registry, arguments.account_type, arguments.account)
            return replace(block, place=place)

        return pure.altered(rows, units, alteration)

    return _propose_record(arguments, make)


def run_alter(arguments: Namespace) -> int:
    given = _attributes(arguments)
    if not given:
        raise UsageError("what are the units? give at least one attribute")

    def make(rows: tuple[HeldBlock, ...], units: list[SerialRange]) -> list[Piece]:
        return pure.altered(rows, units, lambda block: replace(block, attributes=replace(block.attributes, **given)))

    return _propose_record(arguments, make)


def run_add(arguments: Namespace) -> int:
    given = _attributes(arguments)
    needed = ("unit_type", "original_commit_period", "applicable_commit_period")
    missing = [f"--{name.replace('_', '-')}" for name in needed if name not in given]
    if missing or not arguments.to:
        raise UsageError(f"the log knows nothing of these units yet; give {', '.join([*missing, '--to'])}")
    plain: dict[str, Any] = dict.fromkeys(ATTRIBUTES) | {"issued_unit_type": given["unit_type"], "replaced": False}
    attributes = Attributes(**(plain | given))
    place = Place(arguments.to, arguments.account_type, arguments.account)

    def make(rows: tuple[HeldBlock, ...], units: list[SerialRange]) -> list[Piece]:
        return pure.added(rows, [HeldBlock(each, attributes, place) for each in units])

    return _propose_record(arguments, make)


def run_remove(arguments: Namespace) -> int:
    return _propose_record(arguments, pure.removed)


def run_request(arguments: Namespace) -> int:
    return _propose(
        arguments,
        lambda connection, author, units: corrections.propose_request(connection, author, units, arguments.text),
    )


def run_release(arguments: Namespace) -> int:
    return _propose(
        arguments,
        lambda connection, author, units: corrections.propose_release(
            connection, author, units, load_reference(connection).log_code
        ),
    )


def _propose_record(
    arguments: Namespace, make: Callable[[tuple[HeldBlock, ...], list[SerialRange]], list[Piece]]
) -> int:
    def propose(connection: Connection, author: Author, units: list[SerialRange]) -> int:
        pieces = make(ledger_around(connection, units), units)
        holder = next(block for block in (pieces[0].before, pieces[0].after) if block is not None).place.registry
        return corrections.propose_record(connection, replace(author, registry=author.registry or holder), pieces)

    return _propose(arguments, propose)


def _propose(arguments: Namespace, propose: Callable[[Connection, Author, list[SerialRange]], int]) -> int:
    units = union(map(_units, arguments.units))
    reason, evidence = reason_of(arguments), evidence_of(arguments)
    database = opened(arguments)
    reference = ReferenceData(database)
    with database.write() as connection:
        known = reference.fresh(connection).registries
        for code in (arguments.registry, getattr(arguments, "to", None)):
            if code is not None and code not in known:
                raise UsageError(f"{code}: no registry in force; there are {', '.join(sorted(known)) or 'none'}")
        account_type = getattr(arguments, "account_type", None)
        if account_type is not None and account_type not in ACCOUNT_TYPES:
            raise UsageError(f"account type {account_type}: the code list has {_listed(ACCOUNT_TYPES)}")
        author = Author(arguments.registry or "", actor_of(arguments), system_clock(), reason, evidence)
        number = propose(connection, author, units)
    say(f"correction {number} is proposed; another person confirms it, by `itl reconcile confirm {number}`")
    return 0


def _attributes(arguments: Namespace) -> dict[str, Any]:
    """The attributes that are given; UsageError for a code that the code lists do not have."""
    given = {name: value for name in ATTRIBUTES if (value := getattr(arguments, name)) is not None}
    if arguments.replaced is not None:
        given["replaced"] = arguments.replaced == "yes"
    for name, codes in (
        ("unit_type", UnitType),
        ("issued_unit_type", UnitType),
        ("original_commit_period", COMMITMENT_PERIODS),
        ("applicable_commit_period", COMMITMENT_PERIODS),
    ):
        if name in given and given[name] not in frozenset(codes):
            raise UsageError(f"--{name.replace('_', '-')} {given[name]}: the code list has {_listed(codes)}")
    return given


def _listed(codes: Iterable[int]) -> str:
    return ", ".join(str(int(each)) for each in sorted(codes))


def _units(told: str) -> SerialRange:
    found = UNITS.fullmatch(told)
    if found is None:
        raise UsageError(f"{told!r} names no units; give CODE:FIRST-LAST, such as GB:1-100")
    code, first, last = found.groups()
    units = SerialRange(code.upper(), int(first), int(last or first))
    if not 0 < units.start <= units.end:
        raise UsageError(f"{told!r} names no units; serials begin with 1, and the last is not before the first")
    return units


# Deciding ------------------------------------------------------------------------------------------------------------


def run_confirm(arguments: Namespace) -> int:
    by, reason = actor_of(arguments), reason_of(arguments)
    database = opened(arguments)
    identity = identity_of(ReferenceData(database), settings_of(arguments))
    with database.write() as connection:
        done = corrections.confirm(connection, arguments.number, by, reason, identity, system_clock())
    effects = {
        "record": "the log's record is changed",
        "request": f"the message to {done.author.registry} is on its way",
        "release": "the units are free",
    }
    say(f"correction {done.id} is confirmed: {effects[done.kind]}")
    return 0


def run_withdraw(arguments: Namespace) -> int:
    by, reason = actor_of(arguments), reason_of(arguments)
    with opened(arguments).write() as connection:
        corrections.withdraw(connection, arguments.number, by, reason, system_clock())
    say(f"correction {arguments.number} is withdrawn")
    return 0
