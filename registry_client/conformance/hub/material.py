"""What tests of a hub are made of: the registries that are played, and units and proposals that are made up."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from itl.clock import Clock, system_clock
from itl.codes import CDM_UNITS, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.making import Fresh, made
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
        origin = originating or (project.host if kind in CDM_UNITS else self.initiator.code)
        return made(kind, self.fresh.serials(quantity), origin, project, self.profile.periods, period=period, **other)

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
