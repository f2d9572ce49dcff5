"""What a registry can get wrong, on request: for tests of a log, and for training.

The one list of them, each a single fault with a name. Faults of the record are planted into the frozen copy of a
reconciliation (`reconciliation.planting`); those of reconciliations stand where they are answered
(`reconciliation.requests`, `.replies`); those of proposals and transactions in `conduct`; those of the endpoint's
replies in `endpoint` and `replying`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from registry_client.identifiers import SerialRange


class Fault(StrEnum):
    """The faults by their name on the command line."""

    LOST_BLOCK = "lost-block"
    LOST_PART = "lost-part"
    EXTRA_BLOCK = "extra-block"
    DOUBLE_BLOCK = "double-block"
    OTHER_CUT = "other-cut"
    WRONG_PERIOD = "wrong-period"
    WRONG_ACCOUNT_TYPE = "wrong-account-type"
    WRONG_UNIT_TYPE = "wrong-unit-type"

    WRONG_TOTALS = "wrong-totals"
    CONTRADICTORY_PARTS = "contradictory-parts"
    LATE = "late"
    NO_ANSWER = "no-answer"
    ANSWERS_TWICE = "answers-twice"
    ANSWERS_EARLY = "answers-early"
    DENIES = "denies"

    REUSES_IDENTIFIER = "reuses-identifier"
    FOREIGN_IDENTIFIER = "foreign-identifier"
    FOREIGN_PARTY = "foreign-party"
    DOUBLE_SPENDS = "double-spends"
    ABSENT_UNITS = "absent-units"
    ALTERS_UNITS = "alters-units"
    REVERSED_RANGE = "reversed-range"
    PROPOSES_TWICE = "proposes-twice"

    NEVER_COMPLETES = "never-completes"
    COMPLETES_EARLY = "completes-early"
    COMPLETES_DISCREPANCY = "completes-discrepancy"
    IGNORES_CANCELLATION = "ignores-cancellation"
    TERMINATES_ACCEPTED = "terminates-accepted"
    RETRACTS = "retracts"
    UNKNOWN_STATUS = "unknown-status"
    UNKNOWN_TRANSACTION = "unknown-transaction"
    NOTIFIES_TWICE = "notifies-twice"
    NOTIFIES_LATE = "notifies-late"

    NEVER_DECIDES = "never-decides"
    REJECTS = "rejects"
    REJECTS_WITHOUT_CODE = "rejects-without-code"
    ACCEPTS_ANYTHING = "accepts-anything"
    CONFIRMS_FIRST = "confirms-first"
    NEVER_CONFIRMS = "never-confirms"

    WRONG_CLOCK = "wrong-clock"
    ANSWERS_0 = "answers-0"
    FORGETS = "forgets"
    SOAP_FAULT = "soap-fault"
    WRONG_REPLY = "wrong-reply"
    BARE_REPLY = "bare-reply"
    EMPTY_REPLY = "empty-reply"
    NONSENSE = "nonsense"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    BREAKS_OFF = "breaks-off"


class Concern(StrEnum):
    """What a fault is in."""

    RECORD = "the record, as a reconciliation shows it"
    RECONCILIATION = "the answers in a reconciliation"
    PROPOSAL = "its proposals"
    TRANSACTION = "what it reports of its own transactions"
    TRANSFER = "what it says to transfers to it"
    REPLY = "the replies of its endpoint"


@dataclass(frozen=True, slots=True)
class Described:
    """A fault in words: what it is in, what the registry does, and what a log must find of it."""

    concern: Concern
    does: str
    finds: str


_REFUSED_LATER = "the units stay reserved until the clean-up cancels the transaction (7)"

_WORDS: Mapping[Concern, Mapping[Fault, tuple[str, str]]] = {
    Concern.RECORD: {
        Fault.LOST_BLOCK: (
            "leaves a block out",
            "the units of the block, which the log holds and the registry does not",
        ),
        Fault.LOST_PART: ("leaves out the middle of a block", "just those units, not the whole block"),
        Fault.EXTRA_BLOCK: (
            "tells of a block that does not lie there",
            "its units, which the registry holds and the log does not",
        ),
        Fault.DOUBLE_BLOCK: ("tells of a block twice", "its units, named twice"),
        Fault.OTHER_CUT: ("cuts a block in two", "no difference: the units are the same"),
        Fault.WRONG_PERIOD: (
            "tells of a block outside the holding accounts under another period",
            "its units, in two account periods",
        ),
        Fault.WRONG_ACCOUNT_TYPE: (
            "tells of a block in an account of another type",
            "its units, in two account types",
        ),
        Fault.WRONG_UNIT_TYPE: ("tells of a block as units of another type", "its units, of two types"),
    },
    Concern.RECONCILIATION: {
        Fault.WRONG_TOTALS: (
            "adds a unit to the first total, and to no block",
            "totals that differ from the log's, and from the registry's own blocks, which are right",
        ),
        Fault.CONTRADICTORY_PARTS: (
            "ends its blocks with a part that puts a block of before into another account",
            "a block named twice; where its blocks were whole by its totals, a part that nobody waits for, refused",
        ),
        Fault.LATE: ("answers after the time set as lateness", "a time-out; the answer, when it comes, is on record"),
        Fault.NO_ANSWER: ("acknowledges what it is asked and never answers", "a time-out"),
        Fault.ANSWERS_TWICE: ("sends every answer twice", "nothing: a repeat has no second effect"),
        Fault.ANSWERS_EARLY: (
            "sends totals of its present holdings as soon as it hears of a reconciliation",
            "an answer that was not asked for, refused; the one to the question counts",
        ),
        Fault.DENIES: ("refuses to begin: result 0 with code 1510", "a reconciliation that was denied"),
    },
    Concern.PROPOSAL: {
        Fault.REUSES_IDENTIFIER: (
            "sends a second proposal, of its first block alone and one unit less, under the same identifier",
            "3001 for the second; the first goes on",
        ),
        Fault.FOREIGN_IDENTIFIER: ("begins its identifiers with the code of another registry", "2001"),
        Fault.FOREIGN_PARTY: ("names another registry as the transferring one", "2009"),
        Fault.DOUBLE_SPENDS: (
            "proposes the same units a second time, under a second identifier",
            "4010 for the second while the first is open",
        ),
        Fault.ABSENT_UNITS: ("proposes serials that were never issued", "4002; an issuance is left as it is"),
        Fault.ALTERS_UNITS: (
            "states another original commitment period than the units have",
            "4004; an issuance is left as it is",
        ),
        Fault.REVERSED_RANGE: ("ends its blocks before they begin", "2014"),
        Fault.PROPOSES_TWICE: ("sends every proposal twice", "nothing: a repeat has no second effect"),
    },
    Concern.TRANSACTION: {
        Fault.NEVER_COMPLETES: (
            "carries out what the log lets pass and never reports it",
            f"no completion: {_REFUSED_LATER}; an accepted transfer is flagged",
        ),
        Fault.COMPLETES_EARLY: (
            "reports completion (4) right behind its proposal",
            "3013 where the log has not answered yet, 3013 for any transfer that is not accepted",
        ),
        Fault.COMPLETES_DISCREPANCY: (
            "carries out and reports completion (4) after a discrepancy (3, 10) or a rejection (6)",
            "3005, 3006 or 3004; and units in the wrong place at the next reconciliation",
        ),
        Fault.IGNORES_CANCELLATION: (
            "carries out and reports completion (4) after a cancellation (7)",
            "3008; and units in the wrong place at the next reconciliation",
        ),
        Fault.TERMINATES_ACCEPTED: ("terminates (5) a transfer that the acquirer accepted (8)", "3009"),
        Fault.RETRACTS: (
            "follows a completion (4) with a termination (5), an acceptance (8) with a rejection (6)",
            "a refusal of the second: 3003 or 3012",
        ),
        Fault.UNKNOWN_STATUS: ("reports status 11, whatever happened", "2004"),
        Fault.UNKNOWN_TRANSACTION: ("reports under an identifier that was never proposed", "3002"),
        Fault.NOTIFIES_TWICE: ("sends every notification twice", "nothing: a repeat has no second effect"),
        Fault.NOTIFIES_LATE: (
            "sends its notifications after the time set as lateness",
            "nothing, or the clean-up's cancellation (7) and then 3008",
        ),
    },
    Concern.TRANSFER: {
        Fault.NEVER_DECIDES: (
            "acknowledges a transfer to it, and never accepts or rejects it",
            f"no answer: {_REFUSED_LATER}",
        ),
        Fault.REJECTS: ("rejects every transfer to it with 5904", "a rejection (6), which the other registry is told"),
        Fault.REJECTS_WITHOUT_CODE: (
            "rejects every transfer to it and gives no code",
            "a rejection; the other registry is told 5904",
        ),
        Fault.ACCEPTS_ANYTHING: (
            "accepts transfers to accounts that it does not have, and opens them",
            "nothing: the accounts are its own matter; a test of the registry must find it",
        ),
        Fault.CONFIRMS_FIRST: ("confirms (4) before it accepts (8)", "3012 for the first; the second counts"),
        Fault.NEVER_CONFIRMS: (
            "accepts a transfer and never confirms the completion (4)",
            "a completed transfer that the acquirer has not confirmed",
        ),
    },
    Concern.REPLY: {
        Fault.WRONG_CLOCK: ("tells a time that is an hour ahead", "a clock that differs"),
        Fault.ANSWERS_0: ("refuses every message, with result 0 and no code", "a message that is not delivered"),
        Fault.FORGETS: (
            "acknowledges every message and forgets it",
            "no outcome of what it was told: time-outs as for never-decides and no-answer",
        ),
        Fault.SOAP_FAULT: ("answers every message with a Server fault", "a message that is not delivered"),
        Fault.WRONG_REPLY: (
            "answers with the reply of another operation",
            "an answer that cannot be read: a message that is not delivered",
        ),
        Fault.BARE_REPLY: (
            "answers without a result identifier",
            "an answer that cannot be read: a message that is not delivered",
        ),
        Fault.EMPTY_REPLY: (
            "answers HTTP 200 without a body",
            "an answer that cannot be read: a message that is not delivered",
        ),
        Fault.NONSENSE: (
            "answers HTTP 200 with a page of HTML",
            "an answer that cannot be read: a message that is not delivered",
        ),
        Fault.UNAVAILABLE: ("answers HTTP 503", "a registry that cannot be reached"),
        Fault.SLOW: ("takes the time set as slowness for every reply", "a time-out, where the log waits less"),
        Fault.BREAKS_OFF: (
            "takes the message, begins a reply and closes the connection",
            "no answer, though the message arrived: it is sent again and has one effect",
        ),
    },
}

FAULTS: Mapping[Fault, Described] = MappingProxyType(
    {fault: Described(concern, *words) for concern, faults in _WORDS.items() for fault, words in faults.items()}
)
"""Every fault in words."""

DENIAL = (1510,)
"""The codes of a registry that refuses to begin: not available for reconciliation."""

UNDIFFERENT = frozenset({Fault.OTHER_CUT, Fault.ANSWERS_TWICE, Fault.ANSWERS_EARLY})
"""After these a reconciliation ends as if nothing had been wrong."""

HARMLESS = frozenset({Fault.PROPOSES_TWICE, Fault.NOTIFIES_TWICE})
"""After these a transaction ends as if nothing had been wrong."""


def of(*concerns: Concern) -> tuple[Fault, ...]:
    """The faults in something, in the order of the list."""
    return tuple(fault for fault in Fault if FAULTS[fault].concern in concerns)


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """A fault to commit; `units` says where, for a fault of the record: units of one block, or for `EXTRA_BLOCK`
    units that are not there. None: at a block that suits."""

    fault: Fault
    units: SerialRange | None = None

    def __str__(self) -> str:
        return self.fault if self.units is None else f"{self.fault}={self.units}"
