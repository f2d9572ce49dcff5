"""Handing a registry over from one log to another, step by step: each step is one commit, and is on record.

The giver freezes the registry (`begin`), lets what is open end, reconciles, and writes the file (`export`). The taker
takes all of the file in or nothing (`take_in`), reconciles, and opens (`open_up`). In between the giver lets go (`go`).
So that one of the logs always answers for the registry, and never both, the steps that cannot be taken back want the
other log's receipt: `go` that the file was taken in, `lift` of what was exported that it never will be (`withdraw`).

How a registry stands with a log is the log's own to write down (`Stand`): a supplementary log says it by links.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from itl.errors import UsageError
from itl.lifecycle.persons import is_same_person
from itl.reference import RegistryKind
from itl.store import handover_file, handover_giving
from itl.store import tables as t
from itl.store.actions import record_action
from itl.store.audit import Difference
from itl.store.database import Database
from itl.store.environment import require_same
from itl.store.facts import Source
from itl.store.handover_file import Head, Manifest
from itl.store.handover_giving import Unfinished
from itl.store.handover_taking import Taken, take
from itl.store.notice_numbers import last_identifier
from itl.store.reference_data import load_reference, put_status


class Standing(StrEnum):
    """How a registry stands with a log."""

    OPEN = "open"
    """It proposes and acquires here."""
    FROZEN = "frozen"
    """It ends what is open and reconciles; nothing new is taken."""
    AWAY = "away"
    """It is another log's, and not in force here."""


Stand = Callable[[Connection, str, Standing, Source], None]
"""Writes down how a registry stands from now on."""


