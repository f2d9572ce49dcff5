"""A supplementary log beside a sandbox's log: a scheme of GB and FR to try things with, all in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin

from sqlalchemy import Connection

from itl.cli.sandbox import Sandbox
from itl.clock import system_clock
from itl.hub import Hub
from itl.reference import Registry, RegistryKind, Scheme
from itl.settings import Settings
from itl.store.database import Database
from itl.store.delivery import try_now
from itl.store.enrol_scheme import put_scheme, retire_scheme
from itl.store.enrolment import put_sandbox
from itl.store.facts import Source
from itl.store.reference_data import LOG_CODE, put_call_credentials, put_registry, put_setting, put_user
from itl.store.schema import migrate
from itl.supplement import book
from itl.supplement.kinds import DEFINED
from itl.supplement.scheme import Holder, Member, SchemeAccount
from itl.wire import server
from itl.wire.contract import Port, service_name

CODE = "CITL"
MEMBERS = ("FR", "GB")
ACCOUNTS = ((100, 1001, Holder.PARTY), (121, 2001, Holder.PERSON))
"""The accounts that the scheme knows of each member, as the reference registries open them."""


class SandboxScheme:
    """A supplementary log that is up, and can be taken down and up again at the same address."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.up()

    def up(self) -> None:
        """Answer, judge and deliver."""
        self.hub = Hub(self.settings)
        self.hub.start_work()
        self._serving = server.serve(self.hub.application(), self.settings.host, self.settings.port)
        self.settings = replace(self.settings, port=self._serving.port)
        self.url = f"{self._serving.url}/{service_name(Port.SUPPLEMENTARY_LOG)}"

    def down(self) -> None:
        """Nobody answers."""
        self._serving.close()
        self.hub.close()

    @property
    def relay_url(self) -> str:
        return beside_of(self.url)

    def describe(self) -> Iterator[str]:
        """Its address and its members."""
        yield f"supplementary log {CODE}, of {' and '.join(MEMBERS)}: {self.url}"


def beside_of(url: str) -> str:
    """The address for relayed messages, beside another service."""
    return urljoin(url, service_name(Port.RELAY))


@contextmanager
def sandbox_scheme(running: Sandbox, folder: Path) -> Iterator[SandboxScheme]:
    """The scheme's log, enrolled with the sandbox's; its scheme is retired at the end.

    Units that members hold already are unknown to it: what is to be tried is issued under the scheme.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = f"sqlite:///{folder / 'citl.db'}"
    settings = replace(running.hub.settings, role="stl", database=database, port=0, public_url=None, processes=1)
    _prepare(database, running.url)
    scheme = SandboxScheme(settings)
    try:
        with running.hub.database.write() as connection:
            _enrol(connection, scheme, system_clock())
        yield scheme
        with running.hub.database.write() as connection:
            retire_scheme(connection, CODE, system_clock())
    finally:
        scheme.down()


def _prepare(url: str, log: str) -> None:
    """The scheme's own database: who it is, who the transaction log is, its members and accounts."""
    migrate(url, beside=(str(files("itl.supplement.migrations")),))
    database = Database(url)
    now = system_clock()
    source = Source("itl", "a sandbox's scheme", now)
    with database.write() as connection:
        put_sandbox(connection, now)
        put_setting(connection, LOG_CODE, CODE)
        put_registry(connection, Registry("ITL", RegistryKind.LOG, url=log, relay_url=beside_of(log)), now)
        put_user(connection, "ITL", "itl", "itl")
        put_call_credentials(connection, "ITL", CODE.lower(), CODE.lower())
        for code in MEMBERS:
            book.put_member(connection, Member(code), source)
            for account in ACCOUNTS:
                book.put_account(connection, SchemeAccount(code, *account), source)
    database.close()


def _enrol(connection: Connection, scheme: SandboxScheme, now: datetime) -> None:
    """The scheme and its log, as the transaction log knows them."""
    stl = Registry(CODE, RegistryKind.STL, url=scheme.url, relay_url=scheme.relay_url)
    put_registry(connection, stl, now)
    put_user(connection, CODE, CODE.lower(), CODE.lower())
    put_call_credentials(connection, CODE, "itl", "itl")
    put_scheme(connection, Scheme(CODE, DEFINED, frozenset(MEMBERS)))
    try_now(connection, CODE, now)
