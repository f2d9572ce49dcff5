"""Enrolling a regional scheme, changing it, retiring it; each raises the stamp of the reference data."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from itl.errors import ReferenceDataError
from itl.reference import RegistryKind, Route, Scheme
from itl.store import tables as t
from itl.store.reference_data import put, raise_stamp
from itl.store.schemes import load_schemes

_ROUTE_COLUMNS = tuple(Route.__dataclass_fields__)


def put_scheme(connection: Connection, scheme: Scheme) -> None:
    """Enrol `scheme`, or bring the one of its supplementary log to just what it says; a retired one is in force again.

    ReferenceDataError where the supplementary log or a member is not enrolled as such, or nobody is a member.
    """
    kinds = {row.code: row.kind for row in connection.execute(select(t.registries.c.code, t.registries.c.kind))}
    stl = scheme.stl
    if kinds.get(stl) != RegistryKind.STL:
        raise ReferenceDataError(
            f"{stl} is not enrolled as a supplementary log; `itl enrol {stl} --kind stl --url URL`"
        )
    strangers = sorted(code for code in scheme.members if kinds.get(code) not in (RegistryKind.PARTY, RegistryKind.CDM))
    if strangers or not scheme.members:
        raise ReferenceDataError(
            f"scheme {stl}: {', '.join(strangers) or 'nobody'} is no enrolled registry; name members"
        )
    within = None if scheme.answer_within is None else int(scheme.answer_within.total_seconds())
    if within is not None and within <= 0:
        raise ReferenceDataError(f"scheme {stl}: it cannot answer within {within} s; give a time, or none")
    put(connection, t.schemes, [{"stl": stl, "answer_within": within, "retired_at": None}])
    for table in (t.scheme_types, t.scheme_members, t.scheme_routes):
        connection.execute(delete(table).where(table.c.stl == stl))
    types = [
        {"stl": stl, "transaction_type": main, "supp_transaction_type": supplementary}
        for main, supplementary in sorted(scheme.types)
    ]
    if types:
        connection.execute(insert(t.scheme_types), types)
    connection.execute(insert(t.scheme_members), [{"stl": stl, "registry": code} for code in sorted(scheme.members)])
    routes = [{"stl": stl, **dict(zip(_ROUTE_COLUMNS, astuple(route), strict=True))} for route in scheme.routes]
    if routes:
        connection.execute(insert(t.scheme_routes), routes)
    raise_stamp(connection)


def scheme_of(connection: Connection, stl: str) -> Scheme | None:
    """The scheme of a supplementary log, if it is in force."""
    return next((each for each in load_schemes(connection) if each.stl == stl), None)


def retire_scheme(connection: Connection, stl: str, now: datetime) -> None:
    """Ask its supplementary log about nothing more. ReferenceDataError where no scheme of it is in force.

    What it was asked about already still waits for its answer.
    """
    in_force = (t.schemes.c.stl == stl) & t.schemes.c.retired_at.is_(None)
    if connection.execute(update(t.schemes).where(in_force).values(retired_at=now)).rowcount == 0:
        raise ReferenceDataError(f"no scheme of {stl} is in force; `itl scheme list` shows those that are")
    raise_stamp(connection)
