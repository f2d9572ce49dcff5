"""Message sequences of the data exchange standards: each type from the proposal to its end, both registries' legs."""

from __future__ import annotations

import pytest

from itl.store import tables as t
from tests.hub.world import CANCELLATION, EXTERNAL, INTERNAL, ISSUANCE, RETIREMENT, START, World, replies, units


@pytest.mark.parametrize(
    ("transaction_type", "figures"),
    [
        pytest.param(CANCELLATION, {"held": 60, "cancelled": 40}, id="cancellation"),
        pytest.param(RETIREMENT, {"held": 60, "retired": 40}, id="retirement"),
        pytest.param(INTERNAL, {"held": 100}, id="internal transfer"),
    ],
)
def test_internal_kinds_are_told_2_and_complete_with_4(
    world: World, transaction_type: int, figures: dict[str, int]
) -> None:
    world.issue(1, 100)
    assert world.propose("GB", "GB2", transaction_type, units(11, 50)) == 1
    assert world.status("GB2") == 1
    world.settle()
    assert world.status("GB2") == 2
    assert world.reserved() == [("GB", 11, 50)]
    assert world["GB"].heard[-1] == ("GB2", 2)
    assert world.notify("GB", "GB2", 4) == 1
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (4, "GB")]
    assert world.reserved() == []
    [holding] = world.holdings()
    expected = {"issued": 100, "held": 0, "cancelled": 0, "retired": 0} | figures
    assert {name: getattr(holding, name) for name in expected} == expected
    assert world["FR"].heard == []
    transaction = world.transaction("GB2")
    assert transaction.settled_at == transaction.ended_at == START
    assert transaction.deadline_at is None


def test_issuance_brings_units_into_being_when_it_is_completed(world: World) -> None:
    world.propose("GB", "GB1", ISSUANCE, units(1, 100))
    world.settle()
    assert world["GB"].heard == [("GB1", 2)]
    assert (world.holdings(), world.reserved()) == ([], [("GB", 1, 100)])
    world.notify("GB", "GB1", 4)
    world.settle()
    assert world.places() == [("GB", 1, 100, "GB", 100)]


def test_cers_are_issued_by_the_cdm_registry_and_forwarded_to_a_party(world: World) -> None:
    cers = units(1, 1000, "IN", unit_type=5, project_identifier=2241)
    world.propose("CDM", "CDM1", ISSUANCE, cers, accounts=(None, 110))
    world.settle()
    world.notify("CDM", "CDM1", 4)
    world.propose("CDM", "CDM2", EXTERNAL, cers, to="JP", accounts=(110, 100))
    world.settle()
    assert world["JP"].heard == [("CDM2", 1)]
    world.notify("JP", "CDM2", 8)
    world.settle()
    world.notify("CDM", "CDM2", 4)
    world.settle()
    assert world.places() == [("IN", 1, 1000, "JP", 100)]
    [holding] = world.holdings()
    assert (holding.party, holding.unit, holding.issued, holding.held) == ("IN", "CER", 1000, 1000)


def test_external_transfer_completes_in_both_registries(world: World) -> None:
    world.issue(1, 100)
    world["GB"].calls.clear()
    assert world.propose("GB", "GB2", EXTERNAL, units(11, 50), to="FR", supp_transaction_type=0) == 1
    world.settle()
    # The acquirer is asked; the initiator hears nothing, since it would carry the transfer out on 2.
    [(operation, relayed, _)] = world["FR"].calls
    assert operation == "acceptProposal"
    assert (relayed.sender, relayed.addressee) == ("ITL", "FR")
    assert relayed.proposed_transaction.supp_transaction_type is None
    assert relayed.proposed_transaction.proposal_unit_blocks == (units(11, 50),)
    assert world["GB"].heard == []

    assert world.notify("FR", "GB2", 8) == 1
    world.settle()
    assert world["GB"].heard == [("GB2", 8)]
    assert world.reserved() == [("GB", 11, 50)]

    assert world.notify("GB", "GB2", 4) == 1
    world.settle()
    assert world["FR"].heard == [("GB2", 1), ("GB2", 4)]
    assert world.places() == [("GB", 1, 10, "GB", 100), ("GB", 11, 50, "FR", 100), ("GB", 51, 100, "GB", 100)]
    assert world.transaction("GB2").ended_at is None

    assert world.notify("FR", "GB2", 4) == 1
    world.settle()
    transaction = world.transaction("GB2")
    assert transaction.confirmed_at == transaction.ended_at == START
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (8, "FR"), (4, "GB")]
    assert world["GB"].heard == [("GB2", 8)]
    assert world["FR"].heard == [("GB2", 1), ("GB2", 4)]


def test_units_go_on_from_where_they_arrived(world: World) -> None:
    """Blocks are split, moved on, moved back, and end in several places; the history of each move stays."""
    world.issue(1, 100)
    for number, (sender, to, start, end) in enumerate(
        [("GB", "FR", 11, 50), ("FR", "JP", 21, 30), ("JP", "GB", 25, 30), ("GB", "FR", 25, 25)], 2
    ):
        identifier = f"{sender}{number}"
        assert world.propose(sender, identifier, EXTERNAL, units(start, end), to=to) == 1
        world.settle()
        assert world.notify(to, identifier, 8) == 1
        world.settle()
        assert world.notify(sender, identifier, 4) == 1
        world.settle()
    assert world.places() == [
        ("GB", 1, 10, "GB", 100),
        ("GB", 11, 20, "FR", 100),
        ("GB", 21, 24, "JP", 100),
        ("GB", 25, 25, "FR", 100),
        ("GB", 26, 30, "GB", 100),
        ("GB", 31, 50, "FR", 100),
        ("GB", 51, 100, "GB", 100),
    ]
    assert len(world.rows(t.past_unit_blocks)) == 4


