"""Samples of the checks: for each code `samples/CODE.toml` shows when it passes and when it fails.

A file is a list `[[sample]]`. Each has a `title`, and unless it must pass, either `fails` (the units named, such as
`GB 1-50`; empty where the message as a whole is at fault) or `outcome`. What it does not say is as in `world`, and as
plain as can be: GB proposes to ITL, in version 1.1, AAU of the second period. Tables bear the field names of the
messages and of the ledger; `units` is registry and serials, and `each` cuts them into blocks of that many.

A proposal stands in `proposal` with its `blocks`, the ledger in `held`, `reserved`, `inconsistent` and `totals`, what
was recorded of Parties in `party_periods` (each in place of the world's), `base_year_emissions` and `ineligible`, and
notices in `notices` (to GB and open, unless they say otherwise). Other messages are a `notification`, a `text`, a
`relay` or a `status_query`, sent by `identity`; a notification on a transaction is `transaction` (type, status), `role`
and `says`, that of a `supplementary_log` with the answers of all that were `asked` (0: none yet).

What a registry sends in a reconciliation stands in `reconciliation` (`is` says which message: totals, unit blocks, the
audit trail, result, question), and in `expected` what the log asked for. A `comparison` has both sides.

What the wire and the store judge is asked of a whole log: an `envelope` is the Body of a message, with `fill`
characters where it says so; `accepted` is a proposal that came before, `accepted_relay` a relayed message.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

from itl.checks import door, judge, reconciliation_situation, world
from itl.checks.catalogue import JudgedBy, catalogue
from itl.checks.engine import CHECKS, Finding, Outcome
from itl.checks.sender import Door, Sender
from itl.checks.sequence import Refused, Step, judge_notification, judge_supplementary_log
from itl.checks.situation import Table, message_of, now_of, serials, view_of
from itl.errors import ReferenceDataError
from itl.ledger.block import SerialRange
from itl.messages import ProposalRequest, UnitBlockIdentifier

Answer = tuple[Outcome, tuple[SerialRange, ...]]

WHERE = (
    "comparison",
    "reconciliation",
    "transaction",
    "notification",
    "text",
    "relay",
    "status_query",
    "proposal",
    "envelope",
)


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

    @property
    def wants_a_log(self) -> bool:
        """Whether the wire or the store judges it, so that only a whole log can be asked."""
        return catalogue()[self.code].judged in (JudgedBy.WIRE, JudgedBy.STORE)

    def judged(self) -> Answer:
        """What the check answers, asked of this situation for this code only; not where `wants_a_log`."""
        if "reconciliation" in self.situation or "comparison" in self.situation:
            return _reconciliation(self.code, self.situation)
        if "transaction" in self.situation:
            return _sequence(self.code, self.situation)
        message = message_of(self.situation)
        if not isinstance(message, ProposalRequest) or self.code < 2000:
            return _at_the_door(self.code, message, self.situation)
        result = judge.one(self.code, message, view_of(self.situation))
        return result.outcome, tuple(map(range_of, result.blocks))


Kind = TypeVar("Kind", bound=Sample)


def samples(code: int) -> tuple[Sample, ...]:
    """The samples of `code` in the order of its file; none where it has no file."""
    return read(code, __package__, Sample)


def read(code: int, package: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """The samples of `code` that lie in the folder `samples` of `package`."""
    path = files(package) / "samples" / f"{code}.toml"
    if not path.is_file():
        return ()
    return tuple(_sample(code, table, kind) for table in tomllib.loads(path.read_text(encoding="utf-8"))["sample"])


def range_of(block: UnitBlockIdentifier) -> SerialRange:
    """The units that a result names."""
    return SerialRange(block.originating_registry_code, block.unit_serial_block_start, block.unit_serial_block_end)


def _sample(code: int, table: Table, kind: type[Kind]) -> Kind:
    if not any(key in table for key in WHERE):
        raise ReferenceDataError(f"sample of {code}, {table.get('title')!r}: one of {', '.join(WHERE)} is missing")
    return kind(
        code=code,
        title=table["title"],
        situation={key: value for key, value in table.items() if key not in ("title", "outcome", "fails")},
        outcome=Outcome(table.get("outcome", Outcome.FAILED if "fails" in table else Outcome.PASSED)),
        fails=tuple(map(serials, table.get("fails", ()))),
    )


def _sequence(code: int, situation: Table) -> Answer:
    transaction = situation["transaction"]
    step: Step
    if "supplementary_log" in situation:
        answers = {stl: answer or None for stl, answer in transaction["asked"].items()}
        step = judge_supplementary_log(
            transaction["status"], answers, situation["supplementary_log"], situation["says"]
        )
    else:
        step = judge_notification(
            transaction.get("transaction_type", 3), transaction.get("status"), situation.get("role"), situation["says"]
        )
    if not isinstance(step, Refused):
        return Outcome.PASSED, ()
    return (Outcome.FAILED if step.code == code else Outcome.SKIPPED), ()


def _reconciliation(code: int, situation: Table) -> Answer:
    found = reconciliation_situation.answer(code, situation)
    if found is False:
        return Outcome.NOT_APPLICABLE, ()
    if not isinstance(found, Finding):
        return Outcome.PASSED, ()
    return Outcome.FAILED, tuple(map(range_of, found.blocks))


def _at_the_door(code: int, message: Any, situation: Table) -> Answer:
    identity = situation.get("identity", {"code": message.sender})
    entrance = Door(Sender(**{"code": None, **identity}), world.REFERENCE, now_of(situation))
    check = CHECKS[code]
    if check.applies is not None and not check.applies(message, entrance):
        return Outcome.NOT_APPLICABLE, ()
    return (Outcome.PASSED if door.one(code, message, entrance) is None else Outcome.FAILED), ()
