"""Samples about reconciliation: a message that a registry sends, or both sides of a comparison (`sample` says how)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from itl.checks import (
    inconsistency,  # noqa: F401 (registers its checks)
    world,
)
from itl.checks.engine import CHECKS, Finding
from itl.checks.reconciliation import Answer, Expected, Message, ReconciliationDoor
from itl.checks.sender import Sender
from itl.checks.situation import HEAD, Table, now_of, serials
from itl.ledger.comparison import differences
from itl.ledger.explanation import Movement, explain
from itl.ledger.placement import Filter, PlacedUnits, Placement, placement
from itl.ledger.trail_comparison import Period, TrailTransaction, differing_transactions
from itl.messages import (
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationResultRequest,
    ReconciliationTransactionUnitBlock,
    Total,
    Transaction,
    UnitBlock,
)

SNAPSHOT = datetime(2015, 6, 1, 11, tzinfo=UTC)
"""An hour before the samples' present."""
PERIOD = Period(SNAPSHOT - timedelta(days=30), SNAPSHOT, timedelta(minutes=10))


def answer(code: int, situation: Table) -> Finding | bool | None:
    """The finding of the check `code`; None where it passes, False where there is nothing to judge."""
    if "comparison" in situation:
        return _compared(code, situation["comparison"])
    message = _message(situation["reconciliation"])
    entrance = ReconciliationDoor(
        Sender(message.sender), world.REFERENCE, now_of(situation), _expected(situation.get("expected", {}))
    )
    check = CHECKS[code]
    if check.applies is not None and not check.applies(message, entrance):
        return False
    return check.ask(message, entrance)


def _message(given: Table) -> Message:
    head = {key: given.get(key, plain) for key, plain in HEAD.items()}
    head["reconciliation_identifier"] = given.get("identifier", "GB20150601104500")
    at = given.get("snapshot", SNAPSHOT)
    match given.get("is", "totals"):
        case "unit blocks":
            return ReceiveUnitBlocksRequest(**head, unit_blocks=tuple(map(_block, given.get("blocks", ()))))
        case "audit trail":
            return ReceiveAuditTrailRequest(**head, transactions=tuple(map(_transaction, given["transactions"])))
        case "result":
            return ReconciliationResultRequest(**head, reconciliation_status=given.get("status", 5))
        case "question":
            status = given.get("status", 1)
            return ProvideTotalsRequest(**head, reconciliation_snapshot_datetime=at, reconciliation_status=status)
        case "question of blocks":
            return ProvideUnitBlocksRequest(**head, reconciliation_snapshot_datetime=at, unit_block_requests=())
    return ReceiveTotalsRequest(**head, totals=tuple(map(_total, given.get("totals", ()))))


def _total(table: Table) -> Total:
    plain = {"account_type": 100, "account_commit_period": 0, "unit_type": 1, "unit_count": 100}
    return Total(**{**plain, **table})


def _block(table: Table) -> UnitBlock:
    units = serials(table.get("units", "GB 1-100"))
    plain = {"account_type": 100, "unit_type": 1, "applicable_commit_period": 2}
    return UnitBlock(
        unit_serial_block_start=units.start,
        unit_serial_block_end=units.end,
        originating_registry_code=units.originating_registry,
        **{**plain, **{key: value for key, value in table.items() if key != "units"}},
    )


def _transaction(table: Table) -> Transaction:
    plain = {
        "transaction_identifier": "GB100001",
        "transaction_type": 3,
        "transaction_status_date_time": SNAPSHOT - timedelta(days=1),
        "transferring_registry_code": "GB",
        "acquiring_registry_code": "FR",
    }
    given = {key: value for key, value in table.items() if key != "blocks"}
    blocks = tuple(_transaction_block(each) for each in table.get("blocks", [{}]))
    return Transaction(**{**plain, **given, "transaction_blocks": blocks})


def _transaction_block(table: Table) -> ReconciliationTransactionUnitBlock:
    units = serials(table.get("units", "GB 1-100"))
    plain = {"unit_type": 1, "original_commit_period": 2, "applicable_commit_period": 2}
    return ReconciliationTransactionUnitBlock(
        unit_serial_block_start=units.start,
        unit_serial_block_end=units.end,
        originating_registry_code=units.originating_registry,
        **{**plain, **{key: value for key, value in table.items() if key != "units"}},
    )


def _expected(given: Table | bool) -> Expected | None:
    """Of GB, which is asked for its totals, unless the situation says otherwise; false: the log has none."""
    if isinstance(given, bool):
        return None
    return Expected(
        registry=given.get("registry", "GB"),
        snapshot_at=SNAPSHOT,
        asked=frozenset(map(Answer, given.get("asked", [given.get("awaited", "totals")]))),
        awaited=Answer(given.get("awaited", "totals")) if given.get("awaited") != "" else None,
        filters=tuple(Filter(**each) for each in given.get("filters", ())),
        blocks=tuple(map(serials, given.get("blocks", ()))),
    )


def _compared(code: int, given: Table) -> Finding | None:
    ours, theirs = given.get("log", []), given.get("registry", [])
    if code == 6301:
        return CHECKS[code].ask(_sums(ours), _sums(theirs), given.get("by_account", False))
    if code == 6302:
        moving = (
            Movement(serials(each["units"]), _placed(each, "before"), _placed(each, "after"), each["transaction"])
            for each in given.get("moving", ())
        )
        return CHECKS[code].ask(explain(differences(map(_units, ours), map(_units, theirs)), moving))
    found = differing_transactions(
        map(_completed, ours), map(_completed, theirs), map(serials, given.get("asked", ())), PERIOD
    )
    return CHECKS[code].ask(found)


def _sums(tables: list[Table]) -> dict[Placement, int]:
    return {_placement(each): each["units"] for each in tables}


def _units(table: Table) -> PlacedUnits:
    return PlacedUnits(serials(table["units"]), _placement(table))


def _placement(table: Table) -> Placement:
    return placement(
        table.get("account_type", 100),
        table.get("period", 2),
        table.get("unit_type", 1),
        table.get("account_identifier"),
    )


def _placed(table: Table, when: str) -> Placement | None:
    told: Any = table.get(when)
    return None if told is None else _placement(told)


def _completed(table: Table) -> TrailTransaction:
    return TrailTransaction(
        table.get("identifier", "GB100001"),
        table.get("transaction_type", 3),
        table.get("transferring_registry", "GB"),
        table.get("acquiring_registry", "FR"),
        table.get("at", SNAPSHOT - timedelta(days=1)),
        tuple(map(serials, table.get("blocks", ["GB 1-100"]))),
    )
