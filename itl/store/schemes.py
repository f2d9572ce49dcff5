"""Regional schemes as they are enrolled: what makes the log ask a supplementary log. `enrol_scheme` changes them."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from sqlalchemy import Connection, select

from itl.reference import Route, Scheme
from itl.store import tables as t


def load_schemes(connection: Connection) -> tuple[Scheme, ...]:
    """The schemes that are not retired, in the order of their supplementary logs' codes."""
    types: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for row in connection.execute(select(t.scheme_types)):
        types[row.stl].add((row.transaction_type, row.supp_transaction_type))
    members: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(t.scheme_members)):
        members[row.stl].add(row.registry)
    routes: dict[str, set[Route]] = defaultdict(set)
    for row in connection.execute(select(t.scheme_routes)):
        routes[row.stl].add(Route(row.transaction_type, row.supp_transaction_type, row.unit_type, row.supp_unit_type))
    known = select(t.schemes).where(t.schemes.c.retired_at.is_(None)).order_by(t.schemes.c.stl)
    return tuple(
        Scheme(
            row.stl,
            frozenset(types[row.stl]),
            frozenset(members[row.stl]),
            frozenset(routes[row.stl]),
            None if row.answer_within is None else timedelta(seconds=row.answer_within),
        )
        for row in connection.execute(known)
    )
