"""Each fault that a simulated registry shows on request, and what of the requirements it breaks: all of the list.

What a registry may do is said to be allowed, with the reason; of all others the suite must catch every one.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry_client.faults import FAULTS, Fault

_F = Fault


@dataclass(frozen=True, slots=True)
class FaultyRegistry:
    """A registry with one fault.

    `breaks` are the requirements that the suite must name, and no others; `tests` are patterns of the tests in which it
    must show, and `says` is an expression that fits what the suite says of it. `allowed` is the reason why a fault
    breaks nothing: then the tests must pass.
    """

    fault: Fault
    breaks: tuple[str, ...]
    tests: tuple[str, ...]
    says: str = ""
    allowed: str | None = None
    patience: float = 10.0
    begins_well: bool = False
    """It goes wrong after the tests were carried out once: before, nobody can know what it holds."""
    slowness: float = 30.0

    @property
    def name(self) -> str:
        return self.fault.value

    @property
    def does(self) -> str:
        return FAULTS[self.fault].does


_NEVER = 2.0
"""Patience with what never comes, in seconds."""


ELSEWHERE = (
    FaultyRegistry(_F.COMPLETES_EARLY, ("R-TRANSFER-1",), ("150",), "status 4"),
    FaultyRegistry(_F.IGNORES_CANCELLATION, ("R-ACQUIRE-4",), ("156",), "status 4"),
)
"""What else of the requirements some of the faults break."""

REGISTRIES = (
    FaultyRegistry(_F.LOST_BLOCK, ("R-RECONCILE-2",), ("300",), "must hold units .* it says that it holds"),
    FaultyRegistry(_F.LOST_PART, ("R-RECONCILE-2",), ("300",), "must hold units .* it says that it holds"),
    FaultyRegistry(_F.EXTRA_BLOCK, ("R-RECONCILE-2",), ("300",), "which never came to it", begins_well=True),
    FaultyRegistry(_F.DOUBLE_BLOCK, ("R-RECONCILE-3",), ("300",), "twice"),
    FaultyRegistry(
        _F.OTHER_CUT,
        (),
        ("300",),
        allowed="the units are the same; how it cuts them into blocks is its own matter",
    ),
    FaultyRegistry(_F.WRONG_PERIOD, ("R-RECONCILE-2",), ("300",), "must be of type 1 and period 1"),
    FaultyRegistry(_F.WRONG_ACCOUNT_TYPE, ("R-RECONCILE-2",), ("302",), "must lie in account"),
    FaultyRegistry(_F.WRONG_UNIT_TYPE, ("R-RECONCILE-2",), ("300",), "must be of type"),
    FaultyRegistry(_F.WRONG_TOTALS, ("R-RECONCILE-3",), ("300",), "unit blocks of .* units, .* came", patience=_NEVER),
    FaultyRegistry(_F.CONTRADICTORY_PARTS, ("R-RECONCILE-3",), ("300",), "twice|nobody waits for"),
    FaultyRegistry(_F.LATE, ("R-RECONCILE-5",), ("300",), "did not call receiveTotals", patience=_NEVER),
    FaultyRegistry(_F.NO_ANSWER, ("R-RECONCILE-5",), ("300",), "did not call receiveTotals", patience=_NEVER),
    FaultyRegistry(_F.ANSWERS_TWICE, ("R-ONCE-3",), ("300",), "again, though it was acknowledged"),
    FaultyRegistry(_F.ANSWERS_EARLY, ("R-RECONCILE-5",), ("305",), "nothing of .* was asked for yet"),
    FaultyRegistry(_F.DENIES, ("R-RECONCILE-1",), ("300",), "result 0 with code 1510"),
    FaultyRegistry(_F.REUSES_IDENTIFIER, ("R-PROPOSE-1",), ("120",), "proposed again with other content"),
    FaultyRegistry(_F.FOREIGN_IDENTIFIER, ("R-PROPOSE-1",), ("120",), "the identifier 'JP"),
    FaultyRegistry(_F.FOREIGN_PARTY, ("R-PROPOSE-2",), ("120",), "the transferring registry is JP"),
    FaultyRegistry(_F.DOUBLE_SPENDS, ("R-RESERVE-1",), ("150",), "is about units of .*, which is open"),
    FaultyRegistry(_F.ABSENT_UNITS, ("R-PROPOSE-3",), ("150",), "must be about"),
    FaultyRegistry(_F.ALTERS_UNITS, ("R-PROPOSE-3",), ("150",), "must be about"),
    FaultyRegistry(_F.REVERSED_RANGE, ("R-PROPOSE-3",), ("150",), "serials .* are none"),
    FaultyRegistry(_F.PROPOSES_TWICE, ("R-ONCE-3",), ("120",), "again, though it was acknowledged"),
    FaultyRegistry(_F.NEVER_COMPLETES, ("R-FINISH-1",), ("120",), "did not call acceptNotification", patience=_NEVER),
    FaultyRegistry(_F.COMPLETES_EARLY, ("R-FINISH-1",), ("120",), "status 4"),
    FaultyRegistry(_F.COMPLETES_DISCREPANCY, ("R-FINISH-2",), ("123",), "status 4"),
    FaultyRegistry(_F.IGNORES_CANCELLATION, ("R-FINISH-3",), ("124",), "status 4"),
    FaultyRegistry(_F.TERMINATES_ACCEPTED, ("R-TRANSFER-3",), ("150",), "status 5"),
    FaultyRegistry(_F.RETRACTS, ("R-FINISH-1",), ("120",), "status 5"),
    FaultyRegistry(_F.UNKNOWN_STATUS, ("R-REPORT-1",), ("120",), "status 11"),
    FaultyRegistry(
        _F.UNKNOWN_TRANSACTION, ("R-REPORT-1", "R-FINISH-1"), ("120",), "no transaction of it", patience=_NEVER
    ),
    FaultyRegistry(_F.NOTIFIES_TWICE, ("R-ONCE-3",), ("120",), "again, though it was acknowledged"),
    FaultyRegistry(_F.NOTIFIES_LATE, ("R-FINISH-1",), ("120",), "did not call acceptNotification", patience=_NEVER),
    FaultyRegistry(_F.NEVER_DECIDES, ("R-ACQUIRE-1",), ("154",), "did not call acceptNotification", patience=_NEVER),
    FaultyRegistry(_F.REJECTS, ("R-ACQUIRE-1",), ("154",), "it reported 6 with code 5904"),
    FaultyRegistry(_F.REJECTS_WITHOUT_CODE, ("R-ACQUIRE-1",), ("102",), "without a code"),
    FaultyRegistry(_F.ACCEPTS_ANYTHING, ("R-ACQUIRE-2",), ("155",), "must report status 6"),
    FaultyRegistry(_F.CONFIRMS_FIRST, ("R-ACQUIRE-1",), ("154",), "status 4"),
    FaultyRegistry(
        _F.NEVER_CONFIRMS, (), ("154",), allowed="an acquirer may confirm the completion, and need not (R-ACQUIRE-3)"
    ),
    FaultyRegistry(_F.WRONG_CLOCK, ("R-TIME-1",), ("400",), "3600 s off"),
    FaultyRegistry(_F.ANSWERS_0, ("R-ACKNOWLEDGE-1",), ("102",), "result 0 with no code"),
    FaultyRegistry(_F.FORGETS, ("R-ACQUIRE-1",), ("154",), "did not call acceptNotification", patience=_NEVER),
    FaultyRegistry(_F.SOAP_FAULT, ("R-CONNECT-1",), ("102",), "HTTP 500"),
    FaultyRegistry(_F.WRONG_REPLY, ("R-SHAPE-REPLY",), ("100",), "cannot be read"),
    FaultyRegistry(_F.BARE_REPLY, ("R-SHAPE-REPLY",), ("100",), "resultIdentifier"),
    FaultyRegistry(_F.EMPTY_REPLY, ("R-CONNECT-1",), ("100",), "cannot be read"),
    FaultyRegistry(_F.NONSENSE, ("R-CONNECT-1",), ("100",), "cannot be read"),
    FaultyRegistry(_F.UNAVAILABLE, ("R-CONNECT-1",), ("100",), "HTTP 503"),
    FaultyRegistry(_F.SLOW, ("R-CONNECT-1",), ("100",), "gave no answer", patience=_NEVER, slowness=3.5),
    FaultyRegistry(_F.BREAKS_OFF, ("R-CONNECT-1",), ("100",), "gave no answer", patience=_NEVER),
)
