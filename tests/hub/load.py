"""Registries under load, over HTTP: they propose, answer what they hear, and repeat each thing until it is answered."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from itl.clock import system_clock
from itl.messages import NotificationRequest, NotificationResponse, ProposalRequest, ProposalResponse
from itl.wire import endpoint, server
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_request
from itl.wire.outgoing import Peer, PeerUnreachable
from tests.hub.world import CANCELLATION, EXTERNAL, ISSUANCE, OPERATION_OF, RETIREMENT, notification, proposal, units

Heard = tuple[str, str, int]
"""Registry, transaction, status; a relayed proposal is status 1."""
PAUSE = 0.02
"""Seconds between two attempts to reach a log that is down."""
LOOK = 0.1
"""Seconds after which a condition is looked at again, for what no call tells."""


def block(chain: int, first: int, last: int) -> Any:
    return units(100 * chain + first, 100 * chain + last)


@dataclass(frozen=True)
class Chain:
    """Transactions about a hundred units of GB, one after the other.

    Issued; 50 of them go to FR, which in every fifth chain rejects; else FR cancels 10 and sends 20 on to JP, which
    retires them. In every fourth chain GB also proposes what nobody has.
    """

    number: int

    @property
    def rejects(self) -> bool:
        return self.number % 5 == 0

    @property
    def blunders(self) -> bool:
        return self.number % 4 == 0

    def identifier(self, code: str, step: int) -> str:
        return f"{code}{10 * self.number + step}"

    def begin(self) -> list[ProposalRequest]:
        n = self.number
        first = [proposal("GB", self.identifier("GB", 1), ISSUANCE, block(n, 1, 100))]
        if self.blunders:
            first.append(proposal("GB", self.identifier("GB", 9), RETIREMENT, units(90_000 + n, 90_000 + n)))
        return first

    def follows(self, code: str, step: int) -> list[ProposalRequest]:
        """What is proposed when registry `code` is done with transaction `step`."""
        n = self.number
        match code, step:
            case "GB", 1:
                return [proposal("GB", self.identifier("GB", 2), EXTERNAL, block(n, 1, 50), to="FR")]
            case "FR", 2:
                return [
                    proposal("FR", self.identifier("FR", 3), CANCELLATION, block(n, 1, 10)),
                    proposal("FR", self.identifier("FR", 4), EXTERNAL, block(n, 11, 30), to="JP"),
                ]
            case "JP", 4:
                return [proposal("JP", self.identifier("JP", 5), RETIREMENT, block(n, 11, 30))]
        return []

    def statuses(self) -> dict[str, list[int]]:
        """Every transaction of the chain, with the statuses that it has in the end."""
        internal, external = [1, 2, 4], [1, 2, 8, 4]
        found = {self.identifier("GB", 1): internal}
        if self.blunders:
            found[self.identifier("GB", 9)] = [1, 3, 5]
        if self.rejects:
            return found | {self.identifier("GB", 2): [1, 2, 6, 5]}
        return found | {
            self.identifier("GB", 2): external,
            self.identifier("FR", 3): internal,
            self.identifier("FR", 4): external,
            self.identifier("JP", 5): internal,
        }

    def heard(self) -> set[Heard]:
        """All that registries are told."""
        found = {("GB", self.identifier("GB", 1), 2), ("FR", self.identifier("GB", 2), 1)}
        if self.blunders:
            found.add(("GB", self.identifier("GB", 9), 3))
        if self.rejects:
            return found | {("GB", self.identifier("GB", 2), 6)}
        return found | {
            ("GB", self.identifier("GB", 2), 8),
            ("FR", self.identifier("GB", 2), 4),
            ("FR", self.identifier("FR", 3), 2),
            ("JP", self.identifier("FR", 4), 1),
            ("FR", self.identifier("FR", 4), 8),
            ("JP", self.identifier("FR", 4), 4),
            ("JP", self.identifier("JP", 5), 2),
        }

    def places(self) -> list[tuple[str, int, int, str, int]]:
        """Where the units are in the end, as `World.places` gives them."""
        parts = (
            [(1, 100, "GB", 100)]
            if self.rejects
            else [(1, 10, "FR", 230), (11, 30, "JP", 300), (31, 50, "FR", 100), (51, 100, "GB", 100)]
        )
        start = 100 * self.number
        return [("GB", start + first, start + last, code, account_type) for first, last, code, account_type in parts]


class Registries:
    """GB, FR and JP in one endpoint, with `speakers` threads that say what there is to say to the log at `hub_url`."""

    def __init__(self, speakers: int = 4) -> None:
        self.hub_url = ""
        self.heard: Counter[Heard] = Counter()
        self.said: set[Any] = set()
        """Messages that were acknowledged with result 1."""
        self.complaints: list[str] = []
        """Whatever was answered that should not be."""
        self._chains: dict[str, tuple[Chain, int]] = {}
        self._to_say: queue.SimpleQueue[tuple[Any, Callable[[], None]] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        application = endpoint.build(
            Port.REGISTRY,
            {"acceptProposal": self._accept_proposal, "acceptNotification": self._accept_notification},
            authenticate=lambda shown: "ITL",
            clock=system_clock,
        )
        self._server = server.serve(application, threads=4)
        self.url = f"{self._server.url}/RegistryService"
        self._speakers = [threading.Thread(target=self._speak, daemon=True) for _ in range(speakers)]
        for speaker in self._speakers:
            speaker.start()

    def begin(self, chain: Chain) -> None:
        for message in chain.begin():
            self._propose(chain, message)

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for what calls and answers bring about; AssertionError if it does not come in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition():
                assert not self.complaints, "\n".join(self.complaints[:3])
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds} s: {what}"
                self._changed.wait(min(left, LOOK))
        assert not self.complaints, "\n".join(self.complaints[:3])

    def close(self) -> None:
        self._closing.set()
        for _ in self._speakers:
            self._to_say.put(None)
        for speaker in self._speakers:
            speaker.join(30)
        self._server.close()

    # What the log says

    def _accept_proposal(self, _call: Any, message: ProposalRequest) -> ProposalResponse:
        identifier = message.proposed_transaction.transaction_identifier
        if self._is_new(message.addressee, identifier, 1):
            chain, step = self._chains[identifier]
            status = 6 if chain.rejects and step == 2 else 8
            codes = (5904,) if status == 6 else ()
            self._say(notification(message.addressee, identifier, status, *codes))
        return ProposalResponse(result_identifier=1)

    def _accept_notification(self, _call: Any, message: NotificationRequest) -> NotificationResponse:
        identifier, status = message.transaction_identifier, message.transaction_status
        if self._is_new(message.addressee, identifier, status):
            chain, step = self._chains[identifier]
            done = status in (2, 8, 4)
            external_initiator = status == 8

            def go_on() -> None:
                if done and not external_initiator:
                    for following in chain.follows(message.addressee, step):
                        self._propose(chain, following)

            self._say(notification(message.addressee, identifier, 4 if done else 5), go_on)
        return NotificationResponse(result_identifier=1)

    def _is_new(self, code: str, identifier: str, status: int) -> bool:
        with self._changed:
            self.heard[code, identifier, status] += 1
            self._changed.notify_all()
            return self.heard[code, identifier, status] == 1

    # What is said to the log

    def _propose(self, chain: Chain, message: ProposalRequest) -> None:
        identifier = message.proposed_transaction.transaction_identifier
        self._chains[identifier] = (chain, int(identifier[2:]) % 10)
        self._say(message)

    def _say(self, message: Any, then: Callable[[], None] = lambda: None) -> None:
        self._to_say.put((message, then))

    def _speak(self) -> None:
        peers: defaultdict[str, Peer] = defaultdict()
        while (task := self._to_say.get()) is not None:
            message, then = task
            code = message.sender.lower()
            if code not in peers:
                peers[code] = Peer(self.hub_url, user=code, password=code, timeout=30)
            self._say_until_acknowledged(peers[code], message)
            then()
        for peer in peers.values():
            peer.close()

    def _say_until_acknowledged(self, peer: Peer, message: Any) -> None:
        operation = OPERATION_OF[type(message)]
        body = encode_request(Port.TRANSACTION_LOG, operation, message)
        while not self._closing.is_set():
            try:
                reply = peer.post(operation, body)
            except PeerUnreachable:
                self._closing.wait(PAUSE)
                continue
            with self._changed:
                try:
                    answer = decode_reply(Port.TRANSACTION_LOG, operation, reply.body)
                    if answer.result_identifier != 1:
                        self.complaints.append(f"{message}: {answer}")
                except Exception as error:
                    self.complaints.append(f"{message}: HTTP {reply.status}: {error}")
                self.said.add(message)
                self._changed.notify_all()
            return
