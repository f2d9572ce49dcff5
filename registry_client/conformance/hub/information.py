"""116 and 117: what a registry can ask the log."""

from __future__ import annotations

from itl.codes import TransactionStatus, TransactionType, UnitType
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.suite import Failed, Group, breaking

GROUP: Group[HubTester] = Group("Information retrieval")

_S = TransactionStatus


@GROUP.case("116", "The status of a transaction is told to its parties, at every step", "INFO-1")
def the_status_at_every_step(t: HubTester) -> None:
    block = t.issued()
    transfer = t.proposal(TransactionType.EXTERNAL_TRANSFER, t.initiator, block, to=t.acquirer)
    t.propose(t.initiator, transfer)
    t.relayed(t.acquirer, transfer)
    first = t.stands(t.initiator, transfer, _S.CHECKED_NO_DISCREPANCY)
    t.notify(t.acquirer, transfer, _S.ACCEPTED)
    t.told(t.initiator, transfer, _S.ACCEPTED)
    second = t.stands(t.initiator, transfer, _S.ACCEPTED)
    t.stands(t.acquirer, transfer, _S.ACCEPTED)
    t.notify(t.initiator, transfer, _S.COMPLETED)
    third = t.stands(t.acquirer, transfer, _S.COMPLETED)
    times = [each.transaction_status_date_time for each in (first, second, third)]
    if times != sorted(times):
        raise Failed(f"the times of the statuses must not go back; they are {', '.join(map(str, times))}")


@GROUP.case("117/3002", "A transaction that is not known", "CHECK-3002", "INFO-1")
def an_unknown_transaction(t: HubTester) -> None:
    unknown = t.fresh.transaction(t.initiator.code)
    with breaking("CHECK-3002"):
        t.refused_at_once(t.asked_status(t.initiator, unknown), "getTransactionStatus of an unknown transaction", 3002)


@GROUP.case("117/3014", "A transaction of others", "CHECK-3014", "INFO-1")
def a_transaction_of_others(t: HubTester) -> None:
    proposal = t.issuance(t.initiator, t.units(UnitType.AAU))
    t.completes(t.initiator, proposal)
    answer = t.asked_status(t.acquirer, proposal.transaction_identifier)
    if answer.result_identifier == 1:
        raise Failed(
            f"{t.acquirer.code} must be refused with 3014; it was told the status of a transaction of others",
            "INFO-1",
            "CHECK-3014",
        )
    with breaking("CHECK-3014"):
        t.refused_at_once(answer, "getTransactionStatus of a transaction of others", 3014)
