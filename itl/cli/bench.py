"""`itl bench`: what the log bears, beside an empty echo of the same messages."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from itl.bench import databases, machine
from itl.bench.measure import Plan, Result, measure
from itl.bench.targets import Judged, judge
from itl.cli.command import Subparsers, add, complain, end_on_signals, say
from itl.cli.figures import table
from itl.errors import UsageError

PLAN = Plan()


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "bench",
        run,
        "Measure how many proposals a second are accepted durably. Beside it, in turns and by the same server, Spyne "
        "answers the same messages without doing anything; what counts is the ratio.",
    )
    parser.add_argument("--rounds", type=int, default=PLAN.rounds, help=f"paired rounds (default {PLAN.rounds})")
    parser.add_argument(
        "--seconds", type=float, default=PLAN.seconds, help=f"length of each load (default {PLAN.seconds:g})"
    )
    parser.add_argument("--most", type=int, default=PLAN.most, metavar="N", help="messages that end a load sooner")
    parser.add_argument("--clients", type=int, default=PLAN.clients, help=f"at one time (default {PLAN.clients})")
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=list(PLAN.blocks), metavar="N", help="unit blocks in a proposal"
    )
    parser.add_argument(
        "--database",
        action="append",
        metavar="URL",
        help="an empty database to measure on, may be repeated (default: a new SQLite file, and a new database on a "
        "PostgreSQL server if there is one)",
    )
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        help=f"server to make that database on (default: {' or '.join(databases.VARIABLES)}, else the local one)",
    )
    parser.add_argument("--json", action="store_true", help="give an object with machine, results and targets")


def run(arguments: Namespace) -> int:
    plan = Plan(
        blocks=tuple(arguments.blocks),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        most=arguments.most,
        clients=arguments.clients,
    )
    if min(plan.rounds, plan.seconds, plan.most, plan.clients, *plan.blocks) <= 0:
        raise UsageError("--rounds, --seconds, --most, --clients and --blocks want numbers above 0")
    end_on_signals()
    about: dict[str, Any] = machine.describe()
    results: list[Result] = []
    about["databases"] = []
    for chosen in _databases(arguments):
        with chosen as url:
            about["databases"].append(databases.version(url))
            results.extend(measure(url, plan, complain))
    judged = judge(results)
    if arguments.json:
        report = {
            "machine": about,
            "results": [asdict(result) for result in results],
            "targets": [asdict(target) for target in judged],
        }
        say(json.dumps(report, indent=2))
    else:
        _show(about, results, judged)
    return 0


def _databases(arguments: Namespace) -> list[AbstractContextManager[str]]:
    if arguments.database:
        return [databases.named(url) for url in arguments.database]
    server = databases.find_postgresql(arguments.postgresql)
    if server is None:
        complain("no PostgreSQL: none is named, and none answers on 127.0.0.1:5432; SQLite alone is measured")
        return [databases.new_sqlite()]
    return [databases.new_sqlite(), databases.new_postgresql(server)]


COLUMNS = tuple("database,message,blocks,bytes,log /s,echo /s,ratio,least,most,p50 ms,p99 ms,stored".split(","))


def _show(about: dict[str, Any], results: list[Result], judged: list[Judged]) -> None:
    say()
    for name, value in about.items():
        say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    say()
    for line in table([COLUMNS, *(_row(result) for result in results)]):
        say(line)
    say()
    say("log and echo: medians of all rounds; ratio: median of the pairs, with the least and the most of them.")
    say()
    for target in judged:
        say(f"{target.name}: {_said(target)}")


def _row(result: Result) -> tuple[object, ...]:
    ratio = result.ratio
    return (
        f"{result.engine} x{result.processes}",
        str(result.dialect),
        result.blocks,
        result.size,
        round(result.ours.median),
        round(result.echo.median),
        *(f"{value:.2f}" for value in (ratio.median, ratio.least, ratio.most)),
        *(f"{value:.1f}" for value in (result.p50, result.p99)),
        result.accepted,
    )


def _said(target: Judged) -> str:
    if target.value is None:
        return f"not measured (target {target.target:g})"
    return f"{target.value:.2f} of the echo, target {target.target:g}{' reached' if target.reached else ' NOT reached'}"
