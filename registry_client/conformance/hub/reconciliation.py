"""300 to 307: reconciliation. The tester keeps the books of a registry that holds nothing before and after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itl.codes import ACCOUNTS_WITHOUT_PERIOD, ReconciliationStatus, TransactionStatus, TransactionType, UnitType
from itl.messages import (
    ProposalTransaction,
    ReceiveAuditTrailRequest,
    ReceiveTotalsRequest,
    ReceiveUnitBlocksRequest,
    ReconciliationTransactionUnitBlock,
    Total,
    Transaction,
    TransactionUnitBlock,
    UnitBlock,
)
from registry_client.conformance.hub.material import HOLDING, PERSON
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.judging import listed
from registry_client.conformance.making import joined
from registry_client.conformance.playing import Received
from registry_client.conformance.suite import Failed, Group, breaking
from registry_client.units import Account

GROUP: Group[HubTester] = Group("Reconciliation")

_S = ReconciliationStatus
_LONGEST = 20
"""Characters of an identifier of a reconciliation that a real registry could keep."""


_ASKED_BY = {
    "provideTotals": "RECONCILE-2",
    "provideUnitBlocks": "RECONCILE-4",
    "provideAuditTrail": "RECONCILE-4",
    "receiveReconciliationResult": "RECONCILE-3",
}
"""The requirement by which the hub calls."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A reconciliation that the hub began."""

    identifier: str
    snapshot: datetime


def begun(t: HubTester) -> _Begun:
    """Let the hub's people begin one with the registry; the hub must say so, with a snapshot that is ahead."""
    party = t.reconciled
    snapshot = t.clock() + timedelta(seconds=t.lead)
    t.ask("reconcile", {"registry": party.code, "snapshot": snapshot.isoformat().replace("+00:00", "Z")})
    with breaking("RECONCILE-1"):
        found = party.expect("initiateReconciliation", "the begin of a reconciliation")
        identifier = found.message.reconciliation_identifier
        if not 0 < len(identifier) <= _LONGEST:
            raise Failed(
                f"the identifier {identifier!r} has {len(identifier)} characters; at most {_LONGEST} can be kept"
            )
        if found.message.snapshot_datetime <= found.at:
            raise Failed(f"the snapshot time {found.message.snapshot_datetime} is past as the reconciliation begins")
    return _Begun(identifier, found.message.snapshot_datetime)


def asked(t: HubTester, operation: str, run: _Begun) -> Received:
    """The hub must ask for something of the reconciliation, after the snapshot."""
    ahead = (run.snapshot - t.clock()).total_seconds()
    patience = t.reconciled.patience + max(0.0, ahead)
    with breaking(_ASKED_BY[operation]):
        found = t.reconciled.expect(operation, f"reconciliation {run.identifier}", of(run), patience)
    if found.at < run.snapshot:
        raise Failed(f"{operation} came at {found.at}, before the snapshot time {run.snapshot}", "RECONCILE-2")
    return found


def because_of(t: HubTester, found: Received, code: int) -> None:
    """What the hub asks next, or tells in the end, must say by its code why."""
    codes = found.message.response_codes or ()
    if t.code(code) not in codes:
        raise Failed(f"{found.operation} must come with code {t.code(code)}; it has {listed(codes)}", f"CHECK-{code}")


def of(run: _Begun) -> Callable[[Any], bool]:
    """Whether a message is about the reconciliation."""
    return lambda message: bool(message.reconciliation_identifier == run.identifier)


def answer_totals(t: HubTester, run: _Begun, held: Sequence[UnitBlock]) -> Any:
    """Send the sums of what is said to be held."""
    sums: Counter[tuple[int, int, int]] = Counter()
    for block in held:
        period = 0 if block.account_type in ACCOUNTS_WITHOUT_PERIOD else block.applicable_commit_period
        sums[block.account_type, period, block.unit_type] += (
            block.unit_serial_block_end - block.unit_serial_block_start + 1
        )
    totals = tuple(
        Total(account_type=account, account_commit_period=period, unit_type=kind, unit_count=count)
        for (account, period, kind), count in sorted(sums.items())
    )
    return t.reconciled.call(
        ReceiveTotalsRequest(**t.reconciled.head(), reconciliation_identifier=run.identifier, totals=totals)
    )


def answer_blocks(t: HubTester, run: _Begun, held: Sequence[UnitBlock]) -> Any:
    """Send the blocks that are said to be held."""
    return t.reconciled.call(
        ReceiveUnitBlocksRequest(
            **t.reconciled.head(), reconciliation_identifier=run.identifier, unit_blocks=tuple(held)
        )
    )


def answer_trail(t: HubTester, run: _Begun, *transactions: Transaction) -> Any:
    """Send the transactions that are said to have been completed."""
    return t.reconciled.call(
        ReceiveAuditTrailRequest(
            **t.reconciled.head(), reconciliation_identifier=run.identifier, transactions=transactions
        )
    )


