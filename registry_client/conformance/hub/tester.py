"""Who tests a hub: the steps that tests consist of, and what the hub must say to each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

from itl.clock import Clock, system_clock
from itl.codes import CDM_UNITS, TransactionStatus, TransactionType, UnitType
from itl.messages import (
    EvaluationResult,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    TransactionStatusRequest,
    TransactionStatusResponse,
    TransactionUnitBlock,
)
from itl.wire.server import serve
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.material import HOLDING, PENDING, Material
from registry_client.conformance.judging import listed, require_acknowledged, require_refused, said
from registry_client.conformance.making import Fresh, joined
from registry_client.conformance.operators import Asked, Commands
from registry_client.conformance.playing import Party, endpoint
from registry_client.conformance.profile import Profile
from registry_client.conformance.suite import Failed, breaking
from registry_client.units import Account

_S = TransactionStatus

_HEAD = (
    "transaction_type",
    "transferring_registry_code",
    "acquiring_registry_code",
    "acquiring_registry_account_type",
    "acquiring_registry_account_identifier",
)
_UNITS = (
    "originating_registry_code",
    "unit_serial_block_start",
    "unit_serial_block_end",
    "unit_type",
    "original_commit_period",
    "applicable_commit_period",
    "lulucf_activity",
    "project_identifier",
    "track",
    "expiry_date",
    "block_role",
)
"""What of a proposal and of its blocks is relayed as it was."""

_MEANWHILE = 0.1
"""How often, in seconds, is looked whether the initiator of a transfer was told something in place of its relay."""

_VERDICTS = frozenset({_S.CHECKED_NO_DISCREPANCY, _S.CHECKED_DISCREPANCY})

_ENDED_OTHERWISE: Mapping[int, tuple[str, ...]] = {
    _S.CHECKED_NO_DISCREPANCY: ("SEQUENCE-INTERNAL",),
    _S.CHECKED_DISCREPANCY: ("SEQUENCE-REFUSED",),
}
"""What is broken where a proposal gets neither verdict, by the one that it must get."""

_AT_LEAST_AHEAD = 2.0
"""Seconds between a reconciliation's begin and its snapshot that are left at least."""

_STRANGE = frozenset({2001, 2009})
"""After these the transaction is not one of the proposer's, which has nothing to report of it."""


