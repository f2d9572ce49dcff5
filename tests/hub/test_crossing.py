"""Messages that cross: what one decides on has moved on before it is written, so that it decides again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from itl.services import service, transaction
from tests.hub.schemes import enrol_scheme
from tests.hub.test_door import enrol
from tests.hub.world import CANCELLATION, DAY, EXTERNAL, ISSUANCE, World, notification, proposal, units


@contextmanager
def meanwhile(function: str, happens: Callable[[], Any]) -> Iterator[None]:
    """Once, after a decision and before the service calls `function` of the store."""
    module = transaction if hasattr(transaction, function) else service
    write = getattr(module, function)
    left = [happens]

    def late(*given: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return write(*given, **named)

    with patch.object(module, function, late):
        yield
    assert not left


def test_initiator_terminates_while_the_acquirer_accepts(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, EXTERNAL, "GB2")
    with meanwhile("accept_notification", lambda: world.notify("GB", "GB2", 5)):
        assert world.notify("FR", "GB2", 8) == (3007,)
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (5, "GB")]
    assert world["GB"].heard == [("GB1", 2)]
    assert world["FR"].heard == [("GB2", 1), ("GB2", 7)]


def test_acquirer_accepts_while_the_initiator_terminates(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, EXTERNAL, "GB2")
    with meanwhile("accept_notification", lambda: world.notify("FR", "GB2", 8)):
        assert world.notify("GB", "GB2", 5) == (3009,)
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (8, "FR")]
    assert world.reserved() == [("GB", 1, 50)]


def test_same_notification_comes_twice_at_once(world: World) -> None:
    world.issue(1, 100)
    world.reach(8, EXTERNAL, "GB2")
    completion = notification("GB", "GB2", 4)
    with meanwhile("accept_notification", lambda: world.say(completion)):
        assert world.say(completion) == 1
    world.settle()
    assert world.history("GB2")[-2:] == [(8, "FR"), (4, "GB")]
    assert world["FR"].heard == [("GB2", 1), ("GB2", 4)]


def test_same_proposal_comes_twice_at_once_or_another_takes_its_identifier(world: World) -> None:
    message = proposal("GB", "GB1", ISSUANCE, units(1, 50))
    with meanwhile("accept_proposal", lambda: world.say(message)):
        assert world.say(message) == 1
    other = proposal("GB", "GB2", ISSUANCE, units(101, 150))
    with meanwhile("accept_proposal", lambda: world.say(other)):
        assert world.propose("GB", "GB2", ISSUANCE, units(201, 250)) == (3001,)
    world.settle()
    assert world["GB"].heard == [("GB1", 2), ("GB2", 2)]
    assert world.reserved() == [("GB", 1, 50), ("GB", 101, 150)]


def test_clean_up_rings_while_the_completion_is_decided(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, CANCELLATION, "GB2")
    with meanwhile("accept_notification", lambda: world.later(DAY)):
        assert world.notify("GB", "GB2", 4) == (3008,)
    world.settle()
    assert world.history("GB2")[-1] == (7, "ITL")
    assert world.places() == [("GB", 1, 100, "GB", 100)]


def test_registry_is_withdrawn_while_its_messages_are_decided(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, CANCELLATION, "GB2")
    with meanwhile("accept_proposal", lambda: enrol(world, "GB", may_propose=False)):
        assert world.propose("GB", "GB3", CANCELLATION, units(60, 70)) == (1503,)
    with meanwhile("accept_notification", lambda: enrol(world, "GB", in_force=False)):
        assert world.notify("GB", "GB2", 4) == (1501,)
    assert world.status("GB2") == 2


def test_registry_that_joins_while_it_is_being_refused_is_let_in(world: World) -> None:
    enrol(world, "GB", may_propose=False)
    with meanwhile("stamp_of", lambda: enrol(world, "GB", may_propose=True)):
        assert world.propose("GB", "GB1", ISSUANCE, units(1, 50)) == 1


def test_initiator_terminates_while_the_supplementary_log_answers(world: World) -> None:
    world.issue(1, 100)
    citl = enrol_scheme(world)
    world.reach(2, EXTERNAL, "GB2")
    with meanwhile("accept_notification", lambda: world.notify("GB", "GB2", 5)):
        assert world.notify("CITL", "GB2", 9) == (3007,)
    world.settle()
    assert world.history("GB2")[-1] == (5, "GB")
    assert (citl.heard, world["FR"].heard) == ([("GB2", 1), ("GB2", 5)], [])


def test_supplementary_log_answers_while_the_initiator_terminates(world: World) -> None:
    """By the time that it is written the acquirer has been asked, so it is told."""
    world.issue(1, 100)
    citl = enrol_scheme(world)
    world.reach(2, EXTERNAL, "GB2")
    with meanwhile("accept_notification", lambda: world.notify("CITL", "GB2", 9)):
        assert world.notify("GB", "GB2", 5) == 1
    world.settle()
    assert world.history("GB2") == [(1, "GB"), (2, "ITL"), (9, "CITL"), (5, "GB")]
    assert (citl.heard, world["FR"].heard) == ([("GB2", 1), ("GB2", 5)], [("GB2", 1), ("GB2", 7)])


def test_clean_up_rings_while_the_supplementary_log_answers(world: World) -> None:
    world.issue(1, 100)
    citl = enrol_scheme(world)
    world.reach(2, CANCELLATION, "GB2")
    with meanwhile("accept_notification", lambda: world.later(DAY)):
        assert world.notify("CITL", "GB2", 9) == (3008,)
    assert (world.status("GB2"), citl.heard) == (7, [("GB2", 1), ("GB2", 7)])


def test_two_supplementary_logs_answer_at_the_same_time(world: World) -> None:
    world.issue(1, 100)
    enrol_scheme(world, "CITL", ["FR"])
    enrol_scheme(world, "UKTL", ["GB"])
    world.reach(2, EXTERNAL, "GB2")
    with meanwhile("accept_answer", lambda: world.notify("UKTL", "GB2", 9)):
        assert world.notify("CITL", "GB2", 9) == 1
    world.settle()
    assert world.history("GB2")[-1] == (9, "CITL")
    assert world["FR"].heard == [("GB2", 1)]
