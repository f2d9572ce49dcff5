"""The log of a rehearsal: a whole log on a database of its own, stepped by hand, with a clock that stands."""

from __future__ import annotations

from datetime import datetime, timedelta

from itl.clock import SetClock
from itl.errors import UsageError
from itl.hub import Hub
from itl.lifecycle.reconciliation_events import BeginsWith
from itl.rehearsal.filling import fill_log
from itl.rehearsal.holdings import REGISTRY, runs
from itl.rehearsal.memory import peak
from itl.rehearsal.planting import Finding
from itl.settings import Settings
from itl.store import inconsistencies, reconciliations
from itl.store.database import Database
from itl.store.enrolment import put_sandbox
from itl.store.opening import holds_units
from itl.store.reconciliations import Plan
from itl.store.schema import migrate
from itl.wire import server

OPERATOR, REASON = "rehearsal", "to see that what is planted is found"


class LogSide:
    """A log at `database` whose clock stands at `at`; UsageError if it holds units already."""

    def __init__(self, database: str, at: datetime) -> None:
        migrate(database)
        self._clock = SetClock(at)
        self._settings = Settings(database=database, delivery_timeout=600)
        self._database = Database(database)
        with self._database.read() as connection:
            if holds_units(connection):
                raise UsageError(f"database {database} already holds units; give an empty one to rehearse with")
        with self._database.write() as connection:
            put_sandbox(connection, at)
        self._hub = Hub(self._settings, self._clock)
        self._server = server.serve(self._hub.application())
        self._identifier = ""

    def fill(self, seed: int, blocks: int) -> None:
        with self._database.write() as connection:
            fill_log(connection, runs(seed, blocks), self._clock() - timedelta(days=1))

    def address(self) -> str:
        return self._server.url

    def meet(self, registry_url: str) -> None:
        """The registry is there."""
        with self._database.write() as connection:
            put_sandbox(connection, self._clock(), {REGISTRY: registry_url})

    def begin(self, begins_with: str = BeginsWith.TOTALS) -> None:
        """Start a reconciliation, with its totals or with what follows them."""
        with self._database.write() as connection:
            begun = reconciliations.start(
                connection,
                Plan(REGISTRY, OPERATOR, REASON, BeginsWith(begins_with)),
                self._hub.identity,
                self._clock(),
                may=True,
            )
        self._identifier = begun.head.identifier

    def stand_at(self, at: datetime) -> None:
        self._clock.set(at)

    def work(self) -> int:
        """Do what is due now; how much there was."""
        done: int = self._hub.reconciler.once() + self._hub.relay.deliver_once()
        return done

    def stands(self) -> tuple[str, datetime | None]:
        """The step that comes next, and when the log looks at it again; of the newest, where one was begun anew."""
        with self._database.read() as connection:
            self._identifier = reconciliations.running_of(connection, REGISTRY) or self._identifier
            found = reconciliations.find(connection, self._identifier)
        if found is None:
            raise UsageError(f"reconciliation {self._identifier} is gone: leave the database alone while rehearsing")
        return str(found.head.step), found.due_at

    def findings(self) -> list[Finding]:
        """What the log found to differ, and no transaction explains."""
        with self._database.read() as connection:
            return sorted(
                Finding(
                    str(each.difference.kind),
                    each.difference.range.originating_registry,
                    each.difference.range.start,
                    each.difference.range.end,
                )
                for each in inconsistencies.open_for(connection, REGISTRY)
            )

    def peak(self) -> int:
        return peak()

    def close(self) -> None:
        self._server.close()
        self._hub.close()
        self._database.close()
