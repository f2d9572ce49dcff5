"""190 to 203: replacement of units that expire, and changes of their expiry dates."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from itl.codes import REPLACED_ROLE, NoticeType, TransactionStatus, TransactionType, UnitType
from itl.messages import ITLNoticeRequest, ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.making import part
from registry_client.conformance.registry.holdings import lies
from registry_client.conformance.registry.tester import RegistryTester, written
from registry_client.conformance.suite import Failed, Group, breaking

GROUP: Group[RegistryTester] = Group("Replacement")
EXPIRY: Group[RegistryTester] = Group("Expiry date change")

_S = TransactionStatus
_OF_TCER, _OF_LCER, _REVERSAL = 411, 421, 422
_NEW_DATE = date(2045, 12, 31)


def noticed(t: RegistryTester, kind: NoticeType, block: TransactionUnitBlock, quantity: int = 10) -> ITLNoticeRequest:
    """Tell the registry a notice about the project of a block; it must be taken."""
    notice = ITLNoticeRequest(
        **t.log.head(),
        message_content=f"Conformance test: notice of type {int(kind)}",
        message_date=t.clock(),
        notification_type=int(kind),
        notification_identifier=t.fresh.number(),
        notification_status=1,
        project_number=f"{block.originating_registry_code}{block.project_identifier}",
        unit_type=block.unit_type,
        target_value=quantity,
        target_date=_NEW_DATE if kind == NoticeType.EXPIRY_DATE_CHANGE else None,
        action_due_date=(t.clock() + timedelta(days=30)).date(),
    )
    with breaking("R-NOTICE-1"):
        require_acknowledged(t.log.call(notice), f"the notice {notice.notification_identifier}")
    return notice


def _names(proposal: ProposalTransaction, notice: ITLNoticeRequest, breaks: str) -> None:
    if proposal.notification_identifier != notice.notification_identifier:
        raise Failed(
            f"{proposal.transaction_identifier} answers the notice {notice.notification_identifier}; it names "
            f"{proposal.notification_identifier}",
            breaks,
        )


def _replacing(
    t: RegistryTester,
    old: TransactionUnitBlock,
    new: TransactionUnitBlock,
    account_type: int,
    notice: ITLNoticeRequest | None = None,
) -> ProposalTransaction:
    """Let the registry propose to put units in the place of others, into an account of a type."""
    values = {"units": written(new), "replaced": written(old), "account_type": str(account_type)}
    if notice is not None:
        values["notice"] = str(notice.notification_identifier)
    action = "replace" if notice is None else "replace for a notice"
    proposal = t.proposed(action, TransactionType.REPLACEMENT, **values)
    t.about(proposal, new, replace(old, block_role=REPLACED_ROLE), breaks="R-REPLACE-1")
    taking = [block for block in proposal.proposal_unit_blocks if block.block_role != REPLACED_ROLE]
    t.between(
        replace(proposal, proposal_unit_blocks=tuple(taking)), t.profile.receiving, account_type, breaks="R-REPLACE-1"
    )
    return proposal


for _number, _kind, _account in (("190", UnitType.TCER, _OF_TCER), ("191", UnitType.LCER, _OF_LCER)):

    def _replaced(t: RegistryTester, kind: UnitType = _kind, account_type: int = _account) -> None:
        t.party_only()
        old, new = t.held(kind), t.held(UnitType.AAU, period=t.profile.periods.later)
        t.completes(_replacing(t, part(old, 0, 6), part(new, 0, 6), account_type))
        lies(t, part(new, 0, 6), account=account_type, breaks="R-REPLACE-1")
        lies(t, old, part(new, 6, 4), account=t.profile.receiving, breaks="R-REPLACE-1")

    GROUP.add(
        _number,
        f"{_kind.name} are replaced unit for unit, and stay where they are",
        ("R-REPLACE-1", "R-FINISH-1"),
        _replaced,
    )


@GROUP.case("192", "lCER are replaced because of a notice, which the proposal names", "R-REPLACE-1", "R-NOTICE-1")
def replaced_by_notice(t: RegistryTester) -> None:
    t.party_only()
    old, new = t.held(UnitType.LCER), t.held(UnitType.AAU, period=t.profile.periods.later)
    notice = noticed(t, NoticeType.REVERSAL_OF_STORAGE, old)
    proposal = _replacing(t, old, new, _REVERSAL, notice)
    _names(proposal, notice, "R-REPLACE-1")
    t.completes(proposal)
    lies(t, new, account=_REVERSAL, breaks="R-REPLACE-1")


@GROUP.case("193", "Units of a replacement with a discrepancy stay, and are free", "R-FINISH-2")
def a_discrepancy_ends_it(t: RegistryTester) -> None:
    t.party_only()
    old, new = t.held(UnitType.TCER), t.held(UnitType.AAU, period=t.profile.periods.later)
    t.stops(_replacing(t, old, new, _OF_TCER), _S.CHECKED_DISCREPANCY, 5209)
    lies(t, old, new, account=t.profile.receiving, breaks="R-FINISH-2")
    t.completes(_replacing(t, old, new, _OF_TCER))


def _dated(t: RegistryTester, block: TransactionUnitBlock, notice: ITLNoticeRequest) -> ProposalTransaction:
    values = {
        "units": written(block),
        "expiry": _NEW_DATE.isoformat(),
        "notice": str(notice.notification_identifier),
    }
    proposal = t.proposed("change expiry", TransactionType.EXPIRY_DATE_CHANGE, **values)
    t.about(proposal, replace(block, expiry_date=_NEW_DATE), breaks="R-EXPIRY-1")
    _names(proposal, notice, "R-EXPIRY-1")
    return proposal


@EXPIRY.case("200", "lCER get the date of the notice, which the proposal names", "R-EXPIRY-1", "R-NOTICE-1")
def the_date_of_the_notice(t: RegistryTester) -> None:
    t.party_only()
    block = t.held(UnitType.LCER)
    t.completes(_dated(t, block, noticed(t, NoticeType.EXPIRY_DATE_CHANGE, block)))
    # what the units are now shows in their next proposal
    after = t.proposed("transfer", TransactionType.EXTERNAL_TRANSFER, **t.to_the_other(block))
    t.about(after, replace(block, expiry_date=_NEW_DATE), breaks="R-EXPIRY-1")
    t.completes(after, _S.ACCEPTED)


@EXPIRY.case("203", "Units whose new date the log refuses keep the old one", "R-FINISH-2")
def a_refused_date(t: RegistryTester) -> None:
    t.party_only()
    block = t.held(UnitType.LCER)
    t.stops(_dated(t, block, noticed(t, NoticeType.EXPIRY_DATE_CHANGE, block)), _S.CHECKED_DISCREPANCY, 5353)
    after = t.proposed("transfer", TransactionType.EXTERNAL_TRANSFER, **t.to_the_other(block))
    t.about(after, block, breaks="R-FINISH-2")
    t.completes(after, _S.ACCEPTED)
