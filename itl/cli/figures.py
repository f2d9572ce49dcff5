"""`itl holdings`: what the ledger holds, now or at any past instant."""

from __future__ import annotations

import csv
import json
import sys
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime

from itl.cli.command import Subparsers, add, database_argument, opened, say
from itl.errors import UsageError
from itl.store.holdings import COLUMNS, as_row, holdings

GROUPS = "party,unit,cp"


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "holdings",
        run,
        "Show units by originating registry, unit and original period. issued counts by the type at issuance, the "
        "other columns by the type now: issued + converted_in - converted_out = held + cancelled + retired + replaced.",
    )
    database_argument(parser)
    parser.add_argument("--by", default=GROUPS, metavar=GROUPS, help="the grouping; there is this one")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
    parser.add_argument("--at", metavar="TIME", help="as it was at this instant (ISO 8601; UTC where no zone is given)")


def run(arguments: Namespace) -> int:
    if arguments.by != GROUPS:
        raise UsageError(f"--by {arguments.by}: the holdings are by {GROUPS}")
    with opened(arguments).read() as connection:
        found = holdings(connection, _instant(arguments.at))
    match arguments.format:
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(as_row(holding) for holding in found)
        case "json":
            say(json.dumps([asdict(holding) for holding in found]))
        case _:
            for line in table([COLUMNS, *(as_row(holding) for holding in found)]):
                say(line)
    return 0


def table(rows: list[tuple[object, ...]]) -> list[str]:
    """Rows, headings first, as aligned columns: words to the left, numbers and what heads them to the right."""
    texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    numbers = [all(isinstance(cell, int) for cell in column[1:]) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in texts
    ]


def _instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError(f"--at {given}: {error}; give e.g. 2012-12-31T00:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
