"""One lane: the messages that are due to one registry, sent one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from itl.clock import Clock
from itl.codes import ResultIdentifier
from itl.lifecycle.transaction import LogIdentity, relay_refused
from itl.messages import load
from itl.relay.backoff import wait
from itl.settings import Settings
from itl.store import delivery
from itl.store.database import Database
from itl.store.delivery import Attempt, Letter
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.faults import ClientFault, PeerFault
from itl.wire.outgoing import Peer, PeerUnreachable

log = structlog.get_logger(__name__)

NO_ADDRESS = "no address is enrolled for it; give it one with `itl enrol CODE --url`"


@dataclass(frozen=True, slots=True)
class Sender:
    """What a lane needs from the process that runs it. `holder` names that process in the leases."""

    database: Database
    clock: Clock
    settings: Settings
    identity: LogIdentity
    holder: str

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=2 * self.settings.delivery_timeout)


def run_lane(sender: Sender, receiver: str, peer: Peer | None, keep_on: Callable[[], bool] = lambda: True) -> int:
    """Send what is due to `receiver`, until nothing is, or the peer is not reached; returns how many were delivered."""
    delivered = 0
    database = sender.database
    try:
        while keep_on():
            with database.write() as connection:
                now = sender.clock()
                if not delivery.take_lane(connection, receiver, sender.holder, now, sender.lease):
                    return delivered
                letters = delivery.due_letters(connection, receiver, now)
            if not letters:
                return delivered
            for letter in letters:
                if sender.clock() > now + sender.lease / 2:
                    break  # one more exchange could outlast the lease: take the lane anew
                attempt = send(sender, letter, peer)
                _record(sender, letter, attempt)
                delivered += attempt.is_final
                if attempt.outcome == "unreachable" or not keep_on():
                    return delivered
    finally:
        with database.write() as connection:
            delivery.leave_lane(connection, receiver, sender.holder)
    return delivered


def send(sender: Sender, letter: Letter, peer: Peer | None) -> Attempt:
    """One attempt. What is no readable reply is tried again, since the peer may have failed for a moment."""
    operation = OPERATIONS[Port.REGISTRY][letter.operation]
    body = encode_request(Port.REGISTRY, letter.operation, load(operation.request, letter.content))
    sent_at = sender.clock()
    if peer is None:
        return Attempt(body, None, sent_at, None, "unreachable", problem=NO_ADDRESS)
    try:
        reply = peer.post(letter.operation, body)
    except PeerUnreachable as error:
        return Attempt(body, None, sent_at, None, "unreachable", problem=str(error))
    answered_at = sender.clock()
    try:
        answer = decode_reply(Port.REGISTRY, letter.operation, reply.body)
    except (PeerFault, ClientFault) as error:
        problem = f"HTTP {reply.status}: {error}"
        return Attempt(body, reply.body, sent_at, answered_at, "fault", problem=problem)
    codes: tuple[int, ...] = answer.response_codes or ()
    if answer.result_identifier == ResultIdentifier.ACCEPTED:
        return Attempt(body, reply.body, sent_at, answered_at, "accepted", codes)
    if codes:
        return Attempt(body, reply.body, sent_at, answered_at, "refused", codes)
    problem = f"answered with result {answer.result_identifier} and no code, which says nothing: trying again"
    return Attempt(body, reply.body, sent_at, answered_at, "fault", problem=problem)


def _record(sender: Sender, letter: Letter, attempt: Attempt) -> None:
    settings, now = sender.settings, sender.clock()

    def again_at(failures: int) -> datetime:
        return now + wait(failures, settings.retry_first, settings.retry_most)

    with sender.database.write() as connection:
        delivery.note_attempt(connection, letter, attempt, sender.identity.code, again_at(letter.attempts + 1))
        unreached = attempt.problem if attempt.outcome == "unreachable" else None
        delivery.note_lane(connection, letter.receiver, again_at, unreached)
        if attempt.outcome == "refused" and letter.operation == "acceptProposal":
            delivery.react(
                connection,
                letter,
                lambda head: relay_refused(head, attempt.codes, sender.identity),
                now,
                letter.receiver,
            )
    log.info(
        "delivery",
        receiver=letter.receiver,
        operation=letter.operation,
        transaction=letter.transaction_identifier,
        attempt=letter.attempts + 1,
        outcome=attempt.outcome,
        codes=list(attempt.codes),
        problem=attempt.problem,
    )
