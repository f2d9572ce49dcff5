"""The whole bench: the parts that are asked for, one after another, on the databases that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from itl.bench import accepting, completing, databases, growing, long_run, replaying, scaling
from itl.bench.plan import Plan
from itl.bench.rows import Part, Row

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Where:
    """Databases to accept on, and the PostgreSQL server on which all else is measured; None if there is none."""

    accepting: Sequence[AbstractContextManager[str]]
    server: str | None


ON_SERVER: dict[Part, Callable[[str, Plan, Tell], Iterator[Row]]] = {
    Part.COMPLETE: completing.measure,
    Part.LEDGER: growing.measure,
    Part.LONG: long_run.measure,
    Part.SCALE: scaling.measure,
}


def measure(plan: Plan, where: Where, versions: list[str], tell: Tell) -> Iterator[Row]:
    """The rows of all parts of `plan`; `versions` gets those of the databases. What cannot be measured is told."""
    for part in Part:
        if part not in plan.parts:
            continue
        if part is Part.ACCEPT:
            for chosen in where.accepting:
                with chosen as url:
                    versions.append(databases.version(url))
                    yield from accepting.measure(url, plan, tell)
        elif part is Part.REPLAY:
            if plan.issuances is None or plan.cancellations is None:
                tell("replay: left out, for no reports are named; give --issuances and --cancellations")
            else:
                yield from replaying.measure(where.server, plan, tell)
        elif where.server is None:
            tell(f"{part}: left out, for there is no PostgreSQL")
        else:
            versions += [version for version in [databases.version(where.server)] if version not in versions]
            yield from ON_SERVER[part](where.server, plan, tell)
