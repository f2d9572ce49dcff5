"""The standing of registries: suspended and resumed by operators, proposed for it by rules that see lasting trouble.

A rule never suspends anybody: it proposes, once for each trouble, and an operator follows or dismisses the proposal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select, update

from itl.codes import ReconciliationStatus
from itl.errors import UsageError
from itl.lifecycle.reconciliation_events import ASKING, Outcome, Step
from itl.lifecycle.text import MOST_CHARACTERS
from itl.lifecycle.transaction import LogIdentity
from itl.reference import RegistryKind
from itl.store import handovers
from itl.store import tables as t
from itl.store.actions import record_action
from itl.store.facts import Source
from itl.store.reference_data import load_reference, put_status
from itl.store.texts import post_text

RIGHTS: Mapping[str, str] = {"propose": "may_propose", "accept": "may_accept", "reconcile": "may_reconcile"}
"""What a registry may do, as commands say it, and the field of its status."""
_MEANING = {
    "may_propose": "propose transactions (1503)",
    "may_accept": "acquire units by external transfer (1504)",
    "may_reconcile": "reconcile (1510)",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that lasts."""

    registry: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class SuspensionProposal:
    """What a rule proposes to the operator. `closed_as` None: it is open."""

    id: int
    registry: str
    rule: str
    since: datetime
    why: str
    proposed_at: datetime
    closed_at: datetime | None
    closed_as: str | None
    closed_by: str | None


def unreachable(connection: Connection, before: datetime) -> list[Trouble]:
    """Registries that have mail and were not reached since before `before`."""
    lanes = t.lanes.c
    rows = connection.execute(
        select(lanes.receiver, lanes.failing_since, lanes.problem)
        .join(t.registries, t.registries.c.code == lanes.receiver)
        .where(lanes.failing_since <= before, lanes.queue == t.MAIN_QUEUE, t.registries.c.kind != RegistryKind.STL)
    )
    return [Trouble(row.receiver, row.failing_since, row.problem or "gives no answer") for row in rows]


def inconsistent(connection: Connection, before: datetime) -> list[Trouble]:
    """Registries with an inconsistency that is open since before `before`."""
    found = t.inconsistencies.c
    oldest = func.min(found.found_at, type_=t.Instant()).label("oldest")
    rows = connection.execute(
        select(found.registry, oldest, func.count().label("number"))
        .where(found.closed_at.is_(None))
        .group_by(found.registry)
        .having(oldest <= before)
    )
    return [Trouble(row.registry, row.oldest, f"{row.number} inconsistencies are open") for row in rows]


_RESULTS = (
    ReconciliationStatus.COMPLETED,
    ReconciliationStatus.COMPLETED_WITH_MANUAL_INTERVENTION,
    ReconciliationStatus.MANUAL_INTERVENTION_REQUIRED,
)
"""What was found then, equal or not: that units differ is another rule's matter."""
_WAITING_FOR_REGISTRY = ASKING | {Step.CONFIRMATION}


def unreconciled(connection: Connection, before: datetime) -> list[Trouble]:
    """Registries that owe a result since before `before`: the first snapshot after their last reconciliation with one.

    Owed: it failed, or is overdue, since the registry has not answered. What an operator cancelled counts for nothing,
    nor what the log began with nobody (1510) or has let lie itself (`due_at` is as long past).
    """
    rows, history = t.reconciliations.c, t.reconciliation_history.c
    results = select(rows.registry, func.max(rows.id).label("id")).where(rows.status.in_(_RESULTS))
    last = results.group_by(rows.registry).subquery()
    was_asked = select(history.id).where(history.reconciliation_id == rows.id, history.step == Step.CONFIRMATION)
    failed = and_(rows.step == Step.ENDED, rows.outcome != Outcome.CANCELLED)
    overdue = and_(rows.step.in_(sorted(_WAITING_FOR_REGISTRY)), rows.due_at > before)
    owed = (
        select(rows.registry, rows.snapshot_at, rows.step, rows.outcome)
        .join_from(t.reconciliations, last, last.c.registry == rows.registry, isouter=True)
        .where(rows.id > func.coalesce(last.c.id, 0), or_(failed, overdue), was_asked.exists())
        .order_by(rows.id)
    )
    by_registry: dict[str, list[t.Record]] = defaultdict(list)
    for row in connection.execute(owed):
        by_registry[row.registry].append(row)
    return [
        Trouble(registry, found[0].snapshot_at, _owing(found))
        for registry, found in by_registry.items()
        if found[0].snapshot_at <= before
    ]


def _owing(found: Sequence[t.Record]) -> str:
    """The same attempts in words."""
    last = found[-1]
    state = f"overdue: waits for {last.step}" if last.outcome is None else str(last.outcome)
    return f"{len(found)} reconciliations came to no result; the last: {state}"