def stand_by_status(connection: Connection, code: str, standing: Standing, source: Source) -> None:
    """By the registry's status, as a log has it that is not supplementary."""
    is_open = standing is Standing.OPEN
    status = {"in_force": standing is not Standing.AWAY, "may_propose": is_open, "may_accept": is_open}
    put_status(connection, code, status, source, source.at)


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover as it is recorded."""

    id: int
    registry: str
    side: str
    other: str | None
    status: str
    begun_at: datetime
    deadline_at: datetime | None
    changed_at: datetime
    digest: str | None
    contents: dict[str, Any]
    differences: tuple[Difference, ...]
    accepted_by: str | None
    reconciliation: str | None


UNDER_WAY = frozenset({"begun", "exported", "accepted", "imported"})


def recorded(connection: Connection, registry: str | None = None) -> list[Handover]:
    """All handovers, or those of one registry, in their order."""
    statement = select(t.handovers).order_by(t.handovers.c.id)
    if registry is not None:
        statement = statement.where(t.handovers.c.registry == registry)
    return [_handover(row) for row in connection.execute(statement)]


def _handover(row: t.Record) -> Handover:
    differences = msgspec.json.decode(row.differences or "[]", type=tuple[Difference, ...])
    digest = None if row.digest is None else row.digest.hex()
    contents = msgspec.json.decode(row.contents or "{}")
    return Handover(
        row.id,
        row.registry,
        row.side,
        row.other,
        row.status,
        row.begun_at,
        row.deadline_at,
        row.changed_at,
        digest,
        contents,
        differences,
        row.accepted_by,
        row.reconciliation,
    )


def receipt(digest: str, what: str) -> str:
    """What proves to the operator of the other log that the file of this digest was taken in, or never will be.

    It guards against a mistaken step, not against a forger, who could as well take the step.
    """
    return hashlib.sha256(f"{digest} {what}".encode()).hexdigest()[:16]


IMPORTED, WITHDRAWN = "imported", "withdrawn"


# Giving --------------------------------------------------------------------------------------------------------------


def begin(connection: Connection, registry: str, deadline: datetime | None, stand: Stand, source: Source) -> Handover:
    """Freeze the registry: what is open goes on, nothing new is taken. UsageError where it is none in force."""
    known = load_reference(connection, source.at).registry_in_force(registry)
    if known is None:
        raise UsageError(f"{registry}: no registry in force here, so there is nothing to hand over")
    if deadline is not None and deadline <= source.at:
        raise UsageError(f"the deadline {deadline.isoformat()} is past; give one to come, or none")
    require_none_under_way(connection, registry)
    stand(connection, registry, Standing.FROZEN, source)
    values = {
        "registry": registry,
        "side": "giving",
        "status": "begun",
        "begun_at": source.at,
        "deadline_at": deadline,
        "changed_at": source.at,
    }
    number: int = connection.execute(insert(t.handovers).returning(t.handovers.c.id), values).scalar_one()
    _note(connection, "begin", registry, source, number, deadline=None if deadline is None else deadline.isoformat())
    return _of(connection, number)


def require_none_under_way(connection: Connection, registry: str) -> None:
    """UsageError while the registry is being handed over: how it stands then follows from the steps."""
    for each in recorded(connection, registry):
        if each.status in UNDER_WAY:
            raise UsageError(f"{registry} is being handed over already (handover {each.id}, {each.status})")


def export(database: Database, registry: str, path: Path, key: bytes | None, source: Source) -> Handover:
    """Write the file, when all has ended and log and registry agree. The same again as long as nothing has changed."""
    with database.snapshot() as connection:
        handover = _under_way(connection, registry, "giving", "begun", "exported")
        reference = load_reference(connection, source.at)
        log = reference.log_code
        _require_finished(connection, handover, log, source.at)
        reconciliation = handover_giving.reconciled(connection, registry, handover.begun_at)
        if reconciliation is None:
            raise UsageError(
                f"{registry}: no reconciliation since it was frozen at {handover.begun_at.isoformat()} shows that log "
                f"and registry agree; `itl reconcile start {registry}`, and mend what it finds"
            )
        own = (handover_file.FORMAT, log, registry, handover.begun_at, reference.environment)
        head = Head(*own, last_identifier(connection))
        end = handover_file.write(path, handover_giving.lines(connection, head, source.at), key)
    with database.write() as connection:
        handover = _under_way(connection, registry, "giving", "begun", "exported")
        _require_finished(connection, handover, log, source.at)
        if handover.digest not in (None, end.sha256):
            raise UsageError(
                f"{registry}: what this log knows of it has changed since the file {handover.digest[:16]} was written; "
                "let the other log withdraw that one, lift the freeze, and begin again"
            )
        contents = {"lines": end.lines, "sums": [msgspec.to_builtins(each) for each in end.sums]}
        _move(connection, handover, "exported", source, digest=end.sha256, contents=contents,
              reconciliation=reconciliation)  # fmt: skip
        _note(connection, "export", registry, source, handover.id, digest=end.sha256, reconciliation=reconciliation,
              **end.lines)  # fmt: skip
        return _of(connection, handover.id)


def _require_finished(connection: Connection, handover: Handover, log: str, now: datetime) -> None:
    known = load_reference(connection, now).registries[handover.registry]
    if known.may_propose or known.may_accept:
        raise UsageError(
            f"{handover.registry} is no longer frozen; suspend it again, or lift the freeze and begin anew"
        )
    left = handover_giving.unfinished(connection, handover.registry, log)
    if left:
        raise UsageError(f"{handover.registry} cannot go yet: {described(left)}")


def described(left: Unfinished) -> str:
    """What keeps a registry, in words."""
    named = ", ".join(f"{name} at {status}" for name, status in left.transactions[:10])
    more = " ..." if len(left.transactions) > 10 else ""
    parts = (
        f"open are {named}{more}" if left.transactions else "",
        f"{left.undelivered} messages to it, or about its transactions, are not delivered" if left.undelivered else "",
        f"{left.inconsistencies} ranges of units are inconsistent" if left.inconsistencies else "",
    )
    return "; ".join(part for part in parts if part)


def go(connection: Connection, registry: str, shown: str, stand: Stand, source: Source) -> Handover:
    """The registry is the other log's from now on. `shown`: that log's receipt that it took the file in."""
    handover = _under_way(connection, registry, "giving", "exported")
    _require_receipt(handover, shown, IMPORTED, "take the file in there, and give the receipt that it prints")
    _require_finished(connection, handover, load_reference(connection, source.at).log_code, source.at)
    _require_unchanged(connection, handover)
    stand(connection, registry, Standing.AWAY, source)
    _move(connection, handover, "gone", source)
    _note(connection, "go", registry, source, handover.id, receipt=shown)
    return _of(connection, handover.id)


def _require_unchanged(connection: Connection, handover: Handover) -> None:
    """What the file says of the registry is still so: an operator could have let it propose in between."""
    heads = t.transactions.c
    since = (heads.proposed_at > handover.changed_at) | (heads.settled_at > handover.changed_at)
    found = select(heads.identifier).where(handover_giving.of_registry(handover.registry), since)
    changed = connection.execute(found.limit(1)).scalar()
    if changed is not None:
        raise UsageError(
            f"{handover.registry} has proposed here since the file was written ({changed}); let the other log withdraw "
            "the file, lift the freeze, and begin again"
        )


def lift(connection: Connection, registry: str, shown: str | None, stand: Stand, source: Source) -> Handover:
    """The registry stays, or comes back as it left.

    Once a file of it was written, only with the other log's receipt that it never will be taken in, or no longer is.
    """
    handover = _latest(connection, registry, "giving", "begun", "exported", "gone")
    if handover.status != "begun":
        advice = "withdraw it there, and give the receipt that this prints"
        _require_receipt(handover, shown or "", WITHDRAWN, advice)
    stand(connection, registry, Standing.OPEN, source)
    _move(connection, handover, "lifted", source)
    _note(connection, "lift", registry, source, handover.id, was=handover.status, receipt=shown)
    return _of(connection, handover.id)


def _require_receipt(handover: Handover, shown: str, what: str, advice: str) -> None:
    if handover.digest is None or shown != receipt(handover.digest, what):
        raise UsageError(
            f"{handover.registry}: {shown or 'nothing'} is no receipt that the other log has {what} the file "
            f"{(handover.digest or '')[:16]}; {advice}"
        )


# Taking --------------------------------------------------------------------------------------------------------------


class _RolledBack(Exception):  # noqa: N818 - no error: the way out of a rehearsal
    pass


def rehearse(database: Database, path: Path, key: bytes | None, now: datetime) -> tuple[Manifest, Taken]:
    """Take all of the file in, look at what comes of it, and leave no trace."""
    manifest = handover_file.prove(path, key)
    try:
        with database.write_steadily() as connection:
            _require_room(connection, manifest, now)
            taken = take(connection, path, manifest, _enter(connection, manifest, now), now)
            raise _RolledBack
    except _RolledBack:
        return manifest, taken


def accept(database: Database, path: Path, key: bytes | None, source: Source) -> Taken:
    """Let the differences that a rehearsal finds pass; another person then takes the file in."""
    manifest, taken = rehearse(database, path, key, source.at)
    if not taken.differences:
        raise UsageError(f"{path}: nothing differs, so there is nothing to accept; import it")
    with database.write() as connection:
        _require_room(connection, manifest, source.at)
        handover = _of(connection, _enter(connection, manifest, source.at))
        differences = msgspec.json.encode(taken.differences).decode()
        _move(connection, handover, "accepted", source, differences=differences, accepted_by=source.by)
        about = [asdict(each) for each in taken.differences[:100]]
        _note(connection, "accept", handover.registry, source, handover.id, digest=handover.digest, differences=about)
    return taken


class Differs(UsageError):  # noqa: N818 - says what it is
    """What the file would make of this log's record differs from what it says."""

    def __init__(self, message: str, taken: Taken) -> None:
        super().__init__(message)
        self.taken = taken