def as_recorded(proposal: ProposalTransaction, kind: TransactionType, at: datetime) -> Transaction:
    """A transaction as it stands in an audit trail: under this type, completed at that time."""
    told = {field: getattr(proposal, field) for field in Transaction.__struct_fields__ if hasattr(proposal, field)}
    blocks = tuple(
        ReconciliationTransactionUnitBlock(
            **{
                field: getattr(block, field)
                for field in ReconciliationTransactionUnitBlock.__struct_fields__
                if hasattr(block, field)
            }
        )
        for block in proposal.proposal_unit_blocks
    )
    return Transaction(
        **(told | {"transaction_type": int(kind)}), transaction_status_date_time=at, transaction_blocks=blocks
    )


def result(t: HubTester, run: _Begun, *statuses: int) -> Received:
    """The hub must tell a result with one of these statuses."""
    found = asked(t, "receiveReconciliationResult", run)
    told = found.message.reconciliation_status
    if told not in statuses:
        expected = " or ".join(str(int(status)) for status in statuses)
        raise Failed(f"the result must have status {expected}; it has {told}")
    return found


def equal(t: HubTester, held: Sequence[UnitBlock]) -> None:
    """A reconciliation in which both sides agree, asked for totals, or for blocks as well."""
    run = begun(t)
    asked(t, "provideTotals", run)
    t.acknowledged(answer_totals(t, run, held), "receiveTotals")
    _blocks_if_asked(t, run, held)
    with breaking("RECONCILE-3"):
        result(t, run, _S.VALIDATED, _S.COMPLETED)
    if t.reconciled.came("provideTotals", of(run)):
        raise Failed(f"the totals of {run.identifier} were asked for a second time", "RECONCILE-2")


def _blocks_if_asked(t: HubTester, run: _Begun, held: Sequence[UnitBlock]) -> None:
    """While something is open from before, a hub may want to see the blocks of equal totals, too."""
    party, either = t.reconciled, ("provideUnitBlocks", "receiveReconciliationResult")
    with breaking("RECONCILE-3"):
        party.expect_any(either, f"reconciliation {run.identifier}", of(run))
    found = party.came("provideUnitBlocks", of(run))
    if found is not None:
        if t.code(6301) in (found.message.response_codes or ()):
            raise Failed(f"the totals are equal; unit blocks were asked for with code {t.code(6301)}", "RECONCILE-3")
        t.acknowledged(answer_blocks(t, run, held), "receiveUnitBlocks")


def as_held(block: TransactionUnitBlock, account: Account = HOLDING) -> UnitBlock:
    """Units of a transaction as they are held after it."""
    return UnitBlock(
        unit_serial_block_start=block.unit_serial_block_start,
        unit_serial_block_end=block.unit_serial_block_end,
        originating_registry_code=block.originating_registry_code,
        unit_type=block.unit_type,
        account_type=account.account_type,
        account_identifier=account.identifier,
        applicable_commit_period=block.applicable_commit_period,
    )


@contextmanager
def lent(t: HubTester) -> Iterator[tuple[TransactionUnitBlock, ProposalTransaction]]:
    """Units of the initiator's, in the registry while the test is at them, and the transfer that brought them there."""
    block = t.issued()
    brought = t.transferred(t.initiator, t.reconciled, block)
    try:
        yield block, brought
    except Failed:
        with suppress(Failed):  # what failed first is told
            t.transferred(t.reconciled, t.initiator, block)
        raise
    t.transferred(t.reconciled, t.initiator, block)


@GROUP.case("300", "A registry that holds nothing agrees with the hub", "RECONCILE-1", "RECONCILE-2", "RECONCILE-3")
def nothing_is_held(t: HubTester) -> None:
    equal(t, ())


@GROUP.case("301", "Equal totals of what is held are told as equal", "RECONCILE-1", "RECONCILE-2", "RECONCILE-3")
def equal_totals(t: HubTester) -> None:
    with lent(t) as (block, _):
        equal(t, [as_held(block)])


@GROUP.case("302", "Units in an open transaction count where they lay", "RECONCILE-3")
def open_units_count(t: HubTester) -> None:
    with lent(t) as (block, _):
        moving = t.proposal(TransactionType.INTERNAL_TRANSFER, t.reconciled, block, target=PERSON)
        t.propose(t.reconciled, moving)
        t.told(t.reconciled, moving, TransactionStatus.CHECKED_NO_DISCREPANCY)
        try:
            equal(t, [as_held(block)])
        finally:
            t.notified(t.reconciled, moving.transaction_identifier, TransactionStatus.TERMINATED)


@GROUP.case(
    "303",
    "Different totals lead to unit blocks, different blocks to the trail, and then to people; "
    "the units are in no transaction until they agree",
    "RECONCILE-4",
    "RECONCILE-5",
    "CHECK-4008",
    "CHECK-6301",
    "CHECK-6302",
    "CHECK-6303",
)
def units_differ(t: HubTester) -> None:
    with lent(t) as (block, brought):
        with breaking("RECONCILE-4"):
            _differ(t, block, brought, [as_held(block, PERSON)])
        kind = TransactionType.INTERNAL_TRANSFER
        with breaking("RECONCILE-5", "CHECK-4008"):
            t.refused(t.reconciled, t.proposal(kind, t.reconciled, block, target=PERSON), 4008)
        equal(t, [as_held(block)])
        with breaking("RECONCILE-5"):
            t.completes(t.reconciled, t.proposal(kind, t.reconciled, block, target=PERSON))
            t.completes(t.reconciled, t.proposal(kind, t.reconciled, block, source=PERSON))


