"""`itl sandbox`: a whole log in one process, to try things with; if wanted with a reference registry for each party."""

from __future__ import annotations

import threading
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from itl.cli.command import Subparsers, add, end_on_signals, say, settings_of
from itl.cli.serving import PATH, web_arguments
from itl.clock import system_clock
from itl.errors import UsageError
from itl.hub import Hub
from itl.settings import Settings
from itl.store.database import Database
from itl.store.enrolment import SANDBOX_REGISTRIES, put_sandbox
from itl.store.schema import migrate
from itl.wire import server
from registry_client.arguments import misbehaviour
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.faults import Misbehaviour
from registry_client.registry import Registry
from registry_client.settings import Settings as RegistrySettings


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "sandbox",
        run,
        "Run a log for tests, all in one process, with GB, FR, JP and CDM enrolled. Their Basic user and password are "
        "their code in lower case; commitment periods are open, projects need not be recorded.",
    )
    web_arguments(parser)
    parser.add_argument("--registries", action="store_true", help="run a reference registry for each of them, too")
    parser.add_argument(
        "--registry-data", type=Path, metavar="DIR", help="where those keep their data (default: beside the database)"
    )
    parser.add_argument(
        "--misbehave",
        nargs="+",
        type=_misbehaviour,
        default=[],
        metavar="CODE:FAULT",
        help="with --registries: let a registry commit a fault in reconciliations, as GB:lost-block (`registry serve "
        "--misbehave` has the list)",
    )


def _misbehaviour(text: str) -> tuple[str, Misbehaviour]:
    code, _, fault = text.partition(":")
    if code not in SANDBOX_REGISTRIES:
        raise ArgumentTypeError(f"{text!r}: write a registry of the sandbox and a fault, as GB:lost-block")
    return code, misbehaviour(fault)


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A reference registry that is up: its library object, and the address of its endpoint."""

    registry: Registry
    url: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that is up."""

    hub: Hub
    url: str
    """Address of the log's endpoint."""
    registries: Mapping[str, RunningRegistry]

    def describe(self) -> Iterator[str]:
        """Its addresses and users, a line each."""
        yield f"log ITL       {self.url}"
        yield f"its WSDL      {self.url}?wsdl"
        for code in SANDBOX_REGISTRIES:
            at = f"   {self.registries[code].url}" if code in self.registries else ""
            yield f"registry {code:<5}user and password {code.lower():<4}{at}"


def prepare(settings: Settings, urls: dict[str, str] | None = None) -> None:
    """Bring the database to the newest schema and enrol the sandbox's registries, with addresses where given."""
    migrate(settings.database)
    database = Database(settings.database)
    with database.write() as connection:
        put_sandbox(connection, system_clock(), urls)
    database.close()


@contextmanager
def sandbox(
    settings: Settings, registry_data: Path | None = None, misbehave: Sequence[tuple[str, Misbehaviour]] = ()
) -> Iterator[Sandbox]:
    """A running sandbox; with `registry_data`, a directory, also reference registries, which keep their data there.

    `misbehave` are faults that registries commit in reconciliations, by their code.
    """
    with ExitStack() as stack:
        prepare(settings)
        hub = Hub(settings)
        stack.callback(hub.close)
        hub.start_work()
        try:
            serving = server.serve(hub.application(), settings.host, settings.port, threads=settings.threads)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; give another --port, or 0"
            ) from error
        stack.callback(serving.close)
        url = f"{serving.url}{PATH}"
        registries = {}
        if registry_data is not None:
            registry_data.mkdir(parents=True, exist_ok=True)
            for code in SANDBOX_REGISTRIES:
                faults = tuple(fault for of, fault in misbehave if of == code)
                plan = RegistrySettings(code=code, misbehave=faults)
                registries[code] = stack.enter_context(_registry(plan, url, settings.host, registry_data))
            prepare(settings, {code: running.url for code, running in registries.items()})
        yield Sandbox(hub, url, registries)


@contextmanager
def _registry(plan: RegistrySettings, hub_url: str, host: str, data: Path) -> Iterator[RunningRegistry]:
    code = plan.code
    client = RegistryClient(hub_url, code=code, user=code.lower(), password=code.lower())
    registry = Registry(plan, client, database=f"sqlite:///{data / code}.db")
    serving = server.serve(application(registry), host, 0)
    registry.start()
    try:
        yield RunningRegistry(registry, serving.url)
    finally:
        serving.close()
        registry.close()
        client.close()


def run(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    end_on_signals()
    if arguments.misbehave and not arguments.registries:
        raise UsageError("--misbehave is for the reference registries of the sandbox: give --registries, too")
    data = arguments.registry_data or _beside(settings.database) if arguments.registries else None
    with sandbox(settings, data, arguments.misbehave) as running:
        for line in running.describe():
            say(line)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say("closing")
    return 0


def _beside(database: str) -> Path:
    """Where registries keep their data unless told: beside an SQLite database, else in the working directory."""
    url = make_url(database)
    folder = Path(url.database or "").parent if url.drivername.startswith("sqlite") else Path()
    return folder / f"{Path(url.database or 'log').stem}-registries"
