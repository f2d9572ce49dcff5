"""`itl message`: free text to registries and from them."""

from __future__ import annotations

import sys
from argparse import Namespace

import msgspec

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    complain,
    database_argument,
    json_argument,
    opened,
    say,
    settings_of,
    shown_time,
)
from itl.cli.figures import table
from itl.clock import system_clock
from itl.hub import identity_of
from itl.lifecycle.text import MOST_SHOWN, is_long
from itl.store import texts
from itl.store.reference_data import ReferenceData
from itl.store.texts import Text, receivers_of, send_text

BEGINNING = 60


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "message",
        help="Send free text to registries; show what was sent and what came in.",
        description="Free text to one registry, several or all of them, and from them. A message to several is "
        "delivered to each by itself.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    send = add(ways, "send", run_send, "Send a message. It waits for registries that are not reached.")
    send.add_argument("text", help="up to 2000 characters; - reads it from standard input")
    send.add_argument(
        "--to", action="append", required=True, metavar="CODE", help="registry code, more than once for several, or all"
    )
    actor_arguments(send)
    listing = add(ways, "list", run_list, "Show the latest messages with their delivery, the newest first.")
    listing.add_argument("code", nargs="?", help="only from and to this registry")
    listing.add_argument("--direction", choices=("in", "out"), help="only those that came in, or went out")
    listing.add_argument("--most", type=int, default=50, metavar="NUMBER", help="at most so many (default 50)")
    show = add(ways, "show", run_show, "Show one message whole.")
    show.add_argument("name", help="as the list has it, such as in-12 or out-7")
    for each in (send, listing, show):
        database_argument(each)
    for each in (listing, show):
        json_argument(each)


def run_send(arguments: Namespace) -> int:
    content = sys.stdin.read().strip() if arguments.text == "-" else arguments.text
    database = opened(arguments)
    reference = ReferenceData(database)
    identity = identity_of(reference, settings_of(arguments))
    with database.write() as connection:
        receivers = receivers_of(reference.fresh(connection), arguments.to)
        send_text(connection, identity, receivers, content, actor_of(arguments), arguments.reason, system_clock())
    if is_long(content):
        shown = f"a registry's user interface may show or quote {MOST_SHOWN} of them only"
        complain(f"warning: {len(content)} characters; {shown}")
    say(f"sent to {', '.join(receivers)}; `itl message list` shows how far it has come")
    return 0


def run_list(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = texts.texts(connection, arguments.code, arguments.direction, arguments.most)
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    heads: tuple[object, ...] = ("message", "at", "from", "to", "state", "text")
    for line in table([heads, *map(_row, found)]):
        say(line)
    return 0


def run_show(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = texts.text_named(connection, arguments.name)
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    by = f" by {found.by}" if found.by else ""
    say(f"{found.name}, {found.sender} to {found.receiver}, {shown_time(found.at)}{by}: {found.state}")
    if found.problem:
        say(f"last problem: {found.problem}")
    say(f"written {shown_time(found.written_at)}:")
    say(found.content)
    return 0


def _row(found: Text) -> tuple[object, ...]:
    begins = " ".join(found.content.split())
    if len(begins) > BEGINNING:
        begins = begins[: BEGINNING - 3] + "..."
    return found.name, shown_time(found.at), found.sender, found.receiver, found.state, begins
