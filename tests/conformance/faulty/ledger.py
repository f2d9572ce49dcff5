"""Hubs that do not do what was agreed, or refuse what is right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from itl.checks.override import Override
from itl.codes import TransactionStatus, TransactionType, UnitType
from itl.ledger.operations import Change
from itl.messages import EvaluationResult, ProposalTransaction
from itl.wire.outgoing import HttpReply
from itl.worker import judging
from tests.conformance.faulty.hub import Deliver, FaultyHub, Sent, Wrong, acknowledged, sharing
from tests.conformance.faulty.sequences import Book, notification

_S, _T = TransactionStatus, TransactionType

# On paper only --------------------------------------------------------------------------------------------------------


def _on_paper(kind: TransactionType) -> Callable[[], AbstractContextManager[Any]]:
    """Transactions of the type are completed, and the ledger stays as it was."""
    right = judging.change

    def change(transaction_type: int, *more: Any) -> Change:
        return Change((), ()) if transaction_type == kind else right(transaction_type, *more)

    return lambda: patch.object(judging, "change", change)


_PAPER: tuple[tuple[TransactionType, str, str, str], ...] = (
    (_T.ISSUANCE, "ISSUE-1", "12[01]", "told status 3 with code 4002"),
    (_T.CONVERSION, "CONVERT-1", "13[01]", "told status 3 with code 4004"),
    (_T.INTERNAL_TRANSFER, "INTERNAL-1", "140", "told status 3 with code 4003"),
    (_T.EXTERNAL_TRANSFER, "TRANSFER-1", "150", "told status 3 with code 4003"),
    (_T.CANCELLATION, "CANCEL-1", "160", "status 3 with code 4011.*told status 2"),
    (_T.RETIREMENT, "RETIRE-1", "170", "status 3 with code 4013.*told status 2"),
    (_T.CARRY_OVER, "CARRY-1", "180", "must be told status 3"),
    (_T.REPLACEMENT, "REPLACE-1", "191", "status 3 with code 4015.*told status 2"),
    (_T.EXPIRY_DATE_CHANGE, "EXPIRY-1", "200", "told status 3 with code 4004"),
)

ON_PAPER = (
    *(
        FaultyHub(
            f"on-paper-{kind.name.lower().replace('_', '-')}",
            f"completes every {kind.name.lower().replace('_', ' ')}, and leaves the units as they were",
            (requirement,),
            (tests,),
            says,
            lambda kind=kind: Wrong(inside=_on_paper(kind)),  # type: ignore[misc]
        )
        for kind, requirement, tests, says in _PAPER
    ),
    FaultyHub(
        "on-paper-carried-in-place",
        "completes a carry-over of CER and ERU, and leaves them in their period",
        ("CARRY-2",),
        ("18[12]",),
        "told status 3 with code 4004",
        lambda: Wrong(inside=_on_paper(_T.CARRY_OVER)),
    ),
    FaultyHub(
        "on-paper-issued-by-the-cdm",
        "completes issuances of the CDM registry, and has no units of them",
        ("ISSUE-2",),
        ("122/*",),
        "must be relayed to GB; CDM was told status 3 with code 4002",
        lambda: Wrong(inside=_on_paper(_T.ISSUANCE)),
    ),
)

# What is right is refused ---------------------------------------------------------------------------------------------

Fits = Callable[[ProposalTransaction], bool]


def _refusing(fits: Fits) -> Callable[[], Wrong]:
    """A hub that finds a discrepancy in proposals that fit."""
    results = (EvaluationResult(response_code=2002),)

    def made() -> Wrong:
        book = Book()

        def send(sent: Sent, deliver: Deliver) -> HttpReply:
            message = sent.message
            if sent.operation == "acceptProposal" and fits(message.proposed_transaction):
                proposal = message.proposed_transaction
                told = notification(
                    proposal.transferring_registry_code, proposal.transaction_identifier, _S.CHECKED_DISCREPANCY
                )
                deliver(told.saying(replace(told.message, evaluation_result=results)))
                return acknowledged(sent.operation)
            good = sent.operation == "acceptNotification" and message.transaction_status == _S.CHECKED_NO_DISCREPANCY
            if good and fits(book.proposals[message.transaction_identifier]):
                bad = replace(message, transaction_status=int(_S.CHECKED_DISCREPANCY), evaluation_result=results)
                return deliver(sent.saying(bad))
            return deliver(sent)

        return Wrong(answer=book.answer, send=send)

    return made


def _of(kind: TransactionType, *units: UnitType) -> Fits:
    """Proposals of the type, about units of these types if any are given."""
    return lambda proposal: (
        proposal.transaction_type == kind
        and (not units or any(block.unit_type in units for block in proposal.proposal_unit_blocks))
    )


def _by_notice(proposal: ProposalTransaction) -> bool:
    return proposal.notification_identifier is not None


_RIGHT: tuple[tuple[str, str, str, str, Fits], ...] = (
    ("rmu", "issuances of RMU", "ISSUE-1", "121", _of(_T.ISSUANCE, UnitType.RMU)),
    ("lcer", "issuances of lCER", "ISSUE-2", "122/*", _of(_T.ISSUANCE, UnitType.LCER)),
    ("conversions", "conversions", "CONVERT-1", "13[01]", _of(_T.CONVERSION)),
    ("moves", "internal transfers", "INTERNAL-1", "140", _of(_T.INTERNAL_TRANSFER)),
    ("transfers", "external transfers", "TRANSFER-1", "150", _of(_T.EXTERNAL_TRANSFER)),
    ("forwarding", "that CER are forwarded", "TRANSFER-2", "155", _of(_T.EXTERNAL_TRANSFER, UnitType.CER)),
    ("cancellations", "cancellations", "CANCEL-1", "16[01]*", _of(_T.CANCELLATION)),
    ("retired-tcer", "retirements of tCER", "RETIRE-1", "171/*", _of(_T.RETIREMENT, UnitType.TCER)),
    ("carried-aau", "carry-over of AAU", "CARRY-1", "18[0-2]", _of(_T.CARRY_OVER, UnitType.AAU)),
    ("carried-eru", "carry-over of ERU", "CARRY-2", "18[0-2]", _of(_T.CARRY_OVER, UnitType.ERU_FROM_AAU)),
    ("replaced-lcer", "replacements of lCER", "REPLACE-1", "191", _of(_T.REPLACEMENT, UnitType.LCER)),
    ("by-notice", "replacements because of a notice", "REPLACE-2 NOTICE-2", "192", _by_notice),
    ("dates", "changes of expiry dates", "EXPIRY-1", "200", _of(_T.EXPIRY_DATE_CHANGE)),
)

REFUSING = tuple(
    FaultyHub(
        f"refuses-{name}",
        f"refuses {what}",
        tuple(requirements.split()),
        (tests,),
        "told status 3 with code 2002",
        _refusing(fits),
    )
    for name, what, requirements, tests, fits in _RIGHT
)

# What is wrong is taken -----------------------------------------------------------------------------------------------

_TAKEN: tuple[tuple[int, str, str], ...] = (
    (4002, "units that were never issued", "142/4002"),
    (4003, "units that another registry holds", "142/4003"),
    (4011, "cancelled units", "142/4011"),
    (4013, "retired units", "142/4013"),
    (4015, "replaced units", "190/4015"),
    (5001, "CER that a Party issues", "123/5001"),
    (5202, "fewer replacing than replaced units", "193/5202"),
    (5257, "retirements after the true-up", "172/5257"),
)

TAKING = tuple(
    FaultyHub(
        f"takes-{code}",
        f"takes {what}",
        (f"CHECK-{code}",),
        (test,),
        f"must be told status 3 with code {code}.*told status 2",
        lambda code=code: Wrong(override=Override(off=frozenset({code}))),  # type: ignore[misc]
    )
    for code, what, test in _TAKEN
)
"""These do not only say so: their check is off."""

HUBS = (*ON_PAPER, *sharing(REFUSING), *TAKING)
