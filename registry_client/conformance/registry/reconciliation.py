"""300 to 307: reconciliation. What a registry says of itself is compared with itself, and with what was just done."""

from __future__ import annotations

from datetime import timedelta

from itl.codes import ReconciliationStatus, TransactionStatus
from itl.messages import (
    ProvideAuditTrailRequest,
    ReconciliationUnitBlockIdentifier,
    Transaction,
    UnitBlockRequest,
)
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.making import part
from registry_client.conformance.registry.cancellation import cancelled
from registry_client.conformance.registry.external_transfer import here
from registry_client.conformance.registry.holdings import (
    begun,
    concluded,
    holdings,
    lies,
    of,
    read_totals,
    sums_of,
    totals,
    totals_request,
    unit_blocks,
    until_snapshot,
)
from registry_client.conformance.registry.proposed import serials_of
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, Group

GROUP: Group[RegistryTester] = Group("Reconciliation")

_S = ReconciliationStatus
_BEFORE = timedelta(minutes=5)
"""How far back a trail is asked for: the clocks need not agree to the second."""


@GROUP.case(
    "300",
    "A reconciliation is confirmed; totals and unit blocks come when they are asked for, and agree",
    "R-RECONCILE-1",
    "R-RECONCILE-2",
    "R-RECONCILE-3",
    "R-RECONCILE-5",
    "R-RECONCILE-6",
)
def totals_and_blocks_agree(t: RegistryTester) -> None:
    block = here(t)
    cancelled_part, rest = part(block, 0, 4), part(block, 4, 6)
    t.completes(cancelled(t, cancelled_part))
    lies(t, cancelled_part, account=230, breaks="R-RECONCILE-2")
    lies(t, rest, breaks="R-RECONCILE-2")
    if t.log.wait_for(("receiveTotals", "receiveUnitBlocks"), t.profile.silence):
        raise Failed("an answer came that nobody waits for: all units had been told", "R-RECONCILE-3")


@GROUP.case("301", "What happened after the snapshot time is not in the totals", "R-RECONCILE-2")
def after_the_snapshot(t: RegistryTester) -> None:
    before = sums_of(holdings(t))
    run = begun(t)
    until_snapshot(t, run)
    t.held()
    found = totals(t, run)
    if found != before:
        raise Failed(f"the totals at {run.snapshot} must be {before}; the registry says {found}")
    concluded(t, run)


@GROUP.case("302", "Units of an open transaction count where they lay", "R-RECONCILE-2")
def open_units_count(t: RegistryTester) -> None:
    block = here(t)
    proposal = cancelled(t, block)
    try:
        lies(t, block, account=None if t.profile.is_cdm else t.profile.receiving, breaks="R-RECONCILE-2")
    finally:
        t.stops(proposal, TransactionStatus.CHECKED_DISCREPANCY, 4003)


@GROUP.case("303", "A question for some blocks is answered with those, and with no others", "R-RECONCILE-3")
def some_blocks(t: RegistryTester) -> None:
    block = here(t)
    account_type = 110 if t.profile.is_cdm else t.profile.receiving.account_type
    run = begun(t)
    sums = totals(t, run)
    wanted = sums.get((account_type, 0, block.unit_type), 0)
    found = unit_blocks(t, run, wanted, [UnitBlockRequest(account_type=account_type, unit_type=block.unit_type)])
    strange = [each for each in found if (each.account_type, each.unit_type) != (account_type, block.unit_type)]
    if strange:
        raise Failed(
            f"blocks of account type {account_type} and unit type {block.unit_type} were asked for; there came one of "
            f"account type {strange[0].account_type} and unit type {strange[0].unit_type}"
        )
    counted = sums_of(found).get((account_type, 0, block.unit_type), 0)
    if counted != wanted:
        raise Failed(f"the blocks must be {wanted} units, as the total says; they are {counted}")
    concluded(t, run)


@GROUP.case(
    "304", "The audit trail names the completed transactions that touch the units, and no others", "R-RECONCILE-4"
)
def the_trail(t: RegistryTester) -> None:
    block, other = here(t), here(t)
    touching, beside = cancelled(t, part(block, 0, 4)), cancelled(t, part(other, 0, 4))
    t.completes(touching)
    t.completes(beside)
    run = begun(t)
    until_snapshot(t, run)
    now = t.clock()
    request = ProvideAuditTrailRequest(
        **t.log.head(),
        reconciliation_identifier=run.identifier,
        audit_trail_begin_datetime=now - _BEFORE,
        audit_trail_end_datetime=now,
        unit_block_identifiers=(
            ReconciliationUnitBlockIdentifier(
                originating_registry_code=block.originating_registry_code,
                unit_serial_block_start=block.unit_serial_block_start,
                unit_serial_block_end=block.unit_serial_block_end,
            ),
        ),
        response_codes=(),
    )
    require_acknowledged(t.log.call(request), "the question for the audit trail")
    found: tuple[Transaction, ...] = t.log.expect(
        "receiveAuditTrail", f"the trail of {run.identifier}", of(run)
    ).message.transactions
    named = {each.transaction_identifier: each for each in found}
    if touching.transaction_identifier not in named:
        raise Failed(f"the trail must name {touching.transaction_identifier}; it names {', '.join(named) or 'nothing'}")
    if beside.transaction_identifier in named:
        raise Failed(f"the trail must not name {beside.transaction_identifier}, which is about other units")
    told = named[touching.transaction_identifier]
    units = [serials_of(each) for each in told.transaction_blocks]
    if told.transaction_type != touching.transaction_type or serials_of(part(block, 0, 4)) not in units:
        raise Failed(
            f"{touching.transaction_identifier} was of type {touching.transaction_type} and about "
            f"{serials_of(part(block, 0, 4))}; the trail says type {told.transaction_type} and {units}"
        )
    concluded(t, run)


@GROUP.case("305", "Nothing is sent that was not asked for", "R-RECONCILE-5")
def nothing_unasked(t: RegistryTester) -> None:
    run = begun(t)
    until_snapshot(t, run)
    if t.log.wait_for(("receiveTotals", "receiveUnitBlocks"), t.profile.silence, of(run)):
        raise Failed(f"nothing of {run.identifier} was asked for yet, and the registry sends it")
    concluded(t, run)


@GROUP.case("306", "A question that is repeated is answered once", "R-ONCE-1", "R-RECONCILE-5")
def a_question_again(t: RegistryTester) -> None:
    run = begun(t)
    until_snapshot(t, run)
    request = totals_request(t, run)
    for _ in range(2):
        require_acknowledged(t.log.call(request), "the question for totals")
    read_totals(t, run)
    if t.log.wait_for(("receiveTotals",), t.profile.silence, of(run)):
        told = f"the totals of {run.identifier} were asked for by one message, which came twice; they came twice"
        raise Failed(told, "R-RECONCILE-5")
    concluded(t, run)


for _status in (_S.VALIDATED, _S.TOTALS_INCONSISTENT, _S.COMPLETED, _S.MANUAL_INTERVENTION_REQUIRED):

    def _taken(t: RegistryTester, status: int = _status) -> None:
        run = begun(t)
        totals(t, run)
        concluded(t, run, status)

    GROUP.add(f"307/{int(_status)}", f"The result {int(_status)} is taken", ("R-RECONCILE-6",), _taken)
