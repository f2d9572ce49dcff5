"""Tests of single rules: a proposal that breaks one rule and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itl.messages import ProposalTransaction
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.playing import Party
from registry_client.conformance.suite import Group


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with a proposal that breaks it, and nothing else; `also` are codes that may stand beside it."""

    code: int
    how: str
    broken: Callable[[HubTester], tuple[Party, ProposalTransaction]]
    also: frozenset[int] = frozenset()


def add_rules(group: Group[HubTester], number: str, rules: Sequence[Rule]) -> None:
    """A test for each rule, numbered `123/5003`: what breaks it is refused with its code, and nothing comes of it."""
    for rule in rules:

        def steps(t: HubTester, rule: Rule = rule) -> None:
            party, proposal = rule.broken(t)
            t.refused(party, proposal, rule.code, also=rule.also)

        group.add(f"{number}/{rule.code}", f"Refused with {rule.code}: {rule.how}", (f"CHECK-{rule.code}",), steps)
