"""`itl reconcile inconsistencies`, `corrections`: what registries and log differ about, and what was done about it."""

from __future__ import annotations

from argparse import Namespace
from itertools import islice

import msgspec

from itl.cli.command import Subparsers, add, database_argument, json_argument, opened, say, shown_time
from itl.cli.figures import table
from itl.clock import system_clock
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.placement import Placement
from itl.ledger.ranges import quantity
from itl.store import correction_records, inconsistencies
from itl.store.correction_records import Correction
from itl.store.inconsistencies import RecordedInconsistency
from itl.store.reference_data import load_reference


def register(ways: Subparsers) -> None:
    open_ = add(ways, "inconsistencies", run_inconsistencies, "Show what is open with a registry, unit by unit.")
    open_.add_argument("registry", help="its code")
    done = add(ways, "corrections", run_corrections, "Show the latest corrections, the newest first.")
    done.add_argument(
        "--status", choices=("proposed", "confirmed", "withdrawn"), help="only those that are at this point"
    )
    for each in (open_, done):
        each.add_argument("--most", type=int, default=100, metavar="NUMBER", help="at most so many (default 100)")
    one = add(
        ways, "correction", run_correction, "Show one correction whole. Who, why, on what evidence, and what changes."
    )
    one.add_argument("number", type=int, help="its number")
    for each in (open_, done, one):
        database_argument(each)
        json_argument(each)


def run_inconsistencies(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        own = load_reference(connection, system_clock()).log_code
        found = list(islice(inconsistencies.open_for(connection, arguments.registry), arguments.most))
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads: tuple[object, ...] = ("units", "with", "kind", "the log has", "the registry told", "found")
    for line in table([heads, *(_row(each, own) for each in found)]):
        say(line)
    return 0


def run_corrections(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = correction_records.recorded(connection, arguments.status, arguments.most)
    if arguments.json:
        say(msgspec.json.encode(list(map(_plain, found))).decode())
        return 0
    heads: tuple[object, ...] = ("number", "registry", "kind", "units", "status", "proposed by", "ended by", "reason")
    for line in table([heads, *map(_correction_row, found)]):
        say(line)
    return 0


def run_correction(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = correction_records.correction(connection, arguments.number)
    if arguments.json:
        say(msgspec.json.encode(_plain(found)).decode())
        return 0
    author = found.author
    say(f"correction {found.id} about {author.registry}, a {found.kind}: {found.status}")
    say(f"proposed {shown_time(author.at)} by {author.by}: {author.reason}")
    digest = f", SHA-256 {author.evidence.digest.hex()}" if author.evidence.digest else ""
    say(f"evidence: {author.evidence.text}{digest}")
    if found.ended_at is not None:
        say(f"{found.status} {shown_time(found.ended_at)} by {found.ended_by}: {found.end_reason}")
    if found.message is not None:
        say(f"message: {found.message}")
    for piece in found.pieces:
        say(f"{_serials(piece.range)}: {_held(piece.before)} -> {_held(piece.after)}")
    for units in () if found.pieces else found.units:
        say(_serials(units))
    return 0


def _plain(found: Correction) -> dict[str, object]:
    """As JSON has it: the digest in hexadecimal digits."""
    plain: dict[str, object] = msgspec.to_builtins(found, builtin_types=(bytes,))
    digest = found.author.evidence.digest
    evidence = {"text": found.author.evidence.text, "sha256": digest.hex() if digest else None}
    author = msgspec.to_builtins(found.author, builtin_types=(bytes,)) | {"evidence": evidence}
    return plain | {"author": author}


def _row(found: RecordedInconsistency, own: str) -> tuple[object, ...]:
    """Of what a supplementary log has other than the registry, it tells nothing but which units."""
    difference = found.difference
    told = " and ".join(map(_placed, difference.registry)) or "nothing"
    log = "nothing" if difference.log is None else _placed(difference.log)
    if found.log != own:
        return _serials(difference.range), found.log, "named by it", "not told", told, shown_time(found.found_at)
    return _serials(difference.range), found.log, str(difference.kind), log, told, shown_time(found.found_at)


def _correction_row(found: Correction) -> tuple[object, ...]:
    author = found.author
    return (
        found.id,
        author.registry,
        found.kind,
        quantity(found.units),
        found.status,
        author.by,
        found.ended_by or "",
        author.reason,
    )


def _serials(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"


def _placed(placed: Placement) -> str:
    account = "" if placed.account_identifier is None else f"-{placed.account_identifier}"
    return f"{placed.account_type}{account} period {placed.account_period} type {placed.unit_type}"


def _held(block: HeldBlock | None) -> str:
    if block is None:
        return "nothing"
    what, where = block.attributes, block.place
    account = "" if where.account_identifier is None else f"-{where.account_identifier}"
    details = [f"{where.registry}-{where.account_type}{account}"]
    for name in type(what).__dataclass_fields__:
        value = getattr(what, name)
        if value is not None and value is not False:
            details.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(details)
