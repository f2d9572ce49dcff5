"""Stage 8: what a registry says in a reconciliation, judged at the door; what comes of comparing is `inconsistency`.

Each check sees the message and a `ReconciliationDoor`: beside what every door knows, what the registry was asked for.
The identifier is judged alone, then whether there is such a reconciliation, then everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Protocol, TypeAlias

from itl.checks.engine import CHECKS, WHOLE, Failures, check
from itl.checks.sender import Door
from itl.codes import (
    ACCOUNT_TYPES,
    COMMITMENT_PERIODS,
    MAX_SERIAL,
    SUPPLEMENTARY_UNIT_TYPES,
    ReconciliationStatus,
    UnitType,
)
from itl.ledger.block import SerialRange
from itl.ledger.placement import Filter, placement, taken
from itl.ledger.ranges import parts_in, union
from itl.messages import (
    ProvideAuditTrailRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    ReconciliationTransactionUnitBlock,
    UnitBlock,
)

EARLIEST_SNAPSHOT = datetime(2004, 10, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=30)
MOST_CHARACTERS = 20
"""Of an identifier: what registries keep of it."""


_UNIT_TYPES = frozenset(UnitType)
_STATUSES = frozenset(ReconciliationStatus)


class Answer(StrEnum):
    """The kinds of answer that a registry may be asked for."""

    TOTALS = "totals"
    UNIT_BLOCKS = "unit blocks"
    AUDIT_TRAIL = "audit trail"


KIND_OF = {
    ReceiveTotalsRequest: Answer.TOTALS,
    ReceiveUnitBlocksRequest: Answer.UNIT_BLOCKS,
    ReceiveAuditTrailRequest: Answer.AUDIT_TRAIL,
}

Message: TypeAlias = (
    ReceiveTotalsRequest
    | ReceiveUnitBlocksRequest
    | ReceiveAuditTrailRequest
    | ReconciliationResultRequest
    | ProvideTotalsRequest
    | ProvideUnitBlocksRequest
    | ProvideAuditTrailRequest
)
"""The log's port has the questions as well, for the traffic between logs; a registry has nothing to ask there."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A reconciliation as the log has it: with whom, and what it asked for."""

    registry: str
    snapshot_at: datetime
    asked: frozenset[Answer] = frozenset()
    """What was asked for so far."""
    awaited: Answer | None = None
    """What it waits for now."""
    filters: tuple[Filter, ...] = ()
    """Of the unit blocks that are awaited; none: all."""
    blocks: tuple[SerialRange, ...] = ()
    """Units whose transactions are awaited; none: all."""


@dataclass(frozen=True, slots=True)
class ReconciliationDoor(Door):
    """What is known when a message about a reconciliation arrives. `expected` None: the log has none of this name."""

    expected: Expected | None = None


class _Serials(Protocol):
    @property
    def unit_serial_block_start(self) -> int: ...
    @property
    def unit_serial_block_end(self) -> int: ...
    @property
    def originating_registry_code(self) -> str: ...


@check(1510)
def registry_may_not_reconcile(message: Message, door: Door) -> Failures:
    """Asked only of a registry in force (1501)."""
    registry = door.reference.registry_in_force(message.sender)
    if registry and not registry.may_reconcile:
        yield WHOLE


@check(6201)
def identifier_malformed(message: Message, door: Door) -> Failures:
    """Not the code of an enrolled system and digits, or longer than registries keep."""
    identifier = message.reconciliation_identifier
    code = identifier.rstrip("0123456789")
    if code not in door.reference.registries or not code < identifier or len(identifier) > MOST_CHARACTERS:
        yield WHOLE


@check(6202)
def reconciliation_unknown(message: Message, door: ReconciliationDoor) -> Failures:
    """None of this name with the sender."""
    if door.expected is None or door.expected.registry != message.sender:
        yield WHOLE


@check(6203, applies=lambda message, door: isinstance(message, (ReconciliationResultRequest, ProvideTotalsRequest)))
def status_invalid(message: ReconciliationResultRequest | ProvideTotalsRequest, door: Door) -> Failures:
    """Not in the code list."""
    if message.reconciliation_status not in _STATUSES:
        yield WHOLE


