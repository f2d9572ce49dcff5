"""Stage 7, cancellation: into which accounts which units go for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from itl.checks.accounts import (
    account_period_differs,
    acquiring_account_known,
    acquiring_account_not_in,
    acquiring_identifier_missing,
)
from itl.checks.blocks import units_of
from itl.checks.engine import Failures, check
from itl.checks.notices import is_answered_by, misfits
from itl.checks.proposal import Log, Proposal
from itl.codes import CANCELLATION_ACCOUNTS, CDM_CANCELLATION_ACCOUNTS, CDM_UNITS, EXPIRING_UNITS, UnitType
from itl.messages import TransactionUnitBlock
from itl.reference import RegistryKind

Fits = Callable[[TransactionUnitBlock], bool]


def _any_unit(block: TransactionUnitBlock) -> bool:
    return True


def _lasting(block: TransactionUnitBlock) -> bool:
    return block.unit_type not in EXPIRING_UNITS


def _of_the_cdm(block: TransactionUnitBlock) -> bool:
    return block.unit_type in CDM_UNITS


def _second_period_aau(block: TransactionUnitBlock) -> bool:
    periods = (block.original_commit_period, block.applicable_commit_period)
    return block.unit_type == UnitType.AAU and periods == (2, 2)


ACCEPTS: Mapping[int, Fits] = {
    **dict.fromkeys([210, 220, 241, 242], _lasting),
    **dict.fromkeys([230, 250, 260], _any_unit),
    240: _of_the_cdm,
    **dict.fromkeys([270, 280], _second_period_aau),
}
"""Which units a cancellation account takes."""


@check(5151, applies=acquiring_account_known)
def account_of_another(proposal: Proposal, log: Log) -> Failures:
    """The account is known and belongs to another."""
    for block, account in log.acquiring_accounts:
        if account.owner != proposal.initiator:
            yield units_of(block)


@check(5152)
def account_of_cdm_registry(proposal: Proposal, log: Log) -> Failures:
    """Excess issuance (240) and the accounts for carbon capture and storage (241, 242), in another registry."""
    if not log.reference.is_kind(proposal.initiator, RegistryKind.CDM):
        for block in proposal.blocks:
            if proposal.acquiring_account(block)[0] in CDM_CANCELLATION_ACCOUNTS:
                yield units_of(block)


@check(5153)
def not_a_cancellation_account(proposal: Proposal, log: Log) -> Failures:
    """Into an account that is none, or not told."""
    return acquiring_account_not_in(CANCELLATION_ACCOUNTS, proposal)


@check(5154)
def cancellation_account_missing(proposal: Proposal, log: Log) -> Failures:
    """The identifier of the account that units are cancelled into."""
    return acquiring_identifier_missing(proposal)


@check(5155, applies=acquiring_account_known)
def cancellation_period_differs(proposal: Proposal, log: Log) -> Failures:
    """The account is known and stands for another period."""
    return account_period_differs(proposal, log)


@check(5156, applies=lambda proposal, log: log.notice is not None)
def notice_not_matched(proposal: Proposal, log: Log) -> Failures:
    """Account, unit type, project, activity, period, listed units or quantity are not as the notice says.

    Whether a cancellation answers a notice of that type at all: 4016.
    """
    notice = log.notice
    return misfits(notice, proposal, log) if notice and is_answered_by(notice, proposal.transaction_type) else ()


@check(5157)
def unit_type_not_accepted(proposal: Proposal, log: Log) -> Failures:
    """Each account type takes some units only."""
    for block in proposal.blocks:
        accepts = ACCEPTS.get(proposal.acquiring_account(block)[0] or 0, _any_unit)
        if not accepts(block):
            yield units_of(block)
