"""The snapshot against a naive ledger that knows every serial by itself."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from itl.errors import LedgerError
from itl.ledger.block import Attributes, HeldBlock, Place, Reservation, SerialRange
from itl.ledger.operations import Change, issue, move
from itl.ledger.snapshot import Snapshot

AAU = Attributes(1, None, 2, 2, None, None, None, None, 1)
RMU = Attributes(2, None, 2, 2, 1, None, None, None, 2)
GB, FR = Place("GB", 100, 1), Place("FR", 100, 1)
LAST = 30

serials = st.integers(1, LAST)
ranges = st.builds(
    lambda registry, a, b: SerialRange(registry, min(a, b), max(a, b)), st.sampled_from(["FR", "GB"]), serials, serials
)
several = st.lists(ranges, min_size=1, max_size=3)


def units(wanted):
    return [(wanted.originating_registry, serial) for serial in range(wanted.start, wanted.end + 1)]


class Ledger(RuleBasedStateMachine):
    """Operations on both; after each, every serial has the same place, attributes and reservation in both."""

    def __init__(self):
        super().__init__()
        self.snapshot = Snapshot()
        self.held = {}
        self.reserved = {}

    @rule(wanted=ranges, attributes=st.sampled_from([AAU, RMU]), place=st.sampled_from([GB, FR]))
    def issue(self, wanted, attributes, place):
        change = issue([HeldBlock(wanted, attributes, place)])
        if any(unit in self.held for unit in units(wanted)):
            with pytest.raises(LedgerError):
                self.snapshot.apply([change])
        else:
            self.snapshot.apply([change])
            self.held.update(dict.fromkeys(units(wanted), (attributes, place)))

    @rule(wanted=several, place=st.sampled_from([GB, FR]))
    def move(self, wanted, place):
        asked = [unit for each in wanted for unit in units(each)]
        if len(set(asked)) < len(asked) or any(unit not in self.held for unit in asked):
            with pytest.raises(LedgerError):
                move(self.snapshot.rows(wanted), wanted, place)
            return
        self.snapshot.apply([move(self.snapshot.rows(wanted), wanted, place)])
        for unit in asked:
            self.held[unit] = (self.held[unit][0], place)

    @rule(wanted=several, transaction=st.sampled_from(["GB1", "GB2", "FR1"]))
    def reserve(self, wanted, transaction):
        asked = {unit for each in wanted for unit in units(each)}
        if asked & self.reserved.keys():
            with pytest.raises(LedgerError, match="cannot reserve"):
                self.snapshot.reserve(wanted, transaction)
            return
        self.snapshot.reserve(wanted, transaction)
        self.reserved.update(dict.fromkeys(asked, transaction))

    @rule(transaction=st.sampled_from(["GB1", "GB2", "FR1"]))
    def release(self, transaction):
        self.snapshot.release(transaction)
        self.reserved = {unit: keeper for unit, keeper in self.reserved.items() if keeper != transaction}

    @rule(wanted=ranges)
    def ask_for_a_part(self, wanted):
        for found in (self.snapshot.held(wanted), self.snapshot.reserved(wanted)):
            for each in found:
                assert wanted.start <= each.range.start <= each.range.end <= wanted.end
                assert each.range.originating_registry == wanted.originating_registry

    @invariant()
    def every_serial_is_where_the_naive_ledger_has_it(self):
        held, reserved = {}, {}
        for registry in ("FR", "GB"):
            everything = SerialRange(registry, 1, LAST)
            for block in self.snapshot.held(everything):
                for unit in units(block.range):
                    assert unit not in held
                    held[unit] = (block.attributes, block.place)
            for reservation in self.snapshot.reserved(everything):
                reserved.update(dict.fromkeys(units(reservation.range), reservation.transaction))
        assert held == self.held
        assert reserved == self.reserved


Ledger.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLedger = Ledger.TestCase


def test_a_loaded_snapshot_answers_with_the_parts_that_were_asked_for():
    held = [HeldBlock(SerialRange("GB", 11, 20), AAU, GB), HeldBlock(SerialRange("GB", 1, 10), RMU, FR)]
    snapshot = Snapshot(held, [Reservation(SerialRange("GB", 4, 6), "GB7")])
    wanted = SerialRange("GB", 6, 12)
    assert snapshot.held(wanted) == [held[1].cut(6, 10), held[0].cut(11, 12)]
    assert snapshot.reserved(wanted) == [Reservation(SerialRange("GB", 6, 6), "GB7")]
    assert snapshot.rows([SerialRange("GB", 10, 11), SerialRange("GB", 20, 20)]) == [held[1], held[0]]
    assert snapshot.held(SerialRange("FR", 1, 99)) == []
    snapshot.release("GB7")
    assert snapshot.reserved(wanted) == []


def test_a_unit_cannot_be_loaded_twice():
    with pytest.raises(LedgerError, match="overlap"):
        Snapshot([HeldBlock(SerialRange("GB", 1, 10), AAU, GB), HeldBlock(SerialRange("GB", 10, 11), AAU, FR)])


def test_a_row_that_changed_meanwhile_cannot_be_closed():
    row = HeldBlock(SerialRange("GB", 1, 10), AAU, GB)
    snapshot = Snapshot([row])
    snapshot.apply([move([row], [SerialRange("GB", 1, 3)], FR)])
    with pytest.raises(LedgerError, match="as it was read"):
        snapshot.apply([Change((row,), ())])
