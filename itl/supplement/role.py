"""The role `stl`: what makes a supplementary log of the parts of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from itl.checks.view import View
from itl.lifecycle.transaction import LogIdentity
from itl.roles import Loop, Subparsers
from itl.supplement import commands, story
from itl.supplement.bench import bench
from itl.supplement.reconciliation import LED
from itl.supplement.reconciliation_service import SchemeReconciliationService
from itl.supplement.relay_service import SchemeRelayService
from itl.supplement.sandbox import SandboxScheme, sandbox_scheme
from itl.supplement.service import SupplementaryLogService
from itl.wire.contract import Port, service_name
from itl.wire.endpoint import Wsgi
from itl.worker.judging import Sitting, Work


class SupplementaryLog:
    """The supplementary transaction log of a scheme, beside or behind the transaction log."""

    name = "stl"
    migrations: Sequence[str] = (str(files("itl.supplement.migrations")),)
    led: Mapping[tuple[Any, type], Any] = LED

    def bench(self, connection: Connection, work: Work, view: View, log: LogIdentity) -> Sitting:
        """By the scheme's rules; after the base checks where a member calls directly."""
        return bench(connection, work, view, log)

    def applications(self, hub: Any) -> Mapping[str, Wsgi]:
        """What it offers to the transaction log and to members, beside the port for those that call it directly."""
        reconciliations = SchemeReconciliationService(
            hub.database, hub.reference, hub.clock, hub.identity, hub.wake_reconciler
        )
        service = SupplementaryLogService(hub.database, hub.reference, hub.clock, hub.identity, hub.wake_worker)
        relays = SchemeRelayService(hub.database, hub.reference, hub.clock, hub.identity, hub.wake_relay)
        of_log = {**service.handlers(), **reconciliations.handlers()}
        return {
            service_name(Port.SUPPLEMENTARY_LOG): hub.offer(Port.SUPPLEMENTARY_LOG, of_log, service),
            service_name(Port.RELAY): hub.offer(Port.RELAY, relays.handlers(), relays),
        }

    def loops(self, hub: Any) -> Mapping[str, Loop]:
        """None of its own: worker and relay of the hub do all."""
        return {}

    def register(self, commands_of_itl: Subparsers) -> None:
        commands.register(commands_of_itl)

    def beside(self, running: Any, folder: Path) -> AbstractContextManager[SandboxScheme]:
        return sandbox_scheme(running, folder)

    def tell(self, running: Any, folder: Path) -> list[str]:
        return story.tell(running, folder)
