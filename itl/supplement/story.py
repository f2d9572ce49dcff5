"""The scheme's part of the story: a transaction that its supplementary log passes, one that it stops, one while it is
down."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from itl.cli.command import say
from itl.cli.sandbox import Sandbox
from itl.cli.story import FR_PERSON, PATIENCE, Scene, play
from itl.clock import system_clock
from itl.codes import TransactionStatus, UnitType
from itl.store import tables as t
from itl.store.database import Database
from itl.store.delivery import try_now
from itl.store.transitions import find
from itl.supplement.sandbox import CODE, MEMBERS, SandboxScheme, sandbox_scheme
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.transactions import State
from registry_client.units import Account

FIRST, LAST = 1001, 1500
"""Serials of what GB issues under the scheme; the scheme does not know what was issued before."""
UNKNOWN = Account(121, 2009)
"""An account that GB opened and did not tell the scheme of."""

SCENES = (
    Scene(
        f"A scheme of {' and '.join(MEMBERS)} has its log {CODE} behind the ITL. GB issues 500 AAU; both logs agree",
        "GB",
        lambda gb: gb.issue(UnitType.AAU, LAST - FIRST + 1, period=2, start=FIRST),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB transfers 100 AAU to a person in FR; the ITL checks, then the scheme lets it pass, then FR accepts",
        "GB",
        lambda gb: gb.transfer(_serials(FIRST, FIRST + 99), "FR", FR_PERSON),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB moves 50 AAU to an account that the scheme does not know; the ITL lets it pass, the scheme stops it",
        "GB",
        lambda gb: gb.move(_serials(FIRST + 100, FIRST + 149), UNKNOWN),
        State.TERMINATED,
        (7020,),
        in_log=(5,),
    ),
)


def tell(running: Sandbox, folder: Path) -> list[str]:
    """Play the scenes with a scheme of its own; returns what did not end as it should."""
    registries = {code: each.registry for code, each in running.registries.items()}
    registries["GB"].open_account(UNKNOWN.account_type, identifier=UNKNOWN.identifier)
    with sandbox_scheme(running, folder) as scheme:
        say()
        for line in scheme.describe():
            say(line)
        wrong = [fault for scene in SCENES for fault in play(scene, running, registries)]
        return wrong + _while_it_is_down(running, scheme, registries["GB"]) + _disagreements(running, scheme)


def _while_it_is_down(running: Sandbox, scheme: SandboxScheme, gb: Registry) -> list[str]:
    """What a member proposes waits in the log; the other registries trade on; when it is back, all goes on."""
    say()
    say(f"== {CODE} is down. GB cancels 10 AAU: the ITL lets it pass, and waits for the scheme")
    scheme.down()
    try:
        identifier = gb.cancel(_serials(FIRST + 400, FIRST + 409))
        waiting = _until(lambda: _status(running, identifier) == TransactionStatus.CHECKED_NO_DISCREPANCY)
        say(f"   {identifier} stands at status {_status(running, identifier)} in the ITL; GB has heard nothing yet")
    finally:
        scheme.up()
    say(f"== {CODE} is back")
    with running.hub.database.write() as connection:
        try_now(connection, CODE, system_clock())
    running.hub.wake_relay.ring()
    try:
        ended = gb.wait(identifier, PATIENCE)
    except TimeoutError as late:
        return [str(late)]
    wrong = [] if waiting else [f"{identifier} did not wait for {CODE}"]
    return wrong if ended.state is State.COMPLETED else [*wrong, f"{identifier} ended {ended.state} {ended.codes}"]


def _disagreements(running: Sandbox, scheme: SandboxScheme) -> list[str]:
    """Both logs have the same units in the same places, once the last completion has come to the scheme."""
    if _until(lambda: _units(running.hub.database) == _units(scheme.hub.database)):
        say()
        say(f"{CODE} and the ITL hold the same units of the scheme in the same places.")
        return []
    return [f"{CODE} has {_units(scheme.hub.database)}, the ITL {_units(running.hub.database)}"]


def _units(database: Database) -> dict[int, tuple[str, int]]:
    """Registry and account type by serial, of the units of the scheme."""
    with database.read() as connection:
        rows = connection.execute(select(t.unit_blocks).where(t.unit_blocks.c.originating_registry == "GB")).all()
    return {
        serial: (row.registry, row.account_type)
        for row in rows
        for serial in range(max(row.serial_start, FIRST), min(row.serial_end, LAST) + 1)
    }


def _status(running: Sandbox, identifier: str) -> int | None:
    with running.hub.database.read() as connection:
        found = find(connection, identifier)
    return None if found is None else int(found.status)


def _until(holds: Callable[[], bool]) -> bool:
    """Whether it holds within the patience of the story."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _serials(start: int, end: int) -> list[SerialRange]:
    return [SerialRange("GB", start, end)]
