"""A log with several registries against a naive model: whatever is said, in whatever order, lost or repeated.

After each step: every unit is where the model has it, no unit in two places, units conserved, each message of one
effect, messages out in order per transaction, and the holdings of every past instant still those of that instant.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from itl.store import tables as t
from itl.wire.outgoing import HttpReply
from tests.databases import FreshDatabase
from tests.hub.model import TARGETS, Model, ModelTransaction
from tests.hub.states import STATUSES
from tests.hub.world import (
    CANCELLATION,
    DAY,
    EXTERNAL,
    INTERNAL,
    ISSUANCE,
    RETIREMENT,
    World,
    accepts,
    faults,
    is_down,
    notification,
    proposal,
    sandbox,
    units,
)

REGISTRIES = ("GB", "FR", "JP")
TYPES = (ISSUANCE, EXTERNAL, CANCELLATION, RETIREMENT, INTERNAL)
LAST_SERIAL = 30

registries = st.sampled_from(REGISTRIES)
indices = st.integers(min_value=0, max_value=9)
ranges = st.tuples(st.integers(1, LAST_SERIAL), st.integers(0, 8)).map(lambda drawn: (drawn[0], sum(drawn)))


def answer_is_lost(operation: str, message: Any) -> HttpReply:
    """The registry takes the message, its answer does not arrive."""
    return is_down(operation, message)


class LogMachine(RuleBasedStateMachine):
    """The hub and the model, told the same."""

    new_database: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world = self.stack.enter_context(World.on(self.new_database()))
        self.model = Model()
        self.said: list[Any] = []
        """Proposals of well-formed identifiers, and notifications, whatever they were answered."""

    # What registries say

    @initialize()
    def hold_something(self) -> None:
        for code in ("GB", "FR"):
            self._propose(code, ISSUANCE, code, [(code, 1, 20)], 100)
        self.worker()
        for transaction in list(self.model.transactions.values()):
            self._notify(transaction.sender, transaction, 4)
        self.worker()

    @rule(
        code=registries,
        to=registries,
        transaction_type=st.sampled_from(TYPES),
        origin=registries,
        drawn=st.lists(ranges, min_size=1, max_size=3),
        source=st.sampled_from([100, 121]),
        wrong=st.booleans(),
    )
    def propose_anything(
        self,
        code: str,
        to: str,
        transaction_type: int,
        origin: str,
        drawn: list[tuple[int, int]],
        source: int,
        wrong: bool,
    ) -> None:
        to = to if transaction_type == EXTERNAL else code
        origin = code if transaction_type == ISSUANCE and not wrong else origin
        blocks = [(origin, start, end) for start, end in drawn]
        self._propose(code, transaction_type, to, blocks, source, wrong=wrong)

    @precondition(lambda self: self.model.places)
    @rule(
        which=st.integers(0, 99),
        length=st.integers(1, 8),
        transaction_type=st.sampled_from([EXTERNAL, EXTERNAL, INTERNAL, CANCELLATION, RETIREMENT]),
        to=registries,
        works=st.booleans(),
    )
    def propose_what_is_held(self, which: int, length: int, transaction_type: int, to: str, works: bool) -> None:
        """`works`: the log is at work at once; else others may come first."""
        held = sorted(self.model.places)
        origin, start = held[which % len(held)]
        code, source = self.model.places[origin, start]
        end = start
        while end < start + length and self.model.places.get((origin, end + 1)) == (code, source):
            end += 1
        self._propose(
            code, transaction_type, to if transaction_type == EXTERNAL else code, [(origin, start, end)], source
        )
        if works:
            self.worker()

    @precondition(lambda self: self.model.transactions)
    @rule(which=indices, code=registries, status=st.sampled_from(STATUSES), party_type=st.integers(1, 3))
    def say_anything(self, which: int, code: str, status: int, party_type: int) -> None:
        self._notify(code, self._transaction(which), status, party_type)

    @precondition(lambda self: self.model.transactions)
    @rule(steps=st.lists(st.tuples(indices, st.sampled_from([True, True, False])), min_size=1, max_size=5))
    def carry_on(self, steps: list[tuple[int, bool]]) -> None:
        """The log works, some registries do what comes next, well or badly, and the log works again."""
        self.worker()
        for which, well in steps:
            waiting = [each for each in self.model.transactions.values() if each.awaits]
            if waiting:
                self._next(waiting[-1 - which % len(waiting)], well)
        self.worker()

    @precondition(lambda self: self.said)
    @rule(which=indices)
    def say_again(self, which: int) -> None:
        """Word for word; what was accepted before is a repeat, what was refused is judged afresh."""
        message = self.said[which % len(self.said)]
        if hasattr(message, "transaction_status"):
            expected = self.model.notify(message)
        else:
            identifier = message.proposed_transaction.transaction_identifier
            expected = self.model.propose(message, self.model.transactions[identifier])
        assert self.world.say(message) == expected

    @precondition(lambda self: self.model.transactions)
    @rule(which=indices, start=st.integers(1, LAST_SERIAL))
    def use_an_identifier_again(self, which: int, start: int) -> None:
        used = self._transaction(which)
        other = proposal(used.sender, used.identifier, ISSUANCE, units(start + 1000, start + 1000, used.sender))
        assert self.world.say(other) == (3001,)

    # What happens

    @rule()
    def worker(self) -> None:
        self.world.hub.worker.once()
        self.model.work(self.world.clock())
        self.world.clock.advance(timedelta(seconds=1))

    @rule()
    def relay(self) -> None:
        self.world.hub.relay.deliver_once()

    @rule(hours=st.sampled_from([1, 6, 13, 25]))
    def time_passes(self, hours: int) -> None:
        self.world.clock.advance(timedelta(hours=hours))

    @rule(code=registries, answer=st.sampled_from([accepts, accepts, is_down, faults, answer_is_lost]))
    def registry_changes_its_mood(self, code: str, answer: Any) -> None:
        self.world[code].answer = answer

    @rule()
    def restart(self) -> None:
        self.world.restart()

    def teardown(self) -> None:
        """In the end everybody hears everything."""
        try:
            for registry in self.world.registries.values():
                registry.answer = accepts
            self.worker()
            self.world.later(timedelta(hours=1))
            self.model.work(self.world.clock())
            self.everything_is_as_in_the_model()
            for key, statuses in self._heard().items():
                assert statuses == self.model.sent[key]
            assert self._heard().keys() == self.model.sent.keys()
            assert all(row.delivered_at for row in self.world.rows(t.outbox))
            assert all(row.work is None and row.failures == 0 for row in self.world.rows(t.inbox))
        finally:
            self.stack.close()

    # What must always hold

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        places = [
            ((origin, serial), (registry, account_type))
            for origin, start, end, registry, account_type in self.world.places()
            for serial in range(start, end + 1)
        ]
        assert len(places) == len(dict(places)), "a unit is in two places"
        assert dict(places) == self.model.places
        reserved = [
            (origin, serial) for origin, start, end in self.world.reserved() for serial in range(start, end + 1)
        ]
        assert len(reserved) == len(set(reserved)), "a unit is kept by two transactions"
        assert set(reserved) == self.model.kept()

    @invariant()
    def every_transaction_stands_where_it_should(self) -> None:
        rows = {row.id: row for row in self.world.rows(t.transactions)}
        history: dict[str, list[int]] = {row.identifier: [] for row in rows.values()}
        for row in self.world.rows(t.status_history):
            history[rows[row.transaction_id].identifier].append(row.status)
        assert history == {each.identifier: each.history for each in self.model.transactions.values()}
        for row in rows.values():
            expected = self.model.transactions[row.identifier]
            assert row.status == expected.status
            assert (row.confirmed_at is not None, row.flagged_at is not None) == (expected.confirmed, expected.flagged)
            assert row.deadline_at == expected.deadline

    @invariant()
    def every_message_has_one_effect(self) -> None:
        assert len(self.world.rows(t.inbox)) == len(self.model.accepted)
        sent = sum(map(len, self.model.sent.values()))
        assert len(self.world.rows(t.outbox)) == sent

    @invariant()
    def messages_go_out_in_order(self) -> None:
        for key, statuses in self._heard().items():
            assert statuses == self.model.sent[key][: len(statuses)]

    @precondition(lambda self: self.model.past)
    @rule(which=indices)
    def look_back(self, which: int) -> None:
        instants = sorted(self.model.past)
        at = instants[which % len(instants)]
        found = self.world.holdings(at)
        figures = {
            each.party: {
                name: count for name in ("held", "cancelled", "retired", "replaced") if (count := getattr(each, name))
            }
            for each in found
        }
        assert figures == self.model.past[at]
        assert all(each.issued == each.held + each.cancelled + each.retired + each.replaced for each in found)

    # How it is said

    def _next(self, transaction: ModelTransaction, well: bool) -> None:
        if transaction.status == 2 and transaction.external:
            self._notify(transaction.to, transaction, 8 if well else 6)
        elif transaction.status in (2, 8):
            self._notify(transaction.sender, transaction, 4 if well else 5)
        elif transaction.status == 4:
            self._notify(transaction.to, transaction, 4)
        else:
            self._notify(transaction.sender, transaction, 5)

    def _transaction(self, which: int) -> ModelTransaction:
        transactions = list(self.model.transactions.values())
        return transactions[-1 - which % len(transactions)]

    def _propose(
        self,
        code: str,
        transaction_type: int,
        to: str,
        blocks: list[tuple[str, int, int]],
        source: int,
        *,
        wrong: bool = False,
    ) -> None:
        target = TARGETS.get(transaction_type, 221 - source)
        wrong = wrong and transaction_type != ISSUANCE
        kind = {"unit_type": 2, "lulucf_activity": 1} if wrong else {}
        identifier = f"{code}{len(self.model.transactions) + 1}"
        message = proposal(
            code,
            identifier,
            transaction_type,
            *(units(start, end, origin, **kind) for origin, start, end in blocks),
            to=to,
            accounts=(None if transaction_type == ISSUANCE else source, target),
        )
        serials = [(origin, serial) for origin, start, end in blocks for serial in range(start, end + 1)]
        now = self.world.clock()
        transaction = ModelTransaction(
            identifier,
            transaction_type,
            code,
            to,
            frozenset(serials),
            source,
            target,
            wrong or len(serials) != len(set(serials)),
            now + DAY,
            now,
        )
        self.said.append(message)
        assert self.world.say(message) == self.model.propose(message, transaction)

    def _notify(self, code: str, transaction: ModelTransaction, status: int, party_type: int = 1) -> None:
        message = notification(code, transaction.identifier, status, party_type=party_type)
        self.said.append(message)
        assert self.world.say(message) == self.model.notify(message)

    def _heard(self) -> dict[tuple[str, str], list[int]]:
        """By registry and transaction, what it was told, the same told again left out."""
        found: dict[tuple[str, str], list[int]] = {}
        for code, registry in self.world.registries.items():
            for identifier, status in registry.heard:
                found.setdefault((code, identifier), []).append(status)
        return {key: [status for status, _ in groupby(statuses)] for key, statuses in found.items()}


@pytest.mark.parametrize(("engine", "examples", "steps"), [("sqlite", 25, 50), ("postgresql", 5, 50)])
def test_log_against_a_naive_model(fresh_database: FreshDatabase, engine: Any, examples: int, steps: int) -> None:
    class Machine(LogMachine):
        new_database = staticmethod(lambda: fresh_database(engine, sandbox))

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
