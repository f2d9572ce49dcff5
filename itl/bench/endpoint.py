"""An endpoint that is as cheap as can be, of a registry or of a supplementary log.

It picks out of the bytes what the log proposes or notifies, and accepts it.
"""

from __future__ import annotations

import re
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from itl.codes import ResultIdentifier, TransactionStatus
from itl.errors import UsageError
from itl.messages import NotificationResponse, ProposalResponse
from itl.wire.contract import Port
from itl.wire.encode import encode_fault, encode_reply
from itl.wire.faults import ClientFault

_PIECE = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_NOTICE = re.compile(rb"<transactionIdentifier[^>]*>([^<]*)<.*?<transactionStatus[^>]*>([0-9]+)<", re.DOTALL)
_PROPOSED = re.compile(rb"<[^>]*acceptProposalRequest[^>]*>.*?<transactionIdentifier[^>]*>([^<]*)<", re.DOTALL)
_CODE = re.compile(rb"<responseCode[^>]*>([0-9]+)<")


@dataclass(frozen=True, slots=True)
class Notice:
    """What the log said of a transaction: its identifier, the status (1: it is proposed), and the codes found."""

    identifier: bytes
    status: int
    codes: tuple[str, ...]
    body: bytes


def _answer(line: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {line}\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _acceptance(operation: str, response: type[ProposalResponse] | type[NotificationResponse]) -> bytes:
    accepted = response(result_identifier=int(ResultIdentifier.ACCEPTED))
    return _answer("200 OK", encode_reply(Port.REGISTRY, operation, accepted))


_NOTIFIED = _acceptance("acceptNotification", NotificationResponse)
_TAKEN = _acceptance("acceptProposal", ProposalResponse)
_ELSE = _answer(
    "500 Internal Server Error", encode_fault(ClientFault("only acceptProposal and acceptNotification are taken here"))
)


class Endpoint:
    """Listens in the loop of `selector`; `received` is told of each notification, as soon as it is answered.

    Whoever calls is heard: who it is is not asked. UsageError where the address is taken.
    """

    def __init__(
        self, selector: selectors.BaseSelector, host: str, port: int, received: Callable[[Notice], None]
    ) -> None:
        self._selector, self._received = selector, received
        self._callers: set[_Caller] = set()
        try:
            self._listening = socket.create_server((host, port), family=_family(host))
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; give another --listen") from error
        self._listening.setblocking(False)
        selector.register(self._listening, selectors.EVENT_READ, self._accept)

    @property
    def url(self) -> str:
        host, port = self._listening.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def close(self) -> None:
        for each in [*self._callers]:
            self._hang_up(each)
        self._selector.unregister(self._listening)
        self._listening.close()

    def _accept(self) -> None:
        taken, _ = self._listening.accept()
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        caller = _Caller(taken, self._received, self._hang_up)
        self._callers.add(caller)
        self._selector.register(taken, selectors.EVENT_READ, caller.ready)

    def _hang_up(self, caller: _Caller) -> None:
        self._callers.discard(caller)
        self._selector.unregister(caller.socket)
        caller.socket.close()


class _Caller:
    """One connection of the log, on which requests come one after another."""

    def __init__(
        self, taken: socket.socket, received: Callable[[Notice], None], hang_up: Callable[[_Caller], None]
    ) -> None:
        self.socket = taken
        self._received, self._hang_up = received, hang_up
        self._bytes = b""

    def ready(self) -> None:
        """Read on, and answer the requests that are whole."""
        try:
            piece = self.socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:  # the log tries again, on another connection
            piece = b""
        if not piece:
            self._hang_up(self)
            return
        self._bytes += piece
        notices = []
        answers = b""
        while (body := self._taken()) is not None:
            notice = _read(body)
            answers += _reply(notice)
            notices.append(notice)
        # An answer is far smaller than what a socket holds back; a log that reads none of them is let go.
        sent = 0
        with suppress(OSError):
            sent = self.socket.send(answers) if answers else 0
        if sent < len(answers):
            self._hang_up(self)
        for notice in filter(None, notices):
            self._received(notice)

    def _taken(self) -> bytes | None:
        """The body of the next request, if it is here; bytes without a length are no request and are dropped."""
        head, end, rest = self._bytes.partition(b"\r\n\r\n")
        if not end:
            return None
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return None
        self._bytes = rest[size:]
        return rest[:size]


def _reply(notice: Notice | None) -> bytes:
    if notice is None:
        return _ELSE
    return _TAKEN if notice.status == TransactionStatus.PROPOSED else _NOTIFIED


def _read(body: bytes) -> Notice | None:
    found = _NOTICE.search(body)
    if found is None:
        proposed = _PROPOSED.search(body)
        return None if proposed is None else Notice(proposed[1], int(TransactionStatus.PROPOSED), (), body)
    return Notice(found[1], int(found[2]), tuple(code.decode() for code in _CODE.findall(body)), body)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
