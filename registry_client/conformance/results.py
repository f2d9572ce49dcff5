"""What a run of the suite found: outcomes, with the messages exchanged as evidence. Values; nothing is decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registry_client.conformance.requirements import Requirement


class Outcome(StrEnum):
    """How a test ended; the values are the keys of the summary in JSON."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be carried out here: something that it needs was not given, or a test before it failed."""
    NOT_APPLICABLE = "not_applicable"
    """What it is about does not exist with this peer."""
    ERROR = "error"
    """The tester itself failed: nothing is said about the peer."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its reply, as they were on the wire.

    `status` is the HTTP status, None where no answer came; then `reply` says why.
    """

    sender: str
    receiver: str
    operation: str
    sent_at: datetime
    answered_at: datetime
    request: str
    status: int | None
    reply: str


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended. `detail` says why it did not pass; `seconds` is how long it took.

    `requirements` are those that the test covers; `broken` those that the peer does not keep by what happened, which
    may be others: a reply of the wrong shape is one, whatever the test was about.
    """

    number: str
    group: str
    title: str
    outcome: Outcome
    detail: str
    requirements: tuple[Requirement, ...]
    broken: tuple[Requirement, ...]
    started_at: datetime
    seconds: float
    evidence: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `peer` is what was tested, `versions` of what, by name."""

    subject: str
    peer: str
    tester: str
    started_at: datetime
    seconds: float
    versions: Mapping[str, str]
    results: Sequence[Result]

    @property
    def summary(self) -> dict[str, int]:
        """How many tests ended how, for every outcome."""
        counted = Counter(result.outcome for result in self.results)
        return {outcome.value: counted[outcome] for outcome in Outcome}

    @property
    def broken(self) -> tuple[Requirement, ...]:
        """The requirements that the peer does not keep, in the order in which it was found."""
        return tuple({each.identifier: each for result in self.results for each in result.broken}.values())

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with the peer, and nothing with the tester."""
        return not any(result.outcome in (Outcome.FAILED, Outcome.ERROR) for result in self.results)