def _differ(t: HubTester, block: TransactionUnitBlock, brought: ProposalTransaction, held: Sequence[UnitBlock]) -> None:
    """A reconciliation in which the registry has its units elsewhere, and what brought them as another transaction."""
    run = begun(t)
    asked(t, "provideTotals", run)
    t.acknowledged(answer_totals(t, run, held), "receiveTotals")
    because_of(t, asked(t, "provideUnitBlocks", run), 6301)
    t.acknowledged(answer_blocks(t, run, held), "receiveUnitBlocks")
    trail = asked(t, "provideAuditTrail", run)
    because_of(t, trail, 6302)
    named = [
        (each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
        for each in trail.message.unit_block_identifiers or ()
    ]
    differ = [(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)]
    if joined(named) != differ:
        raise Failed(f"the question for the audit trail must name the units that differ, {differ}; it names {named}")
    t.acknowledged(answer_trail(t, run, as_recorded(brought, TransactionType.ISSUANCE, t.clock())), "receiveAuditTrail")
    told = result(t, run, _S.TOTALS_INCONSISTENT, _S.UNIT_BLOCKS_INCONSISTENT, _S.MANUAL_INTERVENTION_REQUIRED)
    because_of(t, told, 6303)


@GROUP.case("305/6209", "Refused with 6209: totals before they are asked for", "CHECK-6209")
def too_early(t: HubTester) -> None:
    run = begun(t)
    t.refused_at_once(answer_totals(t, run, ()), "totals that nobody asked for", 6209)
    asked(t, "provideTotals", run)
    t.acknowledged(answer_totals(t, run, ()), "receiveTotals")
    _blocks_if_asked(t, run, ())
    result(t, run, _S.VALIDATED, _S.COMPLETED)


@GROUP.case("305/6204", "Refused with 6204: other totals than those that were sent", "CHECK-6204")
def sent_once_more(t: HubTester) -> None:
    run = begun(t)
    asked(t, "provideTotals", run)
    t.acknowledged(answer_totals(t, run, ()), "receiveTotals")
    t.acknowledged(answer_totals(t, run, ()), "the same totals again")
    _blocks_if_asked(t, run, ())
    result(t, run, _S.VALIDATED, _S.COMPLETED)
    other = [as_held(t.units(UnitType.AAU))]
    t.refused_at_once(answer_totals(t, run, other), "other totals after the end", 6204)


_WRONG_TOTALS = (
    (6206, "of an account type that does not exist", {"account_type": 999}),
    (6207, "of an account number 0", {"account_identifier": 0}),
    (6208, "of a unit type that does not exist", {"unit_type": 77}),
)


def _wrong_totals(t: HubTester) -> None:
    run = begun(t)
    asked(t, "provideTotals", run)
    for code, how, wrong in _WRONG_TOTALS:
        right = {"account_type": 100, "account_commit_period": 0, "unit_type": 1, "unit_count": 1}
        totals = (Total(**(right | wrong)),)
        message = ReceiveTotalsRequest(**t.reconciled.head(), reconciliation_identifier=run.identifier, totals=totals)
        with breaking(f"CHECK-{code}"):
            t.refused_at_once(t.reconciled.call(message), f"totals {how}", code)
    t.acknowledged(answer_totals(t, run, ()), "receiveTotals")
    _blocks_if_asked(t, run, ())
    result(t, run, _S.VALIDATED, _S.COMPLETED)


GROUP.add(
    "305/data",
    "Refused at once with 6206, 6207, 6208: totals of what cannot be; right ones are taken afterwards",
    tuple(f"CHECK-{code}" for code, _, _ in _WRONG_TOTALS),
    _wrong_totals,
)


@GROUP.case("306/6202", "Refused with 6202: totals of a reconciliation that is not", "CHECK-6202")
def of_nothing(t: HubTester) -> None:
    run = _Begun(t.fresh.transaction(t.reconciled.code), t.clock())
    t.refused_at_once(answer_totals(t, run, ()), "totals of an unknown reconciliation", 6202)


@GROUP.case("306/6201", "Refused with 6201: totals under an identifier that is none", "CHECK-6201")
def of_no_identifier(t: HubTester) -> None:
    run = _Begun("??", t.clock())
    t.refused_at_once(answer_totals(t, run, ()), "totals under a malformed identifier", 6201)


@GROUP.case("307", "A registry that refuses to begin is asked for nothing", "RECONCILE-6")
def denied(t: HubTester) -> None:
    party = t.reconciled
    with party.answering("initiateReconciliation", lambda received: party.refused(received, (1510,))):
        run = begun(t)
        ahead = (run.snapshot - t.clock()).total_seconds()
        if party.wait_for(("provideTotals",), t.profile.silence + max(0.0, ahead), of(run)):
            raise Failed("a registry that refused to begin a reconciliation must not be asked for its totals")
