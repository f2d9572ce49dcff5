"""Reading and changing reference data. Every change raises the stamp, by which caches know that they are stale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from itl.clock import Clock, system_clock
from itl.errors import ReferenceDataError
from itl.reference import (
    REGISTRY_KINDS,
    Account,
    CommitmentPeriod,
    Environment,
    PartyPeriod,
    Project,
    Reference,
    Registry,
    RegistryKind,
    Right,
    Stage,
)
from itl.store import tables as t
from itl.store.access import Access, Certificate, Credential, hash_password
from itl.store.database import Database
from itl.store.enrolment_entries import stages
from itl.store.environment import environment_of
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source, in_force, next_change, record_facts
from itl.store.schemes import load_schemes
from itl.store.statements import Statement

LOG_CODE = "log_code"
ADMIT_UNRECORDED_PROJECTS = "admit_unrecorded_projects"

RIGHTS: Mapping[FactName, Right] = {FactName(f"may {right}"): right for right in Right}
PERIOD_FACTS = (FactName.PERIOD_START, FactName.PERIOD_END)
PARTY_FACTS = (
    FactName.ASSIGNED_AMOUNT,
    FactName.BASE_YEAR_EMISSIONS,
    FactName.REVIEWED_INVENTORY,
    FactName.RECORDED_RESERVE,
    FactName.RMU_LIMIT,
    FactName.ISSUANCE_SUSPENDED,
    FactName.TRUE_UP_END,
    *RIGHTS,
)
PROJECT_FACTS = (
    FactName.PROJECT_UNITS,
    FactName.PROJECT_TRACK,
    FactName.CREDITING_PERIOD_END,
    FactName.PROJECT_QUANTITY,
)
STATUS_FACTS: Mapping[FactName, str] = {
    FactName.IN_FORCE: "in_force",
    FactName.MAY_PROPOSE: "may_propose",
    FactName.MAY_ACCEPT: "may_accept",
    FactName.MAY_RECONCILE: "may_reconcile",
}
"""What the status of a registry is made of; the one that nothing is recorded of is in force and may."""
CURRENT_FACTS = (*PERIOD_FACTS, *PARTY_FACTS, *STATUS_FACTS, FactName.VERSION_ACCEPTED)
"""What is kept in memory for the present, as `Reference`."""
ACCOUNT_FACTS = (FactName.ACCOUNT_OWNER, FactName.ACCOUNT_PERIOD)


class ReferenceData:
    """The reference data and credentials of a database, kept in memory until the stamp or the time moves on.

    `current` is only as fresh as the last `reload`; whoever rests a decision on it lets the database compare the stamp
    in the same commit (`acceptance`), and reloads when it differs. `fresh` asks first, for work done in batches. Both
    are of the present of `clock`: a fact that comes into force is seen at once. Whoever needs both reads `current`
    before `access`, which is never the older of the two.
    """

    def __init__(
        self, database: Database, clock: Clock = system_clock, clock_tolerance: timedelta = timedelta(seconds=60)
    ) -> None:
        self._database, self._clock, self._clock_tolerance = database, clock, clock_tolerance
        self.reload()

    def reload(self) -> None:
        with self._database.read() as connection:
            self._load(connection)

    @property
    def current(self) -> Reference:
        valid_until = self._current.valid_until
        if valid_until is not None and self._clock() >= valid_until:
            self.reload()
        return self._current

    @property
    def access(self) -> Access:
        return self._access

    def fresh(self, connection: Connection) -> Reference:
        """The reference data as this unit of work sees it."""
        valid_until = self._current.valid_until
        if stamp_of(connection) != self._current.stamp or (valid_until is not None and self._clock() >= valid_until):
            self._load(connection)
        return self._current

    def _load(self, connection: Connection) -> None:
        current = replace(load_reference(connection, self._clock()), clock_tolerance=self._clock_tolerance)
        self._access = load_access(connection)
        self._current = current


def stamp_of(connection: Connection) -> int:
    """The stamp of the reference data as this unit of work sees it."""
    [row] = _STAMP.rows(connection)
    found: int = row.stamp
    return found


_STAMP = Statement("reference_stamp", lambda _dialect: select(t.reference_stamp.c.stamp))


def load_reference(connection: Connection, at: datetime | None = None) -> Reference:
    """All reference data but projects, accounts and credentials, as of the instant `at` (None: now)."""
    at = at or system_clock()
    settings = {row.name: row.value for row in connection.execute(select(t.settings))}
    environment = environment_of(connection)
    known = in_force(connection, CURRENT_FACTS, at)
    return Reference(
        stamp=stamp_of(connection),
        log_code=settings.get(LOG_CODE, "ITL"),
        versions=frozenset(
            (key.number, key.detail)
            for key, accepted in known.items()
            if key.name is FactName.VERSION_ACCEPTED and accepted
        ),
        registries=_registries(connection, known, environment),
        parties=frozenset(connection.execute(select(t.parties.c.code)).scalars()),
        periods=_periods(known),
        party_periods=_party_periods(known),
        base_year_emissions={
            key.subject: value for key, value in known.items() if key.name is FactName.BASE_YEAR_EMISSIONS
        },
        ineligible=frozenset(
            (key.subject, RIGHTS[key.name], key.detail or None)
            for key, eligible in known.items()
            if key.name in RIGHTS and not eligible
        ),
        valid_until=next_change(connection, CURRENT_FACTS, at),
        schemes=load_schemes(connection),
        admit_unrecorded_projects=settings.get(ADMIT_UNRECORDED_PROJECTS) == "true",
        environment=environment,
    )


def _periods(known: Mapping[FactKey, Any]) -> dict[int, CommitmentPeriod]:
    starts = {key.period: value for key, value in known.items() if key.name is FactName.PERIOD_START}
    ends = {key.period: value for key, value in known.items() if key.name is FactName.PERIOD_END}
    return {number: CommitmentPeriod(number, starts[number], ends[number]) for number in sorted(starts.keys() & ends)}


def _party_periods(known: Mapping[FactKey, Any]) -> dict[tuple[str, int], PartyPeriod]:
    told: dict[tuple[str, int], dict[str, Any]] = defaultdict(lambda: {"rmu_limits": {}})
    for key, value in known.items():
        if key.name is FactName.RMU_LIMIT:
            told[key.subject, key.period]["rmu_limits"][key.detail] = value
        elif key.name in _PERIOD_FIELDS:
            told[key.subject, key.period][_PERIOD_FIELDS[key.name]] = value
    return {key: PartyPeriod(*key, **fields) for key, fields in told.items()}


_PERIOD_FIELDS: Mapping[FactName, str] = {
    FactName.ASSIGNED_AMOUNT: "assigned_amount",
    FactName.REVIEWED_INVENTORY: "reviewed_inventory",
    FactName.RECORDED_RESERVE: "recorded_reserve",
    FactName.ISSUANCE_SUSPENDED: "issuance_suspended",
    FactName.TRUE_UP_END: "true_up_end",
}


def load_access(connection: Connection) -> Access:
    """All credentials."""
    users: dict[str, Credential] = {}
    certificates: dict[str, Credential] = {}
    for row in connection.execute(select(t.credentials)):
        kept = users if row.kind == "basic" else certificates
        kept[row.name] = Credential(row.registry, row.secret, row.revoked_at is not None)
    return Access(stamp_of(connection), users, certificates)


def projects(connection: Connection, named: Iterable[tuple[str, int]], at: datetime) -> dict[tuple[str, int], Project]:
    """The recorded ones of the projects `named` by host Party and number, as of the instant `at`."""
    wanted = set(named)
    told: dict[tuple[str, int], dict[FactName, Any]] = defaultdict(dict)
    quantities: dict[tuple[str, int], dict[tuple[int, int], int]] = defaultdict(dict)
    for key, value in _about(connection, PROJECT_FACTS, wanted, at).items():
        project = key.subject, key.number
        if key.name is FactName.PROJECT_QUANTITY:
            quantities[project][key.detail, key.period] = value
        else:
            told[project][key.name] = value
    return {
        project: Project(
            *project,
            told[project][FactName.PROJECT_UNITS],
            told[project].get(FactName.PROJECT_TRACK),
            quantities[project],
            told[project].get(FactName.CREDITING_PERIOD_END),
        )
        for project in wanted & told.keys()
        if FactName.PROJECT_UNITS in told[project]
    }


def accounts(
    connection: Connection, named: Iterable[tuple[str, int, int]], at: datetime
) -> dict[tuple[str, int, int], Account]:
    """The recorded ones of the accounts `named` by registry, type and identifier, as of the instant `at`."""
    wanted = set(named)
    known = _about(connection, ACCOUNT_FACTS, {(registry, number) for registry, _, number in wanted}, at)
    return {
        (key.subject, key.detail, key.number): Account(
            key.subject, key.detail, key.number, owner, known.get(replace(key, name=FactName.ACCOUNT_PERIOD))
        )
        for key, owner in known.items()
        if key.name is FactName.ACCOUNT_OWNER and (key.subject, key.detail, key.number) in wanted
    }


def _about(
    connection: Connection, names: Iterable[FactName], wanted: set[tuple[str, int]], at: datetime
) -> dict[FactKey, Any]:
    """The facts about things that a code and a number name. One query, none where nothing is wanted."""
    if not wanted:
        return {}
    return in_force(
        connection,
        names,
        at,
        t.facts.c.subject.in_(sorted({code for code, _ in wanted})),
        t.facts.c.number.in_(sorted({number for _, number in wanted})),
    )


# Changes -------------------------------------------------------------------------------------------------------------


def raise_stamp(connection: Connection) -> None:
    """Every change of reference data ends with this, in its own commit."""
    connection.execute(update(t.reference_stamp).values(stamp=t.reference_stamp.c.stamp + 1))


def put(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert `rows`, or bring those that are there by key to the given values."""
    rows = list(rows)
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if changed:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, rows)
    raise_stamp(connection)


