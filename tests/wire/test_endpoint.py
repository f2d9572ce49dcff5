"""The endpoint over a real socket: what HTTP brings, who is let in, what is answered whatever happens."""

from __future__ import annotations

import gzip
import http.client
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import structlog
from lxml import etree

from itl.clock import SetClock
from itl.messages import ProposalResponse
from itl.wire import endpoint
from itl.wire.contract import Port
from itl.wire.decode import decode_reply
from itl.wire.endpoint import Call, Credentials
from itl.wire.limits import Limits
from itl.wire.server import Server, serve
from tests.wire.dialects import zeep as spelled_by_zeep
from tests.wire.envelopes import envelope, proposal
from tests.wire.log import CERTIFICATE, NOW, Log, build
from tests.wire.test_codec import PROPOSAL

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.http"))
GB = "Basic Z2J1c2VyOmdicGFzcw=="  # gbuser:gbpass


def post(body: bytes, version: str = "1.1", headers: str = "", authorization: str = GB) -> bytes:
    return (
        f"POST /TransactionLogService HTTP/{version}\r\nHost: hub\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "acceptProposal"\r\nAuthorization: {authorization}\r\n'
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body


def answer(line: socket.socket, method: str = "POST") -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(line, method=method)
    response.begin()
    response.content = response.read()  # type: ignore[attr-defined]
    return response


def fault_of(content: bytes) -> tuple[str, str]:
    """(faultcode, faultstring)"""
    fault = etree.fromstring(content)[0][0]
    return fault.findtext("faultcode"), fault.findtext("faultstring")


def ok(response: Any) -> bool:
    if response.status != 200 or response.headers["Content-Type"] != "text/xml; charset=utf-8":
        return False
    reply = decode_reply(Port.TRANSACTION_LOG, "acceptProposal", response.content)
    return bool(reply == ProposalResponse(result_identifier=0, response_codes=(1503, 4003)))


def closed(line: socket.socket) -> bool:
    return line.recv(1) == b""


@pytest.mark.parametrize(
    "sample", [item for item in SAMPLES if "receiveTotals" not in item.name], ids=lambda item: item.stem
)
def test_samples_as_they_were_captured(line: socket.socket, log: Log, sample: Path) -> None:
    line.sendall(sample.read_bytes())
    assert answer(line).status == 200
    ((call, message),) = log.calls
    assert (call.identity, call.received_at, call.remote_address) == ("GB", NOW, "127.0.0.1")
    assert call.operation in sample.name
    assert sample.read_bytes().rstrip().endswith(call.body.rstrip())
    assert message.sender == "GB"


def test_http_1_0_is_answered_and_closed(line: socket.socket) -> None:
    line.sendall(post(proposal(), "1.0"))
    assert ok(answer(line))
    assert closed(line)


def test_http_1_1_is_kept_open(line: socket.socket, log: Log) -> None:
    for _ in range(3):
        line.sendall(post(proposal()))
        assert ok(answer(line))
    assert len(log.calls) == 3


def test_connection_close(line: socket.socket) -> None:
    line.sendall(post(proposal(), headers="Connection: close\r\n"))
    assert ok(answer(line))
    assert closed(line)


def test_pipelined_requests_are_answered_in_order(line: socket.socket) -> None:
    line.sendall(post(proposal()) + post(b"rubbish") + post(proposal()))
    stream = line.makefile("rb")
    statuses = []
    for _ in range(3):
        statuses.append(int(stream.readline().split()[1]))
        length = 0
        while (header := stream.readline().strip()) != b"":
            name, _, value = header.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        stream.read(length)
    assert statuses == [200, 500, 200]


def chunks(body: bytes, size: int = 100) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post_chunked(body: bytes, headers: str = "") -> bytes:
    head = post(b"", headers=f"Transfer-Encoding: chunked\r\n{headers}")
    return head.replace(b"Content-Length: 0\r\n", b"") + chunks(body)


def test_chunked(line: socket.socket, log: Log) -> None:
    line.sendall(post_chunked(proposal()))
    assert ok(answer(line))
    assert log.calls[0][0].body == proposal()


def test_expect_100_continue(line: socket.socket) -> None:
    request = post(proposal(), headers="Expect: 100-continue\r\n")
    head, body = request[: -len(proposal())], proposal()
    line.sendall(head)
    assert line.recv(1_000).startswith(b"HTTP/1.1 100 Continue\r\n")
    line.sendall(body)
    assert ok(answer(line))


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_gzip(line: socket.socket, log: Log, encoding: str) -> None:
    line.sendall(post(gzip.compress(proposal()), headers=f"Content-Encoding: {encoding}\r\n"))
    assert ok(answer(line))
    assert log.calls[0][0].body == proposal()


def test_gzip_chunked(line: socket.socket) -> None:
    line.sendall(post_chunked(gzip.compress(proposal()), "Content-Encoding: gzip\r\n"))
    assert ok(answer(line))


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"", "", "not well-formed XML"),
        (b"rubbish", "", "not well-formed XML"),
        (proposal(), "Content-Encoding: br\r\n", "the content encoding br is not read here"),
        (proposal(), "Content-Encoding: gzip\r\n", "is not gzip"),
        (gzip.compress(b" " * 20_000_000, mtime=0), "Content-Encoding: gzip\r\n", "too large"),
        (b" " * 17_000_000, "", "too large"),
        (envelope("<itl:receiveTotals/>"), "", "must hold one element receiveTotalsRequest"),
        (proposal().replace(b"<from>GB</from>", b""), "", "not a valid ProposalRequest"),
    ],
)
def test_what_cannot_be_read_is_a_client_fault(
    line: socket.socket, log: Log, body: bytes, headers: str, reason: str
) -> None:
    line.sendall(post(body, headers=headers))
    response = answer(line)
    assert (response.status, response.headers["Content-Type"]) == (500, "text/xml; charset=utf-8")
    code, said = fault_of(response.content)
    assert code == "soapenv:Client"
    assert reason in said
    assert log.calls == []
    ((call, fault),) = log.refusals
    assert call.identity == "GB"
    assert fault.reason == said
    line.sendall(post(proposal()))
    assert ok(answer(line))


