"""Which faults a registry commits, as its database has them: so that they can change while it runs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import SerialRange
from registry_client.tables import misbehaviours


def keep(connection: sa.Connection, wanted: Sequence[Misbehaviour]) -> None:
    """Commit these and no others."""
    connection.execute(misbehaviours.delete())
    rows = [{"fault": each.fault, "units": None if each.units is None else str(each.units)} for each in wanted]
    if rows:
        connection.execute(misbehaviours.insert(), rows)


def kept(connection: sa.Connection) -> tuple[Misbehaviour, ...]:
    """The faults to commit."""
    return tuple(
        Misbehaviour(Fault(row.fault), None if row.units is None else SerialRange.parse(row.units))
        for row in connection.execute(sa.select(misbehaviours).order_by(misbehaviours.c.id))
    )
