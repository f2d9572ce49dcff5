"""How often each check answered what, over all proposals that a log judged: changed rules show as changed numbers."""

from __future__ import annotations

from collections import Counter

import msgspec
from sqlalchemy import Connection, select

from itl.store import tables as t

PAGE = 1000


class _Result(msgspec.Struct):
    code: int
    outcome: str


_RESULTS = msgspec.json.Decoder(list[_Result])


def hits(connection: Connection) -> Counter[tuple[int, str]]:
    """Number of proposals by code and outcome (`passed`, `failed`, `not applicable`, ...), in constant memory."""
    counted: Counter[tuple[int, str]] = Counter()
    rows = connection.execution_options(yield_per=PAGE).execute(select(t.evaluations.c.results))
    for results in rows.scalars():
        counted.update((result.code, result.outcome) for result in _RESULTS.decode(results))
    return counted