def put_facts(connection: Connection, facts: Iterable[Fact], source: Source) -> int:
    """Record what is new of `facts`; returns how many that are. Codes that no Party has are a ReferenceDataError."""
    facts = list(facts)
    known = set(connection.execute(select(t.parties.c.code).union(select(t.registries.c.code))).scalars())
    unknown = sorted({fact.key.subject for fact in facts} - known - {""})
    if unknown:
        raise ReferenceDataError(f"{', '.join(unknown)}: no Party or registry of that code is known to this log")
    recorded = record_facts(connection, facts, source)
    if recorded:
        raise_stamp(connection)
    return recorded


def put_setting(connection: Connection, name: str, value: str) -> None:
    put(connection, t.settings, [{"name": name, "value": value}])


def put_registry(connection: Connection, registry: Registry, now: datetime, source: Source | None = None) -> None:
    """Enrol `registry`, or change what it is enrolled with. Its code becomes known as a Party's, too.

    What changes of its status holds from `now` on, as `source` says.
    """
    if registry.kind in (RegistryKind.PARTY, RegistryKind.CDM):
        put(connection, t.parties, [{"code": registry.code}])
    row = {name: getattr(registry, name) for name in _COLUMNS} | {"kind": str(registry.kind)}
    known = update(t.registries).where(t.registries.c.code == registry.code).values(row)
    if connection.execute(known).rowcount == 0:
        connection.execute(t.registries.insert(), row | {"enrolled_at": now})
    given = {field: getattr(registry, field) for field in STATUS_FACTS.values()}
    put_status(connection, registry.code, given, source or Source("itl", "enrolment", now), now)
    raise_stamp(connection)


