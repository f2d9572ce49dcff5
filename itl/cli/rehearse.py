"""`itl rehearse`: go through an exchange that is rare, or feared, with a log and a registry made for the purpose."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError, Namespace
from dataclasses import asdict
from functools import partial

from itl.cli import logs
from itl.cli.command import Subparsers, add, complain, end_on_signals, say
from itl.rehearsal.planting import Finding
from itl.rehearsal.reconciling import Rehearsed, rehearse
from itl.rehearsal.sides import Elsewhere

SHOWN = 20
"""How many of what was missed, or found without being there, are printed; with `--json` it is all of them."""
MEBIBYTE = 1024 * 1024


def register(commands: Subparsers) -> None:
    top = commands.add_parser(
        "rehearse",
        help="Go through an exchange with a log and a registry made for the purpose.",
        description="Go through an exchange with a log and a registry made for the purpose.",
    )
    kinds = top.add_subparsers(required=True, metavar="WHAT")
    parser = add(
        kinds,
        "reconciliation",
        run,
        "Plant faults in a registry, reconcile with it, and see that all of them are found, and nothing else. Log and "
        "registry run in processes of their own and speak over HTTP; their clocks go on as soon as there is nothing to "
        "do. Exit code 1 if a fault was missed, or something found that is none.",
    )
    parser.add_argument("--blocks", type=_positive, default=10_000, metavar="N", help="unit blocks (default 10000)")
    parser.add_argument("--faults", type=_positive, default=10, metavar="K", help="faults to plant (default 10)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what the draw begins with (default 1)")
    parser.add_argument("--database", metavar="URL", help="an empty database for the log (default: a temporary file)")
    parser.add_argument("--json", action="store_true", help="give the result as JSON, and all else on standard error")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is not at least 1")
    return number


def run(arguments: Namespace) -> int:
    end_on_signals()
    level = "warning" if arguments.log_level == "info" else arguments.log_level  # the log inside tells of every message
    logs.configure(level)
    done = rehearse(
        arguments.blocks,
        arguments.faults,
        arguments.seed,
        database=arguments.database,
        made=partial(Elsewhere, first=partial(logs.configure, level)),
        tell=complain if arguments.json else say,
    )
    if arguments.json:
        say(json.dumps(asdict(done), indent=2))
    else:
        _show(done)
    return 0 if done.is_right else 1


def _show(done: Rehearsed) -> None:
    say(f"planted {done.planted}, found {done.found}, missed {len(done.missed)}, false {len(done.false)}")
    for name, findings in (("missed", done.missed), ("false", done.false)):
        for finding in findings[:SHOWN]:
            say(f"  {name}: {_told(finding)}")
        if len(findings) > SHOWN:
            say(f"  {name}: {len(findings) - SHOWN} more")
    say("seconds: " + ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in done.seconds.items()))
    say("peak memory: " + ", ".join(f"{name} {peak // MEBIBYTE} MiB" for name, peak in done.memory.items()))


def _told(finding: Finding) -> str:
    return f"{finding.kind} {finding.originating_registry} {finding.start}-{finding.end}"
