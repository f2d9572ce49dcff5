"""Samples of the checks: for each code `samples/CODE.toml` shows when it passes and when it fails.

A file is a list `[[sample]]`. Each has a `title`, and unless it must pass, either `fails` (the units named, such as
`GB 1-50`; empty where the message as a whole is at fault) or `outcome`. What it does not say is as in `world`, and as
plain as can be: GB proposes to ITL, in version 1.1, AAU of the second period. Tables bear the field names of the
messages and of the ledger; `units` is registry and serials, and `each` cuts them into blocks of that many.

A proposal stands in `proposal` with its `blocks`, the ledger in `held`, `reserved` and `inconsistent`; other messages
are a `notification`, a `text` or a `status_query`, sent by `identity`; a notification on a transaction is `transaction`
(type, status), `role` and `says`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any

from itl.checks import door, judge, world
from itl.checks.engine import CHECKS, Outcome
from itl.checks.sender import Door, Sender
from itl.checks.sequence import Refused, judge_notification
from itl.checks.view import View
from itl.codes import TransactionType
from itl.errors import ReferenceDataError
from itl.ledger.block import Attributes, HeldBlock, Inconsistency, Place, Reservation, SerialRange
from itl.ledger.snapshot import Snapshot
from itl.messages import (
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionStatusRequest,
    TransactionUnitBlock,
    UnitBlockIdentifier,
)

Table = Mapping[str, Any]
Answer = tuple[Outcome, tuple[SerialRange, ...]]

HEAD = {"sender": "GB", "addressee": "ITL", "major_version": 1, "minor_version": 1}
UNITS = {"unit_type": 1, "original_commit_period": 2, "applicable_commit_period": 2}
ACCOUNTS = {
    TransactionType.ISSUANCE: (100, 100),
    TransactionType.CANCELLATION: (100, 230),
    TransactionType.RETIREMENT: (100, 300),
}
"""Transferring and acquiring account type of a plain proposal; 100 and 100 in all other types."""
WHERE = ("transaction", "notification", "text", "status_query", "proposal")


@dataclass(frozen=True, slots=True)
class Sample:
    """One situation, and what a check answers to it."""

    code: int
    title: str
    situation: Table
    """As written in the file."""
    outcome: Outcome
    fails: tuple[SerialRange, ...]
    """The units that the finding names."""

    def judged(self) -> Answer:
        """What the check answers, asked of this situation for this code only."""
        if "transaction" in self.situation:
            return _sequence(self.code, self.situation)
        message = message_of(self.situation)
        if not isinstance(message, ProposalRequest) or self.code < 2000:
            return _at_the_door(self.code, message, self.situation)
        result = judge.one(self.code, message, view_of(self.situation))
        return result.outcome, tuple(map(_range_of, result.blocks))


def samples(code: int) -> tuple[Sample, ...]:
    """The samples of `code` in the order of its file; none where it has no file."""
    path = files(__package__) / "samples" / f"{code}.toml"
    if not path.is_file():
        return ()
    return tuple(_sample(code, table) for table in tomllib.loads(path.read_text(encoding="utf-8"))["sample"])


def _sample(code: int, table: Table) -> Sample:
    if not any(key in table for key in WHERE):
        raise ReferenceDataError(f"sample of {code}, {table.get('title')!r}: one of {', '.join(WHERE)} is missing")
    return Sample(
        code=code,
        title=table["title"],
        situation={key: value for key, value in table.items() if key not in ("title", "outcome", "fails")},
        outcome=Outcome(table.get("outcome", Outcome.FAILED if "fails" in table else Outcome.PASSED)),
        fails=tuple(map(_range, table.get("fails", ()))),
    )


def _sequence(code: int, situation: Table) -> Answer:
    transaction = situation["transaction"]
    step = judge_notification(
        transaction.get("transaction_type", 3), transaction.get("status"), situation.get("role"), situation["says"]
    )
    if not isinstance(step, Refused):
        return Outcome.PASSED, ()
    return (Outcome.FAILED if step.code == code else Outcome.SKIPPED), ()


def _at_the_door(code: int, message: Any, situation: Table) -> Answer:
    identity = situation.get("identity", {"code": message.sender})
    entrance = Door(Sender(**{"code": None, **identity}), world.REFERENCE, _now(situation))
    check = CHECKS[code]
    if check.applies is not None and not check.applies(message, entrance):
        return Outcome.NOT_APPLICABLE, ()
    return (Outcome.PASSED if door.one(code, message, entrance) is None else Outcome.FAILED), ()


def message_of(
    situation: Table,
) -> ProposalRequest | NotificationRequest | MessageRequest | TransactionStatusRequest:
    """The message of a situation, plain where it says nothing."""
    if "proposal" in situation:
        return _proposal(situation["proposal"])
    identifier = {"transaction_identifier": "GB100001"}
    if "notification" in situation:
        plain = {**HEAD, **identifier, "transaction_status": 4, "party_type": 1, "evaluation_result": ()}
        return NotificationRequest(**{**plain, **situation["notification"]})
    if "text" in situation:
        return MessageRequest(**{**HEAD, "message_content": "", "message_date_time": world.NOW, **situation["text"]})
    return TransactionStatusRequest(**{**HEAD, **identifier, **situation["status_query"]})


def _proposal(given: Table) -> ProposalRequest:
    head = {key: given.get(key, plain) for key, plain in HEAD.items()}
    kind = given.get("transaction_type", TransactionType.EXTERNAL_TRANSFER)
    source, target = ACCOUNTS.get(kind, (100, 100))
    initiator = given.get("transferring_registry_code", head["sender"])
    transaction = {
        "transaction_identifier": f"{head['sender']}100001",
        "transaction_type": int(kind),
        "transferring_registry_code": initiator,
        "transferring_registry_account_type": source,
        "transferring_registry_account_identifier": 1001,
        "acquiring_registry_code": "FR" if kind == TransactionType.EXTERNAL_TRANSFER else initiator,
        "acquiring_registry_account_type": target,
        "acquiring_registry_account_identifier": 2001,
        **{key: value for key, value in given.items() if key not in (*HEAD, "blocks", "without")},
    }
    for absent in given.get("without", ()):
        del transaction[absent]
    blocks = tuple(block for table in given.get("blocks", [{"units": "GB 1-100"}]) for block in _blocks(table))
    return ProposalRequest(**head, proposed_transaction=ProposalTransaction(**transaction, proposal_unit_blocks=blocks))


def _blocks(table: Table) -> Iterator[TransactionUnitBlock]:
    units = _range(table["units"])
    each = table.get("each", max(1, units.quantity))
    given = {**UNITS, **{key: value for key, value in table.items() if key not in ("units", "each")}}
    for start in range(units.start, units.start + max(1, units.quantity), each):
        yield TransactionUnitBlock(
            unit_serial_block_start=start,
            unit_serial_block_end=min(start + each - 1, units.end),
            originating_registry_code=units.originating_registry,
            **given,
        )


def view_of(situation: Table) -> View:
    """What the log knows in a situation."""
    lenient = situation.get("admit_unrecorded_projects", False)
    return View(
        now=_now(situation),
        reference=replace(world.REFERENCE, admit_unrecorded_projects=lenient),
        units=Snapshot(
            map(_held, situation.get("held", ())),
            [Reservation(_range(each["units"]), each["transaction"]) for each in situation.get("reserved", ())],
        ),
        projects=world.PROJECTS,
        accounts=world.ACCOUNTS,
        inconsistencies=[
            Inconsistency(_range(each["units"]), each["log"]) for each in situation.get("inconsistent", ())
        ],
    )


def _held(table: Table) -> HeldBlock:
    registry, _, account_type = table.get("place", "GB 100").partition(" ")
    given = {**UNITS, **{key: value for key, value in table.items() if key not in ("units", "place")}}
    absent = dict.fromkeys(("supp_unit_type", "lulucf_activity", "project_identifier", "track", "expiry_date"))
    attributes = Attributes(**{**absent, "issued_unit_type": given["unit_type"], **given})
    return HeldBlock(_range(table["units"]), attributes, Place(registry, int(account_type)))


def _now(situation: Table) -> datetime:
    now = situation.get("now", world.NOW)
    if not isinstance(now, datetime):
        raise ReferenceDataError(f"{now!r} is no time")
    return now


def _range(words: str) -> SerialRange:
    registry, _, serials = words.partition(" ")
    start, _, end = serials.partition("-")
    return SerialRange(registry, int(start), int(end))


def _range_of(block: UnitBlockIdentifier) -> SerialRange:
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)