@pytest.mark.parametrize("codes", [(5904,), (4003, 5904)])
def test_acquirer_rejects_with_its_codes(world: World, codes: tuple[int, ...]) -> None:
    world.issue(1, 100)
    world.propose("GB", "GB2", EXTERNAL, units(1, 100), to="FR")
    world.settle()
    assert world.notify("FR", "GB2", 6, *codes) == 1
    world.settle()
    assert world["GB"].heard[-1] == ("GB2", 6)
    assert world["GB"].codes("GB2", 6) == list(codes)
    assert world.reserved() == []
    assert world.notify("GB", "GB2", 5) == 1
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (6, "FR"), (5, "GB")]
    assert world["FR"].heard == [("GB2", 1)]
    assert world.places() == [("GB", 1, 100, "GB", 100)]


def test_rejection_without_a_code_is_told_with_one(world: World) -> None:
    world.issue(1, 100)
    world.reach(6, EXTERNAL, "GB2")
    assert world["GB"].codes("GB2", 6) == [5904]


@pytest.mark.parametrize("codes", [(4003,), (1503, 5904)])
def test_acquirer_that_answers_0_with_codes_to_the_relayed_proposal_rejected_it(
    world: World, codes: tuple[int, ...]
) -> None:
    world.issue(1, 100)
    world["FR"].answer = replies(0, *codes)
    world.propose("GB", "GB2", EXTERNAL, units(1, 100), to="FR")
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (6, "FR")]
    assert world["GB"].heard[-1] == ("GB2", 6)
    assert world["GB"].codes("GB2", 6) == list(codes)
    assert world.reserved() == []
    assert world["FR"].heard == [("GB2", 1)]  # told once, not again


@pytest.mark.parametrize("transaction_type", [ISSUANCE, EXTERNAL, CANCELLATION, RETIREMENT, INTERNAL])
def test_discrepancy_is_told_to_the_initiator_alone_which_terminates(world: World, transaction_type: int) -> None:
    if transaction_type != ISSUANCE:
        world.issue(1, 100)
    world["GB"].calls.clear()
    world.reach(3, transaction_type, "GB2")
    assert world["GB"].heard == [("GB2", 3)]
    assert world["GB"].codes("GB2", 3) == ([5003] if transaction_type == ISSUANCE else [4002])
    assert world["FR"].heard == []
    assert world.reserved() == []
    assert world.notify("GB", "GB2", 5) == 1
    assert world.history("GB2") == [(1, "GB"), (3, "ITL"), (5, "GB")]


@pytest.mark.parametrize("transaction_type", [ISSUANCE, CANCELLATION, RETIREMENT, INTERNAL])
def test_initiator_terminates_what_was_checked(world: World, transaction_type: int) -> None:
    if transaction_type != ISSUANCE:
        world.issue(1, 100)
    before = world.places()
    world.reach(5, transaction_type, "GB2")
    assert (world.places(), world.reserved()) == (before, [])
    assert world["GB"].heard[-1] == ("GB2", 2)


@pytest.mark.parametrize("told", [True, False])
def test_initiator_terminates_before_the_acquirer_answered(sandbox_url: str, told: bool) -> None:
    with World.on(sandbox_url, tell_acquirer_of_termination=told) as world:
        world.issue(1, 100)
        world.reach(2, EXTERNAL, "GB2")
        assert world.notify("GB", "GB2", 5) == 1
        world.settle()
        assert world["FR"].heard == [("GB2", 1), ("GB2", 7)] if told else [("GB2", 1)]
        assert world.reserved() == []
        assert world.notify("FR", "GB2", 8) == (3007,)


def test_no_message_of_the_log_lacks_the_list_of_evaluation_results(world: World) -> None:
    """A registry written against the schema fails on a list that is absent; an empty one is read by all."""
    world.issue(1, 100)
    for status, identifier in ((8, "GB2"), (6, "GB3"), (4, "GB4"), (5, "GB5"), (3, "GB6"), (7, "GB7")):
        start = int(identifier[2:]) * 10
        world.reach(status, EXTERNAL, identifier, start, start + 4)
    told = [
        body for code in ("GB", "FR") for operation, _, body in world[code].calls if operation == "acceptNotification"
    ]
    assert len(told) >= 8
    assert all(b"<evaluationResult " in body for body in told)


def test_initiator_of_an_external_transfer_never_hears_2(world: World) -> None:
    world.issue(1, 100)
    for number, status in enumerate((2, 8, 6, 4, 5, 3, 7), 2):
        world.reach(status, EXTERNAL, f"GB{number}", number * 10, number * 10 + 4)
    assert {(name, status) for name, status in world["GB"].heard if status in (2, 9)} == {("GB1", 2)}


def test_one_block_moves_many_times(world: World) -> None:
    """Each time the same serials, whole: the row that goes to history is always another."""
    world.issue(1, 100)
    for number in range(2, 8):
        sender, to = ("GB", "FR") if number % 2 == 0 else ("FR", "GB")
        identifier = f"{sender}{number}"
        world.propose(sender, identifier, EXTERNAL, units(1, 100), to=to)
        world.settle()
        world.notify(to, identifier, 8)
        world.notify(sender, identifier, 4)
        world.settle()
        assert world.places() == [("GB", 1, 100, to, 100)]
    assert len(world.rows(t.past_unit_blocks)) == 6
