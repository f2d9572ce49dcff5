"""For each check of the log that the suite tests: a hub that does not make it, and one that tells another number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from itl.codes import TransactionStatus
from itl.wire.contract import OPERATIONS, Port
from itl.wire.outgoing import HttpReply
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.requirements import Requirement, Subject, requirements
from registry_client.conformance.suite import Case
from tests.conformance.faulty.hub import Answer, Call, Deliver, FaultyHub, Right, Sent, Wrong

_STRANGE = 9999
"""A number of no check."""
_GOOD, _BAD = TransactionStatus.CHECKED_NO_DISCREPANCY, TransactionStatus.CHECKED_DISCREPANCY

_LEAVE_A_MARK = frozenset({4008, 6301, 6302, 6303})
"""After these the registry and the hub do not agree any more."""
_TAKE_LONG = _LEAVE_A_MARK | {6204, 6206, 6207, 6208, 6209}
"""Each of these takes a reconciliation."""
_ALSO = {3014: ("INFO-1",), 4008: ("RECONCILE-5",)}
"""What a hub without a check breaks as well: the check is there to keep it."""


def _let_pass(code: int) -> Callable[[], Wrong]:
    """A hub that finds what is wrong, and says that nothing is."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if f"<code>{code}<".encode() in given.body:
            accepted = OPERATIONS[Port.TRANSACTION_LOG][call.operation].response(result_identifier=1)
            return Answer("200 OK", given.headers, b"").saying(call.operation, accepted)
        if not call.operation or not given.is_reply:
            return given
        message = given.message(call.operation)
        if code not in (message.response_codes or ()):
            return given
        return given.saying(call.operation, replace(message, result_identifier=1, response_codes=None))

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        message = sent.message
        if sent.operation == "acceptNotification":
            left = tuple(each for each in message.evaluation_result if each.response_code != code)
            status = _GOOD if message.transaction_status == _BAD and not left else message.transaction_status
            return deliver(sent.saying(replace(message, evaluation_result=left, transaction_status=status)))
        if code in (getattr(message, "response_codes", None) or ()):
            left = tuple(each for each in message.response_codes if each != code)
            return deliver(sent.saying(replace(message, response_codes=left)))
        return deliver(sent)

    return lambda: Wrong(answer=answer, send=send)


def _renumbered(code: int) -> Callable[[], Wrong]:
    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        return dataclasses.replace(given, body=_with_another_number(given.body, code))

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        return deliver(dataclasses.replace(sent, body=_with_another_number(sent.body, code)))

    return lambda: Wrong(answer=answer, send=send)


def _with_another_number(body: bytes, code: int) -> bytes:
    """The message with another number where it tells the code: in a list of codes, an evaluation, or a fault."""
    return re.sub(rb"(<(?:item|responseCode|code)(?: [^>]*)?>)%d<" % code, rb"\g<1>%d<" % _STRANGE, body)


def _test_of(requirement: Requirement) -> Case[HubTester]:
    """The test that is about the check, by its number or before all others."""
    cases = [case for group in GROUPS for case in group.cases if requirement in case.requirements]
    code = requirement.identifier.removeprefix("CHECK-")
    return next((case for case in cases if case.number.endswith(f"/{code}")), cases[0])


_TESTED = [
    (int(each.identifier.removeprefix("CHECK-")), each)
    for each in requirements().values()
    if each.subject is Subject.HUB and each.identifier.startswith("CHECK-") and each.untested is None
]


def _without(code: int, requirement: Requirement) -> FaultyHub:
    return FaultyHub(
        f"without-{code}",
        f"does not make the check {code}: {requirement.text}",
        (requirement.identifier, *_ALSO.get(code, ())),
        (_test_of(requirement).number,),
        str(code),
        _let_pass(code),
        patience=3,
        alone=code in _TAKE_LONG,
    )


def _misnumbering(code: int, requirement: Requirement) -> FaultyHub:
    return FaultyHub(
        f"renumbered-{code}",
        f"tells {_STRANGE} where {code} is meant",
        (requirement.identifier,),
        (_test_of(requirement).number,),
        f"{code}.*{_STRANGE}",
        _renumbered(code),
        patience=3,
        alone=False,
    )


def _first_of_each_group() -> Iterator[tuple[int, Requirement]]:
    """A check for each group of tests: its tests compare numbers alike."""
    groups: set[str] = set()
    for code, requirement in _TESTED:
        group = _test_of(requirement).group
        if code not in _TAKE_LONG and group not in groups:
            groups.add(group)
            yield code, requirement


HUBS = (
    *(_without(code, requirement) for code, requirement in _TESTED),
    *(_misnumbering(code, requirement) for code, requirement in _first_of_each_group()),
)