@check(6204, applies=lambda message, door: type(message) in KIND_OF)
def phase_is_over(message: Message, door: ReconciliationDoor) -> Failures:
    """It was asked for, and is awaited no more: answered already, or the time for it is over."""
    kind = KIND_OF[type(message)]
    if door.expected and kind in door.expected.asked and kind is not door.expected.awaited:
        yield WHOLE


@check(6205, applies=lambda message, door: isinstance(message, (ProvideTotalsRequest, ProvideUnitBlocksRequest)))
def snapshot_differs(message: ProvideTotalsRequest | ProvideUnitBlocksRequest, door: ReconciliationDoor) -> Failures:
    """Another instant than the log's, or none that there can be."""
    at = message.reconciliation_snapshot_datetime
    differs = door.expected is not None and at != door.expected.snapshot_at
    if differs or not EARLIEST_SNAPSHOT <= at <= door.now + MOST_AHEAD:
        yield WHOLE


@check(6206, applies=lambda message, door: type(message) in KIND_OF)
def account_type_invalid(message: Message, door: Door) -> Failures:
    """Not in the code list; of transactions, where it is given."""
    match message:
        case ReceiveTotalsRequest():
            if not {each.account_type for each in message.totals} <= ACCOUNT_TYPES:
                yield WHOLE
        case ReceiveUnitBlocksRequest():
            yield from (_units(each) for each in message.unit_blocks if each.account_type not in ACCOUNT_TYPES)
        case ReceiveAuditTrailRequest():
            known = {None, *ACCOUNT_TYPES}
            for each in message.transactions:
                if not {each.transferring_registry_account_type, each.acquiring_registry_account_type} <= known:
                    yield WHOLE
                for block in each.transaction_blocks:
                    of_block = {block.transferring_registry_account_type, block.acquiring_registry_account_type}
                    if not of_block <= known:
                        yield _units(block)


@check(6207, applies=lambda message, door: type(message) in KIND_OF)
def account_identifier_invalid(message: Message, door: Door) -> Failures:
    """Below 1."""
    match message:
        case ReceiveTotalsRequest():
            if _any_below_one(each.account_identifier for each in message.totals):
                yield WHOLE
        case ReceiveUnitBlocksRequest():
            yield from (_units(each) for each in message.unit_blocks if _any_below_one([each.account_identifier]))
        case ReceiveAuditTrailRequest():
            for each in message.transactions:
                of_head = (each.transferring_registry_account_identifier, each.acquiring_registry_account_identifier)
                if _any_below_one(of_head):
                    yield WHOLE
                for block in each.transaction_blocks:
                    given = (
                        block.transferring_registry_account_identifier,
                        block.acquiring_registry_account_identifier,
                    )
                    if _any_below_one(given):
                        yield _units(block)


@check(6208, applies=lambda message, door: type(message) in KIND_OF)
def unit_data_invalid(message: Message, door: Door) -> Failures:
    """Originating registry, unit type, period and serials as checks 2010 to 2014 have them; no total below 0."""
    match message:
        case ReceiveTotalsRequest():
            for each in message.totals:
                known = each.account_commit_period in COMMITMENT_PERIODS and each.unit_count >= 0
                if not known or not _is_unit_type(each.unit_type, each.supp_unit_type):
                    yield WHOLE
        case ReceiveUnitBlocksRequest():
            yield from (_units(each) for each in message.unit_blocks if not _is_valid(each, door))
        case ReceiveAuditTrailRequest():
            blocks = chain.from_iterable(each.transaction_blocks for each in message.transactions)
            yield from (_units(each) for each in blocks if not _is_valid(each, door))


@check(6209)
def not_asked_for(message: Message, door: ReconciliationDoor) -> Failures:
    """Of a kind that the log never asked for, or unit blocks and transactions that it did not ask for."""
    expected, kind = door.expected, KIND_OF.get(type(message))
    if kind is None or (expected and kind not in expected.asked):
        yield WHOLE
    elif expected and isinstance(message, ReceiveUnitBlocksRequest):
        yield from _blocks_beside(message, expected.filters)
    elif expected and isinstance(message, ReceiveAuditTrailRequest) and expected.blocks:
        wanted = union(expected.blocks)
        for each in message.transactions:
            if not any(parts_in(_units(block), wanted) for block in each.transaction_blocks):
                yield WHOLE