def put_status(
    connection: Connection, code: str, given: Mapping[str, bool], source: Source, valid_from: datetime
) -> list[str]:
    """Record what of a registry's status is from `valid_from` on another than it was; returns the fields that are."""
    recorded = in_force(connection, STATUS_FACTS, valid_from, t.facts.c.subject == code)
    was = {field: recorded.get(FactKey(name, code), True) for name, field in STATUS_FACTS.items()}
    changed = [
        Fact(FactKey(name, code), given[field], valid_from)
        for name, field in STATUS_FACTS.items()
        if field in given and given[field] != was[field]
    ]
    put_facts(connection, changed, source)
    return [STATUS_FACTS[fact.key.name] for fact in changed]


_COLUMNS = tuple(name for name in Registry.__dataclass_fields__ if name not in {*STATUS_FACTS.values(), "stage"})


def put_call_credentials(connection: Connection, code: str, user: str | None, password: str | None) -> None:
    """What the log shows to the registry's endpoint where that asks for Basic authentication."""
    connection.execute(
        update(t.registries).where(t.registries.c.code == code).values(call_user=user, call_password=password)
    )
    raise_stamp(connection)


def put_user(connection: Connection, registry: str, user: str, password: str) -> None:
    """The Basic user of a registry, in place of any it had by that name."""
    _require_free(connection, "basic", user, registry)
    connection.execute(delete(t.credentials).where(t.credentials.c.kind == "basic", t.credentials.c.name == user))
    connection.execute(
        t.credentials.insert(), {"registry": registry, "kind": "basic", "name": user, "secret": hash_password(password)}
    )
    raise_stamp(connection)


