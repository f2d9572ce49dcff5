"""A log of the replay's own, in this process, on a database of its own: its clock stands at the time of the row.

The registry's calls and the log's go over HTTP as ever. But worker and relay have no threads here: they are stepped,
so that all of a transaction happens at its time, and nothing waits for anything.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

from sqlalchemy import Connection, func, select

from itl.clock import SetClock
from itl.codes import CDM, TransactionStatus, TransactionType
from itl.errors import UsageError
from itl.hub import Hub
from itl.reference import Environment, Project, RegistryKind
from itl.reference import Registry as Enrolled
from itl.replay.registry import Mailbox, Registry, Verdict
from itl.replay.reports import Row
from itl.replay.transactions import is_foreign, opening
from itl.settings import Settings
from itl.store import tables as t
from itl.store.database import Database
from itl.store.enrolment import put_basics, put_parties, put_period, put_projects
from itl.store.environment import settle_environment
from itl.store.opening import enter_opening, holds_units
from itl.store.reference_data import (
    load_reference,
    put_call_credentials,
    put_registry,
    put_user,
    revoke_credential,
)
from itl.store.schema import migrate
from itl.store.transitions import find
from itl.wire import server

USER = "cdm-replay"

RULES = (
    "the log is one of the replay's own; its clock stands at the time of the row from the proposal to the completion",
    "a commitment period with issuances before its first year is open from the day of the first of them",
    "the host Parties are recorded beforehand, and as projects, with the quantities that the Executive Board "
    "instructed, what the reports say was issued",
    "units of other registries are entered at the start, as transferred to the CDM registry: <Party>1, <Party>2, ...; "
    "an ERU (from RMU) was issued as RMU, an ERU (from AAU) as AAU",
)
"""What is made up for a log of the replay's own, in words."""


def fresh_database() -> str:
    """URL of a new SQLite file in a new directory for temporary files, which stays."""
    return f"sqlite:///{Path(tempfile.mkdtemp(prefix='itl-replay-')) / 'replay.db'}"


class OwnHub:
    """The log (`exchange.Log`), with the CDM registry enrolled, and all that the rows rest on.

    UsageError for a database with units, unless `resume`: then it goes on where an earlier replay of these rows ended.
    """

    def __init__(self, settings: Settings, rows: Sequence[Row], *, resume: bool = False) -> None:
        migrate(settings.database)
        self._database = Database(settings.database)
        password = secrets.token_hex(16)
        self._clock = SetClock(rows[0].at)
        with self._database.read() as connection:
            if not resume and holds_units(connection):
                raise UsageError(
                    f"database {settings.database} already holds units; give an empty one, "
                    "or --resume to go on with an earlier replay of the same reports"
                )
        self._mailbox = Mailbox(self._clock)
        with self._database.write() as connection:
            self._clock.set(max(rows[0].at, _last_step(connection) or rows[0].at))
            _prepare(connection, rows, self._mailbox, password)
        self._hub = Hub(settings, self._clock)
        self._server = server.serve(self._hub.application(), threads=1)
        self.registry = Registry(self._server.url, USER, password, self._hub.identity.code)
        self._hub.relay.release_dead_leases()
        self._hub.settle_down()

    def completed(self) -> dict[str, int]:
        """The transactions that the log has completed, with the quantity of their units."""
        blocks = t.transaction_blocks.c
        quantity = func.sum(blocks.serial_end - blocks.serial_start + 1)
        statement = (
            select(t.transactions.c.identifier, quantity.label("quantity"))
            .join(t.transaction_blocks, blocks.transaction_id == t.transactions.c.id)
            .where(t.transactions.c.status == TransactionStatus.COMPLETED)
            .group_by(t.transactions.c.identifier)
        )
        with self._database.read() as connection:
            return {row.identifier: int(row.quantity) for row in connection.execute(statement)}

    def stand_at(self, time: datetime) -> None:
        self._clock.set(time)

    def verdict(self, identifier: str) -> Verdict:
        self._hub.worker.once()
        self._hub.relay.deliver_once()
        return self._mailbox.take(identifier) or self._found_out(identifier)

    def carry_out(self) -> None:
        self._hub.worker.once()

    def _found_out(self, identifier: str) -> Verdict:
        """Where the transaction stands when all that is due has been done, though no notification came."""
        self._hub.settle_down()
        return self._mailbox.take(identifier) or Verdict(self.registry.status(identifier))

    def close(self) -> None:
        """End the log; nobody can call it as the CDM registry with the password of this replay."""
        self.registry.close()
        self._server.close()
        with self._database.write() as connection:
            revoke_credential(connection, "basic", USER, self._clock())
        self._hub.close()
        self._mailbox.close()
        self._database.close()


def _last_step(connection: Connection) -> datetime | None:
    last: datetime | None = connection.execute(select(func.max(t.transactions.c.status_at))).scalar_one()
    return last


def _prepare(connection: Connection, rows: Sequence[Row], mailbox: Mailbox, password: str) -> None:
    """Enrol the CDM registry, and record what the rows' transactions are judged by."""
    now = rows[0].at
    issued = [row for row in rows if row.transaction_type == TransactionType.ISSUANCE]
    settle_environment(connection, Environment.TEST)
    put_basics(connection)
    put_parties(connection, {row.units.originating_registry for row in rows})
    _open_periods(connection, issued)
    put_projects(connection, _projects(issued))
    enrolled = load_reference(connection).registries.get(CDM) or Enrolled(CDM, RegistryKind.CDM)
    put_registry(connection, replace(enrolled, url=mailbox.url), now)
    put_call_credentials(connection, CDM, mailbox.user, mailbox.password)
    put_user(connection, CDM, USER, password)
    _enter_foreign(connection, rows)


def _projects(issued: Sequence[Row]) -> Iterator[Project]:
    """The projects of the reports, with what was issued as what the Executive Board instructed."""
    quantities: dict[tuple[str, int], Counter[tuple[int, int]]] = defaultdict(Counter)
    for row in issued:
        project = row.units.originating_registry, row.project
        quantities[project][int(row.unit_type), row.period] += row.units.quantity
    for (host, number), instructed in sorted(quantities.items()):
        yield Project(host, number, frozenset(unit for unit, _ in instructed), quantities=instructed)


def _open_periods(connection: Connection, issued: Sequence[Row]) -> None:
    first: dict[int, datetime] = {}
    for row in issued:
        first.setdefault(row.period, row.at)
    for period in load_reference(connection).periods.values():
        if period.number in first and first[period.number] < period.start:
            opened = datetime.combine(first[period.number].date(), time(), first[period.number].tzinfo)
            put_period(connection, replace(period, start=opened))


def _enter_foreign(connection: Connection, rows: Sequence[Row]) -> None:
    numbers: dict[str, int] = {}
    for row in rows:
        if not is_foreign(row):
            continue
        party = row.units.originating_registry
        numbers[party] = numbers.get(party, 0) + 1
        identifier = f"{party}{numbers[party]}"
        if find(connection, identifier) is None:
            transaction, block = opening(identifier, row)
            enter_opening(connection, transaction, [block], rows[0].at, party)
