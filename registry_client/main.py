"""The command `registry`: a registry that serves and proposes, from the command line."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from itl.codes import SYMBOLS
from itl.errors import LogError
from itl.messages import TransactionStatusResponse
from registry_client.arguments import UNIT_TYPES, parser
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.errors import RegistryError
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.transactions import Event, State, Transaction
from registry_client.units import Account, Selection, Wanted

FAILED, UNSETTLED = 1, 3
"""Exit codes: something failed, or the transaction ended otherwise than completed; no end in the time given."""

FOLLOW = timedelta(seconds=0.2)
"""How often a running registry looks for what a command put into its database, and a command for what became of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except (RegistryError, LogError, TimeoutError) as error:
        print(f"registry: {error}", file=sys.stderr)
        return UNSETTLED if isinstance(error, TimeoutError) else FAILED
    except KeyboardInterrupt:
        return 130


def run_serve(chosen: argparse.Namespace) -> int:
    """Run endpoint and background passes until SIGINT or SIGTERM."""
    from itl.wire.server import serve  # noqa: PLC0415 - the other commands need no server

    client = _client(chosen)
    registry = Registry(Settings(code=chosen.code), client, database=_database(chosen))
    registry.on_event(_print_event_json if chosen.json else _print_event)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    endpoint = application(registry, user=chosen.hub_user, password=chosen.hub_password)
    server = serve(endpoint, chosen.host, chosen.port)
    try:
        registry.start(follow=FOLLOW)
        print(f"registry {chosen.code} at {server.url}, hub {chosen.hub}", file=sys.stderr, flush=True)
        stopped.wait()
    finally:
        server.close()
        registry.close()
        client.close()
    return 0


def run_issue(chosen: argparse.Namespace) -> int:
    return _propose(
        chosen,
        lambda registry: registry.issue(
            UNIT_TYPES[chosen.unit_type],
            chosen.quantity,
            period=chosen.period,
            originating=chosen.originating,
            project=chosen.project,
            activity=chosen.activity,
            track=chosen.track,
            expiry=chosen.expiry,
        ),
    )


def run_transfer(chosen: argparse.Namespace) -> int:
    to = chosen.to
    account = Account(to.account_type, to.identifier)
    return _propose(
        chosen, lambda registry: registry.transfer(_units(chosen), to.registry, account, notice=chosen.notice)
    )


def run_cancel(chosen: argparse.Namespace) -> int:
    return _propose(
        chosen,
        lambda registry: registry.cancel(_units(chosen), account_type=chosen.account_type, notice=chosen.notice),
    )


def run_retire(chosen: argparse.Namespace) -> int:
    return _propose(chosen, lambda registry: registry.retire(_units(chosen)))


def run_move(chosen: argparse.Namespace) -> int:
    if chosen.to.registry != chosen.code:
        raise RegistryError(f"{chosen.to} is no account of {chosen.code}: `registry transfer` sends units elsewhere")
    account = Account(chosen.to.account_type, chosen.to.identifier)
    return _propose(chosen, lambda registry: registry.move(_units(chosen), account, notice=chosen.notice))


def run_open(chosen: argparse.Namespace) -> int:
    with _opened(chosen) as registry:
        print(registry.open_account(chosen.account_type, period=chosen.period))
    return 0


def run_status(chosen: argparse.Namespace) -> int:
    with _opened(chosen) as registry:
        transaction = _waited(registry, chosen.transaction, chosen.wait)
    told = _ask(chosen) if chosen.hub else None
    if chosen.json:
        _print_json({"transaction": transaction, "log": told})
        return 0
    _print_transaction(transaction)
    if told is not None:
        codes = " ".join(map(str, told.response_codes or ()))
        known = f"status {told.transaction_status} since {told.transaction_status_date_time.isoformat()}"
        print(f"  the log: {known if told.result_identifier else f'refused {codes}'}")
    return 0


def run_transactions(chosen: argparse.Namespace) -> int:
    with _opened(chosen) as registry:
        transactions = registry.transactions(limit=chosen.limit)
    if chosen.json:
        _print_json(transactions)
    else:
        for transaction in transactions:
            print(_line(transaction))
    return 0


