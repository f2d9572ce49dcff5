"""A registry's own rules: what it holds back, what it lets in, and what else it does when units have moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from itl.messages import ProposalTransaction
from registry_client.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Accept:
    """The transfer may come in."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The transfer may not come in; `codes` say why (5904: not consistent with the Party's policy)."""

    codes: tuple[int, ...] = (5904,)


@dataclass(frozen=True, slots=True)
class Delay:
    """Someone decides later, by `Registry.decide`."""


Decision = Accept | Reject | Delay
Policy = Callable[[ProposalTransaction], Decision]


def accept_all(proposal: ProposalTransaction) -> Decision:
    """The policy of a registry that takes whatever fits its accounts."""
    return Accept()


def allow_all(proposal: ProposalTransaction) -> None:
    """The rule of a registry that proposes whatever it is asked to."""


def do_nothing(transaction: Transaction, connection: sa.Connection) -> None:
    """The rule of a registry that keeps no other books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The three places where a registry's own rules are asked. Each is called inside a unit of work: keep it short."""

    before_proposal: Callable[[ProposalTransaction], None] = allow_all
    """Asked before a proposal is written down; raises `RegistryError` to hold it back, and then nothing is reserved."""
    on_transfer: Policy = accept_all
    """Asked once about each incoming transfer that the registry's own checks found in order."""
    on_completion: Callable[[Transaction, sa.Connection], None] = do_nothing
    """Told of each transaction that is carried out here, in the unit of work that does it: what it writes with the
    connection, into tables of its own, is there exactly if the units moved. If it fails, nothing moves; the log is
    asked about the transaction after `Settings.enquire_after`, and the rule is told again."""


WITHOUT_RULES = Rules()
