"""The replay of the CDM registry's reports: `itl replay` as anybody would run it, on each database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from itl.bench import databases
from itl.bench.connection import LoadError
from itl.bench.plan import Plan
from itl.bench.rows import POSTGRESQL, SQLITE, Of, Part, Row, spread

REAL = 40_000
"""Rows that the real reports have, at least: fewer say nothing of the target."""


def measure(server: str | None, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row on a new SQLite file, and one on the PostgreSQL at `server`. LoadError where it could not be run."""
    tell(f"replay: {SQLITE}")
    with databases.new_sqlite(prepared=False) as url:
        yield _replay(SQLITE, url, plan)
    if server is not None:
        tell(f"replay: {POSTGRESQL}")
        with databases.new_postgresql(server, prepared=False) as url:
            yield _replay(POSTGRESQL, url, plan)


def _replay(engine: str, url: str, plan: Plan) -> Row:
    command = [sys.executable, "-m", "itl.cli.main", "--log-level", "warning", "replay", "--json", "--database", url]
    command += ["--issuances", str(plan.issuances), "--cancellations", str(plan.cancellations)]
    command += ["--limit", str(plan.replay_limit)] if plan.replay_limit else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    try:
        said = json.loads(done.stdout)
    except ValueError as error:
        raise LoadError(f"the replay failed: {done.stderr.strip()[-1000:]}") from error
    figures = {
        "rows fed": said["rows"],
        "transactions": said["transactions"],
        "rows /s": said["rows_per_second"],
        "minutes": said["seconds"] / 60,
        "refused": len(said["refusals"]),
        "differences": len(said["differences"]),
    }
    of: Of = {"database": engine, "real reports": "yes" if said["rows"] >= REAL else "no"}
    return Row(Part.REPLAY, of, {name: spread([float(value)]) for name, value in figures.items()}, 1)
