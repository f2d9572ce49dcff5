"""Recording the steps of an enrolment, in the caller's commit. What has not passed keeps a registry from going live."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from itl.errors import UsageError
from itl.lifecycle.enrolment import GO_LIVE, STEPS, Entry, Procedure, Result, against, follow
from itl.lifecycle.transaction import LogIdentity
from itl.reference import REGISTRY_KINDS, Environment
from itl.store import tables as t
from itl.store.actions import record_action
from itl.store.enrolment_entries import add, entries
from itl.store.enrolment_evidence import LOOKED_UP, look_up
from itl.store.environment import environment_of
from itl.store.reference_data import raise_stamp
from itl.store.texts import post_text


def record(connection: Connection, identity: LogIdentity, registry: str, entry: Entry) -> Procedure:
    """Record an entry about a registry, and tell it of its go-live; returns how far it has come with it.

    Where the log itself knows what shows that a step has passed, that becomes the evidence, before what the entry says.
    UsageError where nothing shows it, where the entry may not be recorded (`lifecycle.enrolment.against`), in a test
    environment, and for what is no registry.
    """
    raise_stamp(connection)  # whoever else records something waits here, and then sees what this one did
    _require_procedure(connection, registry)
    recorded = entries(connection, registry).get(registry, [])
    before = follow(recorded)
    if (reason := against(before, entry)) is not None:
        raise UsageError(f"{registry}: {reason}")
    entry = _shown(connection, registry, entry)
    add(connection, registry, entry)
    about = {"step": entry.step, "item": entry.item, "result": str(entry.result)}
    detail = {name: value for name, value in about.items() if value is not None}
    number = record_action(connection, entry.by, entry.evidence, "enrol record", registry, detail, entry.at)
    after = follow([*recorded, entry])
    if entry.step == GO_LIVE and after.stage is not before.stage:
        told = "is live" if entry.result is Result.PASSED else "is not live any more"
        text = f"From {entry.at.isoformat(timespec='seconds')} registry {registry} {told}."
        post_text(connection, identity, [registry], text, number, entry.at)
    return after


def _shown(connection: Connection, registry: str, entry: Entry) -> Entry:
    """The entry with what shows it: what the log found, before what was said; UsageError where nothing shows it."""
    step = STEPS[entry.step]
    if entry.result is Result.PASSED and step.evidence in LOOKED_UP:
        found = look_up(connection, step.evidence, registry, entry.at)
        entry = replace(entry, evidence=f"{found}; {entry.evidence}" if entry.evidence.strip() else found)
    if not entry.evidence.strip():
        raise UsageError(f"{registry} {entry.item or entry.step}: what shows it? give --evidence or --evidence-file")
    return entry


def _require_procedure(connection: Connection, registry: str) -> None:
    if environment_of(connection) is Environment.TEST:
        raise UsageError(
            "this is a test environment: a registry takes part in it as soon as it is enrolled. "
            "Its way to production is recorded in the log of production"
        )
    kind = connection.execute(select(t.registries.c.kind).where(t.registries.c.code == registry)).scalar()
    if kind is None:
        raise UsageError(f"{registry} is not enrolled; `itl enrol {registry} --url URL` begins its enrolment")
    if kind not in REGISTRY_KINDS:
        raise UsageError(f"{registry} is no registry but of kind {kind}: it takes part as soon as it is enrolled")
