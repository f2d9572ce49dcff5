"""Faults of the record: what is planted into the frozen copy, so that totals and blocks agree with each other, as they
do in a registry whose books are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
import sqlalchemy as sa

from itl.messages import UnitBlock
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import SerialRange
from registry_client.reconciliation.tables import snapshot_blocks

OTHER_ACCOUNT_TYPE = {100: 230, 230: 300}
"""Where a block is said to lie instead; 100 for all others."""

_frozen = snapshot_blocks.c
_WITH_PERIOD = _frozen.account_type.not_in((100, 110, 120, 121))
_quantity = _frozen.range_end - _frozen.range_start + 1

SUITS: Mapping[Fault, sa.ColumnElement[bool]] = MappingProxyType(
    {
        Fault.LOST_PART: _quantity >= 3,
        Fault.OTHER_CUT: _quantity >= 2,
        Fault.WRONG_PERIOD: _WITH_PERIOD,
    }
)
"""What a block must be for a fault of the record that not every block can have."""


def contradiction(block: UnitBlock) -> UnitBlock:
    """The same units, said to lie in an account of another type."""
    return msgspec.structs.replace(block, account_type=OTHER_ACCOUNT_TYPE.get(block.account_type, 100))


def apply(connection: sa.Connection, reconciliation: int, wanted: Sequence[Misbehaviour]) -> list[str]:
    """Plant the faults of the record among `wanted` into the frozen copy; what was done, in words."""
    planted = [each for each in wanted if each.fault in _PLANT]
    if not planted:
        return []
    # a copy is searched by serial for nothing else, so the index is not kept
    connection.exec_driver_sql(
        "CREATE INDEX planting ON snapshot_blocks (reconciliation, originating_registry, range_start)"
    )
    told = [
        _planted(connection, reconciliation, each, number / (len(planted) + 1))
        for number, each in enumerate(planted, 1)
    ]
    connection.exec_driver_sql("DROP INDEX planting")
    return told


def _planted(connection: sa.Connection, reconciliation: int, wanted: Misbehaviour, place: float) -> str:
    block = _block(connection, reconciliation, wanted, place)
    if block is None:
        return f"{wanted.fault}: no block that suits"
    _Planting(connection, block, wanted.units).commit(wanted.fault)
    units = wanted.units or SerialRange(block.originating_registry, block.range_start, block.range_end)
    return f"{wanted.fault}: {units}"


def _block(connection: sa.Connection, reconciliation: int, wanted: Misbehaviour, place: float) -> sa.Row[Any] | None:
    """The block that a fault is planted at: the one that holds its units, or for units that are not there, the last one
    before them; the next that suits from `place` on, where no units are named."""
    query = sa.select(snapshot_blocks).where(_frozen.reconciliation == reconciliation)
    units = wanted.units
    if units is None:
        last = connection.execute(
            sa.select(sa.func.max(_frozen.number)).where(_frozen.reconciliation == reconciliation)
        ).scalar()
        first = int((last or 0) * place) + 1
        query = query.where(SUITS.get(wanted.fault, sa.true())).order_by(_frozen.number < first, _frozen.number)
        return connection.execute(query.limit(1)).first()
    query = query.where(_frozen.originating_registry == units.originating_registry, _frozen.range_start <= units.start)
    before = connection.execute(query.order_by(_frozen.range_start.desc()).limit(1)).first()
    holds = before is not None and before.range_end >= units.end
    return before if holds or wanted.fault is Fault.EXTRA_BLOCK else None


@dataclass(frozen=True, slots=True)
class _Planting:
    """One fault of the record at the frozen `block`, about `units` of it, or all or a part if None."""

    connection: sa.Connection
    block: sa.Row[Any]
    units: SerialRange | None

    def commit(self, fault: Fault) -> None:
        _PLANT[fault](self)

    def lose(self) -> None:
        self._put(self._rests(self._bounds()))

    def lose_part(self) -> None:
        start, end = self._bounds()
        if self.units is None:
            third = (end - start + 1) // 3
            start, end = start + third, end - third
        self._put(self._rests((start, end)))

    def add(self) -> None:
        start = self._last_serial() + 1_000
        units = self.units or SerialRange(self.block.originating_registry, start, start + 9)
        self._put(
            [
                {},
                {
                    "originating_registry": units.originating_registry,
                    "range_start": units.start,
                    "range_end": units.end,
                },
            ]
        )

    def double(self) -> None:
        start, end = self._bounds()
        self._put([{}, {"range_start": start, "range_end": end}])

    def cut(self) -> None:
        start, end = self.block.range_start, self.block.range_end
        at = self.units.start if self.units is not None and self.units.start > start else (start + end) // 2 + 1
        self._put([{"range_end": at - 1}, {"range_start": at}])

    def change_period(self) -> None:
        self._change(applicable_period=1 if self.block.applicable_period == 2 else 2)

    def change_account_type(self) -> None:
        self._change(account_type=OTHER_ACCOUNT_TYPE.get(self.block.account_type, 100))

    def change_unit_type(self) -> None:
        self._change(unit_type=2 if self.block.unit_type == 1 else 1)

    def _bounds(self) -> tuple[int, int]:
        block, units = self.block, self.units
        return (block.range_start, block.range_end) if units is None else (units.start, units.end)

    def _rests(self, gone: tuple[int, int]) -> list[dict[str, Any]]:
        rests = ((self.block.range_start, gone[0] - 1), (gone[1] + 1, self.block.range_end))
        return [{"range_start": start, "range_end": end} for start, end in rests if start <= end]

    def _change(self, **values: Any) -> None:
        start, end = self._bounds()
        self._put([*self._rests((start, end)), values | {"range_start": start, "range_end": end}])

    def _put(self, parts: Sequence[dict[str, Any]]) -> None:
        """In the place of the block these, which differ from it as said; the first takes its number."""
        row = dict(self.block._mapping)
        of = _frozen.reconciliation == row["reconciliation"]
        self.connection.execute(snapshot_blocks.delete().where(of, _frozen.number == row["number"]))
        last = self.connection.execute(sa.select(sa.func.max(_frozen.number)).where(of)).scalar() or row["number"]
        for offset, part in enumerate(parts):
            number = row["number"] if offset == 0 else max(last, row["number"]) + offset
            self.connection.execute(snapshot_blocks.insert().values(row | {"number": number} | part))

    def _last_serial(self) -> int:
        block = self.block
        query = sa.select(sa.func.max(_frozen.range_end)).where(
            _frozen.reconciliation == block.reconciliation,
            _frozen.originating_registry == block.originating_registry,
        )
        return int(self.connection.execute(query).scalar_one())


_PLANT: Mapping[Fault, Callable[[_Planting], None]] = MappingProxyType(
    {
        Fault.LOST_BLOCK: _Planting.lose,
        Fault.LOST_PART: _Planting.lose_part,
        Fault.EXTRA_BLOCK: _Planting.add,
        Fault.DOUBLE_BLOCK: _Planting.double,
        Fault.OTHER_CUT: _Planting.cut,
        Fault.WRONG_PERIOD: _Planting.change_period,
        Fault.WRONG_ACCOUNT_TYPE: _Planting.change_account_type,
        Fault.WRONG_UNIT_TYPE: _Planting.change_unit_type,
    }
)
