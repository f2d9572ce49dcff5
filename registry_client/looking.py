"""The commands that show what there is: transactions, holdings, reconciliations, notices, messages."""

from __future__ import annotations

import argparse
import json
from typing import Any

import msgspec

from itl.codes import SYMBOLS
from itl.messages import TransactionStatusResponse
from registry_client.access import client_of, opened, waited
from registry_client.notices import Notice, NoticeStatus
from registry_client.reconciliation.records import Reconciliation, Status
from registry_client.state import state_of
from registry_client.transactions import Transaction


def run_status(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        transaction = waited(registry, chosen.transaction, chosen.wait)
    told = _ask(chosen) if chosen.hub else None
    if chosen.json:
        print_json({"transaction": transaction, "log": told})
        return 0
    print_transaction(transaction)
    if told is not None:
        codes = " ".join(map(str, told.response_codes or ()))
        known = f"status {told.transaction_status} since {told.transaction_status_date_time.isoformat()}"
        print(f"  the log: {known if told.result_identifier else f'refused {codes}'}")
    return 0


def run_state(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        state = state_of(registry)
    if chosen.json:
        print_json(state)
        return 0
    print(f"registry {state.code}, {state.waiting_calls} calls wait for the hub")
    if state.misbehaves:
        print(f"misbehaves: {' '.join(state.misbehaves)}")
    for held in state.holdings:
        kind = f"{SYMBOLS[held.unit_type]} of period {held.applicable_period}"
        print(f"  {held.account}: {held.quantity:,} {held.originating_registry} {kind}, {held.reserved:,} reserved")
    lists = (state.transactions, state.calls, state.without_effect, state.reconciliations, state.notices)
    names = ("transactions", "calls to the hub", "messages without effect", "reconciliations", "notices")
    for name, lines in zip(names, lists, strict=True):
        if lines:
            print(f"{name}:")
        for line in lines:
            print(f"  {line.at:%Y-%m-%d %H:%M:%S} {line.what}".rstrip())
    return 0


def run_transactions(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        transactions = registry.transactions(limit=chosen.limit)
    if chosen.json:
        print_json(transactions)
    else:
        for transaction in transactions:
            print(_line(transaction))
    return 0


def run_holdings(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        holdings = registry.holdings()
    if chosen.json:
        print_json(holdings)
        return 0
    print(f"{'account':16} {'unit':5} {'period':6} {'origin':6} {'quantity':>19} {'reserved':>19}")
    for held in holdings:
        unit = SYMBOLS[held.unit_type]
        place = f"{held.account!s:16} {unit:5} {held.applicable_period:<6} {held.originating_registry:6}"
        print(f"{place} {held.quantity:>19,} {held.reserved:>19,}")
    return 0


def run_reconciliations(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        found = registry.reconciliations(chosen.limit)
    if chosen.json:
        print_json(found)
        return 0
    for reconciliation in found:
        _print_reconciliation(reconciliation)
    return 0


def run_notices(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        found = registry.notices(chosen.limit)
    if chosen.json:
        print_json(found)
        return 0
    for notice in found:
        _print_notice(notice)
    return 0


def run_messages(chosen: argparse.Namespace) -> int:
    with opened(chosen) as registry:
        found = registry.correspondence(chosen.limit)
    if chosen.json:
        print_json(found)
        return 0
    for text in found:
        way = "to the log" if text.is_ours else "from the log"
        waits = " (waits for the hub)" if text.is_waiting else ""
        print(f"{text.at:%Y-%m-%d %H:%M:%S} {way}{waits}: {text.text}")
    return 0


def print_transaction(transaction: Transaction) -> None:
    """A transaction with its history."""
    print(_line(transaction))
    for step in transaction.history:
        print(f"  {step.at:%Y-%m-%d %H:%M:%S} {step.state}: {step.cause}")
    if transaction.undelivered:
        print(f"  {transaction.undelivered} calls wait for the hub: is `registry serve` running, and the hub there?")


def print_json(value: Any) -> None:
    """A value of the library as indented JSON."""
    print(json.dumps(msgspec.to_builtins(value), indent=2))


def _line(transaction: Transaction) -> str:
    codes = "".join(f" {code}" for code in transaction.codes)
    kind, units = transaction.transaction_type, f"{transaction.quantity:,} units"
    return f"{transaction.identifier} type {kind}, {units}: {transaction.state}{codes}"


def _ask(chosen: argparse.Namespace) -> TransactionStatusResponse:
    client = client_of(chosen)
    try:
        return client.status(chosen.transaction)
    finally:
        client.close()


def _print_reconciliation(of: Reconciliation) -> None:
    copy = "no copy yet" if of.blocks is None else f"{of.blocks:,} blocks in the copy"
    print(f"{of.identifier} snapshot of {of.snapshot_at:%Y-%m-%d %H:%M:%S}: {_named(of.status)}, {copy}")
    for entry in of.history:
        codes = "".join(f" {code}" for code in entry.codes)
        print(f"  {entry.at:%Y-%m-%d %H:%M:%S} {_named(entry.status)}: {entry.cause}{codes}")
    if of.unanswered:
        print(f"  {of.unanswered} answers are owed or wait for the hub")


def _named(status: int) -> str:
    known = status in Status.__members__.values()
    return f"{status} {Status(status).name.lower().replace('_', ' ')}" if known else str(status)


def _print_notice(notice: Notice) -> None:
    newest = notice.newest
    known = notice.status in NoticeStatus.__members__.values()
    status = NoticeStatus(notice.status).name.lower() if known else f"status {notice.status}"
    due = "" if newest.action_due_date is None else f", due {newest.action_due_date}"
    answered = f", named by {' '.join(notice.transactions)}" if notice.transactions else ""
    print(f"{notice.identifier} type {notice.notice_type}: {status}{due}{answered}")
    for at, entry in notice.entries:
        print(f"  {at:%Y-%m-%d %H:%M:%S} type {entry.notification_type}: {entry.message_content}")
