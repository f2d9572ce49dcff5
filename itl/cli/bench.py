"""`itl bench`: what the log bears, beside what else does the like on the same machine in the same run."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from itl.bench import databases, machine, page
from itl.bench.plan import BY_ITSELF, Plan
from itl.bench.rows import Part, Row
from itl.bench.run import Where, measure
from itl.bench.targets import Judged, judge
from itl.cli import logs
from itl.cli.command import Subparsers, add, complain, end_on_signals, say
from itl.cli.figures import table
from itl.errors import UsageError

PLAN = Plan()
PARTS = ",".join(Part)


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "bench",
        run,
        "Measure what the log bears. Each figure has its yardstick beside it, in turns and on the same machine: Spyne "
        "that answers the same messages without doing anything, lxml alone, pgbench, a smaller ledger, the first "
        "minute. What counts are the ratios.",
    )
    parser.add_argument(
        "--only",
        type=_parts,
        default=BY_ITSELF,
        metavar=PARTS,
        help=f"these parts, with commas between (default {','.join(BY_ITSELF)})",
    )
    parser.add_argument("--rounds", type=int, default=PLAN.rounds, help=f"paired rounds (default {PLAN.rounds})")
    parser.add_argument("--clients", type=int, default=PLAN.clients, help=f"at one time (default {PLAN.clients})")
    parser.add_argument("--most", type=int, default=PLAN.most, metavar="N", help="messages that end a load sooner")
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        help=f"server to make databases on (default: {' or '.join(databases.VARIABLES)}, else the local one)",
    )
    parser.add_argument("--json", action="store_true", help="give an object with machine, results and targets")
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="measure nothing: show what --json gave as tables in reStructuredText",
    )
    _of_parts(parser)


def _of_parts(parser: ArgumentParser) -> None:
    """The arguments that belong to one part each."""
    accept = parser.add_argument_group("accept")
    accept.add_argument(
        "--blocks", type=int, nargs="+", default=list(PLAN.blocks), metavar="N", help="unit blocks in a proposal"
    )
    accept.add_argument(
        "--seconds", type=float, default=PLAN.seconds, help=f"length of each load (default {PLAN.seconds:g})"
    )
    accept.add_argument(
        "--database",
        action="append",
        metavar="URL",
        help="an empty database to accept on, may be repeated (default: a new SQLite file, and a new database on a "
        "PostgreSQL server if there is one)",
    )
    complete = parser.add_argument_group("complete, long")
    complete.add_argument(
        "--complete-seconds",
        type=float,
        default=PLAN.complete_seconds,
        metavar="S",
        help=f"length of each load, and of pgbench (default {PLAN.complete_seconds:g})",
    )
    complete.add_argument(
        "--open", type=int, default=PLAN.open, metavar="N", help=f"transactions open at one time (default {PLAN.open})"
    )
    complete.add_argument(
        "--supplementary-log",
        action="store_true",
        help="complete: also with a supplementary log that is asked about every transaction and agrees, beside none",
    )
    complete.add_argument(
        "--long",
        type=float,
        metavar="MINUTES",
        help=f"length of the long run; asks for that part, too (default {PLAN.long_minutes:g})",
    )
    ledger = parser.add_argument_group("ledger")
    ledger.add_argument(
        "--ledger",
        type=int,
        nargs="+",
        default=list(PLAN.ledger),
        metavar="N",
        help=f"unit blocks in the ledgers (default {' '.join(map(str, PLAN.ledger))}; aims: 10000 and 10000000)",
    )
    ledger.add_argument(
        "--ledger-constraint",
        action="store_true",
        help="give large ledgers their exclusion constraint, too; it takes minutes a million, and no verdict reads it",
    )
    scale = parser.add_argument_group("scale")
    scale.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=list(PLAN.workers),
        metavar="N",
        help="worker processes, the first beside the others (default 1 2 4)",
    )
    scale.add_argument(
        "--backlog",
        type=int,
        default=PLAN.backlog,
        metavar="N",
        help=f"proposals that wait for them (default {PLAN.backlog})",
    )
    replay = parser.add_argument_group("replay")
    replay.add_argument("--issuances", type=Path, metavar="FILE", help="report of issuances (CSV), as for itl replay")
    replay.add_argument("--cancellations", type=Path, metavar="FILE", help="report of cancellations")
    replay.add_argument("--replay-limit", type=int, metavar="N", help="only the first N rows, for a first impression")


def run(arguments: Namespace) -> int:
    if arguments.page is not None:
        say(page.as_page(_report(arguments.page)))
        return 0
    plan = _plan(arguments)
    end_on_signals()
    if arguments.log_level == "info":
        logs.configure("warning")  # the worker of a part that is in this process would tell of every batch
    about: dict[str, Any] = machine.describe()
    about["databases"] = []
    rows = list(measure(plan, _where(arguments), about["databases"], complain))
    judged = judge(rows)
    if arguments.json:
        report = {
            "machine": about,
            "results": [asdict(row) for row in rows],
            "targets": [asdict(target) for target in judged],
        }
        say(json.dumps(report, indent=2))
    else:
        _show(about, rows, judged)
    return 0


def _parts(given: str) -> tuple[Part, ...]:
    return tuple(Part(name) for name in given.split(","))


def _plan(arguments: Namespace) -> Plan:
    numbers = ("rounds", "seconds", "most", "clients", "complete_seconds", "open", "backlog", "long", "replay_limit")
    given = [getattr(arguments, name) for name in numbers]
    given = [each for each in given if each is not None]
    if min(*given, *arguments.blocks, *arguments.ledger, *arguments.workers) <= 0:
        raise UsageError("lengths, sizes and counts want numbers above 0")
    parts = arguments.only if arguments.long is None else (*arguments.only, Part.LONG)
    if Part.REPLAY in parts and (arguments.issuances is None) != (arguments.cancellations is None):
        raise UsageError("give both --issuances and --cancellations, or none of them")
    return Plan(
        parts=parts,
        blocks=tuple(arguments.blocks),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        most=arguments.most,
        clients=arguments.clients,
        complete_seconds=arguments.complete_seconds,
        open=arguments.open,
        supplementary_log=arguments.supplementary_log,
        ledger=tuple(arguments.ledger),
        ledger_constraint=arguments.ledger_constraint,
        workers=tuple(arguments.workers),
        backlog=arguments.backlog,
        long_minutes=PLAN.long_minutes if arguments.long is None else arguments.long,
        issuances=arguments.issuances,
        cancellations=arguments.cancellations,
        replay_limit=arguments.replay_limit,
    )


def _where(arguments: Namespace) -> Where:
    chosen: list[AbstractContextManager[str]] = [databases.named(url) for url in arguments.database or ()]
    if chosen and set(arguments.only) == {Part.ACCEPT} and arguments.long is None:
        return Where(chosen, None)
    server = databases.find_postgresql(arguments.postgresql)
    if server is None:
        complain("no PostgreSQL: none is named, and none answers on 127.0.0.1:5432")
    if not chosen:
        chosen = [databases.new_sqlite(), *([] if server is None else [databases.new_postgresql(server)])]
    return Where(chosen, server)


def _report(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--page {path}: {error}; give a file that itl bench --json wrote") from error


def _show(about: dict[str, Any], rows: list[Row], judged: list[Judged]) -> None:
    say()
    for name, value in about.items():
        say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    for title, cells in [*page.tables(rows), ("Aims", page.target_table(judged))]:
        say()
        say(f"{title}:")
        for line in table([tuple(line) for line in cells]):
            say(f"  {line}")
    say()
    say("Each figure is the median of all rounds, with the least and the most of them; ratios are those of the pairs.")
