"""Stage 6: whether the units are there, held, free and alike, whatever is to be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import attrgetter

from itl.checks.blocks import is_well_formed, units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.notices import is_answered_by
from itl.checks.proposal import Log, Proposal
from itl.checks.standing import CANCELLED, NEVER_ISSUED, NOT_HELD, RETIRED, USED_FOR_REPLACEMENT
from itl.codes import REPLACED_ROLE, NoticeType, TransactionType, UnitType
from itl.ledger.ranges import union
from itl.ledger.supplementary import marking_of
from itl.reference import RegistryKind

ATTRIBUTES = (
    "unit_type",
    "original_commit_period",
    "applicable_commit_period",
    "lulucf_activity",
    "project_identifier",
    "track",
    "expiry_date",
)
"""What 4004 compares, beside the supplementary unit type, of which 0 says the same as nothing."""

CHANGED_BY: Mapping[int, frozenset[str]] = {
    TransactionType.CONVERSION: frozenset({"unit_type", "lulucf_activity", "project_identifier", "track"}),
    TransactionType.CARRY_OVER: frozenset({"applicable_commit_period"}),
    TransactionType.EXPIRY_DATE_CHANGE: frozenset({"expiry_date"}),
}
"""Attributes that a transaction type changes: the proposal shows them as they shall be, other checks judge them."""


@check(4001)
def period_not_open(proposal: Proposal, log: Log) -> Failures:
    """Open from its start to the latest end of true-up of any Party, and to some transactions for longer.

    Replaced blocks do not count: their period may long be over. Nor do units outside the Protocol: when those of a
    scheme may be used is for the scheme to say.
    """
    shut: dict[int, bool] = {}
    for block in proposal.moving:
        if block.unit_type == UnitType.NON_KYOTO:
            continue
        period = block.applicable_commit_period
        if period not in shut:
            shut[period] = not _is_open(period, proposal, log)
        if shut[period]:
            yield units_of(block)


def _is_open(number: int, proposal: Proposal, log: Log) -> bool:
    period = log.reference.periods.get(number)
    if period is None:
        return False
    if log.now < period.start:
        earlier = log.reference.periods.get(number - 1)
        is_next = earlier is not None and earlier.start <= log.now
        return is_next and proposal.transaction_type == TransactionType.CARRY_OVER
    if proposal.transaction_type == TransactionType.CANCELLATION or _is_issued_by_cdm(proposal, log):
        return True
    return log.now < max(period.end, log.reference.true_up_end(number) or period.end)


def _is_issued_by_cdm(proposal: Proposal, log: Log) -> bool:
    return proposal.transaction_type == TransactionType.ISSUANCE and log.reference.is_kind(
        proposal.initiator, RegistryKind.CDM
    )


@check(NEVER_ISSUED)
def units_do_not_exist(proposal: Proposal, log: Log) -> Failures:
    """The gaps in the ledger."""
    return log.standing.causes.get(NEVER_ISSUED, ())


@check(NOT_HELD)
def units_not_held(proposal: Proposal, log: Log) -> Failures:
    """In another registry or account type, where no other cause says why. Account identifiers are not judged."""
    return log.standing.causes.get(NOT_HELD, ())


@check(4004)
def attributes_differ(proposal: Proposal, log: Log) -> Failures:
    """Of units that are where the proposal says.

    One that sets or removes the mark of a scheme may show the units with it or without; they must be such as it marks.
    """
    changed = CHANGED_BY.get(proposal.transaction_type, frozenset())
    marking = marking_of(proposal.transaction_type, proposal.supplementary_type)
    compared = attrgetter(*(name for name in ATTRIBUTES if name not in changed))
    for block, parts in log.standing.sound:
        proposed, supplement = compared(block), block.supp_unit_type or 0
        if marking is not None and (block.unit_type, supplement) in (
            (marking.unit_type, marking.before),
            (marking.unit_type, marking.after),
        ):
            supplement = marking.before
        elif marking is not None:
            yield from (part.range for part in parts)
            continue
        differing = [
            part.range
            for part in parts
            if compared(part.attributes) != proposed or (part.attributes.supp_unit_type or 0) != supplement
        ]
        if differing:
            yield from union(differing)


@check(4005)
def several_applicable_periods(proposal: Proposal, log: Log) -> Failures:
    """Replaced blocks do not count."""
    if len({block.applicable_commit_period for block in proposal.moving}) > 1:
        yield WHOLE


@check(4006)
def registries_differ(proposal: Proposal, log: Log) -> Failures:
    """Only an external transfer has two."""
    if proposal.initiator != proposal.acquirer:
        yield WHOLE


@check(4007)
def registries_same(proposal: Proposal, log: Log) -> Failures:
    """An external transfer that goes nowhere."""
    if proposal.initiator == proposal.acquirer:
        yield WHOLE


@check(4008)
def inconsistent_with_log(proposal: Proposal, log: Log) -> Failures:
    """Units for which a reconciliation with this log is not resolved."""
    return log.inconsistent(with_this_log=True)


@check(4009)
def inconsistent_with_stl(proposal: Proposal, log: Log) -> Failures:
    """Units for which a reconciliation with an STL is not resolved."""
    return log.inconsistent(with_this_log=False)


@check(4010)
def in_another_transaction(proposal: Proposal, log: Log) -> Failures:
    """Units that a transaction at proposed, checked without discrepancy or accepted keeps."""
    for block in proposal.blocks:
        if is_well_formed(block):
            yield from union(log.kept_by_others(block))


@check(CANCELLED)
def units_cancelled(proposal: Proposal, log: Log) -> Failures:
    """Units in a cancellation account of any registry."""
    return log.standing.causes.get(CANCELLED, ())


@check(4012)
def no_block(proposal: Proposal, log: Log) -> Failures:
    """A proposal about nothing."""
    if not proposal.blocks:
        yield WHOLE


@check(RETIRED)
def units_retired(proposal: Proposal, log: Log) -> Failures:
    """Units in a retirement account of any registry."""
    return log.standing.causes.get(RETIRED, ())


@check(USED_FOR_REPLACEMENT)
def units_used_for_replacement(proposal: Proposal, log: Log) -> Failures:
    """Units in a replacement account of any registry."""
    return log.standing.causes.get(USED_FOR_REPLACEMENT, ())


@check(4015)
def expired_or_replaced(proposal: Proposal, log: Log) -> Failures:
    """What expired before today is only cancelled, or replaced itself; what was replaced is only cancelled."""
    if proposal.transaction_type == TransactionType.CANCELLATION:
        return
    for block, parts in log.standing.sound:
        is_replaced_now = block.block_role == REPLACED_ROLE
        barred = [
            part.range
            for part in parts
            if part.attributes.replaced or (not is_replaced_now and _is_expired(part.attributes.expiry_date, log))
        ]
        if barred:
            yield from union(barred)


def _is_expired(expiry: date | None, log: Log) -> bool:
    return expiry is not None and expiry < log.today


@check(4016, applies=lambda proposal, log: proposal.transaction.notification_identifier is not None)
def notice_unknown(proposal: Proposal, log: Log) -> Failures:
    """Not sent, sent to another, completed, or of a type that this type of transaction does not answer."""
    notice = log.notice
    if (
        notice is None
        or notice.registry != proposal.initiator
        or not notice.is_outstanding
        or not is_answered_by(notice, proposal.transaction_type)
    ):
        yield WHOLE


_BARRING = frozenset({NoticeType.REVERSAL_OF_STORAGE, NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT})


@check(4017)
def project_suspended(proposal: Proposal, log: Log) -> Failures:
    """lCER of a project about which a notice of type 4 or 5, to whichever registry, is open or incomplete."""
    barred = {
        notice.project
        for notice in log.view.notices.values()
        if notice.notice_type in _BARRING and notice.is_outstanding and notice.project is not None
    }
    for block in proposal.blocks if barred else ():
        project = (block.originating_registry_code, block.project_identifier or 0)
        if block.unit_type == UnitType.LCER and project in barred:
            yield units_of(block)
