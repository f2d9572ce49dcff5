"""`itl enrol`: who takes part, with which addresses and credentials; and the way to production (`enrolling`)."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection

from itl.cli import enrolling
from itl.cli.command import Subparsers, actor_of, add, database_argument, opened, say, with_usual_way
from itl.clock import system_clock
from itl.errors import UsageError
from itl.reference import Registry, RegistryKind
from itl.services.identity import read_certificate
from itl.store.access import Certificate
from itl.store.actions import record_action
from itl.store.database import Database
from itl.store.delivery import try_now
from itl.store.enrolment import kind_of, put_basics
from itl.store.facts import Source
from itl.store.reference_data import (
    load_access,
    load_reference,
    put_call_credentials,
    put_certificate,
    put_registry,
    put_user,
    revoke_credential,
)

FLAGS = {
    "in_force": "no: withdrawn",
    "may_propose": "no: its proposals are refused",
    "may_accept": "no: transfers to it are refused",
    "may_reconcile": "no: its reconciliations are refused",
    "notify_refusals": "yes: what is refused at the door it also hears as a notification with status 3",
}


def register(commands: Subparsers) -> None:
    top = commands.add_parser(
        "enrol",
        help="Enrol a registry, and follow its way to production.",
        description="Enrol a registry with its address and credentials, and record the steps of its way to production. "
        "`itl enrol CODE ...` is short for `itl enrol details CODE ...`.",
    )
    ways = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parser = add(
        ways,
        "details",
        run,
        "Enrol a registry, or change what it is enrolled with. A running log takes it up at once; what is not given "
        "stays as it is. In a test environment it takes part from then on, in production when it is live.",
    )
    enrolling.register(ways)
    with_usual_way(top, "details", ways.choices)
    database_argument(parser)
    parser.add_argument("--by", metavar="NAME", help="who does it (default: the user of this machine)")
    parser.add_argument("code", nargs="?", help="registry code, e.g. GB or CDM")
    parser.add_argument("--list", action="store_true", help="show who is enrolled, and with which credentials")
    parser.add_argument("--json", action="store_true", help="show it as JSON")
    parser.add_argument("--kind", choices=[str(kind) for kind in RegistryKind], help="default: told by the code")
    parser.add_argument("--url", help="address of the registry's own endpoint")
    parser.add_argument(
        "--relay-url", help="address where it takes messages that the log only passes on (relayMessage)"
    )
    parser.add_argument("--user", help="Basic user that it calls with")
    parser.add_argument("--password", help="its password; - reads it from standard input")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="PEM client certificate that it calls with")
    parser.add_argument("--revoke-user", metavar="USER", help="refuse this Basic user of it from now on")
    parser.add_argument(
        "--revoke-certificate", metavar="FINGERPRINT", help="refuse this certificate of it (as --list shows it)"
    )
    parser.add_argument("--call-user", help="Basic user that the log calls it with")
    parser.add_argument("--call-password", help="password that the log calls it with; - reads it, too")
    for flag, meaning in FLAGS.items():
        parser.add_argument(f"--{flag.replace('_', '-')}", choices=("yes", "no"), help=meaning)


def run(arguments: Namespace) -> int:
    database = opened(arguments)
    if arguments.list:
        _show(database, arguments.json)
        return 0
    if not arguments.code:
        raise UsageError("enrol whom? give a registry code, or --list")
    _require_pairs(arguments)
    by, now = actor_of(arguments), system_clock()
    certificate = read(arguments.certificate) if arguments.certificate else None
    with database.write() as connection:
        if not load_reference(connection).versions:
            put_basics(connection)
        enrolled = load_reference(connection).registries.get(arguments.code)
        registry = enrolled or Registry(arguments.code, kind_of(arguments.code))
        given = {flag: value == "yes" for flag in FLAGS if (value := getattr(arguments, flag)) is not None}
        if arguments.kind:
            given["kind"] = RegistryKind(arguments.kind)
        if arguments.url:
            given["url"] = _address("url", arguments.url)
        if arguments.relay_url:
            given["relay_url"] = _address("relay-url", arguments.relay_url)
        registry = replace(registry, **given)
        put_registry(connection, registry, now, Source(by, "enrolment", now))
        if arguments.user:
            put_user(connection, arguments.code, arguments.user, _password(arguments.password))
        if certificate:
            put_certificate(connection, arguments.code, certificate)
        for kind, name in (("basic", arguments.revoke_user), ("certificate", arguments.revoke_certificate)):
            if name:
                _require_own(connection, arguments.code, kind, name)
                revoke_credential(connection, kind, name, now)
        if arguments.call_user:
            put_call_credentials(connection, arguments.code, arguments.call_user, _password(arguments.call_password))
        if arguments.url or arguments.relay_url or arguments.call_user:
            try_now(connection, arguments.code, now)
        record_action(connection, by, "enrolment", "enrol", arguments.code, _given(arguments), now)
        registry = load_reference(connection, now).registries[arguments.code]
    say(f"{'changed' if enrolled else 'enrolled'}: {_line(registry)}")
    return 0


def _credentials(connection: Connection) -> list[tuple[str, str, str, bool]]:
    """Registry, kind, name, whether revoked; of all credentials."""
    access = load_access(connection)
    return [
        (credential.registry, kind, name, credential.revoked)
        for kind, known in (("basic", access.users), ("certificate", access.certificates))
        for name, credential in sorted(known.items())
    ]


def _require_own(connection: Connection, code: str, kind: str, name: str) -> None:
    if not any(each[:3] == (code, kind, name) for each in _credentials(connection)):
        raise UsageError(f"{code} has no {kind} credential {name!r}; `itl enrol --list` shows what it has")


def _require_pairs(arguments: Namespace) -> None:
    for user, password in (("user", "password"), ("call_user", "call_password")):
        if (getattr(arguments, user) is None) != (getattr(arguments, password) is None):
            raise UsageError(f"--{user} and --{password} go together".replace("_", "-"))


def _address(option: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--{option} {url}: give the http or https address of the registry's endpoint")
    return url


def _password(given: str) -> str:
    """`-` reads a line of standard input, so that no list of processes shows the password."""
    return sys.stdin.readline().rstrip("\n") if given == "-" else given


def read(file: Path) -> Certificate:
    """The certificate in a PEM file; UsageError where there is none."""
    try:
        return read_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"certificate {file}: {error}; give a PEM file") from error


def _given(arguments: Namespace) -> dict[str, str]:
    """What was given, without passwords."""
    names = (
        "kind",
        "url",
        "relay_url",
        "user",
        "certificate",
        "revoke_user",
        "revoke_certificate",
        "call_user",
        *FLAGS,
    )
    return {name: str(value) for name in names if (value := getattr(arguments, name)) is not None}


def _show(database: Database, as_json: bool) -> None:
    with database.read() as connection:
        registries, credentials = load_reference(connection).registries, _credentials(connection)
    if as_json:
        say(json.dumps([asdict(each) | _owned(each.code, credentials) for each in registries.values()], indent=2))
        return
    for code in sorted(registries):
        say(_line(registries[code]))
        for owned in _owned(code, credentials)["credentials"]:
            say(f"  {owned['kind']} {owned['name']}{', revoked' if owned['revoked'] else ''}")


def _owned(code: str, credentials: list[tuple[str, str, str, bool]]) -> dict[str, list[dict[str, str | bool]]]:
    own = [each for each in credentials if each[0] == code]
    return {"credentials": [{"kind": kind, "name": name, "revoked": revoked} for _, kind, name, revoked in own]}


def _line(registry: Registry) -> str:
    stage = "" if registry.is_live else f"; {registry.stage}, not live (`itl enrol show {registry.code}`)"
    flags = ", ".join(f"{flag.replace('_', ' ')}: {'yes' if getattr(registry, flag) else 'no'}" for flag in FLAGS)
    return f"{registry.code} ({registry.kind}) at {registry.url or 'no address'}; {flags}{stage}"
