"""What notices of the log ask for, as proposals: cancellation, transfer, replacement, another expiry date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from itl.codes import (
    CDM,
    EXPIRING_UNITS,
    HOLDING_ACCOUNTS,
    MAX_SERIAL,
    REPLACED_ROLE,
    NoticeType,
    TransactionType,
    UnitType,
)
from itl.messages import ITLNoticeRequest
from registry_client import holdings, journal, notices, proposing
from registry_client.errors import TransactionError, UnitsError
from registry_client.identifiers import ProjectIdentifier, SerialRange
from registry_client.transactions import State
from registry_client.units import Account, Block, Part, Selection, cover, limited, one_account, serials
from registry_client.work import Work

REPLACED_IN: Mapping[int, int] = MappingProxyType({UnitType.TCER: 411, UnitType.LCER: 421})
"""Where units go that replace expiring ones, by what they replace, unless a notice asks for 422 or 423."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a type of notice asks for: units cancelled into an account type, transferred to an account of the CDM
    registry, or put in the place of the project's own into an account type."""

    cancel: int | None = None
    transfer: Account | None = None
    replace: int | None = None
    """0: the account for what is replaced."""


ASKED: Mapping[int, Asked] = MappingProxyType(
    {
        NoticeType.NET_SOURCE_CANCELLATION: Asked(cancel=210),
        NoticeType.NON_COMPLIANCE_CANCELLATION: Asked(cancel=220),
        NoticeType.IMPENDING_EXPIRY: Asked(replace=0),
        NoticeType.REVERSAL_OF_STORAGE: Asked(cancel=250, replace=422),
        NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT: Asked(cancel=250, replace=423),
        NoticeType.EXCESS_ISSUANCE: Asked(transfer=Account(240, 2240)),
        NoticeType.EXPIRY_DATE_CHANGE: Asked(),
        NoticeType.NET_REVERSAL_OF_CCS_STORAGE: Asked(transfer=Account(241, 2241)),
        NoticeType.NON_SUBMISSION_OF_CCS_VERIFICATION_REPORT: Asked(transfer=Account(242, 2242)),
    }
)
"""By notice type; no transaction answers the others."""


def fulfil(work: Work, identifier: int, units: Selection | None) -> str:
    """Propose what a notice asks for; see `Proposals.fulfil`."""
    notice = notices.newest(work.connection, identifier)
    notices.require_open(work.connection, identifier)
    asked = ASKED.get(notice.notification_type)
    if asked is None:
        raise TransactionError(f"notice {identifier} is of type {notice.notification_type}: no transaction answers it")
    if notice.notification_type == NoticeType.EXPIRY_DATE_CHANGE:
        if notice.target_date is None:
            raise TransactionError(f"notice {identifier} does not say which date: ask the log's administrators")
        blocks = _subject(work, notice) if units is None else proposing.select(work, units)
        changed = [block for block in blocks if block.attributes.expiry_date != notice.target_date]
        return propose_expiry(work, changed, notice.target_date, identifier)
    if asked.replace is not None and units is not None:
        blocks = proposing.select(work, units)
        old = _first(_subject(work, notice), _quantity(blocks))
        return propose_replacement(work, blocks, old, asked.replace or None, identifier)
    if units is not None:
        blocks = proposing.select(work, units)
    elif asked.replace and asked.cancel:
        held = _in_one_account(_subject(work, notice))
        blocks = _first(held, min(_quantity(held), _outstanding(work, notice)))
    else:
        raise TransactionError(f"notice {identifier} leaves open which units answer it: name them")
    if asked.transfer is not None:
        parts = [Part.moved(block, asked.transfer) for block in blocks]
        return proposing.propose_parts(work, TransactionType.EXTERNAL_TRANSFER, parts, CDM, identifier)
    place = proposing.account_for(work, asked.cancel or 0, blocks)
    parts = [Part.moved(block, place) for block in blocks]
    return proposing.propose_parts(work, TransactionType.CANCELLATION, parts, notice=identifier)


