"""`itl supplement`: what the operator of a supplementary log sees and enters."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Table

from itl.cli.command import (
    actor_arguments,
    actor_of,
    add,
    database_argument,
    instant_of,
    json_argument,
    reason_of,
    say,
    shown_time,
)
from itl.cli.figures import table as lines_of
from itl.clock import system_clock
from itl.errors import UsageError
from itl.roles import Subparsers
from itl.store import handovers
from itl.store.actions import record_action
from itl.store.enrolment import put_basics
from itl.store.facts import Source
from itl.supplement import book, compliance, cutover, figures
from itl.supplement import tables as t
from itl.supplement.database import opened
from itl.supplement.scheme import AccountKey, Holder, Link, Member, SchemeAccount, SurrenderWindow


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "supplement",
        help="Show and enter what a supplementary log keeps of its scheme.",
        description="Members and their links, accounts, allocation plans, agreements, surrender and verified emissions "
        "of a scheme. The database is that of a log with the role stl.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    setup = _way(ways, "setup", run_setup, "Say under which code this supplementary log calls itself.", changes=True)
    setup.add_argument("code", help="such as CITL")

    _way(ways, "members", run_members, "Show the members of the scheme: link and status.", shows=True)
    member = _way(
        ways, "member", run_member, "Make a registry a member, or change its link or status from now on.", changes=True
    )
    member.add_argument("registry", help="registry code")
    member.add_argument("--link", choices=[str(link) for link in Link], help="how it speaks to this log")
    for right in ("propose", "accept"):
        member.add_argument(f"--may-{right}", choices=("yes", "no"), help="the scheme's own status of it")

    accounts = _way(ways, "accounts", run_accounts, "Show the accounts of the scheme.", shows=True)
    accounts.add_argument("--registry", metavar="CODE", help="only of this registry")
    account = _way(ways, "account", run_account, "Record an account, or change what is so of it.", changes=True)
    account.add_argument("account", type=_account, metavar="CODE-TYPE-IDENTIFIER", help="such as GB-120-1201")
    account.add_argument("--holder", choices=[str(holder) for holder in Holder], help="whose it is")
    account.add_argument("--installation", type=int, metavar="NUMBER", help="of an operator's account")
    for state in ("blocked", "closed"):
        account.add_argument(f"--{state}", choices=("yes", "no"), help=f"whether it is {state} from now on")

    plan = _way(ways, "plan", run_plan, "Show allocation plans; with --quantity enter what one has.", changes=None)
    plan.add_argument("registry", nargs="?", help="registry code; without it, of all")
    plan.add_argument("--period", type=int, help="commitment period of the units")
    plan.add_argument("--installation", type=int, default=0, help="default: the reserve for new entrants")
    plan.add_argument("--year", type=int, default=0, help="that the installation gets them for")
    plan.add_argument("--quantity", type=int, metavar="UNITS", help="what the plan has from now on")

    agreement = _way(
        ways, "agreement", run_agreement, "Record that allowances may go to a registry outside.", changes=True
    )
    agreement.add_argument("registry", help="registry code")
    agreement.add_argument("--ended", action="store_true", help="they may no longer")

    window = _way(ways, "window", run_window, "Record when units of a period may be surrendered.", changes=True)
    window.add_argument("period", type=int, help="commitment period of the units")
    window.add_argument("--opens", required=True, metavar="TIME", help="from this instant on (ISO 8601)")
    window.add_argument("--closes", required=True, metavar="TIME", help="the first instant after it")
    window.add_argument(
        "--years", required=True, type=_years, metavar="FIRST-LAST", help="for which years, such as 2008-2012"
    )

    emissions = _way(
        ways,
        "emissions",
        run_emissions,
        "Show verified emissions beside what was surrendered; with --verified enter some.",
        changes=None,
    )
    emissions.add_argument("registry", nargs="?", help="registry code; without it, of all")
    emissions.add_argument("--installation", type=int, help="its number in the registry")
    emissions.add_argument("--year", type=int, help="in which they were emitted")
    emissions.add_argument("--verified", type=int, metavar="TONNES", help="tonnes of CO2 equivalent")

    counted = _way(
        ways, "figures", run_figures, "Show what was issued, allocated, surrendered and retired.", shows=True
    )
    counted.add_argument("--registry", metavar="CODE", help="only of this registry")
    cutover.register(ways)
    history = _way(ways, "history", run_history, "Show all that was ever recorded of one kind.", shows=True)
    history.add_argument("what", choices=sorted(_TABLES), help="which kind")


_TABLES: dict[str, Table] = {
    "members": t.members,
    "accounts": t.accounts,
    "plan": t.plan,
    "agreements": t.agreements,
    "windows": t.windows,
    "emissions": t.emissions,
}


def _way(
    ways: Subparsers,
    name: str,
    run: Callable[[Namespace], int],
    description: str,
    *,
    shows: bool = False,
    changes: bool | None = False,
) -> ArgumentParser:
    """One command; `changes` None: it shows, and with some options changes."""
    parser = add(ways, name, run, description)
    database_argument(parser)
    if shows or changes is None:
        json_argument(parser)
    if changes or changes is None:
        actor_arguments(parser)
    return parser


def _account(text: str) -> AccountKey:
    registry, account_type, identifier = text.split("-")
    return registry, int(account_type), int(identifier)


def _years(text: str) -> tuple[int, int]:
    first, last = text.split("-")
    return int(first), int(last)


def _change(arguments: Namespace, action: str, subject: str, do: Callable[[Connection, Source], Any]) -> None:
    """One entry of an operator, with who and why, in one commit."""
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    with opened(arguments).write() as connection:
        detail = do(connection, Source(actor, reason, now))
        record_action(connection, actor, reason, f"supplement {action}", subject, detail, now)


def _show(arguments: Namespace, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    found = [dict(zip(heads, row, strict=True)) for row in rows]
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    for line in lines_of([tuple(heads), *(tuple(_shown(*cell) for cell in each.items()) for each in found)]):
        say(line)
    return 0


_NAMES = ("type", "account_type", "identifier", "installation", "year", "first_year", "last_year", "period")
"""Columns whose numbers are names, and are shown as such, without separators."""


def _shown(head: str, value: Any) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return shown_time(value)
    return str(value) if head in _NAMES else value


def run_setup(arguments: Namespace) -> int:
    _change(
        arguments, "setup", arguments.code, lambda connection, source: put_basics(connection, arguments.code, source)
    )
    say(f"this log calls itself {arguments.code}; a running one takes it up when it is started again")
    return 0


def run_members(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = book.members(connection, system_clock())
    heads = ("registry", "link", "may propose", "may accept")
    return _show(
        arguments, heads, ((each.code, str(each.link), each.may_propose, each.may_accept) for each in found.values())
    )


def run_member(arguments: Namespace) -> int:
    def enter(connection: Connection, source: Source) -> dict[str, Any]:
        if arguments.link is not None:
            handovers.require_none_under_way(connection, arguments.registry)
        was = book.members(connection, source.at).get(arguments.registry)
        member = was or Member(arguments.registry)
        given: dict[str, Any] = {} if arguments.link is None else {"link": Link(arguments.link)}
        for right in ("may_propose", "may_accept"):
            if (value := getattr(arguments, right)) is not None:
                given[right] = value == "yes"
        book.put_member(connection, replace(member, **given), source)
        return {"link": given.get("link", member.link), "was": None if was is None else was.link}

    _change(arguments, "member", arguments.registry, enter)
    say(f"recorded: {arguments.registry}")
    return 0


def run_accounts(arguments: Namespace) -> int:
    where = [] if arguments.registry is None else [t.accounts.c.registry == arguments.registry]
    with opened(arguments).read() as connection:
        found = [book.account_of(row) for row in book.in_force(connection, t.accounts, system_clock(), *where)]
    heads = ("registry", "type", "identifier", "holder", "installation", "blocked", "closed")
    rows = ((*each.key, str(each.holder), each.installation, each.blocked, each.closed) for each in found)
    return _show(arguments, heads, rows)


def run_account(arguments: Namespace) -> int:
    name = "-".join(map(str, arguments.account))

    def enter(connection: Connection, source: Source) -> None:
        known = book.account(connection, arguments.account, source.at)
        if known is None and arguments.holder is None:
            raise UsageError(f"{name} is not recorded yet: whose is it? give --holder")
        holder = Holder(arguments.holder) if arguments.holder else known.holder if known else Holder.PARTY
        installation = arguments.installation or (known.installation if known else None)
        blocked, closed = (
            known is not None and bool(getattr(known, state))
            if (given := getattr(arguments, state)) is None
            else given == "yes"
            for state in ("blocked", "closed")
        )
        registry, account_type, identifier = arguments.account
        account = SchemeAccount(registry, account_type, identifier, holder, installation, blocked, closed)
        book.put_account(connection, account, source)

    _change(arguments, "account", name, enter)
    say(f"recorded: {name}")
    return 0


def run_plan(arguments: Namespace) -> int:
    if arguments.quantity is None:
        where = [] if arguments.registry is None else [t.plan.c.registry == arguments.registry]
        with opened(arguments).read() as connection:
            found = book.in_force(connection, t.plan, system_clock(), *where)
        heads = ("registry", "period", "installation", "year", "quantity")
        return _show(arguments, heads, ([getattr(row, name) for name in heads] for row in found))
    if arguments.registry is None or arguments.period is None:
        raise UsageError("whose plan, and for which period? give a registry and --period")
    of = (arguments.registry, arguments.period, arguments.installation, arguments.year, arguments.quantity)
    _change(arguments, "plan", arguments.registry, lambda connection, source: book.put_plan(connection, *of, source))
    say(f"recorded: {arguments.quantity} for {arguments.registry}")
    return 0


def run_agreement(arguments: Namespace) -> int:
    def enter(connection: Connection, source: Source) -> None:
        book.put_agreement(connection, arguments.registry, not arguments.ended, source)

    _change(arguments, "agreement", arguments.registry, enter)
    say(f"recorded: allowances may {'no longer ' if arguments.ended else ''}go to {arguments.registry}")
    return 0


def run_window(arguments: Namespace) -> int:
    opens, closes = instant_of(arguments.opens, "--opens"), instant_of(arguments.closes, "--closes")
    if opens is None or closes is None or opens >= closes:
        raise UsageError(f"--opens {arguments.opens} --closes {arguments.closes}: it has to close after it opens")
    window = SurrenderWindow(arguments.period, opens, closes, *arguments.years)
    _change(
        arguments,
        "window",
        f"period {arguments.period}",
        lambda connection, source: book.put_window(connection, window, source),
    )
    say(f"recorded: units of period {arguments.period}")
    return 0


def run_emissions(arguments: Namespace) -> int:
    if arguments.verified is None:
        with opened(arguments).read() as connection:
            found = compliance.of(connection, system_clock(), arguments.registry)
        heads = ("registry", "installation", "year", "verified", "allocated", "surrendered", "still to surrender")
        rows = (
            (each.registry, each.installation, each.year, each.verified, each.allocated, each.surrendered, each.missing)
            for each in found
        )
        return _show(arguments, heads, rows)
    if None in (arguments.registry, arguments.installation, arguments.year):
        raise UsageError("of which installation, and when? give a registry, --installation and --year")
    of = (arguments.registry, arguments.installation, arguments.year, arguments.verified)
    _change(
        arguments,
        "emissions",
        f"{arguments.registry} installation {arguments.installation}",
        lambda connection, source: book.put_emissions(connection, *of, source),
    )
    say(f"recorded: {arguments.verified} tonnes in {arguments.year}")
    return 0


def run_figures(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = figures.every(connection, arguments.registry)
        plans = compliance.periods(connection, arguments.registry)
    heads = ("figure", "registry", "period", "installation", "year", "completed", "open")
    rows: list[tuple[Any, ...]] = [
        (str(key.kind), key.registry, key.period, key.installation, key.year, figure.completed, figure.open)
        for key, figure in found.items()
    ]
    rows += [("unallocated", each.registry, each.period, 0, 0, each.unallocated, 0) for each in plans]
    return _show(arguments, heads, rows)


def run_history(arguments: Namespace) -> int:
    table = _TABLES[arguments.what]
    heads = [column.name for column in table.columns if column.name != "id"]
    with opened(arguments).read() as connection:
        found = book.history(connection, table)
    return _show(arguments, heads, ([getattr(row, name) for name in heads] for row in found))