def take_in(database: Database, path: Path, key: bytes | None, stand: Stand, source: Source) -> tuple[Handover, Taken]:
    """Take all of the file in, in one commit; Differs, and nothing is done, where something differs unaccepted."""
    manifest = handover_file.prove(path, key)
    with database.write_steadily() as connection:
        _require_room(connection, manifest, source.at)
        number = _enter(connection, manifest, source.at)
        handover = _of(connection, number)
        taken = take(connection, path, manifest, number, source.at)
        _require_accepted(handover, taken, source.by)
        stand(connection, handover.registry, Standing.FROZEN, source)
        done = {name: value for name, value in asdict(taken).items() if name != "differences"}
        _move(connection, handover, "imported", source, contents=done | {"lines": manifest.end.lines})
        _note(connection, "import", handover.registry, source, number, digest=handover.digest, **done)
        return _of(connection, number), taken


def _require_accepted(handover: Handover, taken: Taken, by: str) -> None:
    if not taken.differences:
        return
    if handover.accepted_by is None or list(handover.differences) != taken.differences:
        raise Differs(
            f"{handover.registry}: {len(taken.differences)} differences; nothing was taken in. Mend them, or let one "
            "person accept them and another import the file",
            taken,
        )
    if is_same_person(by, handover.accepted_by):
        raise UsageError(f"{handover.accepted_by} accepted the differences, and cannot import the file as well")


