"""The worker's judgement of a proposal: stage 4, and if it passes stages 6 and 7 together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from itl.checks import (  # noqa: F401 (each registers its checks)
    block_integrity,
    cancellation,
    carry_over,
    conversion,
    data_integrity,
    expiry_date_change,
    external_transfer,
    general,
    internal_transfer,
    issuance,
    replacement,
    retirement,
    transfer_limits,
)
from itl.checks.catalogue import JudgedBy, Row, catalogue
from itl.checks.engine import CHECKS, Check, Finding, Outcome
from itl.checks.proposal import Log, Proposal
from itl.checks.view import View
from itl.codes import MAX_BLOCKS
from itl.messages import EvaluationResult, ProposalRequest, UnitBlockIdentifier

STAGES = (frozenset({4}), frozenset({6, 7}))
"""Stages that are judged together; a failure in one group skips the next."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check."""

    code: int
    outcome: Outcome
    blocks: tuple[UnitBlockIdentifier, ...] = ()
    """The failing units, as proposed and cut to the failing part; empty where no block is at fault by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The results of all the worker's checks, in order of precedence."""

    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        return not self.findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What failed, in order of precedence."""
        return tuple(Finding(each.code, each.blocks) for each in self.results if each.outcome is Outcome.FAILED)

    @property
    def evaluation_results(self) -> tuple[EvaluationResult, ...]:
        """The findings as a notification carries them: every code, and as many blocks as a message may have (1104)."""
        room = MAX_BLOCKS
        told = []
        for finding in self.findings:
            blocks = finding.blocks[:room]
            room -= len(blocks)
            told.append(EvaluationResult(response_code=finding.code, unit_block_identifiers=blocks or None))
        return tuple(told)


def proposal(message: ProposalRequest, view: View, off: frozenset[int] = frozenset()) -> Verdict:
    """Judge `message` against what `view` knows. No query, no output; near linear in the number of blocks.

    Checks that are `off` (`override.Override`) are not in effect.
    """
    subject = Proposal(message)
    log = Log(subject, view)
    results: list[Result] = []
    stopped = False
    for checks in _groups():
        group = [_skipped(check, subject, off) if stopped else judged(check, subject, log, off) for check in checks]
        stopped = stopped or any(result.outcome is Outcome.FAILED for result in group)
        results += group
    return Verdict(tuple(results))


def too_many_blocks() -> Verdict:
    """The verdict on a proposal whose ranges span more blocks of the log than it judges at once: 1104."""
    skipped = [Result(check.row.code, Outcome.SKIPPED) for group in _groups() for check in group]
    return Verdict((Result(1104, Outcome.FAILED), *skipped))


def one(code: int, message: ProposalRequest, view: View) -> Result:
    """Judge `message` by the worker's check `code` alone."""
    subject = Proposal(message)
    return judged(CHECKS[code], subject, Log(subject, view))


@cache
def _groups() -> Sequence[Sequence[Check]]:
    """The checks of each group of stages, in order of the catalogue."""
    return [
        [
            CHECKS[row.code]
            for row in catalogue().values()
            if row.stage_number in stages and row.judged is JudgedBy.WORKER and row.code in CHECKS
        ]
        for stages in STAGES
    ]


def judged(check: Check, subject: Proposal, known: object, off: frozenset[int] = frozenset()) -> Result:
    """What becomes of one check, asked with what is `known`: this log, or a scheme's view of its own."""
    code = check.row.code
    unasked = _unasked(check.row, subject, off)
    if unasked is not None:
        return _plain(code, unasked)
    if check.applies is not None and not check.applies(subject, known):
        return _plain(code, Outcome.NOT_APPLICABLE)
    if check.in_effect is not None and not check.in_effect(subject, known):
        return _plain(code, Outcome.NOT_IN_EFFECT)
    finding = check.ask(subject, known)
    return _plain(code, Outcome.PASSED) if finding is None else Result(code, Outcome.FAILED, finding.blocks)


def _skipped(check: Check, subject: Proposal, off: frozenset[int]) -> Result:
    return _plain(check.row.code, _unasked(check.row, subject, off) or Outcome.SKIPPED)


_plain = cache(Result)
"""A result without units, of which there are few: most of what judging a small proposal costs is making them."""


def _unasked(row: Row, subject: Proposal, off: frozenset[int]) -> Outcome | None:
    """Why catalogue and override do not have the check asked of this proposal; None if they do."""
    if row.transaction_types and subject.transaction_type not in row.transaction_types:
        return Outcome.NOT_APPLICABLE
    if row.code in off:
        return Outcome.NOT_IN_EFFECT
    version = (subject.message.major_version, subject.message.minor_version)
    if row.versions and version not in row.versions:
        return Outcome.NOT_IN_EFFECT
    if row.periods and row.periods.isdisjoint(block.applicable_commit_period for block in subject.blocks):
        return Outcome.NOT_IN_EFFECT
    return None
