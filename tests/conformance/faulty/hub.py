"""What a faulty hub is: our right hub, and the one thing that is wrong with it, at the wire or inside."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copyfile
from typing import Any
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from itl.checks.override import PLAIN, Override
from itl.cli.sandbox import HURRY, below, prepare
from itl.cli.serving import PATH
from itl.hub import Hub
from itl.settings import Settings
from itl.store.delivery import Address
from itl.store.enrolment import SANDBOX_REGISTRIES
from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_any, decode_reply
from itl.wire.encode import encode_reply, encode_request
from itl.wire.outgoing import HttpReply, Peer
from itl.wire.server import serve
from registry_client.conformance.evidence import Evidence
from registry_client.conformance.hub.groups import GROUPS
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.playing import Access
from registry_client.conformance.profile import Profile
from registry_client.conformance.results import Result
from registry_client.conformance.suite import chosen, run
from tests.conformance.people import by_command

SETTINGS = HURRY | {
    "port": 0,
    "retry_first": 0.2,
    "retry_most": 0.2,
    "reconciliation_lead": 1.0,
    "reconciliation_grace": 0.0,
    "reconciliation_parts_wait": 0.2,
}

# At the wire ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a registry at the hub's door."""

    environ: WSGIEnvironment
    body: bytes

    @property
    def operation(self) -> str:
        """The operation that is called; empty where something is only looked at."""
        called = self.environ["REQUEST_METHOD"] == "POST"
        return self.environ.get("HTTP_SOAPACTION", "").strip('"') if called else ""

    @property
    def message(self) -> Any:
        return decode_any(self.body).message

    def saying(self, message: Any) -> Call:
        """The same call with another message."""
        return replace(self, body=encode_request(Port.TRANSACTION_LOG, self.operation, message))

    def with_body(self, body: bytes) -> Call:
        return replace(self, body=body)

    def with_header(self, name: str, value: str) -> Call:
        """The same with another header, under its name in WSGI."""
        return replace(self, environ={**self.environ, name: value})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub answers."""

    status: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_reply(self) -> bool:
        """Whether it is the answer of an operation, not a fault."""
        return self.status.startswith("200")

    def message(self, operation: str) -> Any:
        return decode_reply(Port.TRANSACTION_LOG, operation, self.body)

    def saying(self, operation: str, message: Any) -> Answer:
        """The same answer with another message."""
        return replace(self, body=encode_reply(Port.TRANSACTION_LOG, operation, message))


Right = Callable[[Call], Answer]
"""The right hub, which a faulty one has within."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call of the hub to a registry."""

    receiver: str
    operation: str
    body: bytes

    @property
    def message(self) -> Any:
        return decode_any(self.body).message

    def saying(self, message: Any) -> Sent:
        """The same call with another message."""
        return replace(self, body=encode_request(Port.REGISTRY, self.operation, message))


Deliver = Callable[[Sent], HttpReply]
"""Brings a call to its registry, at once."""


def acknowledged(operation: str) -> HttpReply:
    """What a registry answers to what it accepts: as if a call had been made."""
    response = OPERATIONS[Port.REGISTRY][operation].response
    return HttpReply(200, encode_reply(Port.REGISTRY, operation, response(result_identifier=1)), {})


# What is wrong --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrong:
    """How a hub is other than ours; as it stands, in nothing."""

    answer: Callable[[Call, Right], Answer] = lambda call, right: right(call)
    """How a call is answered."""
    send: Callable[[Sent, Deliver], HttpReply] = lambda sent, deliver: deliver(sent)
    """How a call goes out, and which answer the hub believes to have got."""
    override: Override = PLAIN
    """Checks that are off, and numbers that are told otherwise: of any code, also those that no operator may touch."""
    inside: Callable[[], AbstractContextManager[Any]] = nullcontext
    """What is other in the program."""


