"""How far a registry's clock is from the log's, as far as one exchange over a network can tell.

The registry read its clock at some moment between the sending and the answer, so the difference is known up to half the
round trip; only what is certainly beyond a tolerance is called so. Tolerances: 10 s and 60 s are both remembered of the
standard, neither is confirmed, so they are settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What a comparison comes to."""

    WITHIN = "within"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Drift:
    """`offset`: the registry's clock less the log's, positive where the registry's is ahead."""

    offset: timedelta
    round_trip: timedelta

    @property
    def certain(self) -> timedelta:
        """The least that the clocks are apart, whenever within the round trip the registry read its own."""
        return max(timedelta(), abs(self.offset) - self.round_trip / 2)


def drift(sent_at: datetime, answered_at: datetime, registry_time: datetime) -> Drift:
    """What the registry's time, told between two instants of the log's clock, says about its clock."""
    round_trip = max(timedelta(), answered_at - sent_at)
    return Drift(registry_time - (sent_at + round_trip / 2), round_trip)


def verdict(found: Drift, warning: timedelta, alarm: timedelta) -> Verdict:
    """Against the tolerances: what is just at one is still within it."""
    if found.certain > alarm:
        return Verdict.ALARM
    return Verdict.WARNING if found.certain > warning else Verdict.WITHIN
