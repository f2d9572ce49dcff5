"""Corrections of the log's own record, as values: what the evidence says units are, in place of what the log has.

A correction is made against the ledger as it stands, piece by piece with what is there before, and is carried out only
while it still stands so. Units stay in one place each, and what a correction does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from itl.codes import CDM, CDM_UNITS, UnitType
from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Place, SerialRange
from itl.ledger.operations import Alteration, Change, alter, issue
from itl.ledger.ranges import by_serial, intersection, parts_in, quantity, subtraction, union
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import TotalKey, TotalKind


@dataclass(frozen=True, slots=True)
class Piece:
    """Units of a correction that are alike before it and after it; both cover just `range`."""

    range: SerialRange
    before: HeldBlock | None
    """None: the log does not have them."""
    after: HeldBlock | None
    """None: the log shall not have them."""


def altered(rows: Iterable[HeldBlock], wanted: Iterable[SerialRange], alteration: Alteration) -> list[Piece]:
    """The units `wanted` become what `alteration` makes of them: another place, other attributes.

    `rows`: the held rows that have a unit in `wanted`, whole. LedgerError where a unit is not held, or nothing would
    change.
    """
    pieces = [
        Piece(before.range, before, after) for before in _held(rows, wanted) if (after := alteration(before)) != before
    ]
    if not pieces:
        raise LedgerError("the log has these units so already: there is nothing to correct")
    return pieces


def moved_to(place: Place) -> Alteration:
    """To another place; what the units are stays."""
    return lambda block: replace(block, place=place)


def removed(rows: Iterable[HeldBlock], wanted: Iterable[SerialRange]) -> list[Piece]:
    """The log shall not have the units `wanted`: they never were. LedgerError where it does not have them anyway."""
    return [Piece(before.range, before, None) for before in _held(rows, wanted)]


def added(rows: Iterable[HeldBlock], blocks: Iterable[HeldBlock]) -> list[Piece]:
    """The log shall have `blocks`. `rows`: the held rows among their units. LedgerError where it has one already."""
    new = issue(blocks).opened
    for twice in intersection((each.range for each in rows), (each.range for each in new)):
        raise LedgerError(f"the log has {_named(twice)} already, so it cannot be added; change what is there instead")
    return [Piece(each.range, None, each) for each in new]


def _held(rows: Iterable[HeldBlock], wanted: Iterable[SerialRange]) -> Iterator[HeldBlock]:
    """The parts of `rows` that lie in `wanted`, by serial."""
    ranges = union(wanted)
    held = sorted(rows, key=lambda row: by_serial(row.range))
    for missing in subtraction(ranges, (row.range for row in held)):
        raise LedgerError(f"the log does not have {_named(missing)}; add what is missing, or name fewer units")
    for row in held:
        for part in parts_in(row.range, ranges):
            yield row.cut(part.start, part.end)


def change(pieces: Sequence[Piece], rows: Iterable[HeldBlock]) -> Change:
    """The rows that close and open as a correction is carried out.

    `rows`: the held rows that have a unit in `pieces`, whole. LedgerError where they are not what the pieces say is
    there before. Near linear.
    """
    held = list(rows)
    _require_unmoved(pieces, held)
    becoming = alter(held, [(each.range, _becoming(each)) for each in pieces if each.before is not None])
    new = issue(each.after for each in pieces if each.before is None and each.after is not None)
    opened = [block for block in (*becoming.opened, *new.opened) if block.place != _NOWHERE]
    return Change(becoming.closed, tuple(sorted(opened, key=lambda block: by_serial(block.range))))


_NOWHERE = Place("", -1)


def _becoming(piece: Piece) -> Alteration:
    after = piece.after
    if after is None:
        return lambda row: replace(row, place=_NOWHERE)
    return lambda row: replace(row, attributes=after.attributes, place=after.place)


def _require_unmoved(pieces: Iterable[Piece], rows: Iterable[HeldBlock]) -> None:
    ledger = Snapshot(rows)
    for piece in pieces:
        there = ledger.held(piece.range)
        before = [] if piece.before is None else [piece.before]
        alike = {(block.attributes, block.place) for block in there} == {
            (each.attributes, each.place) for each in before
        }
        if not alike or quantity(block.range for block in there) != quantity(each.range for each in before):
            raise LedgerError(
                f"{_named(piece.range)} changed in the log since the correction was proposed; withdraw it, look again, "
                "and propose what is still needed"
            )


def came_into_being(changed: Change) -> dict[TotalKey, int]:
    """What a correction adds to the totals of what was issued, or takes from them: units that were not there before,
    or that are not any more, or that are found to be of another kind. Units that just move add nothing.

    Flows that follow from transactions alone stay what the transactions say.
    """
    sums: dict[TotalKey, int] = {}
    for sign, blocks in ((-1, changed.closed), (1, changed.opened)):
        for block in blocks:
            for key in _issued_as(block):
                sums[key] = sums.get(key, 0) + sign * block.range.quantity
    return {key: units for key, units in sums.items() if units}


def _issued_as(block: HeldBlock) -> Iterator[TotalKey]:
    """The totals that the issuance of the units counted in (`checks.flows`)."""
    what, origin = block.attributes, block.range.originating_registry
    unit_type, period = what.issued_unit_type, what.original_commit_period
    yield TotalKey(TotalKind.ISSUED, CDM if unit_type in CDM_UNITS else origin, period, unit_type)
    if unit_type == UnitType.RMU:
        yield TotalKey(TotalKind.RMU_ISSUED, origin, period, what.lulucf_activity or 0)
    if unit_type in CDM_UNITS:
        yield TotalKey(TotalKind.PROJECT_ISSUED, f"{origin}/{what.project_identifier or 0}", period, unit_type)


def corrected_units(changes: Iterable[Change]) -> tuple[list[SerialRange], list[SerialRange]]:
    """Units that corrections brought in, and units that they took out, each as often as it happened."""
    gained: list[SerialRange] = []
    lost: list[SerialRange] = []
    for each in changes:
        closed, opened = ([block.range for block in blocks] for blocks in (each.closed, each.opened))
        gained += subtraction(opened, closed)
        lost += subtraction(closed, opened)
    return gained, lost


def _named(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"