def run_holdings(chosen: argparse.Namespace) -> int:
    with _opened(chosen) as registry:
        holdings = registry.holdings()
    if chosen.json:
        _print_json(holdings)
        return 0
    print(f"{'account':16} {'unit':5} {'period':6} {'origin':6} {'quantity':>19} {'reserved':>19}")
    for held in holdings:
        unit = SYMBOLS[held.unit_type]
        place = f"{held.account!s:16} {unit:5} {held.applicable_period:<6} {held.originating_registry:6}"
        print(f"{place} {held.quantity:>19,} {held.reserved:>19,}")
    return 0


def run_message(chosen: argparse.Namespace) -> int:
    with _opened(chosen) as registry:
        registry.message(chosen.text)
    print("queued")
    return 0


@contextmanager
def _opened(chosen: argparse.Namespace) -> Iterator[Registry]:
    """The registry of a command, which only queues; RegistryError if its database is not there."""
    file = _file(chosen)
    if not file.exists():
        raise RegistryError(f"{file}: no such database; `registry serve` makes it, --database names another")
    registry = Registry(Settings(code=chosen.code), None, database=_database(chosen))
    try:
        yield registry
    finally:
        registry.close()


def _propose(chosen: argparse.Namespace, act: Callable[[Registry], str]) -> int:
    with _opened(chosen) as registry:
        transaction = _waited(registry, act(registry), chosen.wait)
    if chosen.json:
        _print_json(transaction)
    else:
        _print_transaction(transaction)
    return 0 if transaction.state in (State.COMPLETED, State.PROPOSED) else FAILED


def _waited(registry: Registry, identifier: str, seconds: float) -> Transaction:
    """The transaction, settled if `seconds` are not 0."""
    if seconds > 0:
        registry.follow(FOLLOW)
        return registry.wait(identifier, seconds)
    return registry.transaction(identifier)


def _units(chosen: argparse.Namespace) -> Selection:
    if chosen.units:
        return list(chosen.units)
    if chosen.quantity is None or chosen.unit_type is None:
        raise RegistryError("which units? Give --units RANGE ..., or --quantity and --unit-type")
    return Wanted(
        quantity=chosen.quantity,
        unit_type=UNIT_TYPES[chosen.unit_type],
        period=chosen.period,
        originating=chosen.originating,
        project=chosen.project,
    )


def _ask(chosen: argparse.Namespace) -> TransactionStatusResponse:
    client = _client(chosen)
    try:
        return client.status(chosen.transaction)
    finally:
        client.close()


def _client(chosen: argparse.Namespace) -> RegistryClient:
    return RegistryClient(
        chosen.hub,
        code=chosen.code,
        user=chosen.user,
        password=chosen.password or os.environ.get("REGISTRY_PASSWORD"),
        certificate=chosen.certificate,
        authority=chosen.authority,
    )


def _file(chosen: argparse.Namespace) -> Path:
    return Path(chosen.database or f"{chosen.code.lower()}.db")


def _database(chosen: argparse.Namespace) -> str:
    return f"sqlite:///{_file(chosen)}"


def _print_event(event: Event) -> None:
    codes = " ".join(map(str, event.codes))
    print(f"{event.at:%H:%M:%S} {event.transaction or '-'} {event.kind}: {event.text} {codes}".rstrip(), flush=True)


def _print_event_json(event: Event) -> None:
    print(msgspec.json.encode(event).decode(), flush=True)


def _line(transaction: Transaction) -> str:
    codes = "".join(f" {code}" for code in transaction.codes)
    kind, units = transaction.transaction_type, f"{transaction.quantity:,} units"
    return f"{transaction.identifier} type {kind}, {units}: {transaction.state}{codes}"


def _print_transaction(transaction: Transaction) -> None:
    print(_line(transaction))
    for step in transaction.history:
        print(f"  {step.at:%Y-%m-%d %H:%M:%S} {step.state}: {step.cause}")
    if transaction.undelivered:
        print(f"  {transaction.undelivered} calls wait for the hub: is `registry serve` running, and the hub there?")


def _print_json(value: Any) -> None:
    print(json.dumps(msgspec.to_builtins(value), indent=2))


COMMANDS = {
    "serve": run_serve,
    "issue": run_issue,
    "transfer": run_transfer,
    "cancel": run_cancel,
    "retire": run_retire,
    "move": run_move,
    "open": run_open,
    "status": run_status,
    "transactions": run_transactions,
    "holdings": run_holdings,
    "message": run_message,
}


if __name__ == "__main__":
    sys.exit(main())
