"""What the log makes of every fault that a registry commits on request: found, timed out, refused, or no matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from itl.rehearsal.log_side import LogSide
from itl.rehearsal.reconciling import NOON, carry_through
from itl.rehearsal.registry_side import RegistrySide
from itl.rehearsal.sides import Here
from itl.store import tables as t
from itl.store.database import Database
from registry_client.faults import UNDIFFERENT, Fault, Misbehaviour

SEED, BLOCKS = 3, 80

Meet = Callable[..., "Met"]


@dataclass(frozen=True, slots=True)
class Met:
    """A log and a registry that were brought together; `database` is the log's."""

    log: Here
    registry: Here
    database: Database

    def reconcile(self, begins_with: str = "totals") -> str:
        self.log.ask("begin", begins_with)
        return carry_through(self.log, self.registry, {}.fromkeys(PHASES, 0.0))

    def attempts(self) -> list[tuple[str, str | None]]:
        """Step and outcome of every reconciliation, in their order."""
        own = t.reconciliations.c
        with self.database.read() as connection:
            return [
                (row.step, row.outcome) for row in connection.execute(select(own.step, own.outcome).order_by(own.id))
            ]

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.log.ask("findings")]

    def answers(self) -> list[tuple[str, str, str | None]]:
        """What came from the registry: operation, what became of it, codes."""
        own = t.messages.c
        query = select(own.operation, own.outcome, own.response_codes).where(own.direction == "in").order_by(own.id)
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]


PHASES = ("initiation", "totals", "unit blocks", "audit trail", "result")


@pytest.fixture
def meet(database_url: str, tmp_path: Path) -> Iterator[Meet]:
    met: list[Met] = []

    def brought_together(*faults: Fault) -> Met:
        log = Here(LogSide, database_url, NOON)
        misbehave = tuple(map(Misbehaviour, faults))
        registry = Here(RegistrySide, f"sqlite:///{tmp_path}/registry.db", NOON, log.ask("address"), misbehave)
        met.append(Met(log, registry, Database(database_url)))
        for side in (log, registry):
            side.ask("fill", SEED, BLOCKS)
        log.ask("meet", registry.ask("address"))
        return met[-1]

    yield brought_together
    for each in met:
        each.registry.close()
        each.log.close()
        each.database.close()


RECORD = {
    Fault.LOST_BLOCK: ["missing"],
    Fault.LOST_PART: ["missing"],
    Fault.EXTRA_BLOCK: ["unknown"],
    Fault.DOUBLE_BLOCK: ["double"],
    Fault.WRONG_PERIOD: ["elsewhere"],
    Fault.WRONG_ACCOUNT_TYPE: ["elsewhere"],
    Fault.WRONG_UNIT_TYPE: ["elsewhere"],
}


@pytest.mark.parametrize(("fault", "kinds"), RECORD.items())
def test_a_fault_of_the_record_is_found(meet: Meet, fault: Fault, kinds: list[str]) -> None:
    met = meet(fault)
    assert met.reconcile() == "intervention"
    assert met.kinds() == kinds


@pytest.mark.parametrize("fault", [None, *sorted(UNDIFFERENT)])
def test_what_is_no_matter_ends_as_if_nothing_were_wrong(meet: Meet, fault: Fault | None) -> None:
    met = meet(*(() if fault is None else (fault,)))
    assert met.reconcile() == "ended"
    assert met.attempts() == [("ended", "consistent")]
    assert met.kinds() == []


def test_what_comes_early_is_refused_and_what_comes_twice_is_a_repeat(meet: Meet) -> None:
    met = meet(Fault.ANSWERS_EARLY, Fault.ANSWERS_TWICE)
    met.reconcile()
    assert met.answers() == [
        ("receiveTotals", "refused", "6209"),
        ("receiveTotals", "refused", "6209"),
        ("receiveTotals", "accepted", None),
        ("receiveTotals", "repeat", None),
    ]
    assert met.attempts() == [("ended", "consistent")]


def test_a_registry_that_refuses_to_begin(meet: Meet) -> None:
    met = meet(Fault.DENIES)
    assert met.reconcile() == "ended"
    assert met.attempts() == [("ended", "denied")]
    assert met.answers() == []


def test_a_registry_that_never_answers_is_asked_anew_and_given_up(meet: Meet) -> None:
    met = meet(Fault.NO_ANSWER)
    assert met.reconcile() == "ended"
    assert met.attempts() == [("ended", "not answered")] * 3


def test_what_comes_late_is_on_record(meet: Meet) -> None:
    met = meet(Fault.LATE)
    assert met.reconcile() == "ended"
    assert met.attempts() == [("ended", "not answered")] * 3
    for side in (met.log, met.registry):
        side.ask("stand_at", NOON + timedelta(days=2))
    while met.registry.ask("work"):
        pass
    assert met.answers() == [("receiveTotals", "refused", "6204")] * 3
    assert met.attempts() == [("ended", "not answered")] * 3


def test_totals_that_its_own_blocks_do_not_bear_out(meet: Meet) -> None:
    """The blocks never add up to the totals: after the time for more has passed, they are taken as they are."""
    met = meet(Fault.WRONG_TOTALS)
    assert met.reconcile() == "ended"
    assert met.attempts() == [("ended", "consistent")]
    assert met.kinds() == []


def test_a_part_that_contradicts_what_was_whole_is_refused(meet: Meet) -> None:
    """The blocks add up to the totals, and are compared. What comes behind them, nobody waits for."""
    met = meet(Fault.LOST_BLOCK, Fault.CONTRADICTORY_PARTS)
    assert met.reconcile() == "intervention"
    assert met.kinds() == ["missing"]
    parts = [outcome for operation, outcome, _ in met.answers() if operation == "receiveUnitBlocks"]
    assert parts == ["accepted", "refused"]


def test_parts_that_contradict_each_other(meet: Meet) -> None:
    """Without totals nothing says when an answer is whole: the parts are one answer, with a block in two accounts."""
    met = meet(Fault.CONTRADICTORY_PARTS)
    assert met.reconcile("unit blocks") == "intervention"
    assert met.kinds() == ["double"]
