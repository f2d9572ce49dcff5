"""Messages of any type of the contract, for hypothesis, made from the plans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from itl.wire.contract import OPERATIONS, Array, Plan, Port, Struct

LEGAL_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
    lambda character: character >= " " or character in "\t\n\r"
)
OPERATION_NAMES = [(port, name) for port in Port for name in OPERATIONS[port]]

_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(LEGAL_CHARACTERS, max_size=20),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "dateTime": st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)).map(
        lambda naive: naive.replace(tzinfo=UTC)
    ),
    "date": st.dates(min_value=date(1, 1, 1)),
}


@cache
def values(plan: Plan) -> st.SearchStrategy[Any]:
    """Any value of a type: instances of the message class for a struct, tuples for an array."""
    if isinstance(plan, Struct):
        fields = {
            item.name: values(item.plan) if item.required else st.none() | values(item.plan) for item in plan.fields
        }
        return st.builds(plan.cls, **fields)
    if isinstance(plan, Array):
        return st.lists(values(plan.item), max_size=3).map(tuple)
    return _SCALARS[plan.name]


def zones() -> st.SearchStrategy[timedelta]:
    """Offsets that XML Schema allows, in whole minutes."""
    return st.integers(-14 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes))