def _require_room(connection: Connection, manifest: Manifest, now: datetime) -> None:
    """The registry is enrolled and still here, nothing else of it is under way, and the file is new."""
    registry = manifest.head.registry
    reference = load_reference(connection, now)
    known = reference.registries.get(registry)
    require_same(connection, manifest.head.environment, "the file")
    if manifest.head.giver == reference.log_code:
        raise UsageError(f"the file was written by {reference.log_code}, which is this log; take it in at the other")
    if known is None:
        raise UsageError(f"{registry} is not enrolled here; `itl enrol {registry} --url URL --in-force no` before")
    if known.is_registry and known.is_live and (known.may_propose or known.may_accept):
        raise UsageError(f"{registry} proposes or acquires here already; nothing of it may move while it is taken over")
    for each in recorded(connection, registry):
        if each.digest == manifest.end.sha256 and each.side == "taking" and each.status != "accepted":
            raise UsageError(f"this very file was {each.status} at {each.changed_at.isoformat()}; nothing is done")
        if each.status in UNDER_WAY and each.digest != manifest.end.sha256:
            raise UsageError(f"{registry} is being handed over already (handover {each.id}, {each.status})")


def _enter(connection: Connection, manifest: Manifest, now: datetime, status: str = "accepted") -> int:
    """The handover of the file, entered with `status` where it is not yet: whoever enters it moves it on."""
    rows = t.handovers.c
    known = select(rows.id).where(rows.side == "taking", rows.digest == manifest.digest)
    number: int | None = connection.execute(known).scalar()
    if number is not None:
        return number
    values = {
        "registry": manifest.head.registry,
        "side": "taking",
        "other": manifest.head.giver,
        "status": status,
        "begun_at": manifest.head.frozen_since,
        "changed_at": now,
        "digest": manifest.digest,
    }
    entered: int = connection.execute(insert(t.handovers).returning(rows.id), values).scalar_one()
    return entered


def withdraw(connection: Connection, manifest: Manifest, stand: Stand, source: Source) -> Handover:
    """Never take the file in, or no longer: what came with it is again what was last told, and nobody's to move.

    UsageError once the registry was opened here: then it goes back as it came, by a handover.
    """
    registry = manifest.head.registry
    handover = _of(connection, _enter(connection, manifest, source.at, "withdrawn"))
    if handover.status == "opened":
        raise UsageError(f"{registry} is open here since {handover.changed_at.isoformat()}; hand it over to go back")
    if handover.status == "imported":
        _require_untouched(connection, handover)
        stand(connection, registry, Standing.AWAY, source)
    _move(connection, handover, "withdrawn", source)
    _note(connection, "withdraw", registry, source, handover.id, digest=handover.digest, was=handover.status)
    return _of(connection, handover.id)


