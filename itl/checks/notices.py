"""What answers a notice of the log: transactions of which type, into which accounts, with which units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from itl.checks.blocks import quantity_of, units_of
from itl.checks.engine import Failures
from itl.checks.flows import KYOTO_UNITS
from itl.checks.proposal import Log, Proposal
from itl.codes import CDM_UNITS, EXPIRING_UNITS, NoticeType, TransactionType
from itl.ledger.block import SerialRange
from itl.ledger.ranges import parts_in, quantity, subtraction, union
from itl.ledger.totals import TotalKey, TotalKind
from itl.messages import TransactionUnitBlock
from itl.reference import Notice

ANY_ACCOUNT: frozenset[int] = frozenset()
ALL = frozenset(KYOTO_UNITS)
LASTING = ALL - EXPIRING_UNITS


@dataclass(frozen=True, slots=True)
class Answer:
    """How a notice of some type is answered."""

    into: Mapping[int, frozenset[int]]
    """By transaction type, the account types that the units go to; ANY_ACCOUNT: they stay where they are, or any."""
    units: frozenset[int] = ALL
    """Types of the units that may be used."""
    about_units: bool = False
    """The notice is about units of its project, so that these units answer it and no others."""


def _transfer(into: int, units: frozenset[int]) -> Answer:
    return Answer({TransactionType.EXTERNAL_TRANSFER: frozenset({into})}, units)


def _storage(replacement: int) -> Answer:
    return Answer(
        {TransactionType.CANCELLATION: frozenset({250}), TransactionType.REPLACEMENT: frozenset({replacement})},
        about_units=True,
    )


ANSWERS: Mapping[int, Answer] = {
    NoticeType.NET_SOURCE_CANCELLATION: Answer({TransactionType.CANCELLATION: frozenset({210})}, LASTING),
    NoticeType.NON_COMPLIANCE_CANCELLATION: Answer({TransactionType.CANCELLATION: frozenset({220})}, LASTING),
    NoticeType.IMPENDING_EXPIRY: Answer({TransactionType.REPLACEMENT: frozenset({411, 421})}),
    NoticeType.REVERSAL_OF_STORAGE: _storage(422),
    NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT: _storage(423),
    NoticeType.EXCESS_ISSUANCE: Answer(
        {TransactionType.EXTERNAL_TRANSFER: frozenset({240}), TransactionType.INTERNAL_TRANSFER: ANY_ACCOUNT}
    ),
    NoticeType.EXPIRY_DATE_CHANGE: Answer(
        {TransactionType.EXPIRY_DATE_CHANGE: ANY_ACCOUNT}, EXPIRING_UNITS, about_units=True
    ),
    NoticeType.NET_REVERSAL_OF_CCS_STORAGE: _transfer(241, LASTING),
    NoticeType.NON_SUBMISSION_OF_CCS_VERIFICATION_REPORT: _transfer(242, LASTING),
}
"""By notice type; no transaction answers the others."""


def is_answered_by(notice: Notice, transaction_type: int) -> bool:
    """Whether transactions of this type answer a notice of this type."""
    answer = ANSWERS.get(notice.notice_type)
    return answer is not None and transaction_type in answer.into


def misfits(notice: Notice, proposal: Proposal, log: Log) -> Failures:
    """The units that do not fit the notice that the proposal answers (`is_answered_by`).

    Of a replacement the replaced units are compared with what the notice states, and the others with the account that
    it asks for. Where the quantity is more than what is outstanding, every unit that answers the notice is too many.
    """
    answer = ANSWERS[notice.notice_type]
    accounts = answer.into[proposal.transaction_type]
    for block in proposal.moving:
        wrong_account = accounts and proposal.acquiring_account(block)[0] not in accounts
        if wrong_account or block.unit_type not in answer.units:
            yield units_of(block)
    answering = proposal.replaced if proposal.transaction_type == TransactionType.REPLACEMENT else proposal.moving
    listed = union(notice.blocks)
    for block in answering:
        if is_of_project(notice, block) and _states(notice, block):
            yield from _unlisted(block, listed)
        else:
            yield units_of(block)
    if _outnumber(notice, answering, log):
        yield from map(units_of, answering)


def is_of_project(notice: Notice, block: TransactionUnitBlock) -> bool:
    """Whether units are of the notice's project, where it names one. Units that no CDM project yields fit as well,
    unless the notice is about the project's own."""
    project = (block.originating_registry_code, block.project_identifier)
    if notice.project in (None, project):
        return True
    return not ANSWERS[notice.notice_type].about_units and block.unit_type not in CDM_UNITS


def _states(notice: Notice, block: TransactionUnitBlock) -> bool:
    """Whether activity (where the unit has one) and period are those that the notice states, where it does."""
    activity = block.lulucf_activity is None or notice.lulucf_activity in (None, block.lulucf_activity)
    return activity and notice.commit_period in (None, block.applicable_commit_period)


def _unlisted(block: TransactionUnitBlock, listed: Sequence[SerialRange]) -> Sequence[SerialRange]:
    """The units of `block` that a notice which lists units does not list."""
    if not listed:
        return ()
    found = parts_in(units_of(block), listed)
    return () if quantity(found) == quantity_of(block) else subtraction([units_of(block)], found)


def _outnumber(notice: Notice, answering: Sequence[TransactionUnitBlock], log: Log) -> bool:
    """Whether the units are more than what completed and open transactions leave outstanding."""
    if notice.target_value is None:
        return False
    answered = log.view.totals[TotalKey(TotalKind.NOTICE, str(notice.identifier))].both
    return answered + sum(map(quantity_of, answering)) > notice.target_value
