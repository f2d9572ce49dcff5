"""What the ledger must show after a replay, worked out from the reports alone, and where it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields

from itl.codes import SYMBOLS, TransactionType
from itl.replay.reports import Row
from itl.replay.transactions import FIRST_UNIT, is_foreign
from itl.store.holdings import Holding

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not the same: in units, of one Party, unit and original period."""

    party: str
    unit: str
    cp: int
    figure: str
    reports: int
    log: int


def expected(rows: Iterable[Row]) -> list[Holding]:
    """The holdings after `rows`, all carried out: held is what was issued and not cancelled."""
    figures: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        party, quantity = row.units.originating_registry, row.units.quantity
        now = figures[party, SYMBOLS[row.unit_type], row.period]
        if row.transaction_type == TransactionType.ISSUANCE:
            now["issued"] += quantity
            now["held"] += quantity
            continue
        now["cancelled"] += quantity
        if not is_foreign(row):
            now["held"] -= quantity
        else:
            first = figures[party, SYMBOLS[FIRST_UNIT[row.unit_type]], row.period]
            first["issued"] += quantity
            first["converted_out"] += quantity
            now["converted_in"] += quantity
    return [Holding(*key, **figures[key]) for key in sorted(figures)]  # type: ignore[arg-type]


def differences(reports: Iterable[Holding], log: Iterable[Holding]) -> list[Difference]:
    """Every figure in which the log's holdings are not what the reports make them."""
    ours = {(holding.party, holding.unit, holding.cp): holding for holding in reports}
    theirs = {(holding.party, holding.unit, holding.cp): holding for holding in log}
    names = [field.name for field in fields(Holding) if field.name not in ("party", "unit", "cp")]
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key, Holding(*key)), theirs.get(key, Holding(*key))
        found += [
            Difference(*key, name, getattr(one, name), getattr(other, name))
            for name in names
            if getattr(one, name) != getattr(other, name)
        ]
    return found
