"""The arguments of the command `registry`: what can be asked, and what it says of itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from registry_client import plans
from registry_client.conformance.arguments import add_hub_arguments
from registry_client.errors import RegistryError
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import AccountNumber, SerialRange
from registry_client.plans import UNIT_TYPES

Parsed = TypeVar("Parsed")


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    top = argparse.ArgumentParser(
        prog="registry",
        description="A reference registry: it keeps accounts and units, and speaks with the transaction log.",
        epilog="`registry serve` runs it; the other commands work on its database, beside it or alone.",
    )
    commands = top.add_subparsers(metavar="COMMAND", dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--code", required=True, help="registry code: ISO 3166 alpha-2, or CDM")
        command.add_argument("--database", metavar="FILE", help="its database (default: the code in lower case, .db)")
        return command

    text = "Run registries: their endpoints for the hub, their calls to the hub, and a page of their state."
    _add_serve(commands.add_parser("serve", help=text, description=text))

    _add_proposals(add)

    opened = add("open", "Open an account.")
    opened.add_argument("--type", required=True, type=int, dest="account_type", help="account type, as 121")
    opened.add_argument("--period", type=int, default=0, help="its commitment period (default: 0, a holding account)")

    status = add("status", "Show a transaction; with --hub, also what the log says of it.")
    status.add_argument("transaction", metavar="TRANSACTION", help="its identifier, as GB100001")
    status.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="first wait for its end")
    _add_hub(status, required=False)
    seen = add("state", "Show the state of the registry at a glance.")
    faulty = add("misbehave", "Let the registry, also while it runs, commit these faults and no others.")
    faulty.add_argument("faults", nargs="*", type=misbehaviour, metavar="FAULT", help="none: it means well again")
    listed = add("transactions", "List transactions, the latest first.")
    listed.add_argument("--limit", type=_positive, default=20, help="how many (default: %(default)s)")
    held = add("holdings", "Show units by account.")
    reconciled = add("reconciliations", "Show reconciliations with their history, the latest first.")
    noticed = add("notices", "Show the notices of the log with their history, the latest first.")
    written = add("messages", "Show messages from and to the administrators of the log, the latest first.")
    for command in (reconciled, noticed, written):
        command.add_argument("--limit", type=_positive, default=20, help="how many (default: %(default)s)")
    for command in (status, seen, listed, held, reconciled, noticed, written):
        command.add_argument("--json", action="store_true", help="print JSON")

    conformance = commands.add_parser(
        "conformance",
        help="Test whether a hub keeps the standard.",
        description="Test whether a hub keeps the standard. A registry is tested from the hub: `itl conformance`.",
    )
    subjects = conformance.add_subparsers(metavar="SUBJECT", dest="subject", required=True)
    text = "Play registries towards a hub, and report what it does, test by test."
    add_hub_arguments(subjects.add_parser("hub", help=text, description=text))

    message = add("message", "Tell the administrators of the log something.")
    message.add_argument("text", metavar="TEXT", help="what to tell them")
    return top


def _add_proposals(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    issue = add("issue", "Issue new units.")
    issue.add_argument("--unit-type", required=True, choices=UNIT_TYPES, help="kind of unit")
    issue.add_argument("--quantity", required=True, type=_positive, help="how many")
    issue.add_argument("--period", required=True, type=int, help="commitment period")
    issue.add_argument(
        "--originating", metavar="PARTY", help="Party whose units they are (default: the registry itself)"
    )
    issue.add_argument("--project", type=int, help="number of the project")
    issue.add_argument("--activity", type=int, help="LULUCF activity")
    issue.add_argument("--track", type=int, choices=(1, 2), help="track of a joint implementation project")
    issue.add_argument("--expiry", type=date.fromisoformat, metavar="DATE", help="expiry date, as 2012-12-31")

    convert = add("convert", "Convert own AAU or RMU into ERU of a project.")
    convert.add_argument("--project", required=True, type=_positive, dest="into", help="number of the project")
    convert.add_argument("--track", required=True, type=int, choices=(1, 2), help="track of the project")
    transfer = add("transfer", "Transfer units to another registry.")
    transfer.add_argument("--to", required=True, type=_account, metavar="ACCOUNT", help="account, as FR-100-1001")
    cancel = add("cancel", "Cancel units.")
    cancel.add_argument("--account-type", type=int, default=230, help="kind of cancellation (default: %(default)s)")
    retire = add("retire", "Retire units.")
    swap = add("replace", "Put units in the place of tCER or lCER.")
    swap.add_argument("--replaced", required=True, nargs="+", type=_range, metavar="RANGE", help="serials, as BR-1-100")
    swap.add_argument("--account-type", type=int, help="where the units go (default: 411 for tCER, 421 for lCER)")
    carry = add("carry-over", "Carry units over to the next commitment period.")
    expiry = add("change-expiry", "Give tCER or lCER of a project another expiry date, as a notice asks.")
    expiry.add_argument(
        "--expiry", required=True, type=date.fromisoformat, metavar="DATE", help="the new date, as 2017-12-31"
    )
    fulfil = add("fulfil", "Propose what a notice of the log asks for.")
    move = add("move", "Move units to another account of the registry.")
    move.add_argument("--to", required=True, type=_account, metavar="ACCOUNT", help="account, as GB-121-1002")
    for command in (transfer, cancel, retire, move, swap, carry, expiry, fulfil):
        _add_units(command)
    _add_units(convert, project=False)
    for command in (transfer, cancel, move, swap):
        command.add_argument("--notice", type=int, help="identifier of the notice that the transaction answers")
    for command in (expiry, fulfil):
        command.add_argument("--notice", type=int, required=True, help="identifier of the notice")
    for command in (issue, convert, transfer, cancel, retire, move, swap, carry, expiry, fulfil):
        command.add_argument("--json", action="store_true", help="print the transaction as JSON")
        command.add_argument(
            "--wait",
            type=float,
            default=30.0,
            metavar="SECONDS",
            help="how long to wait for the end, which takes a running `registry serve`; 0 not at all (default: 30)",
        )


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--code", nargs="+", default=[], help="registry codes: ISO 3166 alpha-2, or CDM")
    serve.add_argument(
        "--database", metavar="FILE", help="its database (default: {code}.db, with the code in lower case)"
    )
    serve.add_argument(
        "--registries", type=Path, metavar="FILE", help="a TOML file of registries, in place of --code and --hub"
    )
    _add_hub(serve, required=False)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8090, help="port to listen at, 0 for any (default: %(default)s)")
    serve.add_argument("--hub-user", help="user that the hub must give at the endpoint (default: anybody may call)")
    serve.add_argument("--hub-password", help="and its password")
    serve.add_argument(
        "--enquire-after",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="how long the hub may be silent about an open transaction before it is asked (default: an hour)",
    )
    serve.add_argument("--json", action="store_true", help="tell what happens as JSON, one object a line")
    serve.add_argument(
        "--misbehave",
        nargs="+",
        type=misbehaviour,
        metavar="FAULT",
        help="commit these faults, for training: "
        + ", ".join(Fault)
        + "; one of the record may say where, as lost-block=GB-1-100",
    )


def _add_units(command: argparse.ArgumentParser, *, project: bool = True) -> None:
    units = command.add_argument_group("units", "Either named serials, or a quantity of a kind.")
    units.add_argument("--units", nargs="+", type=_range, metavar="RANGE", help="serials, as GB-1-100")
    units.add_argument("--quantity", type=_positive, help="how many")
    units.add_argument("--unit-type", choices=UNIT_TYPES, help="kind of unit")
    units.add_argument("--period", type=int, help="applicable commitment period (default: any)")
    units.add_argument("--originating", metavar="PARTY", help="whose units (default: anybody's)")
    if project:
        units.add_argument("--project", type=int, help="number of the project (default: any)")
    else:
        units.set_defaults(project=None)
    units.add_argument("--account", type=_account, metavar="ACCOUNT", help="where they lie (default: holding account)")


def _add_hub(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument("--hub", required=required, metavar="URL", help="address of the transaction log's service")
    command.add_argument("--user", help="user of the hub (HTTP Basic); {code} is the code in lower case")
    command.add_argument("--password", help="and its password (default: the variable REGISTRY_PASSWORD)")
    command.add_argument("--certificate", metavar="FILE", help="client certificate with its key, PEM")
    command.add_argument("--authority", metavar="FILE", help="certificates to trust (default: the system's)")


def misbehaviour(text: str) -> Misbehaviour:
    """A fault as the command line names it, with the units that it is about where they are given."""
    return _parsed(plans.misbehaviour, text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _account(text: str) -> AccountNumber:
    return _parsed(AccountNumber.parse, text)


def _range(text: str) -> SerialRange:
    return _parsed(SerialRange.parse, text)


def _parsed(parse: Callable[[str], Parsed], text: str) -> Parsed:
    try:
        return parse(text)
    except RegistryError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