Rule = Callable[[Connection, datetime], Iterable[Trouble]]
RULES: Mapping[str, Rule] = {
    "unreachable": unreachable,
    "inconsistent": inconsistent,
    "unreconciled": unreconciled,
}


def propose(connection: Connection, lasting: Mapping[str, timedelta], now: datetime) -> list[SuspensionProposal]:
    """Let every rule of `lasting` look for what lasts so long; returns what is newly proposed.

    Nothing is proposed of a registry that may do nothing any more. A proposal whose trouble has ended is closed.
    """
    reference = load_reference(connection, now)
    new: list[SuspensionProposal] = []
    for rule, after in lasting.items():
        troubles = {
            (each.registry, each.since): each
            for each in RULES[rule](connection, now - after)
            if (registry := reference.registry_in_force(each.registry)) is not None
            and any(getattr(registry, field) for field in RIGHTS.values())
        }
        known = {(each.registry, each.since): each for each in proposals(connection, rule=rule, every=True)}
        for place, trouble in troubles.items():
            if place not in known:
                row = {"rule": rule, "registry": trouble.registry, "since": trouble.since, "why": trouble.why}
                connection.execute(t.suspension_proposals.insert(), row | {"proposed_at": now})
        for place, proposal in known.items():
            if place not in troubles and proposal.closed_at is None:
                _close(connection, proposal.id, "over", None, now)
        made = proposals(connection, rule=rule)
        new += [each for each in made if (each.registry, each.since) not in known]
    return new


def proposals(
    connection: Connection, registry: str | None = None, rule: str | None = None, *, every: bool = False
) -> list[SuspensionProposal]:
    """The open proposals, or every one, the oldest first; of one registry or rule where given."""
    statement = select(t.suspension_proposals).order_by(t.suspension_proposals.c.id)
    if registry is not None:
        statement = statement.where(t.suspension_proposals.c.registry == registry)
    if rule is not None:
        statement = statement.where(t.suspension_proposals.c.rule == rule)
    if not every:
        statement = statement.where(t.suspension_proposals.c.closed_at.is_(None))
    return [SuspensionProposal(**row._mapping) for row in connection.execute(statement)]


def dismiss(connection: Connection, number: int, actor: str, reason: str, now: datetime) -> SuspensionProposal:
    """Do not follow an open proposal; UsageError where there is none of that number."""
    found = next((each for each in proposals(connection) if each.id == number), None)
    if found is None:
        raise UsageError(f"{number}: no open proposal; `itl registry proposals` lists them")
    _close(connection, number, "dismissed", actor, now)
    record_action(connection, actor, reason, "registry dismiss", found.registry, {"proposal": found.why}, now)
    return found


def change_status(
    connection: Connection,
    identity: LogIdentity,
    code: str,
    given: Mapping[str, bool],
    actor: str,
    reason: str,
    valid_from: datetime,
    now: datetime,
) -> list[str]:
    """Suspend a registry, or let it resume: fields of its status (`RIGHTS`), from `valid_from` on.

    Recorded as facts, told to the registry, and proposals for suspension are closed as followed, in one commit;
    returns the fields that are other than before. UsageError for a code that is no registry in force, where nothing
    changes, and for one that is to resume while it is handed over to another log.
    """
    if load_reference(connection, valid_from).registry_in_force(code) is None:
        raise UsageError(f"{code}: no registry in force; `itl registry list` shows those that are")
    if any(given.values()):
        handovers.require_none_under_way(connection, code)
    changed = put_status(connection, code, given, Source(actor, reason, now), valid_from)
    if not changed:
        raise UsageError(f"{code}: that is how it stands already; `itl registry show {code}` tells how")
    suspended = not any(given[field] for field in changed)
    action = "registry suspend" if suspended else "registry resume"
    detail = {field: given[field] for field in changed} | {"from": valid_from.isoformat()}
    number = record_action(connection, actor, reason, action, code, detail, now)
    if suspended:
        for each in proposals(connection, code):
            _close(connection, each.id, "suspended", actor, now)
    post_text(connection, identity, [code], told(code, changed, reason, valid_from, suspended), number, now)
    return changed


def told(code: str, changed: Iterable[str], reason: str, valid_from: datetime, suspended: bool) -> str:
    """What a registry is told of a change of its status."""
    what = ", ".join(_MEANING[field] for field in changed)
    word = "may no longer" if suspended else "may again"
    at = valid_from.isoformat(timespec="seconds")
    text = f"From {at} registry {code} {word}: {what}. Transactions that are open go on. Reason: {reason}"
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def _close(connection: Connection, number: int, closed_as: str, actor: str | None, now: datetime) -> None:
    row = t.suspension_proposals.c.id == number
    values = {"closed_at": now, "closed_as": closed_as, "closed_by": actor}
    connection.execute(update(t.suspension_proposals).where(row).values(values))