ENTRANCE = ((1001, 1002, 1003, 1005, 1031, 1032), (1501, 1510), (6201,))
"""Stages that need nothing but reference data."""
STAGES = (*ENTRANCE, (6202,), (6203, 6204, 6205, 6206, 6207, 6208, 6209))


STAGES_OF_SUPPLEMENTARY_LOG = (*ENTRANCE, (6202,), (6203, 6205))
"""Of what a supplementary log asks and says; what of it comes when, its part in the reconciliation knows."""

SAID_BY_SUPPLEMENTARY_LOG = frozenset(
    {
        ReconciliationStatus.STL_TOTALS_INCONSISTENT,
        ReconciliationStatus.STL_UNIT_BLOCKS_INCONSISTENT,
        ReconciliationStatus.STL_COMPLETED,
        ReconciliationStatus.STL_COMPLETED_WITH_MANUAL_INTERVENTION,
    }
)


def judge(
    message: Message,
    door: ReconciliationDoor,
    off: frozenset[int] = frozenset(),
    stages: Sequence[Sequence[int]] = STAGES,
) -> tuple[int, ...]:
    """The codes of the first stage that fails; none: the message is what the log asked for."""
    for stage in stages:
        codes = tuple(code for code in stage if code not in off and _fails(code, message, door))
        if codes:
            return codes
    return ()


def judge_supplementary_log(
    message: Message, door: ReconciliationDoor, off: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """The same of a message of a supplementary log. It wants no totals; its status is its own; it names units."""
    codes = judge(message, door, off, STAGES_OF_SUPPLEMENTARY_LOG)
    if codes:
        return codes
    match message:
        case ReconciliationResultRequest():
            wrong = 6203 if message.reconciliation_status not in SAID_BY_SUPPLEMENTARY_LOG else None
        case ProvideUnitBlocksRequest():
            wrong = None
        case ProvideAuditTrailRequest():
            named = message.unit_block_identifiers or ()
            wrong = None if named and all(map(_is_range, named)) else 6208
        case _:
            wrong = 6209
    return () if wrong is None or wrong in off else (wrong,)


def _is_range(units: _Serials) -> bool:
    return 1 <= units.unit_serial_block_start <= units.unit_serial_block_end <= MAX_SERIAL


def _fails(code: int, message: Message, door: ReconciliationDoor) -> bool:
    asked = CHECKS[code]
    return (asked.applies is None or asked.applies(message, door)) and asked.ask(message, door) is not None


def _blocks_beside(message: ReceiveUnitBlocksRequest, filters: tuple[Filter, ...]) -> Failures:
    """Blocks whose placement none of `filters` asks for; registries do not heed accounts in them, so neither here."""
    asked = tuple(Filter(each.account_type, each.account_period, each.unit_type) for each in filters)
    seen: dict[tuple[int, int, int], bool] = {}
    for block in message.unit_blocks:
        told = (block.account_type, block.applicable_commit_period, block.unit_type)
        if told not in seen:
            seen[told] = taken(placement(*told), asked)
        if not seen[told]:
            yield _units(block)


def _is_valid(block: UnitBlock | ReconciliationTransactionUnitBlock, door: Door) -> bool:
    return (
        1 <= block.unit_serial_block_start <= block.unit_serial_block_end <= MAX_SERIAL
        and block.originating_registry_code in door.reference.parties
        and block.applicable_commit_period in COMMITMENT_PERIODS
        and _is_unit_type(block.unit_type, block.supp_unit_type)
    )


def _is_unit_type(unit_type: int, supplement: int | None) -> bool:
    if not supplement:
        return unit_type in _UNIT_TYPES and unit_type != UnitType.NON_KYOTO
    return (unit_type, supplement) in SUPPLEMENTARY_UNIT_TYPES


def _any_below_one(identifiers: Iterable[int | None]) -> bool:
    return any(each is not None and each < 1 for each in identifiers)


def _units(block: _Serials) -> SerialRange:
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)
