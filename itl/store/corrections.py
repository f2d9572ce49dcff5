"""Corrections: proposed by one operator, confirmed by another, carried out in one commit, and never edited.

Three kinds. The log's own record is changed: what was there goes to history with the correction as the cause, and what
the evidence says takes its place. Or the registry is asked to mend its own, by a message. Or units are released, which
were found to be right. An inconsistency that a change of the record does away with is closed by it; the others wait for
the clean reconciliation that follows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from itl.codes import TransactionStatus
from itl.errors import UsageError
from itl.ledger import corrections as pure
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.corrections import Piece
from itl.ledger.placement import Placement, placement_in
from itl.ledger.ranges import by_serial, parts_in, union
from itl.ledger.totals import Total, TotalKey, stocks
from itl.lifecycle.persons import is_same_person
from itl.lifecycle.text import require_sendable
from itl.lifecycle.transaction import LogIdentity
from itl.store import gather, inconsistencies, totals
from itl.store import tables as t
from itl.store.actions import record_action
from itl.store.correction_records import Author, Correction, read
from itl.store.gather import StoredUnits
from itl.store.inconsistencies import Closing, RecordedInconsistency
from itl.store.replacing import replace_rows
from itl.store.texts import send_text


def ledger_around(connection: Connection, ranges: Iterable[SerialRange]) -> tuple[HeldBlock, ...]:
    """The rows of the ledger that have a unit in `ranges`, whole: what a correction is made against."""
    return gather.units(connection, ranges).held


def propose_record(connection: Connection, author: Author, pieces: Sequence[Piece]) -> int:
    """Propose to change the log's own record as `pieces` say (`ledger.corrections`); the number of the correction."""
    rows = [
        _block(position, piece.range, piece.before, piece.after)
        for position, piece in enumerate(sorted(pieces, key=lambda each: by_serial(each.range)))
    ]
    return _propose(connection, author, "record", rows, None)


def propose_request(connection: Connection, author: Author, units: Iterable[SerialRange], message: str) -> int:
    """Propose to ask the registry by `message` to mend its record of `units`."""
    require_sendable(message)
    return _propose(connection, author, "request", _named(units), message)


def propose_release(connection: Connection, author: Author, units: Iterable[SerialRange], log: str) -> int:
    """Propose to let go of `units` that are inconsistent on record, and in truth are not; UsageError where none is.

    Those that this log, `log`, found. What a supplementary log named (4009) only that log lets go of.
    """
    named = union(units)
    open_now = [each for each in inconsistencies.open_around(connection, named) if each.registry == author.registry]
    if not any(each.log == log for each in open_now):
        others = ", ".join(sorted({each.log for each in open_now}))
        raise UsageError(
            f"nothing is inconsistent with {author.registry} about these units: there is nothing to release"
            if not others
            else f"these units differ between {author.registry} and {others}, which lets go of them by its own "
            f"result (10 or 11): ask its operators, and reconcile again"
        )
    return _propose(connection, author, "release", _named(named), None)


def _named(units: Iterable[SerialRange]) -> list[dict[str, Any]]:
    return [_block(position, each, None, None) for position, each in enumerate(union(units))]


def _block(position: int, units: SerialRange, before: HeldBlock | None, after: HeldBlock | None) -> dict[str, Any]:
    return {
        "position": position,
        "originating_registry": units.originating_registry,
        "serial_start": units.start,
        "serial_end": units.end,
        "before": None if before is None else msgspec.json.encode(before).decode(),
        "after": None if after is None else msgspec.json.encode(after).decode(),
    }


def _propose(
    connection: Connection, author: Author, kind: str, blocks: list[dict[str, Any]], message: str | None
) -> int:
    if not author.evidence.text.strip():
        raise UsageError("what shows it? give --evidence, a text, or --evidence-file")
    if not blocks:
        raise UsageError("which units? name at least one range")
    row = {
        "registry": author.registry,
        "kind": kind,
        "status": "proposed",
        "message": message,
        "reason": author.reason,
        "evidence": author.evidence.text,
        "evidence_digest": author.evidence.digest,
        "proposed_at": author.at,
        "proposed_by": author.by,
    }
    number: int = connection.execute(insert(t.corrections).returning(t.corrections.c.id), row).scalar_one()
    connection.execute(insert(t.correction_blocks), [each | {"correction_id": number} for each in blocks])
    about = {"kind": kind, "registry": author.registry, "evidence": author.evidence.text}
    record_action(connection, author.by, author.reason, "reconcile propose", _subject(number), about, author.at)
    return number


