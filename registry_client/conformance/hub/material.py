"""What tests of a hub are made of: the registries that are played, and units and proposals that are made up."""

from __future__ import annotations

import itertools
import time
from datetime import date
from typing import Any

from msgspec.structs import replace

from itl.clock import Clock, system_clock
from itl.codes import CDM_UNITS, LULUCF_UNITS, PROJECT_UNITS, TRACK_UNITS, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.playing import Party
from registry_client.conformance.profile import Profile
from registry_client.conformance.suite import Skipped
from registry_client.units import Account

HOLDING = Account(100, 1001)
"""The holding account of every Party that the tester plays."""
PERSON = Account(121, 2001)
PENDING = Account(110, 1000)
PROCEEDS = Account(100, 1100)
"""The CDM registry's pending account, and its account for the share of proceeds."""


class Fresh:
    """Numbers that no run used before: transaction identifiers and serials grow with the time at which a run begins.

    A run may take half a million serials a second; the serials come round after 57 years.
    """

    def __init__(self, seconds: float | None = None) -> None:
        begun = int((time.time() if seconds is None else seconds) * 10)
        self._transactions = itertools.count(begun * 1_000)
        self._serial = begun * 50_000 % 900_000_000_000_000 + 1

    def transaction(self, code: str) -> str:
        return f"{code}{next(self._transactions)}"

    def serials(self, quantity: int) -> tuple[int, int]:
        start, self._serial = self._serial, self._serial + quantity
        return start, self._serial - 1


class Material:
    """The registries of `profile`, and what they can propose to its hub; nothing of it talks to the hub."""

    def __init__(
        self, profile: Profile, evidence: Evidence, *, fresh: Fresh | None = None, clock: Clock = system_clock
    ) -> None:
        self.profile, self.evidence, self.clock = profile, evidence, clock
        self.fresh = fresh or Fresh()
        roles = profile.roles
        codes = (roles.initiator, roles.acquirer, roles.cdm, roles.carrier, roles.reconciled)
        self.parties = {
            code: Party(
                code,
                profile.hub,
                profile.url,
                profile.access(code),
                evidence,
                versions=profile.version,
                patience=profile.patience,
                clock=clock,
            )
            for code in dict.fromkeys(code for code in codes if code is not None)
        }

    # Who --------------------------------------------------------------------------------------------------------------

    @property
    def initiator(self) -> Party:
        return self._playing("initiator")

    @property
    def acquirer(self) -> Party:
        return self._playing("acquirer")

    @property
    def cdm(self) -> Party:
        return self._playing("cdm")

    @property
    def carrier(self) -> Party:
        return self._playing("carrier")

    @property
    def reconciled(self) -> Party:
        return self._playing("reconciled")

    def _playing(self, role: str) -> Party:
        code = getattr(self.profile.roles, role)
        if code is None:
            raise Skipped(f"the profile names no registry for the role {role}")
        return self.parties[code]

    def code(self, published: int) -> int:
        """The number by which the hub tells a code."""
        return self.profile.renumbered.get(published, published)

    # Units and proposals ----------------------------------------------------------------------------------------------

    @property
    def earlier(self) -> int:
        return self.profile.periods.earlier

    @property
    def later(self) -> int:
        return self.profile.periods.later

    def units(
        self,
        kind: UnitType,
        quantity: int = 10,
        *,
        period: int | None = None,
        originating: str | None = None,
        **other: Any,
    ) -> TransactionUnitBlock:
        """A block of units that never were, with all attributes that its type must have."""
        project = self.profile.project
        start, end = self.fresh.serials(quantity)
        of_the_cdm = kind in CDM_UNITS
        if period is None:
            period = self.later if kind in (UnitType.TCER, UnitType.LCER) else self.earlier
        expiry = {UnitType.TCER: project.tcer_expiry, UnitType.LCER: project.lcer_expiry}.get(kind)
        made: dict[str, Any] = {
            "unit_serial_block_start": start,
            "unit_serial_block_end": end,
            "originating_registry_code": originating or (project.host if of_the_cdm else self.initiator.code),
            "unit_type": int(kind),
            "supp_unit_type": 0,
            "original_commit_period": period,
            "applicable_commit_period": period,
            "lulucf_activity": 1 if kind in LULUCF_UNITS else None,
            "project_identifier": (project.number if of_the_cdm else project.party_number)
            if kind in PROJECT_UNITS
            else None,
            "track": project.track if kind in TRACK_UNITS else None,
            "expiry_date": None if expiry is None else date.fromisoformat(expiry),
        }
        return TransactionUnitBlock(**(made | other))

    def proposal(
        self,
        kind: TransactionType,
        party: Party,
        *blocks: TransactionUnitBlock,
        source: Account = HOLDING,
        target: Account = HOLDING,
        to: Party | None = None,
        notice: int | None = None,
    ) -> ProposalTransaction:
        """A proposal as a real registry fills it in: all account fields, in the head and in every block."""
        accounts = {
            "transferring_registry_account_type": source.account_type,
            "transferring_registry_account_identifier": source.identifier,
            "acquiring_registry_account_type": target.account_type,
            "acquiring_registry_account_identifier": target.identifier,
        }
        return ProposalTransaction(
            transaction_identifier=self.fresh.transaction(party.code),
            transaction_type=int(kind),
            transferring_registry_code=party.code,
            acquiring_registry_code=(to or party).code,
            notification_identifier=notice,
            proposal_unit_blocks=tuple(replace(block, **accounts) for block in blocks),
            **accounts,
        )

    def issuance(
        self, party: Party, *blocks: TransactionUnitBlock, target: Account | None = None
    ) -> ProposalTransaction:
        """An issuance into the account where such units begin."""
        place = target or (PENDING if party.code == self.profile.roles.cdm else HOLDING)
        return self.proposal(TransactionType.ISSUANCE, party, *blocks, source=place, target=place)

    def converted(self, block: TransactionUnitBlock, **other: Any) -> TransactionUnitBlock:
        """AAU or RMU as the ERU that a conversion makes of them."""
        kind = UnitType.ERU_FROM_AAU if block.unit_type == UnitType.AAU else UnitType.ERU_FROM_RMU
        project = self.profile.project
        made = {"unit_type": int(kind), "project_identifier": project.party_number, "track": project.track}
        return replace(block, **(made | other))


def part(block: TransactionUnitBlock, first: int, count: int) -> TransactionUnitBlock:
    """`count` units of a block, from its `first`-th (0 is the first) on."""
    start = block.unit_serial_block_start + first
    return replace(block, unit_serial_block_start=start, unit_serial_block_end=start + count - 1)
