"""What a supplementary log wants to see of a registry: found among what it has told, or asked for, each kind once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from itl.checks.reconciliation import Answer
from itl.ledger.comparison import Difference
from itl.ledger.explanation import Finding
from itl.ledger.placement import placement_in
from itl.ledger.ranges import parts_in, union
from itl.lifecycle.reconciliation_events import ONWARD, Asked, Wanted
from itl.lifecycle.supplementary_reconciliation import AtHand, Lacking, Part, PartStep, covers
from itl.lifecycle.transaction import LogIdentity
from itl.store import inconsistencies
from itl.store import supplementary_reconciliations as supplements
from itl.store import tables as t
from itl.store.overlaps import touching, wanted_rows
from itl.store.reconciliations import Reconciliation, proceed
from itl.store.rows import held_block
from itl.store.schemes import load_schemes

ASKED_OTHERWISE = "the registry was asked for something else already, and is asked once; begin another reconciliation"
NOT_TOLD = "the registry did not tell it"


def collect(connection: Connection, found: Reconciliation, part: Part, log: LogIdentity, now: datetime) -> None:
    """Bring on a part that wants something of the registry; its reconciliation is locked."""
    head, kind = found.head, part.wants
    if kind is None:
        return
    if kind is Answer.AUDIT_TRAIL:
        _fence(connection, found, part, now)
    if head.step in ONWARD or kind not in head.asked_for:
        if head.step not in ONWARD:
            asked = _together(kind, part, supplements.parts_of(connection, found.id))
            proceed(connection, found, Wanted(kind, asked), log, now, log.code)
        supplements.set_due(connection, found.id, part.stl, None)
        return
    there = supplements.has_answer(connection, found.id, kind)
    if there and covers(head, kind, part.asked):
        event: AtHand | Lacking = AtHand()
    else:
        event = Lacking(ASKED_OTHERWISE if there else NOT_TOLD)
    supplements.proceed_part(connection, found.id, head, part, event, log, now, log.code)


def _together(kind: Answer, part: Part, parts: list[Part]) -> Asked:
    """What to ask the registry for, so that it need not be asked again for another supplementary log."""
    if kind is Answer.UNIT_BLOCKS:
        alone = all(each.stl == part.stl or not each.is_open for each in parts)
        return part.asked if alone else Asked()
    trails = [each.asked for each in parts if each.step is PartStep.TRAIL_WANTED]
    return Asked(
        begin=min(each.begin for each in trails if each.begin is not None),
        end=max(each.end for each in trails if each.end is not None),
        blocks=tuple(union(units for each in trails for units in each.blocks)),
    )


def _fence(connection: Connection, found: Reconciliation, part: Part, now: datetime) -> None:
    """Keep the units that it named from transactions, once: those that members of its scheme hold, and no others.

    The reconciled registry's view is the log's, for both agree; what the supplementary log has is not told.
    """
    known = t.inconsistencies.c
    before = select(known.id).where(known.reconciliation_id == found.id, known.log == part.stl).limit(1)
    if connection.execute(before).first() is None:
        findings = _named(connection, found.head.registry, part)
        inconsistencies.insert(connection, found.id, found.head.registry, part.stl, findings, now)


def _named(connection: Connection, registry: str, part: Part) -> Iterator[Finding]:
    members = next((each.members for each in load_schemes(connection) if each.stl == part.stl), frozenset({registry}))
    named = union(part.asked.blocks)
    held_by = "b.registry IN :members"
    statement = touching(connection.dialect.name, t.unit_blocks, held_by).bindparams(
        bindparam("members", expanding=True)
    )
    rows = connection.execute(statement, {"wanted": wanted_rows(named), "members": sorted(members)})
    for block in map(held_block, rows):
        placed = placement_in(registry, block)
        view = () if placed is None else (placed,)
        for units in parts_in(block.range, named):
            yield Finding(Difference(units, None, view), ())
