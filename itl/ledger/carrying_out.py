"""What a completed transaction does to the ledger, by its type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from itl.codes import REPLACED_ROLE, TransactionType, UnitType
from itl.errors import LedgerError
from itl.ledger.block import HeldBlock, Place, SerialRange
from itl.ledger.operations import Alteration, Change, alter, issue
from itl.ledger.ranges import subtraction
from itl.ledger.supplementary import Marking, marking_of


@dataclass(frozen=True, slots=True)
class SettledPart:
    """A block of a completed transaction."""

    block: HeldBlock
    """As proposed: its units, what they shall be, and as its place the acquiring registry and account."""
    role: str | None = None
    """REP for units that are replaced."""

    @property
    def is_replaced(self) -> bool:
        return self.role == REPLACED_ROLE


def change(
    transaction_type: int,
    blocks: Sequence[SettledPart],
    rows: Iterable[HeldBlock],
    supp_transaction_type: int | None = None,
) -> Change:
    """The rows that close and open as a transaction of that type is carried out.

    `rows` are the held rows, whole, that have a unit in `blocks` (none are needed for an issuance); others may be among
    them. Attributes come from the ledger, but those that the type changes. Near linear. LedgerError where a unit is not
    held, is in two blocks, or goes to an account that was not told.
    """
    if transaction_type == TransactionType.ISSUANCE:
        for part in blocks:
            _require_account(part.block)
        return issue(part.block for part in blocks)
    if transaction_type == TransactionType.REPLACEMENT:
        return alter(rows, _replacement(blocks))
    becoming = BECOMING.get(transaction_type)
    if becoming is None:
        raise LedgerError(f"the ledger does not carry out transactions of type {transaction_type}")
    marking = marking_of(transaction_type, supp_transaction_type)
    alterations = [(part.block.range, becoming(part.block)) for part in blocks]
    if marking is not None:
        alterations = [(units, _marked(alteration, marking)) for units, alteration in alterations]
    return alter(rows, alterations)


def _marked(alteration: Alteration, marking: Marking) -> Alteration:
    """The same, and the units get the supplementary unit type that the transaction gives."""

    def with_mark(row: HeldBlock) -> HeldBlock:
        altered = alteration(row)
        return replace(altered, attributes=replace(altered.attributes, supp_unit_type=marking.after or None))

    return with_mark


def _replacement(blocks: Sequence[SettledPart]) -> list[tuple[SerialRange, Alteration]]:
    """The replacing units move to the replacement account; the replaced ones stay where they are, flagged."""
    replacing = [part.block for part in blocks if not part.is_replaced]
    replaced = subtraction(
        (part.block.range for part in blocks if part.is_replaced), (block.range for block in replacing)
    )
    return [
        *((block.range, _moved(block)) for block in replacing),
        *((units, _marked_replaced) for units in replaced),
    ]


def _moved(told: HeldBlock) -> Alteration:
    """To the place told; what the units are stays."""
    place = _require_account(told)
    return lambda row: row if row.place == place else replace(row, place=place)


def _converted(told: HeldBlock) -> Alteration:
    """Same units and periods: the unit type, project and track change, and the activity with them."""
    what = told.attributes

    def alteration(row: HeldBlock) -> HeldBlock:
        attributes = replace(
            row.attributes,
            unit_type=what.unit_type,
            lulucf_activity=what.lulucf_activity,
            project_identifier=what.project_identifier,
            track=what.track,
        )
        return replace(row, attributes=attributes, place=_place(told, row))

    return alteration


def _carried_over(told: HeldBlock) -> Alteration:
    """For the next period; AAU into the surplus reserve account told, other units where they are."""

    def alteration(row: HeldBlock) -> HeldBlock:
        attributes = replace(row.attributes, applicable_commit_period=told.attributes.applicable_commit_period)
        place = _place(told, row) if row.attributes.unit_type == UnitType.AAU else row.place
        return replace(row, attributes=attributes, place=place)

    return alteration


def _expiring(told: HeldBlock) -> Alteration:
    """With the date told, wherever they are: retired and replacing units too."""

    def alteration(row: HeldBlock) -> HeldBlock:
        return replace(row, attributes=replace(row.attributes, expiry_date=told.attributes.expiry_date))

    return alteration


def _marked_replaced(row: HeldBlock) -> HeldBlock:
    return replace(row, attributes=replace(row.attributes, replaced=True))


BECOMING: Mapping[int, Callable[[HeldBlock], Alteration]] = {
    TransactionType.CONVERSION: _converted,
    TransactionType.EXTERNAL_TRANSFER: _moved,
    TransactionType.CANCELLATION: _moved,
    TransactionType.RETIREMENT: _moved,
    TransactionType.CARRY_OVER: _carried_over,
    TransactionType.EXPIRY_DATE_CHANGE: _expiring,
    TransactionType.INTERNAL_TRANSFER: _moved,
}
"""By transaction type, from a block as proposed, what becomes of the rows that its units lie in."""


def _place(told: HeldBlock, row: HeldBlock) -> Place:
    """The place told; where that leaves open which account, or which of that type, the units stay in theirs."""
    place = told.place
    same_type = (place.registry, place.account_type) == (row.place.registry, row.place.account_type)
    if place.account_type is None or (same_type and place.account_identifier is None):
        return row.place
    return place


def _require_account(told: HeldBlock) -> Place:
    if told.place.account_type is None:
        raise LedgerError(f"{told.range}: no acquiring account type was told, and the checks let it pass")
    return told.place
