"""Tables of rows and targets: as text for a terminal, and as reStructuredText for the page of the documentation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itl.bench.rows import Part, Row, Spread, row_of
from itl.bench.targets import Judged

TITLES: Mapping[Part, str] = {
    Part.ACCEPT: "Accepting proposals, beside Spyne's empty echo and beside lxml that parses, validates and reads",
    Part.COMPLETE: "Whole transactions, beside pgbench -N",
    Part.LEDGER: "A proposal in ledgers of several sizes",
    Part.REPLAY: "Replay of the CDM registry's reports",
    Part.LONG: "A long run, its last minute beside its first",
    Part.SCALE: "Verdicts by several worker processes",
}

Table = list[tuple[str, ...]]
"""Headings first."""


def tables(rows: Iterable[Row]) -> Iterator[tuple[str, Table]]:
    """Titles and tables: one for each part, and for each kind of rows in it."""
    alike: defaultdict[tuple[Part, tuple[str, ...]], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.part, (*row.of, *row.figures)].append(row)
    for (part, heads), found in alike.items():
        yield TITLES[part], [heads, *map(_cells, found)]


def target_table(judged: Iterable[Judged]) -> Table:
    """Every target with what was measured."""
    heads = ("target", "aim", "measured", "reached")
    return [heads, *((each.name, f"{each.target:g}", _measured(each.value), _reached(each)) for each in judged)]


def as_page(report: Mapping[str, Any]) -> str:
    """A report of `itl bench --json` as the page has it: what it was measured on, and a table for each part."""
    machine = report["machine"]
    about = "; ".join(f"{name} {_listed(value)}" for name, value in machine.items())
    blocks = [f"Measured on: {about}."]
    for title, table in tables(map(row_of, report["results"])):
        blocks.append(f"{title}:\n\n{_csv_table(table)}")
    judged = [Judged(**each) for each in report["targets"]]
    blocks.append(f"Aims:\n\n{_csv_table(target_table(judged))}")
    return "\n\n".join(blocks)


def _cells(row: Row) -> tuple[str, ...]:
    return (*map(_plain, row.of.values()), *map(_spread, row.figures.values()))


def _plain(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _spread(figure: Spread) -> str:
    """The median, and in brackets the extremes where they differ from it as they are written."""
    median, least, most = map(_number, (figure.median, figure.least, figure.most))
    return median if least == most else f"{median} ({least} to {most})"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _measured(value: float | None) -> str:
    return "not measured" if value is None else _number(value)


def _reached(each: Judged) -> str:
    if each.reached is None:
        return "" if each.value is None else "too few rounds"
    return "yes" if each.reached else "NO"


def _csv_table(table: Table) -> str:
    heads, *lines = (", ".join(map(_quoted, line)) for line in table)
    return "\n".join([".. csv-table::", f"   :header: {heads}", "", *(f"   {line}" for line in lines)])


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
