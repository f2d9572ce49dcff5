"""A scheme whose members call its log directly, and the transaction log behind which they move, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from itl.reference import Registry, RegistryKind, Scheme
from itl.store import handovers
from itl.store import tables as t
from itl.store.database import Database
from itl.store.enrol_scheme import put_scheme
from itl.store.facts import Source
from itl.store.handover_taking import Taken
from itl.store.handovers import IMPORTED, WITHDRAWN, Handover, Stand, stand_by_status
from itl.store.reconciliations import Plan, start
from itl.store.reference_data import load_reference, put_call_credentials, put_registry, put_user
from itl.supplement.cutover import stand_by_link
from itl.supplement.scheme import Link
from tests.hub.world import ISSUANCE, START, proposal, sandbox, units
from tests.supplement.network import SUPPLEMENTARY_TYPES, Network, kind_of
from tests.supplement.world import put_supplementary

MEMBERS = ("GB", "FR")


def log_before(url: str) -> None:
    """The transaction log: JP is its own; the scheme's members are enrolled, and not in force yet."""
    sandbox(url)
    database = Database(url)
    with database.write() as connection:
        addresses = {"url": "http://citl.test/SupplementaryLogService", "relay_url": "http://citl.test/RelayService"}
        put_registry(connection, Registry("CITL", RegistryKind.STL, **addresses), START)
        put_user(connection, "CITL", "citl", "citl")
        put_call_credentials(connection, "CITL", "itl", "itl")
        put_scheme(connection, Scheme("CITL", SUPPLEMENTARY_TYPES, frozenset(MEMBERS)))
        for code in ("GB", "FR", "JP", "CDM"):
            url_of = f"http://{code.lower()}.test/"
            is_own = code not in MEMBERS
            put_registry(connection, Registry(code, kind_of(code), in_force=is_own, url=url_of), START)
    database.close()


def scheme_alone(url: str) -> None:
    """The supplementary log, that its members call directly."""
    put_supplementary(url, "CITL", MEMBERS, Link.DIRECT)


TEMPLATES = {"ITL": log_before, "CITL": scheme_alone}
STANDS: dict[str, Stand] = {"ITL": stand_by_status, "CITL": stand_by_link}
OTHER = {"ITL": "CITL", "CITL": "ITL"}


@dataclass
class Moving:
    """The steps of handovers between the two logs of a network, each as an operator takes it."""

    network: Network
    folder: Path

    def __post_init__(self) -> None:
        for code in MEMBERS:
            self.network[code].log = "CITL"

    def database(self, log: str) -> Database:
        return self.network.logs[log].hub.database

    def source(self, by: str = "anna") -> Source:
        return Source(by, "the scheme moves behind the log", self.network.clock())

    def file(self, code: str, log: str) -> Path:
        return self.folder / f"{code}-from-{log}.jsonl"

    def begin(self, code: str, log: str = "CITL") -> Handover:
        with self.database(log).write() as connection:
            return handovers.begin(connection, code, None, STANDS[log], self.source())

    def reconcile(self, code: str, log: str) -> None:
        """Log and registry compare, to the end; one that is running there first ends."""
        running = sa.select(t.reconciliations.c.id).where(
            t.reconciliations.c.registry == code, t.reconciliations.c.running
        )
        while self.network.logs[log].rows(running):
            self.network.later(timedelta(hours=1))
        identity = self.network.logs[log].hub.identity
        with self.database(log).write() as connection:
            plan = Plan(registry=code, started_by="anna", reason="before and after")
            start(connection, plan, identity, self.network.clock(), may=True)
        self.network.settle()
        for _ in range(2):
            self.network.later(timedelta(minutes=16))

    def export(self, code: str, log: str = "CITL") -> Handover:
        return handovers.export(self.database(log), code, self.file(code, log), b"secret", self.source())

    def rehearse(self, code: str, log: str = "ITL") -> Taken:
        file = self.file(code, OTHER[log])
        return handovers.rehearse(self.database(log), file, b"secret", self.network.clock())[1]

    def take_in(self, code: str, log: str = "ITL", by: str = "anna") -> str:
        """The receipt."""
        file = self.file(code, OTHER[log])
        done, _ = handovers.take_in(self.database(log), file, b"secret", STANDS[log], self.source(by))
        assert done.digest is not None
        return handovers.receipt(done.digest, IMPORTED)

    def withdraw(self, code: str, log: str = "ITL") -> str:
        """The receipt."""
        manifest = handovers.handover_file.prove(self.file(code, OTHER[log]), b"secret")
        with self.database(log).write() as connection:
            done = handovers.withdraw(connection, manifest, STANDS[log], self.source())
        assert done.digest is not None
        return handovers.receipt(done.digest, WITHDRAWN)

    def go(self, code: str, receipt: str, log: str = "CITL") -> None:
        with self.database(log).write() as connection:
            handovers.go(connection, code, receipt, STANDS[log], self.source())
        self.network[code].log = OTHER[log]

    def lift(self, code: str, receipt: str | None = None, log: str = "CITL") -> None:
        with self.database(log).write() as connection:
            handovers.lift(connection, code, receipt, STANDS[log], self.source())
        self.network[code].log = log

    def open_up(self, code: str, log: str = "ITL") -> None:
        with self.database(log).write() as connection:
            handovers.open_up(connection, code, STANDS[log], self.source())

    def move(self, code: str, giver: str = "CITL") -> None:
        """From one log to the other, all steps."""
        taker = OTHER[giver]
        self.begin(code, giver)
        self.network.settle()
        self.reconcile(code, giver)
        self.export(code, giver)
        assert self.rehearse(code, taker).differences == []
        receipt = self.take_in(code, taker)
        self.go(code, receipt, giver)
        self.reconcile(code, taker)
        self.open_up(code, taker)

    # What there is

    def issue(self, code: str, identifier: str, first: int, last: int) -> None:
        message = proposal(code, identifier, ISSUANCE, units(first, last, code), accounts=(100, 100))
        assert self.network[code].propose(message).result_identifier == 1
        self.network.settle()

    def in_force(self, code: str) -> list[str]:
        """The logs that answer for the registry."""
        found = []
        for log in STANDS:
            with self.database(log).read() as connection:
                known = load_reference(connection, self.network.clock()).registries[code]
            if known.in_force and known.may_propose:
                found.append(log)
        return found

    def held(self, log: str, codes: Sequence[str] = MEMBERS) -> dict[tuple[str, int], tuple[str, int]]:
        return self.network.logs[log].holdings(codes)

    def books(self, code: str) -> dict[tuple[str, int], tuple[str, int]]:
        return {unit: (code, account_type) for unit, account_type in self.network[code].units.items()}

    def wrong(self) -> list[str]:
        """Where registries and the logs that answer for them do not say the same, and what audits find."""
        found = []
        for code in ("GB", "FR", "JP"):
            log = self.network[code].log
            if self.books(code) != self.held(log, [code]):
                found.append(f"{code} has {self.books(code)}, {log} {self.held(log, [code])}")
        for log in STANDS:
            found += [f"{log}: {each}" for each in self.network.logs[log].audited()]
        return found

    def rows(self, log: str, table: sa.Table) -> list[object]:
        return [tuple(row) for row in self.network.logs[log].rows(sa.select(table))]

    @property
    def handed_over(self) -> list[tuple[str, str, str, str]]:
        """Every handover: log, registry, side, status."""
        return [
            (log, row.registry, row.side, row.status)
            for log in STANDS
            for row in self.network.logs[log].rows(sa.select(t.handovers).order_by(t.handovers.c.id))
        ]
