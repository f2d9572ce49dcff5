"""Stage 7, replacement: units take the place of tCER or lCER, which stand in blocks with role REP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from itl.checks.accounts import account_period_differs, acquiring_account_known, acquiring_identifier_missing
from itl.checks.blocks import quantity_of, units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.notices import is_answered_by, misfits
from itl.checks.proposal import Log, Proposal
from itl.codes import EXPIRING_UNITS, REPLACED_ROLE, REPLACEMENT_ACCOUNTS, UnitType
from itl.ledger.ranges import parts_in, union
from itl.messages import TransactionUnitBlock

ACCOUNTS: Mapping[int, frozenset[int]] = {
    UnitType.TCER: frozenset({411}),
    UnitType.LCER: frozenset({421, 422, 423}),
}
"""By what is replaced, the accounts that the replacing units go to."""
ASKED_BY_NOTICE = frozenset({422, 423})
"""Accounts for reversal of storage and for a missing certification report: a notice asks for these replacements."""
LASTING = frozenset({UnitType.AAU, UnitType.RMU, UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU, UnitType.CER})


@check(5201)
def replaced_or_replacing_missing(proposal: Proposal, log: Log) -> Failures:
    """Blocks with role REP alone, or none with it."""
    if not proposal.replaced or not proposal.moving:
        yield WHOLE


@check(5202)
def quantities_differ(proposal: Proposal, log: Log) -> Failures:
    """Unit for unit."""
    if sum(map(quantity_of, proposal.replaced)) != sum(map(quantity_of, proposal.moving)):
        yield WHOLE


@check(5203)
def not_a_replacement_account(proposal: Proposal, log: Log) -> Failures:
    """Replacing units that do not go where all the replaced ones ask for. Whether the notice asks for it too: 5215."""
    allowed = REPLACEMENT_ACCOUNTS
    for unit_type in {block.unit_type for block in proposal.replaced} & ACCOUNTS.keys():
        allowed &= ACCOUNTS[unit_type]
    return (units_of(block) for block in proposal.moving if proposal.acquiring_account(block)[0] not in allowed)


@check(5204)
def replacement_account_missing(proposal: Proposal, log: Log) -> Failures:
    """The identifier of the account that the replacing units go to."""
    return acquiring_identifier_missing(proposal)


@check(5209)
def replaced_units_do_not_expire(proposal: Proposal, log: Log) -> Failures:
    """Blocks with role REP of other units."""
    return (units_of(block) for block in proposal.replaced if block.unit_type not in EXPIRING_UNITS)


@check(5211)
def already_replaced(proposal: Proposal, log: Log) -> Failures:
    """Units that others were moved into a replacement account for."""
    for block, parts in log.standing.sound:
        if block.block_role == REPLACED_ROLE:
            yield from union(part.range for part in parts if part.attributes.replaced)


@check(5212, applies=lambda proposal, log: _replaces(UnitType.TCER, proposal))
def cannot_replace_tcer(proposal: Proposal, log: Log) -> Failures:
    """lCER, expired tCER, and a unit that would replace itself."""
    for block in proposal.moving:
        lives = block.unit_type == UnitType.TCER and not (block.expiry_date and block.expiry_date < log.today)
        if block.unit_type not in LASTING and not lives:
            yield units_of(block)
    yield from _themselves(proposal)


@check(5213, applies=lambda proposal, log: _replaces(UnitType.LCER, proposal))
def cannot_replace_lcer(proposal: Proposal, log: Log) -> Failures:
    """tCER, lCER but under 422 and 423 (then 5214 asks for the project), and a unit that would replace itself."""
    for block in proposal.moving:
        asked = block.unit_type == UnitType.LCER and proposal.acquiring_account(block)[0] in ASKED_BY_NOTICE
        if block.unit_type not in LASTING and not asked:
            yield units_of(block)
    yield from _themselves(proposal)


@check(5214, applies=lambda proposal, log: any(_is_lcer(block) for block in proposal.moving))
def project_differs(proposal: Proposal, log: Log) -> Failures:
    """lCER of a project of which no lCER, or fewer, are replaced."""
    replaced, replacing = (_lcer_by_project(blocks) for blocks in (proposal.replaced, proposal.moving))
    for project, blocks in replacing.items():
        if sum(map(quantity_of, blocks)) > sum(map(quantity_of, replaced.get(project, ()))):
            yield from map(units_of, blocks)


@check(5215, applies=lambda proposal, log: _needs_notice(proposal) or log.notice is not None)
def notice_missing_or_not_matched(proposal: Proposal, log: Log) -> Failures:
    """No notice that asks for it, under 422 and 423; or account, replaced units or quantity not as the notice says."""
    notice = log.notice
    if notice is not None and is_answered_by(notice, proposal.transaction_type):
        yield from misfits(notice, proposal, log)
    elif _needs_notice(proposal):
        yield WHOLE


@check(5220, applies=acquiring_account_known)
def replacing_period_differs(proposal: Proposal, log: Log) -> Failures:
    """The account is known and stands for another period than the replacing units."""
    return account_period_differs(proposal, log)


def _replaces(unit_type: UnitType, proposal: Proposal) -> bool:
    return any(block.unit_type == unit_type for block in proposal.replaced)


def _themselves(proposal: Proposal) -> Failures:
    replaced = union(map(units_of, proposal.replaced))
    for block in proposal.moving:
        yield from parts_in(units_of(block), replaced)


def _is_lcer(block: TransactionUnitBlock) -> bool:
    return block.unit_type == UnitType.LCER


def _lcer_by_project(
    blocks: Sequence[TransactionUnitBlock],
) -> dict[tuple[str, int | None], list[TransactionUnitBlock]]:
    found: dict[tuple[str, int | None], list[TransactionUnitBlock]] = {}
    for block in filter(_is_lcer, blocks):
        found.setdefault((block.originating_registry_code, block.project_identifier), []).append(block)
    return found


def _needs_notice(proposal: Proposal) -> bool:
    return any(proposal.acquiring_account(block)[0] in ASKED_BY_NOTICE for block in proposal.moving)