def propose_replacement(
    work: Work, units: Sequence[Block], replaced: Sequence[Block], account_type: int | None, notice: int | None
) -> str:
    """Put `units`, which lie in one account, in the place of as many `replaced` tCER or lCER."""
    if any(block.attributes.unit_type not in EXPIRING_UNITS for block in replaced):
        raise UnitsError("only tCER and lCER are replaced")
    if any(block.attributes.replaced for block in replaced):
        raise UnitsError("some of the units were replaced before")
    if _quantity(units) != _quantity(replaced):
        raise UnitsError(f"{_quantity(units)} units cannot take the place of {_quantity(replaced)}: unit for unit")
    one_account(units)
    kind = account_type or REPLACED_IN[replaced[0].attributes.unit_type]
    place = proposing.account_for(work, kind, units)
    parts = [Part.moved(block, place) for block in units]
    parts += [replace(Part.changed(block, block.attributes), role=REPLACED_ROLE) for block in replaced]
    return proposing.propose_parts(work, TransactionType.REPLACEMENT, parts, notice=notice)


def propose_expiry(work: Work, blocks: Sequence[Block], expiry: date, notice: int) -> str:
    """Give units another expiry date."""
    if not blocks:
        raise UnitsError("there are no units whose date is to change")
    if any(block.attributes.unit_type not in EXPIRING_UNITS for block in blocks):
        raise UnitsError("only tCER and lCER expire")
    parts = [Part.changed(block, replace(block.attributes, expiry_date=expiry)) for block in limited(blocks)]
    return proposing.propose_parts(work, TransactionType.EXPIRY_DATE_CHANGE, parts, notice=notice)


def _subject(work: Work, notice: ITLNoticeRequest) -> Sequence[Block]:
    """The units that a notice is about: those that it lists and the registry holds, else those of its project."""
    if notice.unit_block_identifiers:
        listed = [
            SerialRange(each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
            for each in notice.unit_block_identifiers
        ]
        parts = [block.cut(units) for units in listed for block in holdings.meeting(work.connection, units)]
        return [part for part in parts if part.reserved_by is None and not part.attributes.replaced]
    if notice.project_number is None:
        raise TransactionError(f"notice {notice.notification_identifier} names neither units nor a project: name units")
    project = ProjectIdentifier.parse(notice.project_number)
    kinds = EXPIRING_UNITS if notice.unit_type is None else {notice.unit_type}
    return holdings.of_project(work.connection, project.host, project.number, kinds)


def _outstanding(work: Work, notice: ITLNoticeRequest) -> int:
    """How many units a notice still asks for, as far as the registry knows; TransactionError if none."""
    if notice.target_value is None:
        return MAX_SERIAL
    answered = 0
    for transaction in journal.answering(work.connection, notice.notification_identifier):
        if transaction.state in (State.PROPOSED, State.COMPLETED):
            blocks = transaction.proposal.proposal_unit_blocks
            answered += sum(serials(block).quantity for block in blocks if block.block_role != REPLACED_ROLE)
    if answered >= notice.target_value:
        raise TransactionError(f"notice {notice.notification_identifier}: {answered} units answer it already")
    return notice.target_value - answered


def _quantity(blocks: Sequence[Block]) -> int:
    return sum(block.quantity for block in blocks)


def _first(blocks: Sequence[Block], quantity: int) -> tuple[Block, ...]:
    """The first `quantity` units of `blocks`; UnitsError if there are fewer."""
    chosen: list[Block] = []
    for block in blocks:
        taken = min(quantity, block.quantity)
        if taken:
            start = block.range.start
            units = replace(block.range, end=start + taken - 1)
            chosen += cover([block], units)
            quantity -= taken
    if quantity:
        raise UnitsError(f"the notice is about {quantity} units less than those that shall take their place")
    return tuple(chosen)


def _in_one_account(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Those of `blocks` in the first holding account that has some: the others take a transaction of their own."""
    held = [block for block in blocks if block.account.account_type in HOLDING_ACCOUNTS]
    if not held:
        raise UnitsError("no units that the notice is about lie in a holding account")
    return limited([block for block in held if block.account == held[0].account])
