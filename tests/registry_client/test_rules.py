"""A registry's own rules: before a proposal, on a transfer, in the unit of work that carries a transaction out."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from itl.clock import SetClock
from itl.codes import UnitType
from itl.messages import ProposalTransaction
from registry_client.errors import RegistryError
from registry_client.rules import Rules
from registry_client.transactions import State, Transaction
from registry_client.units import Account, Wanted
from tests.registry_client.conftest import Found
from tests.registry_client.log import Log

ALL = Wanted(quantity=10, unit_type=UnitType.AAU)


def test_a_proposal_that_is_held_back_leaves_nothing_behind(found: Found, log: Log) -> None:
    def no_retirements(proposal: ProposalTransaction) -> None:
        if proposal.transaction_type == 5:
            raise RegistryError("the minister must sign first")

    gb = found("GB", rules=Rules(before_proposal=no_retirements))
    gb.issue(UnitType.AAU, 10, period=1)
    log.settle()
    with pytest.raises(RegistryError, match="minister"):
        gb.retire(ALL)
    assert [each.reserved for each in gb.holdings()] == [0]
    assert [each.identifier for each in gb.transactions()] == ["GB100001"]
    gb.cancel(ALL)
    log.settle()
    assert gb.transaction("GB100002").state is State.COMPLETED, "its number was not used up"


def test_completion_is_written_down_with_the_units_or_not_at_all(found: Found, log: Log, clock: SetClock) -> None:
    """A table of the registry's own in the same database: what a failing rule undoes comes with the next answer."""
    is_broken = True

    def keep(transaction: Transaction, connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS ledger (identifier TEXT, quantity INTEGER)")
        row = (transaction.identifier, transaction.quantity)
        connection.exec_driver_sql("INSERT INTO ledger VALUES (?, ?)", row)
        if is_broken:
            raise ZeroDivisionError

    gb = found("GB", rules=Rules(on_completion=keep))
    gb.issue(UnitType.AAU, 10, period=1)
    log.settle()
    assert gb.transaction("GB100001").state is State.PROPOSED
    assert gb.blocks() == []
    is_broken = False
    clock.advance(gb.settings.enquire_after)
    log.settle()
    assert gb.transaction("GB100001").state is State.COMPLETED
    with gb.store.read() as connection:
        assert connection.exec_driver_sql("SELECT * FROM ledger").all() == [("GB100001", 10)]


def test_both_sides_of_a_transfer_hear_of_its_completion(found: Found, log: Log) -> None:
    heard: list[str] = []

    def told_by(code: str) -> Rules:
        return Rules(on_completion=lambda transaction, _: heard.append(f"{code} {transaction.role}"))

    gb, fr = (found(code, rules=told_by(code)) for code in ("GB", "FR"))
    gb.issue(UnitType.AAU, 10, period=1)
    log.settle()
    heard.clear()
    gb.transfer(ALL, "FR", Account(100, 1001))
    log.settle()
    assert heard == ["GB initiator", "FR acquirer"]
    assert sum(each.quantity for each in fr.holdings()) == 10
