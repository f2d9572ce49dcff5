"""The exchange of one transaction, from the proposal to status 4, and what can become of it instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from itl.codes import TransactionStatus
from itl.messages import EvaluationResult
from itl.replay.registry import Answer, Registry, Verdict
from itl.replay.transactions import Reported, proposal
from itl.wire.faults import PeerFault


class Log(Protocol):
    """The log that the transactions go through, as far as it is not on the wire."""

    registry: Registry

    def stand_at(self, time: datetime) -> None:
        """From now on it is `time`, if the log's clock can be set."""

    def verdict(self, identifier: str) -> Verdict:
        """What the log says of a proposal that it has taken; waits for it."""

    def carry_out(self) -> None:
        """Let the log finish what it has in hand, if it does not by itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A transaction that did not come to status 4, with the codes and the blocks that they are about."""

    reported: Reported
    step: str
    """`proposal`, `verdict`, `completion`, or `fault` where a call was answered with a SOAP fault."""
    status: int | None
    codes: tuple[int, ...]
    findings: tuple[EvaluationResult, ...] = ()
    problem: str | None = None


def run(log: Log, transactions: Iterable[Reported], done: Callable[[Reported, Refusal | None], None]) -> None:
    """Bring the transactions through one after another; `done` is told of each, with what went wrong."""
    for reported in transactions:
        log.stand_at(reported.at)
        try:
            refusal = _exchange(log, reported)
        except PeerFault as fault:
            refusal = Refusal(reported, "fault", None, (), problem=str(fault))
        done(reported, refusal)


def _exchange(log: Log, reported: Reported) -> Refusal | None:
    answer = log.registry.propose(proposal(reported))
    if not answer.accepted:
        return Refusal(reported, "proposal", None, answer.codes)
    verdict = log.verdict(reported.identifier)
    match verdict.status:
        case TransactionStatus.CHECKED_NO_DISCREPANCY:
            return _complete(log, reported)
        case TransactionStatus.COMPLETED:  # an earlier run of the same rows came so far
            return None
        case TransactionStatus.CHECKED_DISCREPANCY:
            log.registry.notify(reported.identifier, TransactionStatus.TERMINATED)
    findings = verdict.findings or ()
    codes = tuple(finding.response_code for finding in findings)
    problem = None if findings else f"the log gave no verdict that could be followed: status {verdict.status}"
    return Refusal(reported, "verdict", verdict.status, codes, findings, problem)


def _complete(log: Log, reported: Reported) -> Refusal | None:
    answer: Answer = log.registry.notify(reported.identifier, TransactionStatus.COMPLETED)
    if not answer.accepted:
        return Refusal(reported, "completion", TransactionStatus.CHECKED_NO_DISCREPANCY, answer.codes)
    log.carry_out()
    return None
