"""`itl queue` and `itl transaction`: what waits and why; what happened to one transaction."""

from __future__ import annotations

import textwrap
from argparse import Namespace
from datetime import datetime
from typing import Any

import msgspec

from itl.checks.override import Override
from itl.cli.command import Subparsers, add, complain, database_argument, json_argument, opened, say, settings_of
from itl.cli.figures import table
from itl.codes import TransactionStatus, TransactionType
from itl.hub import override_of
from itl.reference import Environment
from itl.store.visible import TransactionStory, Waiting, story, waiting


def register(commands: Subparsers) -> None:
    queue = add(commands, "queue", run_queue, "Show what waits: for the worker, for registries, for an operator.")
    transaction = add(
        commands,
        "transaction",
        run_transaction,
        "Show all that is recorded of a transaction: statuses, checks, messages.",
    )
    transaction.add_argument("identifier", help="transaction identifier, e.g. GB40140")
    transaction.add_argument("--all", action="store_true", help="every check with its result, not the failed ones only")
    for parser in (queue, transaction):
        database_argument(parser)
        json_argument(parser)


def run_queue(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = waiting(connection)
    if arguments.json:
        say(msgspec.json.encode(found).decode())
    else:
        _print_queue(found)
    return 0


def run_transaction(arguments: Namespace) -> int:
    with opened(arguments).read() as connection:
        found = story(connection, arguments.identifier)
    if not found:
        complain(f"no transaction {arguments.identifier} is known to this log")
        return 1
    if arguments.json:
        say(msgspec.json.encode(found).decode())
        return 0
    override = override_of(settings_of(arguments))
    for each in found:
        _print_story(each, override, every_check=arguments.all)
    return 0


def _print_queue(found: Waiting) -> None:
    if found.environment is Environment.TEST:
        say("this is a test environment")
    say(f"messages that the worker has not dealt with: {found.inbox}")
    if found.lanes:
        heads: tuple[object, ...] = (
            "receiver",
            "queue",
            "problem",
            "messages",
            "attempts",
            "unreached",
            "oldest",
            "next attempt",
        )
        rows: list[tuple[object, ...]] = [
            (
                lane.receiver,
                lane.queue,
                lane.problem or "",
                lane.messages,
                lane.most_attempts,
                lane.failures,
                _time(lane.oldest),
                _time(lane.not_before),
            )
            for lane in found.lanes
        ]
        for line in table([heads, *rows]):
            say(line)
    else:
        say("every message is delivered")
    for each in found.put_off:
        say(f"put off: {each.transaction}, {each.failures} failures, next {_time(each.not_before)}: {each.problem}")
    if found.flagged:
        say(f"accepted long ago and not completed: {', '.join(found.flagged)}")
    if found.unconfirmed:
        say(f"completed, not confirmed by the acquirer: {', '.join(found.unconfirmed)}")


def _print_story(found: TransactionStory, override: Override, *, every_check: bool) -> None:
    kind = next((each.name for each in TransactionType if each == found.transaction_type), "unknown type")
    say(
        f"{found.identifier}: {kind.replace('_', ' ').lower()} ({found.transaction_type}), "
        f"{found.transferring_registry} to {found.acquiring_registry}, now {_status(found.status)}"
    )
    for each in found.statuses:
        say(f"  {_time(each['at'])}  {_status(each['status'])}, set by {each['set_by']}")
    for each in found.supplements:
        say(f"  supplementary log {each['stl']}: {_answer(each)}")
    for each in found.evaluations:
        results: list[dict[str, Any]] = each["results"]
        failed = [result for result in results if result["outcome"] == "failed"]
        passed = sum(result["outcome"] == "passed" for result in results)
        say(f"  checks of {each['evaluated_by']}: {passed} passed, {len(failed)} failed, of {len(results)}")
        for result in failed:
            blocks = ", ".join(map(_block, result["blocks"]))
            code = override.told(result["code"])
            say(f"    {code} {blocks}".rstrip() + f"  (itl check {code})")
        for outcome, codes in _by_outcome(results if every_check else []).items():
            told = " ".join(str(code) for code in override.tell(codes))
            for line in textwrap.wrap(f"{outcome}: {told}", 114):
                say(f"    {line}")
    for each in found.messages:
        when = each["request_in_at"] or each["request_out_at"]
        answered = f" {each['response_codes']}" if each["response_codes"] else ""
        detail = f": {each['detail']}" if each["detail"] else ""
        say(
            f"  {_time(when)}  {each['sender']} to {each['addressee']}: {each['operation']}, "
            f"{each['outcome']}{answered}{detail}"
        )


def _answer(asked: dict[str, Any]) -> str:
    """What a supplementary log has answered, or how long it is waited for."""
    if asked["answer"] is not None:
        return (
            f"{_status(asked['answer'])} {asked['response_codes'] or ''}".rstrip()
            + f" at {_time(asked['answered_at'])}"
        )
    return "no answer" + (f"; it has until {_time(asked['answer_by'])}" if asked["answer_by"] else "")


def _by_outcome(results: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Codes of all outcomes but failed, which is told with its units."""
    codes: dict[str, list[int]] = {}
    for result in results:
        if result["outcome"] != "failed":
            codes.setdefault(result["outcome"], []).append(result["code"])
    return codes


def _block(found: dict[str, Any]) -> str:
    units = f"{found['unit_serial_block_start']}-{found['unit_serial_block_end']}"
    return f"{found['originating_registry_code']} {units}"


def _status(status: int) -> str:
    name = next((each.name for each in TransactionStatus if each == status), "unknown")
    return f"{status} {name.replace('_', ' ').lower()}"


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
