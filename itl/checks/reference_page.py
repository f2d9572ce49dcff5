"""The reference of all checks for the documentation, as reStructuredText: made from catalogue, functions and samples.

The documentation shows `page()` by a directive, while it is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from itl.checks.catalogue import EVIDENCE, JudgedBy, Row, catalogue
from itl.checks.engine import Outcome
from itl.checks.explain import Explanation, explain
from itl.checks.override import PLAIN, Override
from itl.checks.sample import Sample
from itl.codes import TransactionType
from itl.ledger.block import SerialRange

TITLE = "Response codes and checks"
_SPECIAL = re.compile(r"([\\*`|_])")

JUDGED: dict[JudgedBy, str] = {
    JudgedBy.WIRE: "while the message is read: a fault names code, path and reason",
    JudgedBy.DOOR: "at the door, before the message is acknowledged",
    JudgedBy.STORE: "as the message is recorded, before it is acknowledged",
    JudgedBy.ACKNOWLEDGEMENT: "in the acknowledgement of the notification",
    JudgedBy.WORKER: "after the acknowledgement: told by a notification with status 3",
    JudgedBy.RECONCILIATION: "in a reconciliation",
    JudgedBy.ACQUIRER: "by the acquiring registry: told by its rejection",
    JudgedBy.SUPPLEMENTARY_LOG: "by the supplementary transaction log of a scheme",
}


def page(override: Override = PLAIN) -> str:
    """The whole page; numbers are those that `override` has told outside."""
    return "\n".join([*_opening(), *_groups(override)]) + "\n"


def _opening() -> Iterator[str]:
    yield from _heading(TITLE, "=")
    yield "Every code that a message may carry, in order of precedence. The evidence of a code says how sure it is:"
    yield ""
    for mark, meaning in EVIDENCE.items():
        yield f"* {mark}: {meaning}"
    yield ""


def _groups(override: Override) -> Iterator[str]:
    for title, rows in groupby(catalogue().values(), key=_group):
        yield from _heading(_plain(title), "-")
        for row in rows:
            yield from _section(explain(override.told(row.code), override))


def _group(row: Row) -> str:
    """Stages are one group each, but the last is one for each type of transaction."""
    if row.stage_number is None:
        return row.stage[0].upper() + row.stage[1:]
    return f"Stage {row.stage}: type {row.applies_to}" if row.stage_number == 7 else f"Stage {row.stage}"


def _section(explanation: Explanation) -> Iterator[str]:
    row = explanation.row
    yield f".. _check-{explanation.told}:"
    yield ""
    yield from _heading(_plain(f"{explanation.told} {row.title}"), "~")
    for name, text in _fields(explanation):
        yield f":{name}: {_plain(text)}"
    yield ""
    for sample in explanation.samples:
        yield f"* {_plain(f'{_expected(sample)}: {sample.title}')}"
    if explanation.samples:
        yield ""


def _fields(explanation: Explanation) -> Iterator[tuple[str, str]]:
    row = explanation.row
    yield "Passes when", row.passes_when
    yield "Applies to", row.applies_to
    if row.transaction_types:
        yield "Transaction types", _names(row.transaction_types)
    if row.periods:
        yield "Periods", ", ".join(map(str, sorted(row.periods)))
    if row.versions:
        yield "Versions", ", ".join(f"{major}.{minor}" for major, minor in sorted(row.versions))
    yield "Judged", JUDGED[row.judged]
    if explanation.doc:
        yield "Reads", " ".join(explanation.doc.split())
    yield "Basis", row.basis
    yield "Evidence", row.evidence
    if explanation.told != row.code:
        yield "In the catalogue", str(row.code)
    if explanation.reason and row.judged not in (JudgedBy.WIRE, JudgedBy.STORE):
        yield "Not judged here", explanation.reason


def _names(types: Iterable[int]) -> str:
    return ", ".join(f"{each} {TransactionType(each).name.replace('_', ' ').lower()}" for each in sorted(types))


def _expected(sample: Sample) -> str:
    if sample.outcome is Outcome.PASSED:
        return "passes"
    if sample.outcome is not Outcome.FAILED:
        return sample.outcome.value
    return f"fails for {', '.join(map(_units, sample.fails))}" if sample.fails else "fails"


def _units(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"


def _heading(text: str, line: str) -> Iterator[str]:
    yield text
    yield line * len(text)
    yield ""


def _plain(text: str) -> str:
    """`text` without a meaning in reStructuredText."""
    return _SPECIAL.sub(r"\\\1", text)
