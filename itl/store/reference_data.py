"""Reading and changing reference data. Every change raises the stamp, by which caches know that they are stale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from itl.errors import ReferenceDataError
from itl.reference import CommitmentPeriod, PartyPeriod, Project, Reference, Registry, RegistryKind, Scheme
from itl.store import tables as t
from itl.store.access import Access, Credential, hash_password
from itl.store.database import Database

LOG_CODE = "log_code"
ADMIT_UNRECORDED_PROJECTS = "admit_unrecorded_projects"


class ReferenceData:
    """The reference data and credentials of a database, kept in memory until the stamp moves on.

    `current` is only as fresh as the last `reload`; whoever rests a decision on it lets the database compare the stamp
    in the same commit (`acceptance`), and reloads when it differs. `fresh` asks first, for work done in batches.
    Whoever needs both reads `current` before `access`, which is never the older of the two.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reload()

    def reload(self) -> None:
        with self._database.read() as connection:
            self._load(connection)

    def fresh(self, connection: Connection) -> Reference:
        """The reference data as this unit of work sees it."""
        if stamp_of(connection) != self.current.stamp:
            self._load(connection)
        return self.current

    def _load(self, connection: Connection) -> None:
        current = load_reference(connection)
        self.access = load_access(connection)
        self.current = current


def stamp_of(connection: Connection) -> int:
    """The stamp of the reference data as this unit of work sees it."""
    found: int = connection.execute(select(t.reference_stamp.c.stamp)).scalar_one()
    return found


def load_reference(connection: Connection) -> Reference:
    """All reference data but projects and credentials."""
    settings = {row.name: row.value for row in connection.execute(select(t.settings))}
    return Reference(
        stamp=stamp_of(connection),
        log_code=settings.get(LOG_CODE, "ITL"),
        versions=frozenset((row.major, row.minor) for row in connection.execute(select(t.versions))),
        registries={row.code: _registry(row) for row in connection.execute(select(t.registries))},
        parties=frozenset(connection.execute(select(t.parties.c.code)).scalars()),
        periods={
            row.number: CommitmentPeriod(row.number, row.start_at, row.end_at)
            for row in connection.execute(select(t.commitment_periods))
        },
        party_periods={
            (row.party, row.period): PartyPeriod(row.party, row.period, row.true_up_end, row.assigned_amount)
            for row in connection.execute(select(t.party_periods))
        },
        schemes=_schemes(connection),
        admit_unrecorded_projects=settings.get(ADMIT_UNRECORDED_PROJECTS) == "true",
    )


def load_access(connection: Connection) -> Access:
    """All credentials."""
    users: dict[str, Credential] = {}
    certificates: dict[str, Credential] = {}
    for row in connection.execute(select(t.credentials)):
        kept = users if row.kind == "basic" else certificates
        kept[row.name] = Credential(row.registry, row.secret, row.revoked_at is not None)
    return Access(stamp_of(connection), users, certificates)


def projects(connection: Connection, named: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Project]:
    """The recorded ones of the projects `named` by host Party and number."""
    wanted = set(named)
    if not wanted:
        return {}
    rows = connection.execute(
        select(t.projects).where(
            t.projects.c.host.in_({host for host, _ in wanted}),
            t.projects.c.number.in_({number for _, number in wanted}),
        )
    )
    kinds: dict[tuple[str, int], set[int]] = defaultdict(set)
    track: dict[tuple[str, int], int | None] = {}
    for row in rows:
        kinds[row.host, row.number].add(row.unit_type)
        track[row.host, row.number] = row.track
    return {key: Project(*key, frozenset(kinds[key]), track[key]) for key in wanted & kinds.keys()}


def call_addresses(connection: Connection) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Per registry: its address, and user and password where it asks for them."""
    rows = connection.execute(
        select(t.registries.c.code, t.registries.c.url, t.registries.c.call_user, t.registries.c.call_password)
    )
    return {row.code: (row.url, row.call_user, row.call_password) for row in rows}


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


def put_setting(connection: Connection, name: str, value: str) -> None:
    put(connection, t.settings, [{"name": name, "value": value}])


def put_registry(connection: Connection, registry: Registry, now: datetime) -> None:
    """Enrol `registry`, or change what it is enrolled with. Its code becomes known as a Party's, too."""
    if registry.kind in (RegistryKind.PARTY, RegistryKind.CDM):
        put(connection, t.parties, [{"code": registry.code}])
    row = {name: getattr(registry, name) for name in Registry.__dataclass_fields__} | {"kind": str(registry.kind)}
    known = update(t.registries).where(t.registries.c.code == registry.code).values(row)
    if connection.execute(known).rowcount == 0:
        connection.execute(t.registries.insert(), row | {"enrolled_at": now})
    raise_stamp(connection)


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


def put_certificate(connection: Connection, registry: str, fingerprint: str) -> None:
    """A client certificate of a registry, by its SHA-256 fingerprint in lower-case hex."""
    _require_free(connection, "certificate", fingerprint, registry)
    connection.execute(
        delete(t.credentials).where(t.credentials.c.kind == "certificate", t.credentials.c.name == fingerprint)
    )
    connection.execute(t.credentials.insert(), {"registry": registry, "kind": "certificate", "name": fingerprint})
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


def _registry(row: Any) -> Registry:
    values = {name: getattr(row, name) for name in Registry.__dataclass_fields__}
    return Registry(**{**values, "kind": RegistryKind(row.kind)})


def _schemes(connection: Connection) -> tuple[Scheme, ...]:
    types: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for row in connection.execute(select(t.scheme_types)):
        types[row.stl].add((row.transaction_type, row.supp_transaction_type))
    members: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(t.scheme_members)):
        members[row.stl].add(row.registry)
    return tuple(Scheme(stl, frozenset(types[stl]), frozenset(members[stl])) for stl in sorted(types | members))
