"""Identifiers of notices: the next one, and how two logs that may raise notices to one registry keep theirs apart."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from itl.store import tables as t
from itl.store.reference_data import put_setting

FIRST_NOTICE = "first_notice"
"""Setting: identifiers of new notices are not below."""
BLOCK = 1_000_000
"""Identifiers that a log has to itself, when a registry comes from another."""


def last_identifier(connection: Connection) -> int:
    """The highest identifier that a notice has, loaded ones too, or that an end was told under; 0 if there is none."""
    notices = connection.execute(select(func.max(t.notices.c.identifier))).scalar_one() or 0
    told = connection.execute(select(func.max(t.notice_history.c.sent_as))).scalar_one() or 0
    return int(max(notices, told))


def next_identifier(connection: Connection) -> int:
    """For a new notice, or for the end of one that is told under an identifier of its own."""
    first = connection.execute(select(t.settings.c.value).where(t.settings.c.name == FIRST_NOTICE)).scalar()
    return max(last_identifier(connection) + 1, int(first or 0))


def keep_apart(connection: Connection, last_there: int) -> None:
    """From now on no new notice gets an identifier that another log, which is at `last_there`, could give as well."""
    if next_identifier(connection) // BLOCK == last_there // BLOCK:
        put_setting(connection, FIRST_NOTICE, str((last_there // BLOCK + 1) * BLOCK))
