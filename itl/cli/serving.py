"""`itl serve` and `itl worker`: the two processes of a log."""

from __future__ import annotations

import threading
from argparse import ArgumentParser, Namespace
from socket import socket

from sqlalchemy import make_url

from itl.cli import logs
from itl.cli.command import Subparsers, add, database_argument, end_on_signals, say, settings_of
from itl.errors import UsageError
from itl.hub import Hub
from itl.reference import Environment
from itl.roles import role_of
from itl.settings import Settings
from itl.store.database import Database
from itl.store.environment import environment_of, require_environment, settle_environment
from itl.store.schema import migrate, require_current
from itl.wire import prefork, server

PATH = "/TransactionLogService"
"""Where the log's endpoint stands; every path is answered alike, this is the one that is published."""


def register(commands: Subparsers) -> None:
    serve = add(
        commands,
        "serve",
        run_serve,
        "Answer the registries' calls. The worker runs beside it, or in it with --work (SQLite wants one process).",
    )
    web_arguments(serve)
    serve.add_argument("--processes", type=int, help="processes that answer, one is replaced if it dies (default 1)")
    serve.add_argument("--work", action="store_true", help="run worker and relay in the same process, too")
    worker = add(commands, "worker", run_worker, "Judge what was accepted, and deliver what the log has to tell.")
    database_argument(worker)
    migration = add(commands, "migrate", run_migrate, "Bring the database to the schema of this program.")
    database_argument(migration)


def web_arguments(parser: ArgumentParser) -> None:
    database_argument(parser)
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8080)")
    parser.add_argument("--threads", type=int, help="calls answered at one time (default 8)")
    parser.add_argument("--public-url", metavar="URL", help="address that the published WSDL names")


def run_serve(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    end_on_signals()
    environment = _require_servable(settings)
    logs.tell_always(environment=str(environment))
    if settings.processes == 1:
        listening = [server.listen(settings.host, settings.port)]
    else:
        listening = server.listen_shared(settings.host, settings.port, settings.processes)

    def answer(taken: socket) -> None:
        hub = Hub(settings)
        if arguments.work:
            hub.start_work()
        server.run(hub.application(), taken, threads=settings.threads)
        hub.close()

    say(f"the log answers at {server.url_of(listening[0])}{PATH}; its environment is {environment}")
    if settings.processes == 1:
        answer(*listening)
    else:
        prefork.run(answer, listening)
    return 0


def _require_servable(settings: Settings) -> Environment:
    """What the log serves; UsageError where it cannot."""
    database = Database(settings.database)
    require_current(database)
    require_environment(database, settings.environment)
    with database.read() as connection:
        environment = environment_of(connection)
    database.close()
    if settings.processes < 1:
        raise UsageError(f"{settings.processes} processes cannot answer; give at least 1")
    if settings.processes > 1 and database.is_sqlite:
        raise UsageError("SQLite wants one writing process; leave --processes at 1, or serve from PostgreSQL")
    return environment


def run_worker(arguments: Namespace) -> int:
    hub = Hub(settings_of(arguments))
    end_on_signals()
    environment = hub.reference.current.environment
    logs.tell_always(environment=str(environment))
    hub.start_work()
    say(f"the worker works on {hub.database.engine.url!r}; its environment is {environment}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        hub.close()
    return 0


def run_migrate(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    role = role_of(settings.role)
    migrate(settings.database, beside=() if role is None else role.migrations)
    database = Database(settings.database)
    with database.write() as connection:
        environment = settle_environment(connection, settings.environment)
    database.close()
    say(f"{make_url(settings.database)} is at the newest schema; its environment is {environment}")
    return 0
