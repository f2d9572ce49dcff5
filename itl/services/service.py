"""What every service does with a call: who sent it, the refusal, the repeat, and deciding anew.

What was decided on reference data that has changed meanwhile is decided again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from itl.checks import door
from itl.checks.sender import Sender
from itl.checks.sequence import IDENTIFIER_USED
from itl.clock import Clock
from itl.codes import ResultIdentifier
from itl.errors import StoreError
from itl.lifecycle.sending import Send
from itl.lifecycle.transaction import LogIdentity
from itl.messages import content_digest, dump
from itl.reference import Reference
from itl.services.identity import Identity, identify
from itl.store.acceptance import Acceptance, Content, is_repeat, log_answer
from itl.store.arrival import Arrival
from itl.store.database import Database
from itl.store.reference_data import ReferenceData, stamp_of
from itl.wire.endpoint import Call, Credentials

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

ATTEMPTS = 20
"""How often a decision is made anew because what it rested on changed meanwhile, before the call fails."""

ACCEPTED: dict[str, Any] = {"result_identifier": int(ResultIdentifier.ACCEPTED)}


class Service:
    """The log's side of some operations."""

    def __init__(self, database: Database, reference: ReferenceData, clock: Clock, identity: LogIdentity) -> None:
        self._database, self._reference, self._clock = database, reference, clock
        self._identity = identity
        self._override = identity.override

    def authenticate(self, shown: Credentials) -> Identity | None:
        """Who calls; None asks for user and password. A caller who seems unknown may have been enrolled just now."""
        identity = identify(shown, self._reference.access, self._clock())
        if identity is None or identity.registry is None or not identity.valid:
            with self._database.read() as connection:
                self._reference.fresh(connection)
            identity = identify(shown, self._reference.access, self._clock())
        return identity

    def _arrival(
        self, call: Call, request: Any, transaction: str | None = None, reconciliation: str | None = None
    ) -> tuple[Arrival, Sender]:
        identity: Identity = call.identity
        if identity.stamp is None or identity.stamp != self._reference.access.stamp:
            shown = identity.shown
            identity = identify(shown, self._reference.access, self._clock()) or Identity(None, True, shown)
        arrival = Arrival(
            operation=call.operation,
            sender=identity.registry,
            addressee=request.addressee,
            transaction_identifier=transaction,
            body=call.body,
            received_at=call.received_at,
            remote_address=call.remote_address,
            reconciliation_identifier=reconciliation,
        )
        return arrival, Sender(identity.registry, identity.valid)

    def _refuse(
        self,
        response: Callable[..., Answer],
        arrival: Arrival,
        content: Content,
        stamp: int,
        codes: tuple[int, ...],
        tell: Callable[[tuple[int, ...]], Send | None] = lambda _codes: None,
        also: Callable[[Connection, int], None] = lambda _connection, _message: None,
    ) -> Answer | None:
        """Log the refusal and give the answer; what was accepted before is no refusal but a repeat.

        None where it rests on reference data, as of `stamp`, that has changed meanwhile. `tell` may make a message of
        the refusal; `also` writes what else is to be known of it, in the same commit, with the message's id.
        """
        now = self._clock()
        with self._database.read() as connection:
            if stamp_of(connection) != stamp:
                return None
            repeated = codes[0] not in door.AUTHENTICATION and is_repeat(connection, arrival.sender, content)
        if repeated:
            log_answer(self._database, arrival, "repeat", now)
            return response(**ACCEPTED)
        told = self._override.tell(codes)
        log_answer(self._database, arrival, "refused", now, told, send=tell(told), also=also)
        log.info("refused at the door", sender=arrival.sender, operation=arrival.operation, codes=list(told))
        return response(result_identifier=int(ResultIdentifier.REJECTED), response_codes=told)

    def _take(
        self,
        call: Call,
        request: Any,
        response: Callable[..., Answer],
        against: Callable[[Sender, Reference, datetime], tuple[int, ...]],
        keep: Callable[[Arrival, Content, Reference, datetime], Acceptance],
        *,
        transaction: str | None = None,
        reconciliation: str | None = None,
        used: int = IDENTIFIER_USED,
        tell: Callable[[Arrival, tuple[int, ...]], Send | None] = lambda _arrival, _codes: None,
    ) -> Answer:
        """Refuse what something stands `against`, else `keep` it, in one commit, and acknowledge it; a repeat, too.

        `used` is the code of an identifier that its sender gave to something else; `tell` as for `_refuse`.
        """

        def attempt() -> Answer | None:
            reference, now = self._reference.current, self._clock()
            arrival, sender = self._arrival(call, request, transaction, reconciliation)
            content = content_of(call, request)
            codes = against(sender, reference, now)
            if codes:
                told = partial(tell, arrival)
                return self._refuse(response, arrival, content, reference.stamp, codes, told)
            outcome = keep(arrival, content, reference, now)
            if outcome is Acceptance.STALE:
                return None
            if outcome is Acceptance.IDENTIFIER_USED:
                return self._refuse(response, arrival, content, reference.stamp, (used,))
            if outcome is Acceptance.REPEAT:
                log_answer(self._database, arrival, "repeat", now)
            return response(**ACCEPTED)

        return self._until_it_stands(call, attempt)

    def _until_it_stands(self, call: Call, attempt: Callable[[], Answer | None]) -> Answer:
        """Decide again while what was decided on has moved on: reference data, or where the subject stands."""
        for _ in range(ATTEMPTS):
            answer = attempt()
            if answer is not None:
                return answer
            self._reference.reload()
        raise StoreError(f"{call.operation}: what it rests on changed {ATTEMPTS} times in a row; send it again")


def content_of(call: Call, request: object) -> Content:
    """What the call says, and by what its repeat is known."""
    content = dump(request)
    return Content(content, content_digest(call.operation or "", content))
