"""Stage 1: who sends, to whom, in which version of the standard.

1004 waits for a policy that asks for signed messages.
"""

from __future__ import annotations

from typing import Protocol

from itl.checks.engine import WHOLE, Failures, check
from itl.checks.sender import Door
from itl.messages import RelayRequest


class Head(Protocol):
    """The common head of every request."""

    @property
    def sender(self) -> str: ...
    @property
    def addressee(self) -> str: ...
    @property
    def major_version(self) -> int: ...
    @property
    def minor_version(self) -> int: ...


@check(1001)
def sender_not_identified(message: Head, door: Door) -> Failures:
    """An identity that the transport vouches for, but nobody enrolled."""
    if door.sender.code is None:
        yield WHOLE


@check(1002)
def sender_is_another(message: Head, door: Door) -> Failures:
    """Only an identified sender can be another than it says."""
    if door.sender.code not in (None, message.sender):
        yield WHOLE


@check(1003)
def certificate_not_valid(message: Head, door: Door) -> Failures:
    """Enrolled, but expired or revoked."""
    if not door.sender.certificate_valid:
        yield WHOLE


@check(1005)
def wrong_addressee(message: Head, door: Door) -> Failures:
    """A message to another log. One that is to be relayed goes between a supplementary log and somebody else."""
    if isinstance(message, RelayRequest):
        sides = (
            door.reference.participant_in_force(message.addressee),
            door.reference.participant_in_force(message.sender),
        )
        right = (
            sides[0] is not None and sides[0] != sides[1] and any(each and each.is_supplementary_log for each in sides)
        )
    else:
        right = message.addressee == door.reference.log_code
    if not right:
        yield WHOLE


@check(1031)
def major_version_not_in_force(message: Head, door: Door) -> Failures:
    """No version in force has this major number."""
    if not _major_in_force(message, door):
        yield WHOLE


@check(1032)
def minor_version_not_in_force(message: Head, door: Door) -> Failures:
    """Asked only if the major version is in force (1031)."""
    if _major_in_force(message, door) and (message.major_version, message.minor_version) not in door.reference.versions:
        yield WHOLE


def _major_in_force(message: Head, door: Door) -> bool:
    return any(major == message.major_version for major, _ in door.reference.versions)
