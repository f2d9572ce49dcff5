"""`itl sandbox`: a whole log in one process, to try things with."""

from __future__ import annotations

import threading
from argparse import Namespace

from itl.cli.command import Subparsers, add, end_on_signals, say, settings_of
from itl.cli.serving import PATH, web_arguments
from itl.clock import system_clock
from itl.hub import Hub
from itl.settings import Settings
from itl.store.database import Database
from itl.store.enrolment import SANDBOX_REGISTRIES, put_sandbox
from itl.store.schema import migrate
from itl.wire import server


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


def prepare(settings: Settings) -> None:
    """Bring the database to the newest schema and enrol the sandbox's registries."""
    migrate(settings.database)
    database = Database(settings.database)
    with database.write() as connection:
        put_sandbox(connection, system_clock())
    database.close()


def run(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    end_on_signals()
    prepare(settings)
    hub = Hub(settings)
    hub.start_work()
    running = server.serve(hub.application(), settings.host, settings.port, threads=settings.threads)
    say(f"log ITL      {running.url}{PATH}")
    say(f"its WSDL     {running.url}{PATH}?wsdl")
    for code in SANDBOX_REGISTRIES:
        say(f"registry {code:<4}user and password {code.lower()}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("closing")
    finally:
        running.close()
        hub.close()
    return 0
