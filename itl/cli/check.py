"""`itl check`: what a response code means, why it exists, and when it passes and fails."""

from __future__ import annotations

import csv
import json
import sys
import textwrap
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from itl.checks.catalogue import EVIDENCE, catalogue
from itl.checks.engine import Outcome
from itl.checks.explain import Explanation, coverage, explain
from itl.checks.override import Override
from itl.checks.sample import Sample
from itl.cli.command import Subparsers, add, database_argument, say, settings_of
from itl.cli.figures import table
from itl.codes import TransactionType
from itl.errors import UsageError
from itl.hub import override_of
from itl.ledger.block import SerialRange
from itl.store.database import Database
from itl.store.hits import hits
from itl.store.schema import require_current


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "check",
        run,
        "Explain a response code. Prints what it tests, its basis, how sure its number and meaning are, and samples.",
    )
    parser.add_argument("code", nargs="?", type=int, help="response code, e.g. 4003")
    parser.add_argument("--list", action="store_true", help="a line for every code")
    parser.add_argument("--coverage", action="store_true", help="how far every code is implemented and shown")
    parser.add_argument(
        "--hits", action="store_true", help="how often each code passed, failed, ... in the log on --database, as CSV"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    database_argument(parser)


def run(arguments: Namespace) -> int:
    override = override_of(settings_of(arguments))
    if arguments.hits:
        _hits(settings_of(arguments).database, arguments.json)
        return 0
    if arguments.list:
        _list(override, arguments.json)
        return 0
    if arguments.coverage:
        _coverage(override, arguments.json)
        return 0
    if arguments.code is None:
        raise UsageError("explain which code? give one, or --list or --coverage")
    explanation = explain(arguments.code, override)
    if arguments.json:
        say(json.dumps(_plain(explanation), ensure_ascii=False, indent=2))
    else:
        for line in _page(explanation):
            say(line)
    return 0


def _hits(url: str, as_json: bool) -> None:
    """Of all proposals that the worker judged, by code and outcome."""
    database = Database(url)
    require_current(database)
    with database.snapshot() as connection:
        found = hits(connection)
    database.close()
    columns = [outcome.value for outcome in Outcome]
    rows = [
        {"code": code} | {column.replace(" ", "_"): found[code, column] for column in columns}
        for code in catalogue()
        if any(found[code, column] for column in columns)
    ]
    if as_json:
        say(json.dumps(rows))
        return
    writer = csv.DictWriter(
        sys.stdout, ["code", *(column.replace(" ", "_") for column in columns)], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)


def _coverage(override: Override, as_json: bool) -> None:
    rows = coverage(override)
    if as_json:
        say(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    heads: tuple[object, ...] = ("code", "evidence", "implemented", "passing", "failing", "reason")
    cells: list[tuple[object, ...]] = [
        (
            str(row.code),
            row.evidence,
            "yes" if row.implemented else "no",
            row.samples_pass,
            row.samples_fail,
            row.reason,
        )
        for row in rows
    ]
    for line in table([heads, *cells]):
        say(line)


def _list(override: Override, as_json: bool) -> None:
    rows = [
        {
            "code": override.told(row.code),
            "stage": row.stage,
            "title": row.title,
            "evidence": row.evidence,
            "implemented": explanation.implemented,
            "reason": explanation.reason,
        }
        for row in catalogue().values()
        for explanation in [explain(override.told(row.code), override)]
    ]
    if as_json:
        say(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        reason = "" if row["implemented"] else f" (not here: {row['reason']})"
        say(f"{row['code']}  {row['evidence']}  {row['title']}{reason}")


def _page(explanation: Explanation) -> Iterable[str]:
    row = explanation.row
    yield f"{explanation.told} {row.title}"
    yield ""
    yield from _field("passes when", row.passes_when)
    yield from _field("applies to", row.applies_to + _types(row.transaction_types))
    yield from _field("stage", row.stage)
    yield from _field("judged", f"by the {row.judged.value}" if row.judged.value != "door" else "at the door")
    yield from _field("basis", row.basis)
    yield from _field("evidence", f"{row.evidence}: {EVIDENCE[row.evidence]}")
    if explanation.doc:
        yield from _field("reads", explanation.doc)
    if explanation.function:
        yield from _field("function", explanation.function)
    if explanation.reason:
        yield from _field("not here", explanation.reason)
    for sample in explanation.samples:
        yield ""
        yield f"  {_expected(sample)}: {sample.title}"
        for key, value in sample.situation.items():
            for each in value if isinstance(value, list) else [value]:
                yield from textwrap.wrap(
                    f"{key}: {_written(each)}", 110, initial_indent="      ", subsequent_indent="        "
                )


def _field(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=f"{name:<12}", subsequent_indent=" " * 12)


def _types(types: frozenset[int]) -> str:
    names = ", ".join(TransactionType(each).name.replace("_", " ").lower() for each in sorted(types))
    return f" ({names})" if names else ""


def _expected(sample: Sample) -> str:
    if sample.outcome is not Outcome.FAILED:
        return sample.outcome.value
    return "fails for " + ", ".join(map(_units, sample.fails)) if sample.fails else "fails"


def _units(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_written(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_written, value))
    return str(value)


def _plain(explanation: Explanation) -> dict[str, Any]:
    row = explanation.row
    return {
        "code": explanation.told,
        "title": row.title,
        "stage": row.stage,
        "applies_to": row.applies_to,
        "transaction_types": sorted(row.transaction_types),
        "judged": row.judged.value,
        "passes_when": row.passes_when,
        "basis": row.basis,
        "evidence": row.evidence,
        "implemented": explanation.implemented,
        "reason": explanation.reason,
        "function": explanation.function,
        "samples": [
            {
                "title": sample.title,
                "outcome": sample.outcome.value,
                "fails": list(map(_units, sample.fails)),
                "situation": json.loads(json.dumps(sample.situation, default=_time)),
            }
            for sample in explanation.samples
        ],
    }


def _time(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{value!r} does not belong into a sample")