def confirm(
    connection: Connection, number: int, by: str, reason: str, identity: LogIdentity, now: datetime
) -> Correction:
    """Carry a proposed correction out, which another person proposed. One commit of the caller.

    UsageError, with what to do, where the same person confirms, where the correction has ended, and where an open
    transaction keeps units that the log's record would change; LedgerError where these changed since it was proposed.
    """
    correction = _waiting(connection, number)
    if is_same_person(by, correction.author.by):
        raise UsageError(
            f"correction {number} was proposed by {correction.author.by}, who cannot confirm it too; "
            "let another person look at it and confirm"
        )
    _end(connection, number, "confirmed", by, reason, now)
    record_action(connection, by, reason, "reconcile confirm", _subject(number), None, now)
    closing = Closing(now, by, reason, correction_id=number)
    if correction.kind == "record":
        _change_record(connection, correction, now)
        _close_what_agrees(connection, correction.pieces, identity.code, closing)
    elif correction.kind == "request":
        receiver, text = correction.author.registry, correction.message or ""
        send_text(connection, identity, [receiver], text, by, reason, now, action="reconcile request")
    else:
        inconsistencies.close(connection, correction.author.registry, identity.code, closing, correction.units)
    return correction


def withdraw(connection: Connection, number: int, by: str, reason: str, now: datetime) -> None:
    """Take a proposed correction back, whoever proposed it; UsageError where it has ended."""
    _waiting(connection, number)
    _end(connection, number, "withdrawn", by, reason, now)
    record_action(connection, by, reason, "reconcile withdraw", _subject(number), None, now)


def _waiting(connection: Connection, number: int) -> Correction:
    """The correction, locked, if it still waits for a decision."""
    row = connection.execute(select(t.corrections).where(t.corrections.c.id == number).with_for_update()).one_or_none()
    if row is None:
        raise UsageError(f"there is no correction {number}; `itl reconcile corrections` shows them")
    if row.status != "proposed":
        raise UsageError(f"correction {number} was {row.status} by {row.ended_by}; propose another if one is needed")
    return read(connection, [row])[0]


def _end(connection: Connection, number: int, status: str, by: str, reason: str, now: datetime) -> None:
    values = {"status": status, "ended_at": now, "ended_by": by, "end_reason": reason}
    connection.execute(update(t.corrections).where(t.corrections.c.id == number).values(values))


def _subject(number: int) -> str:
    return f"correction {number}"


# The ledger ----------------------------------------------------------------------------------------------------------


def _change_record(connection: Connection, correction: Correction, now: datetime) -> None:
    """Close and open rows, and let the totals follow; whoever judges units of these registries waits for the commit."""
    ranges = [each.range for each in correction.pieces]
    gather.lock_ledger(connection, {each.originating_registry for each in ranges})
    stored = gather.units(connection, ranges)
    _require_free(connection, stored, ranges)
    changed = pure.change(correction.pieces, stored.held)
    replace_rows(connection, changed, stored, now, correction.id)
    sums: dict[TotalKey, int] = defaultdict(int)
    for counted in (stocks([changed]), pure.came_into_being(changed)):
        for key, units in counted.items():
            sums[key] += units
    totals.load(connection, sums)
    totals.add(connection, {key: Total(units, 0) for key, units in sums.items()})


def _require_free(connection: Connection, stored: StoredUnits, ranges: list[SerialRange]) -> None:
    kept = [(part, each.transaction) for each in stored.reserved for part in parts_in(each.range, union(ranges))]
    if not kept:
        return
    units, transaction = kept[0]
    status = connection.execute(
        select(t.transactions.c.status).where(t.transactions.c.identifier == transaction, t.transactions.c.occupies)
    ).scalar_one()
    raise UsageError(
        f"transaction {transaction}, at status {status} ({TransactionStatus(status).name.lower()}), keeps "
        f"{units.originating_registry} {units.start}-{units.end}, which the correction would change under it; "
        "confirm the correction when the transaction has ended, or withdraw it and leave these units out"
    )


def _close_what_agrees(connection: Connection, pieces: Sequence[Piece], log: str, closing: Closing) -> None:
    """Close the inconsistencies, of whatever registry, about units that the log now has just as the registry told."""
    settled: defaultdict[str, list[SerialRange]] = defaultdict(list)
    for found in inconsistencies.open_around(connection, (each.range for each in pieces)):
        if found.log == log and not found.difference.double:
            agreeing = [each.range for each in pieces if _agrees(found, each.after)]
            settled[found.registry] += parts_in(found.difference.range, union(agreeing))
    for registry, ranges in settled.items():
        inconsistencies.close(connection, registry, log, closing, ranges)


def _agrees(found: RecordedInconsistency, after: HeldBlock | None) -> bool:
    told: Placement | None = found.difference.registry[0] if found.difference.registry else None
    now = None if after is None else placement_in(found.registry, after)
    return told is now if told is None or now is None else told.agrees(now)
