"""What a registry answered on its lane, until it is on record: many answers in one commit, none for long in memory.

A process that dies loses what it has not written down, and so sends those messages again: at least once, as ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from itl.relay.backoff import wait
from itl.relay.reactions import REACTIONS
from itl.relay.sender import Sender
from itl.store import delivery
from itl.store.delivery import Attempt, Lane, Letter
from itl.store.statements import search_by_index

log = structlog.get_logger(__name__)

LATE = timedelta(seconds=1)
"""How long after its message went out an answer may wait to be written down."""


UNTRIED = frozenset({"expired", "interrupted"})
"""Outcomes that say nothing of whether the peer can be reached now."""


class Outcomes:
    """A lane in the database, as the thread that sends on it and the one that minds it use it."""

    def __init__(self, sender: Sender, lane: Lane) -> None:
        self._sender, self._lane = sender, lane
        self._kept: list[tuple[Letter, Attempt]] = []
        self._guard = threading.Lock()
        self._since: datetime | None = None
        self._held = False
        self.delivered = 0

    def add(self, letter: Letter, attempt: Attempt) -> None:
        """The peer answered, or did not."""
        with self._guard:
            self._kept.append((letter, attempt))
            self._since = self._since or attempt.sent_at

    @property
    def are_late(self) -> bool:
        """Whether what is kept here should be on record by now."""
        since = self._since
        return since is not None and self._sender.clock() >= since + LATE

    def record(self) -> None:
        """Write down what is kept here."""
        with self._guard:
            self._in_one_commit(lambda _connection: None)

    def turn(self, keep_on: bool) -> tuple[list[Letter], datetime]:
        """In one commit: what is kept here written down, the lane taken or kept, and its next letters as of when.

        No letters where nothing more is to be sent: then the lane is left, if it was held.
        """
        sender = self._sender
        now = sender.clock()
        letters: list[Letter] = []

        def go_on(connection: Connection) -> None:
            unreached = bool(self._kept) and self._kept[-1][1].outcome == "unreachable"
            send = keep_on and not unreached
            if send and delivery.take_lane(connection, self._lane, sender.holder, now, sender.lease):
                self._held = True
                letters.extend(delivery.due_letters(connection, self._lane, now))
            if self._held and not letters:
                delivery.leave_lane(connection, self._lane, sender.holder)

        with self._guard:
            self._in_one_commit(go_on)
            self._held = bool(letters)
        return letters, now

    def end(self) -> None:
        """After an error: what is kept here written down, and the lane left."""
        with self._guard:
            try:
                if self._kept:
                    self._in_one_commit(lambda _connection: None)
            finally:
                if self._held:
                    self._held = False
                    with self._sender.database.write() as connection:
                        delivery.leave_lane(connection, self._lane, self._sender.holder)

    def _in_one_commit(self, also: Callable[[Connection], None]) -> None:
        """Record what is kept, and do `also`; where one of many cannot be recorded, the others are, one by one."""
        kept = self._kept
        try:
            with self._sender.database.write() as connection:
                search_by_index(connection)
                self._note(connection, kept)
                also(connection)
        except Exception:
            if len(kept) < 2:
                self._kept, self._since = [], None
                raise
            self._one_by_one(kept)
            raise
        self._told(kept)

    def _one_by_one(self, kept: list[tuple[Letter, Attempt]]) -> None:
        self._kept, self._since = [], None
        for each in kept:
            try:
                with self._sender.database.write() as connection:
                    self._note(connection, [each])
            except Exception as error:
                log.error("an answer could not be recorded", letter=each[0].id, problem=str(error))
            else:
                self._told([each])

    def _note(self, connection: Connection, kept: list[tuple[Letter, Attempt]]) -> None:
        if not kept:
            return
        sender, now = self._sender, self._sender.clock()

        def again_at(failures: int) -> datetime:
            return now + wait(failures, sender.settings.retry_first, sender.settings.retry_most)

        delivery.note_attempts(connection, kept, sender.identity.code, again_at)
        tried = [attempt for _, attempt in kept if attempt.outcome not in UNTRIED]
        if tried:
            unreached = tried[-1].problem if tried[-1].outcome == "unreachable" else None
            delivery.note_lane(connection, self._lane, again_at, unreached, now)
        for letter, attempt in kept:
            react = REACTIONS.get(letter.operation)
            if react is not None:
                react(connection, letter, attempt, sender.identity, now)

    def _told(self, kept: list[tuple[Letter, Attempt]]) -> None:
        self.delivered += sum(attempt.is_final for _, attempt in kept)
        self._kept, self._since = [], None
        for letter, attempt in kept:
            log.info(
                "delivery",
                receiver=letter.receiver,
                operation=letter.operation,
                transaction=letter.transaction_identifier,
                topic=letter.topic,
                attempt=letter.attempts + 1,
                outcome=attempt.outcome,
                codes=list(attempt.codes),
                problem=attempt.problem,
            )
