"""What members tell the supplementary log by `relayMessage`: carried out and answered in one commit, each once.

A document comes through the transaction log, which does not read it, or from a member that calls directly. What is
wrong with the document is said by its outcome; the acknowledgement says only that it came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from itl.checks import door
from itl.checks.sender import Door, Sender
from itl.checks.viability import RELAY_IDENTIFIER_USED
from itl.clock import Clock
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity
from itl.messages import RelayRequest, RelayResponse
from itl.reference import Reference, RegistryKind
from itl.services.service import Service
from itl.store.acceptance import Acceptance, stands
from itl.store.arrival import Arrival, log_arrival
from itl.store.database import Database
from itl.store.facts import Source
from itl.store.posting import post
from itl.store.reference_data import ReferenceData
from itl.supplement import book
from itl.supplement import tables as t
from itl.supplement.carrying_out import carry_out
from itl.supplement.documents import UnfitDocument, outcome, read
from itl.supplement.scheme import Link
from itl.wake import Wake
from itl.wire.endpoint import Call

NOT_ITS_SENDER, WRONG_ADDRESSEE, NO_MEMBER = 1002, 1005, 1501
TRANSPORT = ((1001, 1003), (1031, 1032))


class SchemeRelayService(Service):
    """The supplementary log's side of `relayMessage`."""

    def __init__(
        self, database: Database, reference: ReferenceData, clock: Clock, identity: LogIdentity, wake_relay: Wake
    ) -> None:
        super().__init__(database, reference, clock, identity)
        self._wake_relay = wake_relay

    def handlers(self) -> Mapping[str, Callable[[Call, Any], Any]]:
        """What serves each operation."""
        return {"relayMessage": self.relay_message}

    def relay_message(self, call: Call, request: RelayRequest) -> RelayResponse:
        """Who sends, by whom; then the document is carried out, or not, and its outcome is sent back."""

        answer = self._take(
            call,
            request,
            RelayResponse,
            partial(self._against, request),
            lambda arrival, _content, reference, now: self._keep(arrival, request, now, reference.stamp),
            used=RELAY_IDENTIFIER_USED,
        )
        self._wake_relay.ring()
        return answer

    def _against(self, request: RelayRequest, sender: Sender, reference: Reference, now: datetime) -> tuple[int, ...]:
        """The codes of the first stage that fails."""
        codes = door.first_failing(TRANSPORT, request, Door(sender, reference, now), self._override.off)
        if codes:
            return codes
        if request.addressee != reference.log_code:
            return (WRONG_ADDRESSEE,)
        with self._database.read() as connection:
            member = book.members(connection, now).get(request.sender)
        if member is None:
            return (NO_MEMBER,)
        by_the_log = reference.is_kind(sender.code or "", RegistryKind.LOG)
        right = by_the_log if member.link is Link.THROUGH else sender.code == request.sender
        return () if right else (NOT_ITS_SENDER,)

    def _keep(self, arrival: Arrival, request: RelayRequest, now: datetime, stamp: int) -> Acceptance:
        """Keep the document, carry it out if it stands, and put its outcome into the outbox."""
        digest = hashlib.sha256(f"{request.operation_name}\n{request.message_content}".encode()).hexdigest()
        try:
            with self._database.write() as connection:
                if not stands(connection, stamp):
                    return Acceptance.STALE
                log_arrival(connection, arrival, "accepted", now)
                row = {
                    "sender": request.sender,
                    "relay_identifier": request.relay_identifier,
                    "operation": request.operation_name[:100],
                    "received_at": now,
                    "content_digest": digest,
                    "outcome": "carried out",
                }
                statement = t.documents.insert().returning(t.documents.c.id)
                number: int = connection.execute(statement, row).scalar_one()
                problem = self._carried_out(connection, request, now)
                if problem is not None:
                    refused = update(t.documents).where(t.documents.c.id == number)
                    connection.execute(refused.values(outcome="refused", problem=problem))
                post(connection, [(None, self._answer(request, arrival.sender or "", number, problem))], now)
        except IntegrityError:
            with self._database.read() as connection:
                known = connection.execute(
                    select(t.documents.c.content_digest).where(
                        t.documents.c.sender == request.sender,
                        t.documents.c.relay_identifier == request.relay_identifier,
                    )
                ).scalar()
            return Acceptance.REPEAT if known == digest else Acceptance.IDENTIFIER_USED
        return Acceptance.ACCEPTED

    def _carried_out(self, connection: Connection, request: RelayRequest, now: datetime) -> str | None:
        """None where the document was carried out, else why not; then nothing of it is written."""
        source = Source(request.sender, f"{request.operation_name} {request.relay_identifier}", now)
        try:
            document = read(request.operation_name, request.message_content)
            with connection.begin_nested():
                carry_out(connection, request.sender, document, source)
        except UnfitDocument as unfit:
            return str(unfit)
        return None

    def _answer(self, request: RelayRequest, by: str, number: int, problem: str | None) -> Send:
        own = self._identity
        operation = request.operation_name
        name = f"receive{operation[:1].upper()}{operation[1:100]}Outcome"
        message = RelayRequest(
            sender=own.code,
            addressee=request.sender,
            major_version=own.major_version,
            minor_version=own.minor_version,
            relay_identifier=f"{own.code}{number}",
            operation_name=name,
            message_content=outcome(request.relay_identifier, operation, problem),
        )
        return Send(by, message, topic=f"relay {request.sender}")
