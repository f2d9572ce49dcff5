"""What an operator may decide about a registry: who it is, how patient it is, and where units may come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from itl.codes import CDM, HOLDING_ACCOUNTS
from registry_client.faults import Fault, Misbehaviour

RECEIVING_ACCOUNTS = HOLDING_ACCOUNTS - {110, 131} | {210, 220, 240, 241, 242}
"""Account types into which external transfers go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One registry's settings; times are timedeltas."""

    code: str
    """Registry code: ISO 3166 alpha-2, or CDM."""
    hub_code: str = "ITL"
    versions: tuple[int, int] = (1, 1)
    """Major and minor version of the standard."""
    sends_terminated: bool = True
    """Whether it reports a termination to the log (status 5); one real registry never did."""
    enquire_after: timedelta = timedelta(hours=1)
    """How long an open transaction may be silent before the log is asked where it stands."""
    first_retry: timedelta = timedelta(seconds=1)
    last_retry: timedelta = timedelta(minutes=5)
    """Bounds of the exponential back-off of a call that brought no answer."""
    senders: int = 4
    """Calls to the hub at the same time; those of one transaction are always one after the other."""
    batch: int = 64
    """Messages taken up by one pass of processing or delivery."""
    receiving_accounts: frozenset[int] = frozenset(RECEIVING_ACCOUNTS)
    first_transaction: int = 100_001
    """The first running number of its transaction identifiers."""
    blocks_per_message: int = 10_000
    """Most unit blocks of one answer in a reconciliation; the log reads 16 MiB, these are about six."""
    misbehave: tuple[Misbehaviour, ...] = ()
    """Faults that it commits, on request; a registry that means well has none."""
    lateness: timedelta = timedelta(days=1)
    """How long its answers in a reconciliation, or its notifications, wait where it is to be late."""
    slowness: timedelta = timedelta(seconds=30)
    """How long each reply of its endpoint takes where it is to be slow."""

    @property
    def faults(self) -> frozenset[Fault]:
        return frozenset(each.fault for each in self.misbehave)

    @property
    def is_cdm(self) -> bool:
        return self.code == CDM

    @property
    def holding_account_type(self) -> int:
        """Where it issues to and transfers from: the CDM registry's pending account, a Party's holding account."""
        return 110 if self.is_cdm else 100