def put_certificate(connection: Connection, registry: str, certificate: Certificate) -> None:
    """A client certificate of a registry; one that was revoked counts again."""
    known = asdict(certificate)
    name = known.pop("fingerprint")
    _require_free(connection, "certificate", name, registry)
    connection.execute(delete(t.credentials).where(t.credentials.c.kind == "certificate", t.credentials.c.name == name))
    connection.execute(t.credentials.insert(), known | {"registry": registry, "kind": "certificate", "name": name})
    raise_stamp(connection)


def revoke_credential(connection: Connection, kind: str, name: str, now: datetime) -> None:
    """From now on the credential is refused; raises ReferenceDataError where there is none."""
    statement = update(t.credentials).where(t.credentials.c.kind == kind, t.credentials.c.name == name)
    if connection.execute(statement.values(revoked_at=now)).rowcount == 0:
        raise ReferenceDataError(f"no {kind} credential {name!r} is enrolled; `itl enrol --list` shows those that are")
    raise_stamp(connection)


def _require_free(connection: Connection, kind: str, name: str, registry: str) -> None:
    owner = connection.execute(
        select(t.credentials.c.registry).where(t.credentials.c.kind == kind, t.credentials.c.name == name)
    ).scalar()
    if owner not in (None, registry):
        raise ReferenceDataError(f"{kind} credential {name!r} belongs to {owner}; give {registry} one of its own")


def _registries(connection: Connection, known: Mapping[FactKey, Any], environment: Environment) -> dict[str, Registry]:
    """In production a registry stands where its enrolment has led; in a test environment it takes part at once."""
    reached = stages(connection) if environment is Environment.PRODUCTION else None
    return {
        row.code: _registry(
            row,
            known,
            Stage.LIVE if reached is None or row.kind not in REGISTRY_KINDS else reached.get(row.code, Stage.PREPARING),
        )
        for row in connection.execute(select(t.registries))
    }


def _registry(row: Any, known: Mapping[FactKey, Any], stage: Stage) -> Registry:
    status = {field: known.get(FactKey(name, row.code), True) for name, field in STATUS_FACTS.items()}
    values = {name: getattr(row, name) for name in _COLUMNS}
    return Registry(**{**values, **status, "kind": RegistryKind(row.kind), "stage": stage})
