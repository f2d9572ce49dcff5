"""Who tests a registry: the log that is played towards it, and the steps that tests consist of."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from msgspec.structs import replace

from itl.clock import Clock, system_clock
from itl.codes import CDM_UNITS, EXPIRING_UNITS, LULUCF_UNITS, PartyType, TransactionStatus, TransactionType, UnitType
from itl.messages import (
    EvaluationResult,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionStatusRequest,
    TransactionUnitBlock,
)
from itl.wire.contract import Port
from itl.wire.server import serve
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.judging import listed, require_acknowledged
from registry_client.conformance.making import Fresh, made
from registry_client.conformance.operators import Asked, Commands, Declined
from registry_client.conformance.playing import Answer, LetsIn, Party, Received, endpoint
from registry_client.conformance.registry.book import Book
from registry_client.conformance.registry.profile import Candidate
from registry_client.conformance.registry.proposed import account_of, faults_of, serials_of, shown, units
from registry_client.conformance.suite import Failed, NotApplicable, breaking
from registry_client.identifiers import SerialRange
from registry_client.units import Account

_S = TransactionStatus


class RegistryTester:
    """Plays the log towards the registry of `profile`. The endpoint is up between `__enter__` and `__exit__`.

    `asked` lets the registry's people begin something; `lets_in` says which user and password the registry may show.
    """

    def __init__(
        self,
        profile: Candidate,
        evidence: Evidence,
        *,
        asked: Asked | None = None,
        lets_in: LetsIn | None = None,
        fresh: Fresh | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.profile, self.evidence, self.clock = profile, evidence, clock
        self.fresh = fresh or Fresh()
        self.book = Book(clock)
        self.holds: list[tuple[str, int, int]] | None = None
        """The units that the registry said it holds when it was asked the last time."""
        self._ask = asked or Commands(profile.operator)
        self.log = Party(
            profile.log,
            profile.code,
            profile.url,
            profile.access,
            evidence,
            offers=Port.TRANSACTION_LOG,
            versions=profile.version,
            patience=profile.patience,
            clock=clock,
            answer=self.answer,
            lets_in=lets_in,
        )
        self._stack = ExitStack()
        self.address: str | None = None

    def __enter__(self) -> RegistryTester:
        self._stack.callback(self.log.close)
        serving = serve(endpoint([self.log]), self.profile.listen_host, self.profile.listen_port)
        self._stack.callback(serving.close)
        self.address = serving.url
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # What the log answers ---------------------------------------------------------------------------------------------

    def answer(self, received: Received) -> Answer:
        """The log's answer to a call of the registry; what the registry may not say is put down."""
        message = received.message
        if (message.sender, message.addressee) != (self.profile.code, self.profile.log):
            return self.log.refused(received, (1002 if message.sender != self.profile.code else 1005,))
        if isinstance(message, ProposalRequest):
            for fault, breaks in faults_of(message.proposed_transaction, self.profile.code):
                self.evidence.fault(fault, breaks)
            code = self.book.proposed(message.proposed_transaction)
            if code is not None:
                identifier = message.proposed_transaction.transaction_identifier
                self.evidence.fault(f"{identifier} is proposed again with other content", "R-PROPOSE-1")
                return self.log.refused(received, (code,))
            for other in self.book.kept_elsewhere(message.proposed_transaction):
                identifier = message.proposed_transaction.transaction_identifier
                self.evidence.fault(f"{identifier} is about units of {other}, which is open", "R-RESERVE-1")
        if isinstance(message, NotificationRequest):
            untimely = self.book.reported(message)
            if untimely is not None:
                self.evidence.fault(f"{self.profile.code} must not report {untimely.text}", untimely.breaks)
                return self.log.refused(received, (untimely.code,))
        if isinstance(message, TransactionStatusRequest):
            return self.log.reply(received, self.book.status(message.transaction_identifier))
        return self.log.accepted(received)

    # Units ------------------------------------------------------------------------------------------------------------

    def units(
        self, kind: UnitType, quantity: int = 10, *, originating: str | None = None, **other: Any
    ) -> TransactionUnitBlock:
        """A block of units that never were."""
        profile = self.profile
        origin = originating or (profile.project.host if kind in CDM_UNITS else profile.other)
        return made(kind, self.fresh.serials(quantity), origin, profile.project, profile.periods, **other)

    def held(self, kind: UnitType = UnitType.AAU, quantity: int = 10, **other: Any) -> TransactionUnitBlock:
        """Units that came in by a transfer, and lie in the account for that."""
        block = self.units(kind, quantity, **other)
        self.transfers_in(block)
        return block

    def issued(self, kind: UnitType = UnitType.AAU, quantity: int = 100) -> TransactionUnitBlock:
        """Units that the registry issued; of several blocks the first."""
        proposal = self.issuance(kind, quantity)
        self.completes(proposal)
        return proposal.proposal_unit_blocks[0]

    def issuance(self, kind: UnitType, quantity: int = 100) -> ProposalTransaction:
        """Let the registry propose to issue units."""
        action, values = self.to_issue(kind, quantity)
        return self.proposed(action, TransactionType.ISSUANCE, **values)

    def to_issue(self, kind: UnitType, quantity: int) -> tuple[str, dict[str, str]]:
        """The action that is an issuance, and its values."""
        profile = self.profile
        period = profile.periods.later if kind in EXPIRING_UNITS else profile.periods.earlier
        values = {"quantity": str(quantity), "period": str(period)}
        if kind in LULUCF_UNITS:
            values["activity"] = "1"
        if kind in CDM_UNITS:
            values |= {"host": profile.project.host, "project": str(profile.project.number)}
        if kind in EXPIRING_UNITS:
            project = profile.project
            values["expiry"] = project.tcer_expiry if kind == UnitType.TCER else project.lcer_expiry
        return f"issue {NAMES[kind]}", values

    def to_the_other(self, block: TransactionUnitBlock) -> dict[str, str]:
        """The values of a transfer of units to the other registry."""
        return {"units": written(block), "account": f"{self.profile.other}-{FOREIGN}"}

    # The registry proposes --------------------------------------------------------------------------------------------

    def ask(self, action: str, **values: str) -> None:
        """Let the registry's people do something."""
        self._ask(action, {"registry": self.profile.code} | values)

    def proposed(self, action: str, kind: TransactionType, **values: str) -> ProposalTransaction:
        """Let the registry's people do something of which the registry must make a proposal of this type."""
        while self.log.came("acceptProposal"):
            pass  # of a test before, which did not wait for it
        self.ask(action, **values)
        with breaking("R-PROPOSE-5"):
            found = self.log.expect("acceptProposal", f"a proposal: {action}")
        proposal: ProposalTransaction = found.message.proposed_transaction
        if proposal.transaction_type != kind:
            told = f"{action}: a proposal of type {int(kind)} must come; one of {proposal.transaction_type} came"
            raise Failed(told, "R-PROPOSE-5")
        return proposal

    def declines(self, action: str, **values: str) -> None:
        """Let the registry's people try what the registry must not let out."""
        while self.log.came("acceptProposal"):
            pass
        try:
            self.ask(action, **values, expect="that the registry refuses it")
        except Declined:
            return
        if self.log.wait_for(("acceptProposal",), self.profile.silence):
            found = self.log.expect("acceptProposal", "what is there").message.proposed_transaction
            self.tell(found, _S.CHECKED_DISCREPANCY, 4010)
            told = f"{action} {values.get('units', '')}: the registry must not propose it, and did"
            raise Failed(told, "R-RESERVE-1")

    def about(
        self, proposal: ProposalTransaction, *expected: TransactionUnitBlock, breaks: str = "R-PROPOSE-3"
    ) -> None:
        """A proposal must be about just these units, with all that they are."""
        if units(proposal.proposal_unit_blocks) != units(expected):
            raise Failed(
                f"{proposal.transaction_identifier} must be about {shown(expected)}; it is about "
                f"{shown(proposal.proposal_unit_blocks)}",
                breaks,
            )

    def between(
        self,
        proposal: ProposalTransaction,
        source: Account | int | None = None,
        target: Account | int | None = None,
        *,
        breaks: str = "R-PROPOSE-3",
    ) -> None:
        """The units of a proposal must go from and into these accounts, or accounts of these types."""
        identifier = proposal.transaction_identifier
        for side, expected in (("transferring", source), ("acquiring", target)):
            for block in proposal.proposal_unit_blocks:
                found = account_of(proposal, block, side)
                if isinstance(expected, Account) and found != (expected.account_type, expected.identifier):
                    raise Failed(f"{identifier}: the {side} account must be {expected}; it is {found}", breaks)
                if isinstance(expected, int) and (found[0] != expected or found[1] is None):
                    raise Failed(f"{identifier}: the {side} account must be of type {expected}; it is {found}", breaks)

    def completes(self, proposal: ProposalTransaction, status: int = _S.CHECKED_NO_DISCREPANCY) -> None:
        """The log lets it pass; the registry must report completion."""
        self.tell(proposal, status)
        self.reports(proposal, _S.COMPLETED, breaks=_COMPLETED.get(status, "R-FINISH-1"))

    def stops(self, proposal: ProposalTransaction, status: int, *codes: int) -> None:
        """The log stops it; the registry may report termination, and nothing else."""
        self.tell(proposal, status, *codes)
        if self.log.wait_for(("acceptNotification",), self.profile.silence, about(proposal)):
            self.reports(proposal, _S.TERMINATED, breaks=_STOPPED[status])

    # The log tells ----------------------------------------------------------------------------------------------------

    def transfer(
        self, *blocks: TransactionUnitBlock, target: Account | None = None, identifier: str | None = None
    ) -> ProposalTransaction:
        """A transfer of the other registry to the candidate, as a log relays it."""
        profile = self.profile
        place = target or profile.receiving
        accounts = {
            "transferring_registry_account_type": 100,
            "transferring_registry_account_identifier": 1001,
            "acquiring_registry_account_type": place.account_type,
            "acquiring_registry_account_identifier": place.identifier,
        }
        return ProposalTransaction(
            transaction_identifier=identifier or self.fresh.transaction(profile.other),
            transaction_type=int(TransactionType.EXTERNAL_TRANSFER),
            transferring_registry_code=profile.other,
            acquiring_registry_code=profile.code,
            proposal_unit_blocks=tuple(replace(block, **accounts) for block in blocks),
            **accounts,
        )

    def relay(self, proposal: ProposalTransaction) -> None:
        """Relay a transfer; the registry must acknowledge it."""
        self.book.relayed(proposal)
        answer = self.log.call(ProposalRequest(**self.log.head(), proposed_transaction=proposal))
        with breaking("R-ACKNOWLEDGE-1"):
            require_acknowledged(answer, f"the transfer {proposal.transaction_identifier}")

    def transfers_in(self, *blocks: TransactionUnitBlock) -> ProposalTransaction:
        """Units come in: relayed, accepted, completed."""
        proposal = self.transfer(*blocks)
        self.relay(proposal)
        self.completes_in(proposal)
        return proposal

    def completes_in(self, proposal: ProposalTransaction) -> None:
        """A transfer that was relayed is accepted and completed."""
        self.accepts(proposal)
        self.tell(proposal, _S.COMPLETED)
        self.confirmed(proposal)

    def accepts(self, proposal: ProposalTransaction) -> None:
        """The registry must accept a transfer to it."""
        self.reports(proposal, _S.ACCEPTED, breaks="R-ACQUIRE-1")

    def confirmed(self, proposal: ProposalTransaction) -> None:
        """An acquirer may confirm the completion; so that it is over, this is waited for a moment."""
        if self.log.wait_for(("acceptNotification",), self.profile.silence, about(proposal)):
            self.reports(proposal, _S.COMPLETED, breaks="R-ACQUIRE-3")

    def tell(self, proposal: ProposalTransaction, status: int, *codes: int) -> None:
        """Tell the registry a status; it must acknowledge it."""
        self.book.told(proposal.transaction_identifier, status)
        answer = self.log.call(self.notification(proposal, status, *codes))
        with breaking("R-ACKNOWLEDGE-1"):
            require_acknowledged(answer, f"status {int(status)} of {proposal.transaction_identifier}")

    def notification(self, proposal: ProposalTransaction, status: int, *codes: int) -> NotificationRequest:
        return NotificationRequest(
            **self.log.head(),
            transaction_identifier=proposal.transaction_identifier,
            transaction_status=int(status),
            party_type=PartyType.TRANSACTION_LOG,
            evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
        )

    # What must come, and what must not --------------------------------------------------------------------------------

    def reports(self, proposal: ProposalTransaction, *statuses: int, breaks: str) -> NotificationRequest:
        """The next that the registry reports of a transaction must be one of these statuses."""
        identifier = proposal.transaction_identifier
        expected = " or ".join(str(int(status)) for status in statuses)
        with breaking(breaks):
            received = self.log.expect("acceptNotification", f"status {expected} of {identifier}", about(proposal))
        found: NotificationRequest = received.message
        if found.transaction_status not in statuses:
            codes = [each.response_code for each in found.evaluation_result]
            breaks = self.book.breaks_by(identifier, found.transaction_status) or breaks
            raise Failed(
                f"{self.profile.code} must report status {expected} of {identifier}; it reported "
                f"{found.transaction_status} with {listed(codes)}",
                breaks,
            )
        return found

    def silent(self, proposal: ProposalTransaction, why: str, breaks: str) -> None:
        """The registry must report nothing of a transaction now."""
        if self.log.wait_for(("acceptNotification",), self.profile.silence, about(proposal)):
            found = self.log.expect("acceptNotification", "what is there", about(proposal)).message
            raise Failed(
                f"{why} {self.profile.code} must report nothing of {proposal.transaction_identifier}; it reported "
                f"status {found.transaction_status}",
                breaks,
            )

    def pause(self, seconds: float) -> None:
        """Let time pass: the registry has to see it, too."""
        time.sleep(max(0.0, seconds))

    def party_only(self) -> None:
        """What follows is not for the CDM registry."""
        if self.profile.is_cdm:
            raise NotApplicable("it is for the registries of Parties, not for the CDM registry")

    def cdm_only(self) -> None:
        if not self.profile.is_cdm:
            raise NotApplicable("it is for the CDM registry alone")


