"""`itl replay`: the CDM registry's real traffic through the log again."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from itl.cli import logs
from itl.cli.command import Subparsers, add, complain, end_on_signals, say, settings_of
from itl.cli.figures import table
from itl.cli.progress import Progress
from itl.clock import system_clock
from itl.codes import TransactionType
from itl.errors import UsageError
from itl.replay import own_hub, play, remote_hub, transactions
from itl.replay.exchange import Refusal
from itl.replay.play import Result
from itl.replay.registry import Mailbox
from itl.replay.reports import Row, read

SHOWN = 20
"""How many refusals, differences and rows left out are printed; with `--json` it is all of them."""


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "replay",
        run,
        "Feed the CDM registry's public reports through a log. Each transaction goes from the proposal to its "
        "completion, over HTTP as the CDM registry would do it; afterwards the holdings must be what the reports make "
        "them. Exit code 1 for any refusal or difference.",
    )
    parser.add_argument("--issuances", type=Path, required=True, metavar="FILE", help="report of issuances (CSV)")
    parser.add_argument("--cancellations", type=Path, required=True, metavar="FILE", help="report of cancellations")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows in the order of time")
    parser.add_argument("--json", action="store_true", help="give the result as JSON, and all else on standard error")
    own = parser.add_argument_group("through a log of its own (the default)")
    own.add_argument("--database", metavar="URL", help="an empty database for it (default: a new SQLite file)")
    own.add_argument("--resume", action="store_true", help="go on where an earlier replay on this database ended")
    remote = parser.add_argument_group("through a log that runs elsewhere, such as itl sandbox")
    remote.add_argument("--hub", metavar="URL", help="its endpoint, e.g. http://127.0.0.1:8080/TransactionLogService")
    remote.add_argument("--user", default="cdm", help="Basic user of the CDM registry there (default cdm)")
    remote.add_argument("--password", default="cdm", help="its password (default cdm)")
    remote.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="be called back there, as soon as the log is told the address; else the log is asked for each status",
    )
    remote.add_argument("--first-number", type=int, default=1, metavar="N", help="number of the first transaction")
    remote.add_argument("--compare", metavar="URL", help="database of that log, read to compare its holdings")


def run(arguments: Namespace) -> int:
    _require_consistent(arguments)
    end_on_signals()
    if arguments.log_level == "info":
        logs.configure("warning")  # the log inside would tell of every message
    tell = complain if arguments.json else say
    rows = _rows(arguments)
    tell(f"{len(rows):,} rows, from {rows[0].at:%Y-%m-%d} to {rows[-1].at:%Y-%m-%d}")
    tell("what the reports do not say is made up by these rules:")
    for rule in (*transactions.RULES, *(remote_hub.RULES if arguments.hub else own_hub.RULES)):
        tell(f"  - {rule}")
    progress = Progress(len(rows), "rows")
    if arguments.hub:
        tell(f"the log is at {arguments.hub}")
        with _mailbox(arguments) if arguments.listen else nullcontext() as mailbox:
            if mailbox is not None:
                tell(f"to be called back, tell the log: {remote_hub.enrolment(mailbox)}")
            with closing(remote_hub.RemoteHub(arguments.hub, arguments.user, arguments.password, mailbox)) as hub:
                result = play.on_remote_hub(
                    hub, rows, progress.add, first_number=arguments.first_number, compare=arguments.compare
                )
    else:
        arguments.database = arguments.database or own_hub.fresh_database()
        tell(f"the log is on {arguments.database}")
        try:
            result = play.on_own_hub(settings_of(arguments), rows, progress.add, resume=arguments.resume)
        except KeyboardInterrupt:
            complain(f"ended before the last row; go on with --resume --database {arguments.database}")
            raise
    progress.end()
    if arguments.json:
        say(json.dumps(_as_json(result, arguments), indent=2))
    else:
        _show(result)
    return 0 if result.went_well else 1


def _require_consistent(arguments: Namespace) -> None:
    if arguments.hub and (arguments.database or arguments.resume):
        raise UsageError("--database and --resume are for a log of the replay's own, not for --hub")
    if not arguments.hub and (arguments.listen or arguments.compare or arguments.first_number != 1):
        raise UsageError("--listen, --compare and --first-number are for a log that runs elsewhere; give --hub, too")
    if arguments.limit is not None and arguments.limit < 1:
        raise UsageError(f"--limit {arguments.limit}: give a number above 0")
    if arguments.first_number < 1:
        raise UsageError(f"--first-number {arguments.first_number}: give a number above 0")


def _rows(arguments: Namespace) -> list[Row]:
    issued = read(arguments.issuances, TransactionType.ISSUANCE)
    cancelled = read(arguments.cancellations, TransactionType.CANCELLATION)
    rows = transactions.in_order([*issued, *cancelled])[: arguments.limit]
    if not rows:
        raise UsageError(f"{arguments.issuances} and {arguments.cancellations} have no rows; give others")
    return rows


def _mailbox(arguments: Namespace) -> Mailbox:
    host, _, port = arguments.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {arguments.listen}: give host and port, e.g. 127.0.0.1:8081")
    return Mailbox(system_clock, host.strip("[]"), int(port))


def _show(result: Result) -> None:
    fed = f"{result.rows:,} rows, one block each, in {result.transactions:,} transactions"
    say(f"{fed}: {result.seconds:,.1f} s, {result.rows / max(result.seconds, 1e-9):,.1f} rows a second")
    if result.earlier:
        say(f"completed by an earlier replay: {result.earlier:,} transactions")
    _list("refused", map(_refused, result.refusals), len(result.refusals))
    _list("left out, of units of other registries", map(_place, result.left_out), len(result.left_out))
    if result.differences is None:
        say("holdings not compared: give --compare, or see itl holdings there")
    elif not result.differences:
        say("the holdings are what the reports make them, by Party, unit and period")
    else:
        say(f"the holdings differ from the reports in {len(result.differences)} figures:")
        shown = [("party", "unit", "cp", "figure", "reports", "log")]
        for line in table([*shown, *(tuple(asdict(each).values()) for each in result.differences[:SHOWN])]):
            say(f"  {line}")


def _list(what: str, lines: Iterable[str], count: int) -> None:
    say(f"{what}: {count:,}")
    for _, line in zip(range(SHOWN), lines, strict=False):
        say(f"  {line}")
    if count > SHOWN:
        say(f"  and {count - SHOWN:,} more; --json gives them all")


def _place(row: Row) -> str:
    return f"{row.file}, line {row.line}"


def _refused(refusal: Refusal) -> str:
    why = " ".join(map(str, refusal.codes)) or refusal.problem
    places = "; ".join(map(_place, refusal.reported.rows))
    return f"{refusal.reported.identifier} ({places}), {refusal.step}: {why}"


def _as_json(result: Result, arguments: Namespace) -> dict[str, Any]:
    return {
        "log": arguments.hub or arguments.database,
        "rows": result.rows,
        "transactions": result.transactions,
        "earlier": result.earlier,
        "seconds": round(result.seconds, 3),
        "rows_per_second": round(result.rows / max(result.seconds, 1e-9), 2),
        "refusals": [_refusal_as_json(refusal) for refusal in result.refusals],
        "left_out": _rows_as_json(result.left_out),
        "equal": None if result.differences is None else not result.differences,
        "differences": [asdict(difference) for difference in result.differences or ()],
    }


def _refusal_as_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "transaction": refusal.reported.identifier,
        "rows": _rows_as_json(refusal.reported.rows),
        "step": refusal.step,
        "status": refusal.status,
        "codes": list(refusal.codes),
        "findings": msgspec.to_builtins(refusal.findings),
        "problem": refusal.problem,
    }


def _rows_as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"file": row.file, "line": row.line} for row in rows]
