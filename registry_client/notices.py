"""Notices of the log: what a registry is to do by when. A later notice of the same identifier continues its history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import sqlalchemy as sa

from itl.codes import NoticeType
from itl.messages import ITLNoticeRequest, dump, load
from registry_client.errors import TransactionError
from registry_client.reconciliation.tables import notices
from registry_client.tables import transactions

_notices = notices.c


class NoticeStatus(IntEnum):
    """How far a notice is answered, as the log has it."""

    OPEN = 1
    INCOMPLETE = 2
    COMPLETED = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice with all that came under its identifier, the earliest first, and the transactions that named it."""

    entries: tuple[tuple[datetime, ITLNoticeRequest], ...]
    transactions: tuple[str, ...] = ()

    @property
    def newest(self) -> ITLNoticeRequest:
        """The entry that is valid now. An update (type 10) changes status and text; the data are those of the newest
        entry that is none."""
        latest = self.entries[-1][1]
        full = [entry for _, entry in self.entries if entry.notification_type != NoticeType.UPDATE]
        return full[-1] if full else latest

    @property
    def identifier(self) -> int:
        return self.newest.notification_identifier

    @property
    def notice_type(self) -> int:
        return self.newest.notification_type

    @property
    def status(self) -> int:
        return self.entries[-1][1].notification_status


def add(connection: sa.Connection, notice: ITLNoticeRequest, now: datetime) -> None:
    """Keep a notice, the first of its identifier or a later one."""
    connection.execute(
        notices.insert().values(identifier=notice.notification_identifier, received_at=now, content=dump(notice))
    )


def page(connection: sa.Connection, limit: int) -> list[Notice]:
    """Notices, those that came or changed last first."""
    latest = sa.select(_notices.identifier).group_by(_notices.identifier).order_by(sa.func.max(_notices.id).desc())
    return _of(connection, list(connection.execute(latest.limit(limit)).scalars()))


def newest(connection: sa.Connection, identifier: int) -> ITLNoticeRequest:
    """The entry of a notice that is valid now; TransactionError if there is none."""
    found = _of(connection, [identifier])
    if not found:
        raise TransactionError(f"notice {identifier} is not known here; `registry notices` shows those that are")
    return found[0].newest


def require_open(connection: sa.Connection, identifier: int) -> None:
    """TransactionError if a notice was answered already. One that is not known here may have come on paper."""
    found = _of(connection, [identifier])
    if found and found[0].status == NoticeStatus.COMPLETED:
        raise TransactionError(f"notice {identifier} is completed: no transaction is needed for it any more")


def _of(connection: sa.Connection, identifiers: Sequence[int]) -> list[Notice]:
    entries: dict[int, list[tuple[datetime, ITLNoticeRequest]]] = defaultdict(list)
    query = sa.select(notices).where(_notices.identifier.in_(identifiers)).order_by(_notices.id)
    for row in connection.execute(query):
        entries[row.identifier].append((row.received_at, load(ITLNoticeRequest, row.content)))
    named: dict[int, list[str]] = defaultdict(list)
    answering = sa.select(transactions.c.notice, transactions.c.identifier).where(
        transactions.c.notice.in_(identifiers)
    )
    for row in connection.execute(answering.order_by(transactions.c.proposed_at, transactions.c.identifier)):
        named[row.notice].append(row.identifier)
    return [Notice(tuple(entries[each]), tuple(named[each])) for each in identifiers if each in entries]