_COMPLETED: dict[int, str] = {_S.ACCEPTED: "R-TRANSFER-1", _S.STL_CHECKED_NO_DISCREPANCY: "R-FINISH-5"}
"""What a registry breaks that does not complete a transaction, by the status at which the log let it pass."""

_STOPPED: dict[int, str] = {
    _S.CHECKED_DISCREPANCY: "R-FINISH-2",
    _S.STL_CHECKED_DISCREPANCY: "R-FINISH-5",
    _S.REJECTED: "R-TRANSFER-2",
    _S.CANCELLED: "R-FINISH-3",
}
"""What a registry breaks that does not end a transaction, by the status at which the log stopped it."""

FOREIGN = Account(100, 1001)
"""An account of the other registry."""

NAMES = {
    UnitType.AAU: "AAU",
    UnitType.RMU: "RMU",
    UnitType.CER: "CER",
    UnitType.TCER: "tCER",
    UnitType.LCER: "lCER",
}
"""Units that are issued, as the actions of the people name them."""


def about(proposal: ProposalTransaction) -> Callable[[Any], bool]:
    """Whether a notification is about this transaction."""
    return lambda message: bool(message.transaction_identifier == proposal.transaction_identifier)


def written(block: TransactionUnitBlock) -> str:
    """The units of a block as people and commands write them: `GB-1-100`."""
    return str(SerialRange(*serials_of(block)))
