"""Whatever befalls the members of a scheme before, between and after their moves, in whatever order they move, and
wherever a process dies or an operator turns back: each unit is in one place, and all agree in the end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, INTERNAL, RETIREMENT, proposal, units
from tests.supplement.moving import MEMBERS, OTHER, TEMPLATES, Moving
from tests.supplement.network import Killed, Network

EXAMPLES = int(os.environ.get("CUTOVER_EXAMPLES", "3"))
TO = {EXTERNAL: 100, INTERNAL: 121, CANCELLATION: 230, RETIREMENT: 300}

Done = TypeVar("Done")
members = st.sampled_from(MEMBERS)
traded = st.tuples(
    st.just("trade"), st.sampled_from((*MEMBERS, "JP")), st.sampled_from([None, *TO]), st.integers(0, 99), members
)
still_open = st.none() | traded
moved = st.tuples(st.just("move"), members, still_open)
steps = st.sampled_from(["begun", "exported", "imported", "gone"])
turned_back = st.tuples(st.just("turn back"), members, still_open, steps)


class Story:
    """What happens, one thing after another; after each of them every unit is in one place."""

    def __init__(self, moving: Moving, *, dies: bool) -> None:
        self.moving, self.dies = moving, dies
        self.number = 0
        self.issued: dict[str, int] = {}
        self.used: set[str] = set()
        for code in ("GB", "FR", "JP"):
            self.issue(code)

    def tell(self, event: tuple[object, ...]) -> None:
        what, *how = event
        {"trade": self.trade, "move": self.move, "turn back": self.turn_back}[str(what)](*how)  # type: ignore[operator]
        self.look()

    def look(self) -> None:
        assert self.moving.wrong() == []
        there = Counter(
            unit for code in ("GB", "FR", "JP") for unit in self.moving.held(self.moving.network[code].log, [code])
        )
        assert there == Counter((code, serial) for code, last in self.issued.items() for serial in range(1, last + 1))

    # What befalls units

    def next_identifier(self, code: str) -> str:
        self.number += 1
        self.used.add(f"{code}{self.number}")
        return f"{code}{self.number}"

    def issue(self, code: str) -> None:
        first = self.issued.get(code, 0) + 1
        self.issued[code] = first + 9
        self.moving.issue(code, self.next_identifier(code), first, first + 9)

    def trade(self, code: str, kind: int | None, which: int, partner: str, *, settled: bool = True) -> None:
        """A transaction of some units, or an issuance; one that is refused is history as well."""
        registry = self.moving.network[code]
        free = sorted(unit for unit, account_type in registry.units.items() if account_type == 100)
        if kind is None or not free:
            self.issue(code)
            return
        origin, start = free[which % len(free)]
        end = start + 1 if (origin, start + 1) in free else start
        to = None if kind != EXTERNAL else partner if partner != code else "JP" if code != "JP" else "GB"
        identifier = self.next_identifier(code)
        message = proposal(code, identifier, kind, units(start, end, origin), to=to, accounts=(100, TO[kind]))
        if registry.propose(message).result_identifier != 1:
            self.used.discard(identifier)
        if settled:
            self.moving.network.settle()

    # What befalls registries

    def move(self, code: str, still_open: tuple[Any, ...] | None = None) -> None:
        giver = self.moving.network[code].log
        taker = OTHER[giver]
        self.reach(code, "gone", still_open)
        self.moving.reconcile(code, taker)
        self.stubbornly(taker, lambda: self.moving.open_up(code, taker))

    def turn_back(self, code: str, still_open: tuple[Any, ...] | None, at: str) -> None:
        giver = self.moving.network[code].log
        self.reach(code, at, still_open)
        receipt = None
        if at != "begun":
            receipt = self.stubbornly(OTHER[giver], lambda: self.moving.withdraw(code, OTHER[giver]))
        self.stubbornly(giver, lambda: self.moving.lift(code, receipt, giver))
        self.moving.network.settle()

    def reach(self, code: str, at: str, still_open: tuple[Any, ...] | None) -> None:
        """Freeze the registry, with a transaction that may be open then, and go on as far as is said."""
        giver = self.moving.network[code].log
        taker = OTHER[giver]
        if still_open is not None:
            self.trade(*still_open[1:], settled=False)
        self.stubbornly(giver, lambda: self.moving.begin(code, giver))
        if at == "begun":
            return
        self.moving.reconcile(code, giver)
        self.stubbornly(giver, lambda: self.moving.export(code, giver))
        if at == "exported":
            return
        assert self.moving.rehearse(code, taker).differences == []
        receipt = self.stubbornly(taker, lambda: self.moving.take_in(code, taker))
        if at != "imported":
            self.stubbornly(giver, lambda: self.moving.go(code, receipt, giver))

    def stubbornly(self, log: str, step: Callable[[], Done]) -> Done:
        """Take a step; if processes die, first one that dies before its commit, and is as if it had never been."""
        if self.dies:
            before = self.moving.handed_over
            self.moving.network.logs[log].kill_next = True
            with pytest.raises(Killed):
                step()
            self.moving.network.logs[log].restart()
            assert self.moving.handed_over == before
        return step()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("dies", [False, True], ids=["", "dying"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    events=st.lists(st.one_of(traded, traded, moved, turned_back), min_size=2, max_size=6),
    order=st.permutations(MEMBERS),
)
def test_no_unit_is_lost_or_doubled(
    engine: str,
    dies: bool,
    events: list[tuple[object, ...]],
    order: list[str],
    fresh_database: FreshDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    urls = {code: fresh_database(engine, template) for code, template in TEMPLATES.items()}  # type: ignore[arg-type]
    with Network.on(urls) as network:
        moving = Moving(network, tmp_path_factory.mktemp("files"))
        story = Story(moving, dies=dies)
        for event in events:
            story.tell(event)
        for code in order:
            if network[code].log == "CITL":
                story.tell(("move", code))
        assert moving.held("ITL") == moving.held("CITL")
        assert [moving.in_force(code) for code in MEMBERS] == [["ITL"], ["ITL"]]
        for identifier in sorted(story.used):
            again = proposal(identifier[:2], identifier, INTERNAL, units(1, 1, identifier[:2]))
            assert network[identifier[:2]].propose(again).response_codes == (3001,)
