"""The entries of a fault: the plan knows what is wrong and where, xmlschema says why, in the schema's own terms.

xmlschema is slow, so hostile input must not buy its work: beyond a bound the plan's own words stand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from lxml import etree

from itl.wire.contract import Struct
from itl.wire.faults import MISSING, UNKNOWN, WRONG_TYPE, FaultEntry
from itl.wire.limits import Limits
from itl.wire.literal import TooMuchError, literal
from itl.wire.references import References
from itl.wire.validation import schema_errors, worded_errors

_MOST_ELEMENTS = 1_000  # about a tenth of a second of xmlschema


def explained(
    plan: Struct,
    name: str,
    part: etree._Element,
    references: References,
    errors: list[FaultEntry],
    size: int,
    limits: Limits,
) -> tuple[FaultEntry, ...]:
    """`errors` with xmlschema's reasons; what lxml's validation finds beyond them if the limits ask for it."""
    if errors:
        if size > limits.explain_bytes:
            return tuple(errors)
        try:
            document = literal(plan, name, part, references, _MOST_ELEMENTS)
        except TooMuchError:
            return tuple(errors)
        reasons: dict[str, list[str]] = defaultdict(list)
        for path, reason in worded_errors(document, limits.errors):
            reasons[path].append(reason)
        return tuple(replace(entry, reason=_reason(entry, reasons)) for entry in errors)
    document = literal(plan, name, part, references, limits.elements * limits.expansion)
    return tuple(FaultEntry(WRONG_TYPE, path, reason) for path, reason in schema_errors(document)[: limits.errors])


def _reason(entry: FaultEntry, reasons: dict[str, list[str]]) -> str:
    parent, _, name = entry.path.rpartition("/")
    if entry.code in (MISSING, UNKNOWN):
        candidates = [reason for reason in reasons.get(parent, ()) if f"'{name}'" in reason]
    else:
        candidates = reasons.get(entry.path, [])
    return f"{entry.reason} (schema: {candidates[0]})" if candidates else entry.reason
