"""`itl conformance registry`: play the log towards a candidate registry, and say whether it keeps the standard."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from itl.cli.command import Subparsers, add, database_argument, end_on_signals, opened, settings_of
from itl.clock import system_clock
from itl.errors import UsageError
from itl.reference import Environment
from itl.store import versions
from itl.store.delivery import address_of
from itl.store.reference_data import load_access, load_reference
from registry_client.conformance.arguments import add_registry_arguments
from registry_client.conformance.playing import Access, LetsIn
from registry_client.conformance.registry.profile import Candidate
from registry_client.errors import RegistryError


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "conformance",
        help="Test whether a registry keeps the standard.",
        description="Test whether a registry keeps the standard. A hub is tested by `registry conformance hub`.",
    )
    subjects = parser.add_subparsers(title="commands", required=True, metavar="SUBJECT")
    registry = add(
        subjects,
        "registry",
        run,
        "Play the log towards a registry, and report what it does, test by test. Its address, and who calls whom with "
        "which user and password, are taken from the log's database where it is enrolled there; the log itself need "
        "not run, and hears of nothing.",
    )
    database_argument(registry)
    add_registry_arguments(registry)


def run(arguments: Namespace) -> int:
    from registry_client.conformance.command import run_registry  # noqa: PLC0415 - the other commands need no suite

    end_on_signals()
    candidate, lets_in = Candidate(code=arguments.code), None
    if arguments.url is None or arguments.database is not None:
        candidate, lets_in = enrolled(arguments)
    try:
        return run_registry(arguments, candidate, lets_in)
    except RegistryError as error:
        raise UsageError(str(error)) from error


def enrolled(arguments: Namespace) -> tuple[Candidate, LetsIn | None]:
    """What the log's database and settings say of a registry, and who knows its user and password.

    UsageError for a log in production, and for what is not enrolled.
    """
    settings, now = settings_of(arguments), system_clock()
    code = arguments.code
    with opened(arguments).read() as connection:
        reference = load_reference(connection, now)
        access = load_access(connection)
        spoken = versions.of_registry(connection, code).at(now)
        address = address_of(connection, code)
    if reference.environment is Environment.PRODUCTION:
        raise UsageError(
            "this log is in production: the suite would make up units in the registry's real books. "
            "Test it where it is enrolled in a test environment"
        )
    if code not in reference.registries:
        raise UsageError(f"{code}: not enrolled; `itl enrol` does that, or give --url")
    calls = Access(
        address.user,
        address.password,
        settings.call_certificate,
        settings.call_key,
        settings.call_authority,
    )
    candidate = Candidate(code=code, log=reference.log_code, access=calls)
    if address.url is not None:
        candidate = replace(candidate, url=address.url)
    if spoken is not None:
        candidate = replace(candidate, version=spoken)
    users = [name for name, each in access.users.items() if each.registry == code and not each.revoked]

    def knows(user: str | None, password: str | None) -> bool:
        known = None if user is None or password is None else access.user(user, password)
        return known is not None and known.registry == code

    return candidate, knows if users else None
