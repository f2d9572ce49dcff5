"""The supplementary log's judgement of a proposal: all rules together, in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from itl.checks.catalogue import catalogue
from itl.checks.engine import Check
from itl.checks.judge import Result, Verdict, judged
from itl.checks.proposal import Proposal
from itl.messages import ProposalRequest
from itl.supplement.rules import accounts, allocation, members, surrender  # noqa: F401 (each registers its rules)
from itl.supplement.rules.engine import RULES
from itl.supplement.scheme import SchemeView


def proposal(message: ProposalRequest, scheme: SchemeView, off: frozenset[int] = frozenset()) -> Verdict:
    """Judge `message` by the scheme's rules alone. No query, no output. Rules that are `off` are not in effect."""
    subject = Proposal(message)
    return Verdict(tuple(judged(each, subject, scheme, off) for each in _ordered()))


def one(code: int, message: ProposalRequest, scheme: SchemeView) -> Result:
    """Judge `message` by the rule `code` alone."""
    return judged(RULES[code], Proposal(message), scheme)


@cache
def _ordered() -> Sequence[Check]:
    return [RULES[code] for code in catalogue() if code in RULES]