class HubTester(Material):
    """Plays the registries of `profile` towards its hub. The endpoint is up between `__enter__` and `__exit__`."""

    def __init__(
        self,
        profile: Profile,
        evidence: Evidence,
        *,
        asked: Asked | None = None,
        fresh: Fresh | None = None,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__(profile, evidence, fresh=fresh, clock=clock)
        self._ask = asked or Commands(profile.operator)
        self._slowest: float | None = None
        self._stack = ExitStack()
        self.address: str | None = None

    def __enter__(self) -> HubTester:
        for party in self.parties.values():
            self._stack.callback(party.close)
        serving = serve(endpoint(self.parties.values()), self.profile.listen_host, self.profile.listen_port)
        self._stack.callback(serving.close)
        self.address = serving.url
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, action: str, values: Mapping[str, str]) -> None:
        """Let the hub's people do something."""
        begun = time.monotonic()
        self._ask(action, values)
        self._slowest = max(self._slowest or 0.0, time.monotonic() - begun)

    @property
    def lead(self) -> float:
        """How far ahead a snapshot is set, in seconds: as the profile says; less where the people were quick, and more
        where they were slow."""
        lead, took = self.profile.lead, 2 * (self._slowest or 0.0)
        return lead if self._slowest is None else max(min(lead, _AT_LEAST_AHEAD + took), 1.0 + took)

    def issued(
        self, kind: UnitType = UnitType.AAU, quantity: int = 10, *, party: Party | None = None, **other: Any
    ) -> TransactionUnitBlock:
        """Units that were issued: into the holding account of `party`, or the CDM registry's pending account."""
        issuer = party or (self.cdm if kind in CDM_UNITS else self.initiator)
        if kind not in CDM_UNITS:
            other.setdefault("originating", issuer.code)
        block = self.units(kind, quantity, **other)
        self.completes(issuer, self.issuance(issuer, block))
        return block

    def held(self, kind: UnitType = UnitType.AAU, quantity: int = 10, **other: Any) -> TransactionUnitBlock:
        """Units of any type in the initiator's holding account."""
        if kind in CDM_UNITS:
            block = self.issued(kind, quantity, **other)
            self.transferred(self.cdm, self.initiator, block, source=PENDING)
            return block
        if kind in (UnitType.ERU_FROM_AAU, UnitType.ERU_FROM_RMU):
            source = UnitType.AAU if kind == UnitType.ERU_FROM_AAU else UnitType.RMU
            converted = self.converted(self.issued(source, quantity, **other))
            self.completes(self.initiator, self.proposal(TransactionType.CONVERSION, self.initiator, converted))
            return converted
        return self.issued(kind, quantity, **other)

    def transferred(
        self,
        party: Party,
        to: Party,
        *blocks: TransactionUnitBlock,
        source: Account = HOLDING,
        target: Account = HOLDING,
    ) -> ProposalTransaction:
        """Carry an external transfer through, accepted and completed."""
        proposal = self.proposal(TransactionType.EXTERNAL_TRANSFER, party, *blocks, source=source, target=target, to=to)
        self.propose(party, proposal)
        self.relayed(to, proposal)
        self.notify(to, proposal, _S.ACCEPTED)
        self.told(party, proposal, _S.ACCEPTED)
        self.notify(party, proposal, _S.COMPLETED)
        self.told(to, proposal, _S.COMPLETED)
        self.notify(to, proposal, _S.COMPLETED)
        return proposal

    # Steps ------------------------------------------------------------------------------------------------------------

    def propose(self, party: Party, proposal: ProposalTransaction) -> None:
        """Propose; the acknowledgement must be result 1 without a code."""
        answer = party.call(ProposalRequest(**party.head(), proposed_transaction=proposal))
        self.acknowledged(answer, f"the proposal {proposal.transaction_identifier}")

    def acknowledged(self, answer: Any, what: str) -> None:
        """An acknowledgement must be result 1 without a code."""
        _consistent(answer, what)
        require_acknowledged(answer, what)

    def refused_at_once(self, answer: Any, what: str, *codes: int) -> None:
        """An acknowledgement must be result 0 with just these codes."""
        _consistent(answer, what)
        require_refused(answer, what, [self.code(code) for code in codes])

    def told(
        self, party: Party, proposal: ProposalTransaction, status: int, codes: Sequence[int] = ()
    ) -> NotificationRequest:
        """The next that the hub tells the party about the transaction must be this status.

        `codes` are those that it should have, to say so where it is another status.
        """
        identifier = proposal.transaction_identifier
        expected = f"status {int(status)}{f' with {listed(codes)}' if codes else ''}"
        with breaking(*(("SEQUENCE-ANSWER",) if status in _VERDICTS else ())):
            found = party.expect(
                "acceptNotification",
                f"{expected} of {identifier}",
                lambda message: message.transaction_identifier == identifier,
            ).message
        if not isinstance(found, NotificationRequest):
            raise TypeError(found)
        if found.transaction_status != status:
            raise Failed(
                f"{party.code} must be told {expected} of {identifier}; it was told status "
                f"{found.transaction_status} with {listed(_codes(found))}",
                *(() if found.transaction_status in _VERDICTS else _ENDED_OTHERWISE.get(status, ())),
            )
        bad = status in (_S.CHECKED_DISCREPANCY, _S.STL_CHECKED_DISCREPANCY)
        if not bad and status != _S.REJECTED and found.evaluation_result:
            raise Failed(f"status {status} of {identifier} comes with {listed(_codes(found))}", "EVALUATION-2")
        return found

    def notify(self, party: Party, proposal: ProposalTransaction, status: int, *codes: int) -> None:
        """Tell the hub a status; the answer must be result 1."""
        answer = self.notified(party, proposal.transaction_identifier, status, *codes)
        self.acknowledged(answer, f"status {status} of {proposal.transaction_identifier} from {party.code}")

    def notified(self, party: Party, identifier: str, status: int, *codes: int) -> Any:
        """Tell the hub a status; the typed answer."""
        return party.call(
            NotificationRequest(
                **party.head(),
                transaction_identifier=identifier,
                transaction_status=int(status),
                party_type=0,
                evaluation_result=tuple(EvaluationResult(response_code=code) for code in codes),
            )
        )

    def relayed(self, party: Party, proposal: ProposalTransaction) -> ProposalTransaction:
        """The hub must call the acquirer with the proposal as it was made."""
        identifier = proposal.transaction_identifier
        initiator = self.parties[proposal.transferring_registry_code]

        def fits(message: Any) -> bool:
            return bool(message.proposed_transaction.transaction_identifier == identifier)

        deadline = time.monotonic() + party.patience
        while not party.wait_for(("acceptProposal",), _MEANWHILE, fits) and time.monotonic() < deadline:
            told = initiator.came("acceptNotification", lambda message: message.transaction_identifier == identifier)
            if told is not None:
                raise Failed(
                    f"the transfer {identifier} must be relayed to {party.code}; {initiator.code} was told status "
                    f"{told.message.transaction_status} with {listed(_codes(told.message))}"
                )
        with breaking("SEQUENCE-TRANSFER"):
            what = f"the transfer {identifier}, for {party.patience:g} s"
            found = party.expect("acceptProposal", what, fits, patience=0).message
        relayed: ProposalTransaction = found.proposed_transaction
        if _units_of(relayed) != _units_of(proposal):
            raise Failed(f"the relayed proposal {identifier} names other units than the one that was made", "RELAY-1")
        for name in _HEAD:
            if getattr(relayed, name) != getattr(proposal, name):
                raise Failed(
                    f"{name} of the relayed proposal {identifier} is {getattr(relayed, name)}, it was "
                    f"{getattr(proposal, name)}",
                    "RELAY-1",
                )
        return relayed

    def completes(self, party: Party, proposal: ProposalTransaction) -> None:
        """A transaction inside one registry must go through: 2 from the hub, 4 from the registry."""
        self.propose(party, proposal)
        self.told(party, proposal, _S.CHECKED_NO_DISCREPANCY)
        self.notify(party, proposal, _S.COMPLETED)
        self.stands(party, proposal, _S.COMPLETED)

    def refused(
        self,
        party: Party,
        proposal: ProposalTransaction,
        *codes: int,
        also: frozenset[int] = frozenset(),
        reported: bool = True,
    ) -> NotificationRequest:
        """The hub must find a discrepancy with just these codes (those of `also` may come, too); then it is over.

        The registry reports the end (5), unless it is not to be `reported`, which it need not.
        """
        self.propose(party, proposal)
        expected = {self.code(code) for code in codes}
        found = self.told(party, proposal, _S.CHECKED_DISCREPANCY, sorted(expected))
        got = set(_codes(found))
        if not expected <= got or got - expected - {self.code(code) for code in also}:
            raise Failed(
                f"{proposal.transaction_identifier} must be refused with {listed(sorted(expected))}; it was refused "
                f"with {listed(sorted(got))}"
            )
        if reported and not _STRANGE & set(codes):
            with breaking("SEQUENCE-REFUSED"):
                self.notify(party, proposal, _S.TERMINATED)
        return found

    def refused_with_one_of(self, party: Party, proposal: ProposalTransaction, *codes: int) -> None:
        """The hub must find a discrepancy, with one or several of these codes."""
        self.propose(party, proposal)
        got = set(_codes(self.told(party, proposal, _S.CHECKED_DISCREPANCY)))
        expected = sorted(map(self.code, codes))
        if not got or not got <= set(expected):
            raise Failed(
                f"{proposal.transaction_identifier} must be refused with one of {listed(expected)}; it was refused "
                f"with {listed(sorted(got))}"
            )
        self.notify(party, proposal, _S.TERMINATED)

    def refused_at_the_door(self, party: Party, request: ProposalRequest, *codes: int) -> None:
        """The acknowledgement must refuse the proposal with just these codes."""
        answer = party.call(request)
        self.refused_at_once(answer, f"the proposal {request.proposed_transaction.transaction_identifier}", *codes)

    def names(
        self, found: NotificationRequest, code: int, *blocks: TransactionUnitBlock, breaks: str = "EVALUATION-1"
    ) -> None:
        """The evaluation result of a code must name just the units of these blocks."""
        named = [
            (each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
            for result in found.evaluation_result
            if result.response_code == self.code(code)
            for each in result.unit_block_identifiers or ()
        ]
        expected = [
            (each.originating_registry_code, each.unit_serial_block_start, each.unit_serial_block_end)
            for each in blocks
        ]
        if joined(named) != joined(expected):
            raise Failed(f"code {self.code(code)} must name the units {expected}; it names {named}", breaks)

    def stands(self, party: Party, proposal: ProposalTransaction, status: int) -> TransactionStatusResponse:
        """getTransactionStatus must give this status, with a time that is not ahead."""
        identifier = proposal.transaction_identifier
        answer = self.asked_status(party, identifier)
        self.acknowledged(answer, f"getTransactionStatus of {identifier}")
        if (answer.transaction_identifier, answer.transaction_status) != (identifier, status):
            raise Failed(
                f"getTransactionStatus must say that {identifier} stands at {status}; it says that "
                f"{answer.transaction_identifier} stands at {answer.transaction_status}"
            )
        if answer.transaction_status_date_time > self.clock() + timedelta(minutes=1):
            raise Failed(
                f"the status of {identifier} has a time in the future: {answer.transaction_status_date_time}", "INFO-1"
            )
        return answer

    def asked_status(self, party: Party, identifier: str) -> TransactionStatusResponse:
        answer: TransactionStatusResponse = party.call(
            TransactionStatusRequest(**party.head(), transaction_identifier=identifier)
        )
        return answer

    def untold(self, party: Party, proposal: ProposalTransaction) -> None:
        """The party must have heard nothing of the transaction that it did not take up."""
        identifier = proposal.transaction_identifier
        if party.peek("acceptNotification", lambda message: message.transaction_identifier == identifier):
            raise Failed(f"{party.code} must not be told of {identifier} yet, but was")
        if party.peek(
            "acceptProposal", lambda message: message.proposed_transaction.transaction_identifier == identifier
        ):
            raise Failed(f"{party.code} must not be called with the proposal {identifier}, but was")

    @contextmanager
    def reserved(self, block: TransactionUnitBlock) -> Iterator[ProposalTransaction]:
        """An open transaction of the initiator that keeps the units; it is terminated in the end."""
        kept = self.proposal(TransactionType.CANCELLATION, self.initiator, block, target=Account(230, 3001))
        self.propose(self.initiator, kept)
        self.told(self.initiator, kept, _S.CHECKED_NO_DISCREPANCY)
        yield kept
        self.notify(self.initiator, kept, _S.TERMINATED)


def _consistent(answer: Any, what: str) -> None:
    if (answer.result_identifier, bool(answer.response_codes)) not in ((1, False), (0, True)):
        raise Failed(
            f"{what} must be answered with result 1 and no code, or with result 0 and its codes; the answer was "
            f"{said(answer)}",
            "ACKNOWLEDGE-1",
        )


def _codes(found: NotificationRequest) -> list[int]:
    return [each.response_code for each in found.evaluation_result]


def _units_of(proposal: ProposalTransaction) -> list[tuple[Any, ...]]:
    return sorted(tuple(str(getattr(block, name)) for name in _UNITS) for block in proposal.proposal_unit_blocks)
