"""The command `registry`: a registry that serves and proposes, from the command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

import msgspec

from itl.errors import LogError
from registry_client.access import opened, plans_of, waited
from registry_client.arguments import parser
from registry_client.errors import RegistryError
from registry_client.looking import (
    print_json,
    print_transaction,
    run_holdings,
    run_messages,
    run_notices,
    run_reconciliations,
    run_state,
    run_status,
    run_transactions,
)
from registry_client.plans import UNIT_TYPES
from registry_client.registry import Registry
from registry_client.transactions import Event, State
from registry_client.units import Account, Selection, Wanted

FAILED, UNSETTLED = 1, 3
"""Exit codes: something failed, or the transaction ended otherwise than completed; no end in the time given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        code = COMMANDS[chosen.command](chosen)
        sys.stdout.flush()
    except (RegistryError, LogError, TimeoutError) as error:
        print(f"registry: {error}", file=sys.stderr)
        return UNSETTLED if isinstance(error, TimeoutError) else FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read has enough; what is left to be said goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def run_serve(chosen: argparse.Namespace) -> int:
    """Run endpoints and background passes until SIGINT or SIGTERM."""
    from registry_client.simulator import running  # noqa: PLC0415 - the other commands need no server

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    wanted = plans_of(chosen)
    several = len(wanted) > 1
    tell = _print_event_json if chosen.json else _print_event
    with running(
        wanted, host=chosen.host, port=chosen.port, tell=lambda code, event: tell(code if several else None, event)
    ) as simulator:
        for plan in wanted:
            address = simulator.addresses[plan.code]
            print(f"registry {plan.code} at {address}, hub {plan.hub}", file=sys.stderr, flush=True)
        stopped.wait()
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


def run_convert(chosen: argparse.Namespace) -> int:
    return _propose(chosen, lambda registry: registry.convert(_units(chosen), project=chosen.into, track=chosen.track))


def run_replace(chosen: argparse.Namespace) -> int:
    return _propose(
        chosen,
        lambda registry: registry.replace(
            _units(chosen), list(chosen.replaced), account_type=chosen.account_type, notice=chosen.notice
        ),
    )


def run_carry_over(chosen: argparse.Namespace) -> int:
    return _propose(chosen, lambda registry: registry.carry_over(_units(chosen)))


def run_change_expiry(chosen: argparse.Namespace) -> int:
    return _propose(
        chosen, lambda registry: registry.change_expiry(_units(chosen), chosen.expiry, notice=chosen.notice)
    )


def run_fulfil(chosen: argparse.Namespace) -> int:
    units = _units(chosen) if chosen.units or chosen.quantity else None
    return _propose(chosen, lambda registry: registry.fulfil(chosen.notice, units))


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
    with opened(chosen) as registry:
        print(registry.open_account(chosen.account_type, period=chosen.period))
    return 0


def run_misbehave(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        registry.misbehave(*chosen.faults)
    print(" ".join(map(str, chosen.faults)) or "means well")
    return 0


def run_message(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        registry.message(chosen.text)
    print("queued")
    return 0


def run_conformance(chosen: argparse.Namespace) -> int:
    from registry_client.conformance.command import run_hub  # noqa: PLC0415 - the other commands need no suite

    return run_hub(chosen)


def _propose(chosen: argparse.Namespace, act: Callable[[Registry], str]) -> int:
    with opened(chosen) as registry:
        transaction = waited(registry, act(registry), chosen.wait)
    if chosen.json:
        print_json(transaction)
    else:
        print_transaction(transaction)
    return 0 if transaction.state in (State.COMPLETED, State.PROPOSED) else FAILED


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
        account=None if chosen.account is None else Account(chosen.account.account_type, chosen.account.identifier),
    )


def _print_event(code: str | None, event: Event) -> None:
    codes = " ".join(map(str, event.codes))
    who = f"{code} " if code else ""
    print(
        f"{event.at:%H:%M:%S} {who}{event.transaction or '-'} {event.kind}: {event.text} {codes}".rstrip(), flush=True
    )


def _print_event_json(code: str | None, event: Event) -> None:
    told = msgspec.to_builtins(event)
    print(msgspec.json.encode({"registry": code} | told if code else told).decode(), flush=True)


COMMANDS = {
    "serve": run_serve,
    "issue": run_issue,
    "convert": run_convert,
    "replace": run_replace,
    "carry-over": run_carry_over,
    "change-expiry": run_change_expiry,
    "fulfil": run_fulfil,
    "transfer": run_transfer,
    "cancel": run_cancel,
    "retire": run_retire,
    "move": run_move,
    "open": run_open,
    "status": run_status,
    "misbehave": run_misbehave,
    "state": run_state,
    "transactions": run_transactions,
    "holdings": run_holdings,
    "reconciliations": run_reconciliations,
    "notices": run_notices,
    "messages": run_messages,
    "message": run_message,
    "conformance": run_conformance,
}


if __name__ == "__main__":
    sys.exit(main())
