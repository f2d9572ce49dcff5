"""`itl supplement cutover`: a member moves behind the transaction log, or comes back, by the steps of a handover.

Here a registry stands by its link: direct, freezing, through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from itl.cli.handover import Side, register_steps
from itl.errors import UsageError
from itl.roles import Subparsers
from itl.store.facts import Source
from itl.store.handovers import Standing
from itl.supplement import book
from itl.supplement.database import opened
from itl.supplement.scheme import Link

LINKS: Mapping[Standing, Link] = {
    Standing.OPEN: Link.DIRECT,
    Standing.FROZEN: Link.FREEZING,
    Standing.AWAY: Link.THROUGH,
}


def stand_by_link(connection: Connection, code: str, standing: Standing, source: Source) -> None:
    """By the member's link; UsageError for a registry that is no member of the scheme."""
    member = book.members(connection, source.at).get(code)
    if member is None:
        raise UsageError(f"{code} is no member of the scheme; `itl supplement members` shows those that are")
    book.put_member(connection, replace(member, link=LINKS[standing]), source)


def register(ways: Subparsers) -> None:
    parser = ways.add_parser(
        "cutover",
        help="Move a member behind the transaction log, or take it back.",
        description="A member's units and history go to the transaction log in steps, each of which is on record. "
        "Until the last one there is a way back, and by the same steps a member comes back.",
    )
    register_steps(parser, Side(opened, stand_by_link))
