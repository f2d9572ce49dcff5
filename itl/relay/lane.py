"""One lane: the messages that are due to one receiver, sent one after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from itl.codes import ResultIdentifier
from itl.messages import load
from itl.relay.outcomes import Outcomes
from itl.relay.reactions import RENEWALS
from itl.relay.sender import Sender
from itl.store import delivery
from itl.store.delivery import Attempt, Lane, Letter
from itl.wire.contract import EVERY_OPERATION, offering
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.faults import ClientFault, PeerFault
from itl.wire.outgoing import Peer, PeerUnreachable

NOT_TAKEN = frozenset({429, 503})
"""HTTP statuses by which a server says that it did not take the message: too much asked of it, or not in service."""

INTERRUPTED = "the process ended while it was sending; whether the message arrived is unknown, so it is not sent again"
NO_ADDRESS = "no address is enrolled for it; give it one with `itl enrol CODE --url` (or --relay-url)"


def run_lane(
    sender: Sender,
    lane: Lane,
    peer: Peer | None,
    keep_on: Callable[[], bool] = lambda: True,
    outcomes: Outcomes | None = None,
) -> int:
    """Send what is due on `lane`, until nothing is, or the peer is not reached; returns how many were delivered.

    What came of a batch of messages is written down in the commit that reads the next ones, or by whoever minds
    `outcomes` meanwhile.
    """
    outcomes = outcomes or Outcomes(sender, lane)
    try:
        while True:
            letters, now = outcomes.turn(keep_on())
            if not letters:
                return outcomes.delivered
            for letter in letters:
                if sender.clock() > now + sender.lease / 2:
                    break  # one more exchange could outlast the lease: take the lane anew
                attempt = attempt_of(sender, letter, peer)
                if attempt is None:
                    continue
                outcomes.add(letter, attempt)
                if attempt.outcome != "accepted" or letter.once or outcomes.are_late or not keep_on():
                    break
    finally:
        outcomes.end()


def attempt_of(sender: Sender, letter: Letter, peer: Peer | None) -> Attempt | None:
    """One attempt to deliver `letter`, as its kind wants it; None where another process is at it.

    A message that goes out once is written down before. It is not repeated unless it certainly did not arrive; after a
    time-out, after an answer that says nothing, or where the process died meanwhile, nobody knows.
    """
    now = sender.clock()
    if letter.once and letter.sending_since is not None:
        body = _encoded(letter, now)
        return Attempt(body, None, letter.sending_since, None, "interrupted", problem=INTERRUPTED, last=True)
    if letter.expires_at is not None and letter.expires_at <= now:
        return Attempt(b"", None, now, None, "expired", problem=f"not delivered before {letter.expires_at.isoformat()}")
    if not letter.once:
        return send(sender, letter, peer)
    with sender.database.write() as connection:
        if not delivery.note_sending(connection, letter, now):
            return None
    if peer is not None:
        peer.close()  # a connection that was kept may be closed by its other side while the message is on it
    return send(sender, letter, peer)


def send(sender: Sender, letter: Letter, peer: Peer | None) -> Attempt:
    """What the peer answered. What is no readable reply is tried again, since the peer may have failed for a moment."""
    sent_at = sender.clock()
    body = _encoded(letter, sent_at)
    if peer is None:
        return Attempt(body, None, sent_at, None, "unreachable", problem=NO_ADDRESS)
    try:
        reply = peer.post(letter.operation, body)
    except PeerUnreachable as error:
        unknown = letter.once and not error.never_sent
        return Attempt(body, None, sent_at, None, "unreachable", problem=str(error), last=unknown)
    answered_at = sender.clock()
    try:
        answer = decode_reply(offering(letter.operation), letter.operation, reply.body)
    except (PeerFault, ClientFault) as error:
        problem = f"HTTP {reply.status}: {error}"
        unknown = letter.once and reply.status not in NOT_TAKEN
        return Attempt(body, reply.body, sent_at, answered_at, "fault", problem=problem, last=unknown)
    codes: tuple[int, ...] = answer.response_codes or ()
    if answer.result_identifier == ResultIdentifier.ACCEPTED:
        return Attempt(body, reply.body, sent_at, answered_at, "accepted", codes, answer=answer)
    if codes or (letter.once and answer.result_identifier == ResultIdentifier.REJECTED):
        return Attempt(body, reply.body, sent_at, answered_at, "refused", codes, answer=answer)
    problem = f"answered with result {answer.result_identifier} and no code, which says nothing"
    return Attempt(body, reply.body, sent_at, answered_at, "fault", problem=problem, last=letter.once)


def _encoded(letter: Letter, now: datetime) -> bytes:
    message = load(EVERY_OPERATION[letter.operation].request, letter.content)
    if letter.version is not None:
        message = replace(message, major_version=letter.version[0], minor_version=letter.version[1])
    renew = RENEWALS.get(letter.operation)
    message = message if renew is None else renew(message, now)
    return encode_request(offering(letter.operation), letter.operation, message)
