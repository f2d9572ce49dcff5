"""`itl handover`: a registry with its units and its history goes to another log, or comes from one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    complain,
    database_argument,
    instant_of,
    json_argument,
    reason_of,
    say,
    settings_of,
    shown_time,
)
from itl.cli.command import opened as log_opened
from itl.clock import system_clock
from itl.errors import UsageError
from itl.roles import PLAIN
from itl.store import handover_file, handover_giving, handovers
from itl.store.actions import actions
from itl.store.audit import Difference
from itl.store.database import Database
from itl.store.facts import Source
from itl.store.handover_taking import Taken
from itl.store.handovers import IMPORTED, UNDER_WAY, WITHDRAWN, Handover, Stand
from itl.store.reference_data import load_reference


@dataclass(frozen=True, slots=True)
class Side:
    """On which log the steps are taken: its database, and how it writes down how a registry stands with it."""

    opened: Callable[[Namespace], Database]
    stand: Stand


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "handover",
        help="Hand a registry over to another log, or take one over: units, history, what is counted and told of it.",
        description="A registry goes from one log to another in steps, each of which is on record. Until the last one "
        "there is a way back. A log of another role has commands of its own for these steps.",
    )
    register_steps(parser, Side(_opened, handovers.stand_by_status))


def _opened(arguments: Namespace) -> Database:
    role = settings_of(arguments).role
    if role != PLAIN:
        raise UsageError(
            f"a log of role {role} says in its own way how a registry stands with it; use its own commands"
        )
    return log_opened(arguments)


def register_steps(parser: ArgumentParser, side: Side) -> None:
    """The steps of a handover as commands of `parser`."""
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def step(name: str, run: Callable[[Side, Namespace], int], description: str, *, changes: bool = True) -> Any:
        way = add(ways, name, lambda arguments: run(side, arguments), description)
        database_argument(way)
        if changes:
            actor_arguments(way)
        return way

    begin = step("begin", run_begin, "Giving: freeze a registry. What is open goes on, nothing new is taken.")
    begin.add_argument("--deadline", metavar="TIME", help="by when it should be done (ISO 8601); `show` tells")
    export = step("export", run_export, "Giving: write the file, when all has ended and log and registry agree.")
    export.add_argument("--to", type=Path, required=True, metavar="FILE", help="where")
    go = step("go", run_go, "Giving: let the registry go. It is the other log's from then on.")
    lift = step("lift", run_lift, "Giving: lift the freeze; the registry stays, or comes back as it left.")
    go.add_argument("--receipt", required=True, help="what `import` printed at the other log")
    lift.add_argument("--receipt", help="what `withdraw` printed at the other log; needed once a file was written")
    rehearse = step("rehearse", run_rehearse, "Taking: take a file in, look at it, leave no trace.", changes=False)
    accept = step("accept", run_accept, "Taking: let what differs pass; another then imports.")
    taking = step("import", run_import, "Taking: take all of a file in, or nothing.")
    withdraw = step("withdraw", run_withdraw, "Taking: never take a file in, or no longer.")
    opening = step("open", run_open, "Taking: let the registry propose here, once it agrees with what came.")
    show = step("show", run_show, "Show where handovers stand, and what keeps a registry.", changes=False)
    json_argument(show)
    json_argument(rehearse)
    show.add_argument("code", nargs="?", help="registry code; without it, of all")
    for each in (begin, export, go, lift, opening):
        each.add_argument("code", help="registry code")
    for each in (rehearse, accept, taking, withdraw):
        each.add_argument("file", type=Path, help="the file that the other log wrote")
    for each in (export, rehearse, accept, taking, withdraw):
        each.add_argument("--key-file", type=Path, metavar="FILE", help="a secret that both logs share (HMAC)")


def _source(arguments: Namespace) -> Source:
    return Source(actor_of(arguments), reason_of(arguments), system_clock())


def _key(arguments: Namespace) -> bytes | None:
    file: Path | None = arguments.key_file
    if file is None:
        return None
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give a file with the key") from error
    if not key:
        raise UsageError(f"{file} is empty; a key of random bytes is wanted, such as 32 of them in hexadecimal")
    return key


# Giving --------------------------------------------------------------------------------------------------------------


def run_begin(side: Side, arguments: Namespace) -> int:
    source, deadline = _source(arguments), instant_of(arguments.deadline, "--deadline")
    with side.opened(arguments).write() as connection:
        handovers.begin(connection, arguments.code, deadline, side.stand, source)
        left = _left(connection, arguments.code)
    say(f"{arguments.code} is frozen; {left or 'nothing of it is open'}")
    return 0


def run_export(side: Side, arguments: Namespace) -> int:
    done = handovers.export(side.opened(arguments), arguments.code, arguments.to, _key(arguments), _source(arguments))
    say(f"{arguments.to}: {_contents(done)}")
    say(f"digest {done.digest}, reconciled by {done.reconciliation}")
    return 0


def run_go(side: Side, arguments: Namespace) -> int:
    with side.opened(arguments).write() as connection:
        handovers.go(connection, arguments.code, arguments.receipt, side.stand, _source(arguments))
    say(f"{arguments.code} is the other log's from now on")
    return 0


def run_lift(side: Side, arguments: Namespace) -> int:
    with side.opened(arguments).write() as connection:
        handovers.lift(connection, arguments.code, arguments.receipt, side.stand, _source(arguments))
    say(f"{arguments.code} proposes and acquires here again")
    return 0


# Taking --------------------------------------------------------------------------------------------------------------


def run_rehearse(side: Side, arguments: Namespace) -> int:
    manifest, taken = handovers.rehearse(side.opened(arguments), arguments.file, _key(arguments), system_clock())
    if arguments.json:
        head = {"registry": manifest.head.registry, "giver": manifest.head.giver, "digest": manifest.end.sha256}
        say(msgspec.json.encode(head | msgspec.to_builtins(taken)).decode())
    else:
        say(f"{manifest.head.registry} from {manifest.head.giver}, digest {manifest.end.sha256}")
        say(_came(taken))
        _say_all(taken.differences)
        say("a rehearsal: nothing was taken in")
    return 1 if taken.differences else 0


def run_accept(side: Side, arguments: Namespace) -> int:
    taken = handovers.accept(side.opened(arguments), arguments.file, _key(arguments), _source(arguments))
    _say_all(taken.differences)
    say("accepted: another person may import the file, if it still differs in just this")
    return 0


def run_import(side: Side, arguments: Namespace) -> int:
    source, key = _source(arguments), _key(arguments)
    try:
        done, taken = handovers.take_in(side.opened(arguments), arguments.file, key, side.stand, source)
    except handovers.Differs as differs:
        _say_all(differs.taken.differences)
        complain(f"itl: {differs}")
        return 1
    say(_came(taken))
    say(f"{done.registry} is here, and frozen until it is opened")
    say(f"receipt {handovers.receipt(done.digest or '', IMPORTED)}")
    return 0


def run_withdraw(side: Side, arguments: Namespace) -> int:
    manifest = handover_file.prove(arguments.file, _key(arguments))
    with side.opened(arguments).write() as connection:
        done = handovers.withdraw(connection, manifest, side.stand, _source(arguments))
    say("the file is never taken in from now on")
    say(f"receipt {handovers.receipt(done.digest or '', WITHDRAWN)}")
    return 0


def run_open(side: Side, arguments: Namespace) -> int:
    with side.opened(arguments).write() as connection:
        done = handovers.open_up(connection, arguments.code, side.stand, _source(arguments))
    say(f"{arguments.code} proposes and acquires here from now on, reconciled by {done.reconciliation}")
    return 0


def _came(taken: Taken) -> str:
    return (
        f"facts {taken.facts}, notices {taken.notices}, transactions {taken.new} new and {taken.known} known, "
        f"units {taken.units} new, unit blocks {taken.changed} changed"
    )


def _say_all(differences: Iterable[Difference]) -> None:
    for each in differences:
        say(f"{each.rule}: {each.about} must be {each.must_be}, is {each.found}")


# Looking -------------------------------------------------------------------------------------------------------------


def run_show(side: Side, arguments: Namespace) -> int:
    with side.opened(arguments).read() as connection:
        found = handovers.recorded(connection, arguments.code)
        if arguments.json:
            say(msgspec.json.encode(found).decode())
            return 0
        if not found:
            say("nothing was handed over yet")
        for each in found:
            for line in _described(connection, each):
                say(line)
    return 0


def _described(connection: Connection, each: Handover) -> Iterator[str]:
    now = system_clock()
    to = {"giving": "to", "taking": "from"}[each.side]
    yield f"{each.id}  {each.registry} {to} {each.other or 'another log'}: {each.status} {shown_time(each.changed_at)}"
    if each.status in ("begun", "exported"):
        left = _left(connection, each.registry)
        yield f"  {left or 'nothing of it is open'}; {_agreed(connection, each, each.begun_at)}"
    if each.status == "imported":
        yield f"  {_agreed(connection, each, each.changed_at)}"
    if each.status in UNDER_WAY and each.deadline_at is not None:
        yield f"  to be done by {shown_time(each.deadline_at)}{_overdue(each.deadline_at, now)}"
    if each.digest is not None:
        yield f"  file {each.digest}: {_contents(each)}"
    if each.side == "taking" and each.digest is not None and each.status in ("imported", "opened", "withdrawn"):
        what = WITHDRAWN if each.status == "withdrawn" else IMPORTED
        yield f"  receipt that it was {what}: {handovers.receipt(each.digest, what)}"
    if each.differences:
        yield f"  {len(each.differences)} differences, accepted by {each.accepted_by}"
    for action in reversed(actions(connection, each.registry)):
        if action.action.startswith("handover ") and action.detail.get("handover") == each.id:
            step = action.action.removeprefix("handover ")
            yield f"  {shown_time(action.at)}  {step} by {action.actor}: {action.reason}"


def _overdue(deadline: datetime, now: datetime) -> str:
    return ", WHICH IS PAST: go on, or lift the freeze" if deadline <= now else ""


def _left(connection: Connection, registry: str) -> str:
    log = load_reference(connection).log_code
    return handovers.described(handover_giving.unfinished(connection, registry, log))


def _agreed(connection: Connection, each: Handover, since: datetime) -> str:
    reconciliation = handover_giving.reconciled(connection, each.registry, since)
    return f"reconciled by {reconciliation}" if reconciliation else "not reconciled yet"


def _contents(each: Handover) -> str:
    lines = each.contents.get("lines", {})
    named = ", ".join(f"{count} {kind}" for kind, count in lines.items() if kind != "head")
    units = sum(one["units"] for one in each.contents.get("sums", ()) if one["registry"] == each.registry)
    return f"{named} lines" + (f", {units:,} units of {each.registry}" if units else "")