def test_what_was_refused_is_told_with_its_bytes(line: socket.socket, log: Log) -> None:
    line.sendall(post(b"rubbish"))
    answer(line)
    line.sendall(post(gzip.compress(b"more rubbish"), headers="Content-Encoding: gzip\r\n"))
    answer(line)
    assert [call.body for call, _ in log.refusals] == [b"rubbish", b"more rubbish"]


def test_far_too_large_is_refused_by_http(line: socket.socket) -> None:
    head = post(b"").replace(b"Content-Length: 0", b"Content-Length: 99000000000")
    line.sendall(head)
    assert answer(line).status == 413


@pytest.mark.parametrize(
    "request_",
    [
        b"rubbish\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost hub\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_never_hangs(line: socket.socket, request_: bytes) -> None:
    line.sendall(request_)
    assert 400 <= answer(line).status < 500


@pytest.mark.parametrize(
    "authorization", ["", "Basic", "Basic !!!", "Basic Z2J1c2Vy", "Bearer x", "Basic Z2J1c2VyOndyb25n", "Basic \u00ff"]
)
def test_who_is_not_known_is_asked_for_a_password(line: socket.socket, log: Log, authorization: str) -> None:
    request = post(proposal()).replace(GB.encode(), authorization.encode("latin-1"))
    line.sendall(request)
    response = answer(line)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Basic realm="International Transaction Log"')
    line.sendall(post(proposal()))
    assert ok(answer(line))
    assert len(log.calls) == 1


def test_the_realm_is_named(log: Log) -> None:
    with serve(build(log, realm='The "log"')) as running:
        response = requests.post(running.url, data=b"", timeout=20)
    assert response.headers["WWW-Authenticate"].startswith("Basic realm=\"The 'log'\"")


@pytest.mark.parametrize(
    ("proxies", "status"), [(("127.0.0.1",), 200), (("127.0.0.0/8",), 200), (("10.0.0.1",), 401), ((), 401)]
)
def test_certificates_are_believed_of_trusted_proxies_only(log: Log, proxies: tuple[str, ...], status: int) -> None:
    headers = {"X-Client-Certificate": quote(CERTIFICATE), "X-Forwarded-For": "6.6.6.6, 9.9.9.9"}
    with serve(build(log, trusted_proxies=proxies)) as running:
        response = requests.post(running.url, data=proposal(), headers=headers, timeout=20)
    assert response.status_code == status
    if status == 200:
        assert [(call.identity, call.remote_address) for call, _ in log.calls] == [("by certificate", "9.9.9.9")]


def message(content: str) -> bytes:
    return envelope(
        "<itl:acceptMessage><acceptMessageRequest><from>GB</from><to>ITL</to><majorVersion>1</majorVersion>"
        f"<minorVersion>1</minorVersion><messageContent>{content}</messageContent>"
        "<messageDateTime>2026-01-01T00:00:00Z</messageDateTime></acceptMessageRequest></itl:acceptMessage>"
    )


@pytest.mark.parametrize("content", ["fail", "wrong reply", "no reply"])
def test_failures_of_the_log_are_server_faults_that_tell_nothing(line: socket.socket, log: Log, content: str) -> None:
    with structlog.testing.capture_logs() as logged:
        line.sendall(post(message(content)))
        response = answer(line)
    assert response.status == 500
    code, said = fault_of(response.content)
    assert code == "soapenv:Server"
    assert "secret" not in response.content.decode()
    assert "may be sent again" in said
    assert [entry["log_level"] for entry in logged] == ["error"]
    assert [(call.operation, fault.kind) for call, fault in log.refusals] == [("acceptMessage", "Server")]


def test_faults_of_a_handler_are_told(line: socket.socket) -> None:
    line.sendall(post(message("refuse")))
    assert fault_of(answer(line).content) == ("soapenv:Client", "not today")


def test_an_authenticator_that_fails_is_a_server_fault(log: Log) -> None:
    def fail(_: Credentials) -> None:
        raise RuntimeError("the secret of the log")

    log.authenticate = fail  # type: ignore[method-assign,assignment]
    with structlog.testing.capture_logs(), serve(build(log)) as running:
        response = requests.post(running.url, data=proposal(), timeout=20)
    assert response.status_code == 500
    assert fault_of(response.content)[0] == "soapenv:Server"


def test_an_operation_that_is_not_served(line: socket.socket, log: Log) -> None:
    body = envelope(
        "<itl:getTransactionStatus><getTransactionStatusRequest><from>GB</from><to>ITL</to><majorVersion>1"
        "</majorVersion><minorVersion>1</minorVersion><transactionIdentifier>GB1</transactionIdentifier>"
        "</getTransactionStatusRequest></itl:getTransactionStatus>"
    )
    line.sendall(post(body))
    assert fault_of(answer(line).content) == ("soapenv:Client", "getTransactionStatus is not served by this log")
    assert [call.operation for call, _ in log.refusals] == ["getTransactionStatus"]


def test_handlers_must_be_of_the_port(log: Log) -> None:
    with pytest.raises(ValueError, match="has no operation provideTime"):
        endpoint.build(
            Port.TRANSACTION_LOG, {"provideTime": log.propose}, authenticate=log.authenticate, clock=SetClock(NOW)
        )


def test_concurrent_refusals_are_told_to_their_own_senders(server: Server) -> None:
    """Each of many messages at once is answered with its own errors, and no other's."""

    def call(number: int) -> tuple[int, str]:
        body = proposal() if number % 3 == 0 else proposal().replace(b"<unitType>1<", f"<unitType>no{number}<".encode())
        response = requests.post(server.url, data=body, auth=("gbuser", "gbpass"), timeout=20)
        return response.status_code, response.text

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(120)))
    for number, (status, text) in enumerate(answers):
        assert status == (200 if number % 3 == 0 else 500)
        if number % 3:
            assert f"&apos;no{number}&apos;" in text or f"'no{number}'" in text


def test_limits_are_the_endpoint_s(log: Log) -> None:
    body = spelled_by_zeep("acceptProposal", PROPOSAL, random.Random(0))
    with serve(
        build(log, limits=Limits(request_bytes=10_000, request_bytes_by_operation={}, unit_blocks=1))
    ) as running:
        response = requests.post(running.url, data=body, auth=("gbuser", "gbpass"), timeout=20)
    assert response.status_code == 500
    assert "<code>1104</code>" in response.text


def test_closing_waits_for_what_is_being_answered(log: Log) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(call: Call, message: Any) -> ProposalResponse:
        entered.set()
        assert leave.wait(20)
        return ProposalResponse(result_identifier=0, response_codes=(1503, 4003))

    log.propose = slow  # type: ignore[method-assign]
    running = serve(build(log))
    with socket.create_connection((running.host, running.port), timeout=20) as line:
        line.sendall(post(proposal()))
        assert entered.wait(20)
        closing = threading.Thread(target=running.close)
        closing.start()
        leave.set()
        assert ok(answer(line))
        closing.join(20)
        assert not closing.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((running.host, running.port), timeout=20)