@dataclass(frozen=True, slots=True)
class FaultyHub:
    """A hub with one fault.

    `breaks` are the requirements that the suite must name, and no others; `tests` are patterns of the tests in which it
    must show; `says` is an expression that fits what the suite says of it. Where something never comes, `patience` is
    how long it is waited for.
    """

    name: str
    does: str
    breaks: tuple[str, ...]
    tests: tuple[str, ...]
    says: str
    made: Callable[[], Wrong] = field(repr=False)
    patience: float = 10.0
    alone: bool = True
    """Whether it takes a hub of its own; else it is wrong at the wire alone, and nothing stays of it."""
    certificate: bool = False
    """Whether the tester is known to it by a certificate."""


def sharing(hubs: Iterable[FaultyHub]) -> Iterator[FaultyHub]:
    """The same, each of which can be a hub that was another one before: nothing of it is sent again later."""
    return (replace(each, alone=each.certificate) for each in hubs)


# Up and running -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Running:
    """A hub that is up, what is wrong with it at the wire just now, and a tester before it."""

    wrong: Wrong
    tester: HubTester = field(init=False)

    def carry_out(self, tests: Sequence[str], patience: float) -> list[Result]:
        """The results of the tests with these numbers."""
        for party in self.tester.parties.values():
            party.patience = patience
        return list(run(chosen(GROUPS, tests), self.tester, self.tester.evidence))


@contextmanager
def running(wrong: Wrong, template: Path, folder: Path, certificate: bool = False) -> Iterator[Running]:
    """A hub of its own that is wrong in this way, with a tester; `template` is a sandbox's database.

    With `certificate` the tester takes it that it is known by one.
    """
    now = Running(wrong)
    database = folder / "itl.db"
    copyfile(template, database)
    settings = Settings(database=f"sqlite:///{database}", **SETTINGS)  # type: ignore[arg-type]
    with ExitStack() as stack:
        stack.enter_context(wrong.inside())
        with patch("itl.hub.override_of", lambda settings: wrong.override):
            hub = Hub(settings)
        stack.callback(hub.close)
        stack.enter_context(patch.object(hub.relay, "_connected", lambda address: _peer(address, now)))
        serving = serve(at_the_door(hub.application(), lambda: now.wrong), "127.0.0.1", 0)
        stack.callback(serving.close)
        profile = Profile(url=f"{serving.url}{PATH}", listen_port=0, lead=1.0, silence=0.3)
        if certificate:
            shown = Access(user="gb", password="gb", certificate="gb.pem")
            profile = replace(profile, parties={profile.roles.initiator or "GB": shown})
        now.tester = stack.enter_context(HubTester(profile, Evidence(), asked=by_command(settings.database)))
        prepare(settings, below(str(now.tester.address), SANDBOX_REGISTRIES))
        hub.start_work()
        yield now


def at_the_door(right: WSGIApplication, wrong: Callable[[], Wrong]) -> WSGIApplication:
    """The right application, whose calls are answered as what is wrong just now has it."""

    def of_the_right_one(call: Call) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda written: None

        read = {"wsgi.input": io.BytesIO(call.body), "CONTENT_LENGTH": str(len(call.body))}
        body = b"".join(right({**call.environ, **read}, start))
        status, headers = started[-1]
        return Answer(status, dict(headers), body)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = wrong().answer(Call(environ, body), of_the_right_one)
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        start_response(answer.status, list(headers.items()))
        return [answer.body]

    return application


def _peer(address: Address, now: Running) -> Any:
    """The connection to a registry; everything goes out as the fault will have it."""
    if address.url is None:
        return None
    place, _, receiver = address.url.rpartition("/")
    return _Connection(place, receiver, now)


@dataclass(frozen=True, slots=True)
class _Connection:
    place: str
    receiver: str
    now: Running

    def post(self, operation: str, body: bytes) -> HttpReply:
        return self.now.wrong.send(Sent(self.receiver, operation, body), self._deliver)

    def close(self) -> None:
        """Nothing is kept open."""

    def _deliver(self, sent: Sent) -> HttpReply:
        with Peer(f"{self.place}/{sent.receiver}", timeout=20) as peer:
            return peer.post(sent.operation, sent.body)
