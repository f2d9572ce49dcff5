"""`itl sandbox`: a whole log in one process, to try things with; if wanted with a reference registry for each party."""

from __future__ import annotations

import threading
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from itl.cli import logs
from itl.cli.command import Subparsers, add, end_on_signals, say, settings_of
from itl.cli.serving import PATH, web_arguments
from itl.clock import system_clock
from itl.errors import UsageError
from itl.hub import Hub
from itl.reference import Environment
from itl.roles import roles
from itl.settings import Settings
from itl.store.database import Database
from itl.store.enrolment import SANDBOX_REGISTRIES, put_sandbox
from itl.store.reference_data import load_reference
from itl.store.schema import migrate
from itl.wire import server
from registry_client.arguments import misbehaviour
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.faults import Misbehaviour
from registry_client.registry import Registry
from registry_client.settings import Settings as RegistrySettings

REGISTRIES_AT = "http://127.0.0.1:8090"
"""Where `registry serve` and `registry conformance hub` listen unless told otherwise."""

HURRY = {"reconciliation_lead": 5.0, "reconciliation_grace": 1.0, "reconciliation_parts_wait": 5.0, "retry_most": 5.0}
"""Settings of which a sandbox, where somebody waits, has another default: seconds."""


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "sandbox",
        run,
        "Run a log for tests, all in one process, with GB, FR, JP and CDM enrolled. Their Basic user and password are "
        "their code in lower case; commitment periods are open, projects need not be recorded.",
    )
    web_arguments(parser)
    parser.add_argument(
        "--registries",
        nargs="*",
        choices=SANDBOX_REGISTRIES,
        metavar="CODE",
        help="run a reference registry for these, too; without codes for all",
    )
    parser.add_argument(
        "--registry-data", type=Path, metavar="DIR", help="where those keep their data (default: beside the database)"
    )
    parser.add_argument(
        "--registries-at",
        metavar="URL",
        help="where the registries are called, each at its code below this address (default: where they are enrolled, "
        f"else {REGISTRIES_AT})",
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
    parser.add_argument(
        "--supplement", action="store_true", help="run the supplementary log of a scheme of GB and FR, too"
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
        enrolled = self.hub.reference.current.registries
        for code in SANDBOX_REGISTRIES:
            at = "runs at" if code in self.registries else "is called at"
            yield f"registry {code:<5}user and password {code.lower():<5}{at} {enrolled[code].url or 'no address yet'}"


def prepare(settings: Settings, urls: Mapping[str, str] | None = None, else_at: str | None = None) -> None:
    """Bring the database to the newest schema and enrol the sandbox's registries, with addresses where given.

    `else_at` is the address below which those are called that have none yet.
    """
    migrate(settings.database)
    database = Database(settings.database)
    with database.write() as connection:
        addresses = dict(urls or {})
        if else_at is not None:
            enrolled = load_reference(connection).registries
            placed = {code for code, each in enrolled.items() if each.url is not None}
            addresses |= below(else_at, set(SANDBOX_REGISTRIES) - placed - set(addresses))
        put_sandbox(connection, system_clock(), addresses)
    database.close()


def below(address: str, codes: Iterable[str]) -> dict[str, str]:
    """Addresses of registries that are called at one place, each at its code."""
    return {code: f"{address.rstrip('/')}/{code}" for code in codes}


@contextmanager
def sandbox(
    settings: Settings,
    registry_data: Path | None = None,
    misbehave: Sequence[tuple[str, Misbehaviour]] = (),
    urls: Mapping[str, str] | None = None,
    else_at: str | None = None,
    codes: Iterable[str] = SANDBOX_REGISTRIES,
) -> Iterator[Sandbox]:
    """A running sandbox; with `registry_data`, a directory, also reference registries, which keep their data there.

    `codes` says for whom. `misbehave` are faults that registries commit in reconciliations, by their code. `urls` and
    `else_at` say where registries are called that are not run here (`prepare`).
    """
    with ExitStack() as stack:
        prepare(settings, urls, else_at)
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
            for code in codes:
                faults = tuple(fault for of, fault in misbehave if of == code)
                plan = RegistrySettings(code=code, misbehave=faults)
                registries[code] = stack.enter_context(_registry(plan, url, settings.host, registry_data))
            prepare(settings, {code: running.url for code, running in registries.items()})
            hub.reference.reload()
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
    settings = _in_a_hurry(settings_of(arguments))
    logs.tell_always(environment=str(Environment.TEST))
    end_on_signals()
    codes = None if arguments.registries is None else arguments.registries or SANDBOX_REGISTRIES
    if not {code for code, _ in arguments.misbehave} <= set(codes or ()):
        raise UsageError("--misbehave is for the reference registries of the sandbox: give --registries, too")
    data = None if codes is None else arguments.registry_data or _beside(settings.database)
    given = arguments.registries_at
    urls = below(given, SANDBOX_REGISTRIES) if given else None
    if arguments.supplement and not roles():
        raise UsageError("--supplement: no supplementary log is installed here; leave it out")
    with (
        sandbox(settings, data, arguments.misbehave, urls, REGISTRIES_AT, codes or ()) as running,
        ExitStack() as stack,
    ):
        described = [*running.describe()]
        for role in roles().values() if arguments.supplement else ():
            beside = stack.enter_context(role.beside(running, _folder_of(settings.database)))
            described += beside.describe()
        for line in described:
            say(line)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say("closing")
    return 0


def _in_a_hurry(settings: Settings) -> Settings:
    """The settings, with the sandbox's own defaults for what nobody set."""
    usual = Settings()
    unset = {name: value for name, value in HURRY.items() if getattr(settings, name) == getattr(usual, name)}
    return replace(settings, **unset)  # type: ignore[arg-type]


def _beside(database: str) -> Path:
    """Where registries keep their data unless told: beside an SQLite database, else in the working directory."""
    return _folder_of(database) / f"{Path(make_url(database).database or 'log').stem}-registries"


def _folder_of(database: str) -> Path:
    """The directory of an SQLite database, else the working directory."""
    url = make_url(database)
    return Path(url.database or "").parent if url.drivername.startswith("sqlite") else Path()