def _require_untouched(connection: Connection, handover: Handover) -> None:
    heads = t.transactions.c
    statement = select(heads.identifier).where(
        handover_giving.of_registry(handover.registry),
        heads.proposed_at >= handover.changed_at,
        heads.id.not_in(select(t.handover_transactions.c.transaction_id)),
    )
    touching = connection.execute(statement.limit(1)).scalar()
    if touching is not None:
        raise UsageError(
            f"{handover.registry} has proposed here since it came ({touching}); that can no longer be withdrawn, so "
            "open it here and hand it over to go back"
        )


def open_up(connection: Connection, registry: str, stand: Stand, source: Source) -> Handover:
    """Let the registry propose and acquire here, once a reconciliation has shown that it agrees with what came."""
    handover = _under_way(connection, registry, "taking", "imported")
    reconciliation = handover_giving.reconciled(connection, registry, handover.changed_at)
    if reconciliation is None:
        raise UsageError(
            f"{registry}: no reconciliation since {handover.changed_at.isoformat()} shows that it agrees with what was "
            f"taken in; `itl reconcile start {registry}`"
        )
    _require_scheme(connection, handover, source.at)
    stand(connection, registry, Standing.OPEN, source)
    _move(connection, handover, "opened", source, reconciliation=reconciliation)
    _note(connection, "open", registry, source, handover.id, reconciliation=reconciliation)
    return _of(connection, handover.id)


def _require_scheme(connection: Connection, handover: Handover, now: datetime) -> None:
    """A supplementary log that gave the registry is asked about it from now on."""
    reference = load_reference(connection, now)
    giver = handover.other or ""
    if not reference.is_kind(giver, RegistryKind.STL):
        return
    members = {code for each in reference.schemes if each.stl == giver for code in each.members}
    if handover.registry not in members:
        raise UsageError(
            f"{handover.registry} comes from {giver}, which would not be asked about it; add it to the members, by "
            f"`itl scheme enrol {giver} --members {' '.join(sorted(members | {handover.registry}))}`"
        )


# Rows ----------------------------------------------------------------------------------------------------------------


def _of(connection: Connection, number: int) -> Handover:
    statement = select(t.handovers).where(t.handovers.c.id == number).with_for_update()
    return _handover(connection.execute(statement).one())


def _under_way(connection: Connection, registry: str, side: str, *statuses: str) -> Handover:
    for each in recorded(connection, registry):
        if each.status in UNDER_WAY:
            if (each.side, each.status) not in {(side, status) for status in statuses}:
                raise UsageError(f"{registry} is {each.status} (handover {each.id}); this step does not come next")
            return each
    raise UsageError(f"{registry} is not being handed over; `show` tells how it stands")


def _latest(connection: Connection, registry: str, side: str, *statuses: str) -> Handover:
    found = recorded(connection, registry)
    if not found or found[-1].side != side or found[-1].status not in statuses:
        how = f"its last handover is {found[-1].status}" if found else "it was never handed over"
        raise UsageError(f"{registry}: {how}, so there is nothing to lift")
    return found[-1]


def _move(connection: Connection, handover: Handover, status: str, source: Source, **more: Any) -> None:
    if "contents" in more:
        more["contents"] = msgspec.json.encode(more["contents"]).decode()
    if "digest" in more:
        more["digest"] = bytes.fromhex(more["digest"])
    rows = t.handovers.c
    here = (rows.id == handover.id) & (rows.status == handover.status)
    values = {"status": status, "changed_at": source.at, **more}
    if connection.execute(update(t.handovers).where(here).values(values)).rowcount != 1:
        raise UsageError(f"{handover.registry}: somebody took a step meanwhile; `show` tells how it stands")


def _note(connection: Connection, step: str, registry: str, source: Source, number: int, **detail: Any) -> None:
    told = {"handover": number} | {name: value for name, value in detail.items() if value is not None}
    record_action(connection, source.by, source.reason, f"handover {step}", registry, told, source.at)
