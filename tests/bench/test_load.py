"""The load generator on real logs: what it counts was really accepted, what is refused is told by its code."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from itl.bench import counts, databases, servers
from itl.bench.connection import Address, LoadError, Reply
from itl.bench.load import Load, Outcome, load
from itl.bench.proposals import Dialect, Prepared, prepare
from itl.cli.main import main
from itl.errors import UsageError
from tests.wire.test_outgoing import BODY, ScriptedPeer, certificate, mutual

MESSAGE = Prepared(b"<?xml version='1.0'?><!--", b"-->" + BODY)
USED = 77 * 10**6
"""The number of a proposal that is on the log, far above those that the loads here count up from 0 and 10**6."""
ACCEPTED = b"<resultIdentifier>1</resultIdentifier>"
REFUSED = b"""<resultIdentifier xsi:type="xsd:int">0</resultIdentifier><responseCodes soapenc:arrayType="xsd:int[2]">
    <item xsi:type="xsd:int">1501</item><item>1502</item></responseCodes>"""


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Address, str]]:
    """A log that accepts, and its database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('load') / 'itl.db'}"
    databases.prepare(url)
    with servers.log(url, processes=1, threads=2) as address:
        yield Address(address, "gb", "gb"), url


@contextlib.contextmanager
def scripted(*answers: bytes, **more: object) -> Iterator[ScriptedPeer]:
    """A log with one connection, on which it gives `answers` one after another, each in two pieces."""

    def script(line: socket.socket) -> None:
        for answer in answers:
            made.request(line)
            line.sendall(answer[:30])
            line.sendall(answer[30:])
        line.recv(1)

    made = ScriptedPeer(script, **more)  # type: ignore[arg-type]
    yield made
    made.close()


def test_load_is_bounded_in_count_and_time(log: tuple[Address, str]) -> None:
    address, url = log
    message, numbers = prepare(1, Dialect.INLINE), count()
    before = counts.accepted(url)
    few = load(address, message.requests(numbers), clients=4, seconds=60.0, most=9)
    assert few.accepted == 9
    begun = time.monotonic()
    brief = load(address, message.requests(numbers), clients=2, seconds=0.2)
    assert 0.2 <= brief.seconds <= time.monotonic() - begun
    assert brief.accepted >= 1
    assert all(0 < latency <= brief.seconds for latency in brief.latencies)
    single = load(address, message.requests(numbers), clients=4, seconds=60.0, most=1)
    assert single.accepted == 1
    assert counts.accepted(url) == before + 9 + brief.accepted + 1


def test_an_open_loop_sends_what_is_due_and_no_more(log: tuple[Address, str]) -> None:
    address, _ = log
    paced = load(address, prepare(1, Dialect.INLINE).requests(count(10**6)), clients=4, seconds=1.0, rate=20.0)
    assert paced.accepted + paced.unsent == 20
    assert paced.seconds >= 0.9


@pytest.mark.parametrize(
    ("message", "numbers", "said"),
    [
        (Prepared(b"<no", b"envelope/>"), [1, 2], {"HTTP 500": 2}),
        (prepare(1, Dialect.INLINE), [USED, USED], {"3001": 2}),
        (prepare(1, Dialect.INLINE, "FR"), [1], {"1002": 1}),
    ],
    ids=["a fault", "an identifier that is used by another proposal", "of a registry that is not the caller"],
)
def test_refusals_are_counted_by_code(
    message: Prepared, numbers: list[int], said: dict[str, int], log: tuple[Address, str]
) -> None:
    address, _ = log
    load(address, prepare(2, Dialect.INLINE).requests(iter([USED])), clients=1, seconds=60.0, most=1)
    done = load(address, message.requests(numbers), clients=1, seconds=60.0, most=len(numbers))
    assert (done.accepted, done.refusals) == (0, said)
    with pytest.raises(LoadError, match="not accepted"):
        done.require_accepted()


def test_who_is_not_known_is_told_so(log: tuple[Address, str]) -> None:
    address, _ = log
    stranger = Address(address.url, "nobody", "nothing")
    with pytest.raises(UsageError, match="--user"):
        load(stranger, prepare(1, Dialect.INLINE).requests(count()), clients=1, seconds=60.0, most=1)


@pytest.mark.parametrize(
    ("reply", "accepted", "refusals"),
    [
        (Reply(200, ACCEPTED), True, {}),
        (Reply(200, b"<a:resultIdentifier a='b'>1</a:resultIdentifier>"), True, {}),
        (Reply(200, REFUSED), False, {"1501": 1, "1502": 1}),
        (Reply(200, b"<resultIdentifier>0</resultIdentifier>"), False, {"HTTP 200": 1}),
        (Reply(503, ACCEPTED), False, {"HTTP 503": 1}),
        (Reply(500, b"<faultstring>1501</faultstring>"), False, {"HTTP 500": 1}),
    ],
)
def test_what_an_answer_says(reply: Reply, accepted: bool, refusals: dict[str, int]) -> None:
    outcome = Outcome()
    assert outcome.takes(reply) is accepted
    assert outcome.refusals == refusals


@pytest.mark.parametrize(
    ("latencies", "percent", "expected"),
    [((), 50, None), ((3.0,), 99, 3.0), ((4.0, 1.0, 3.0, 2.0), 50, 2.0), ((4.0, 1.0, 3.0, 2.0), 100, 4.0),
     (tuple(map(float, range(1, 101))), 99, 99.0), (tuple(map(float, range(1, 101))), 95, 95.0)],
)  # fmt: skip
def test_percentiles(latencies: tuple[float, ...], percent: float, expected: float | None) -> None:
    assert Load(1.0, latencies).percentile(percent) == expected


def test_answers_may_come_in_pieces_and_one_connection_does_for_all() -> None:
    with scripted(http(ACCEPTED), http(REFUSED), http(ACCEPTED)) as peer:
        done = load(Address(peer.url), MESSAGE.requests(count()), clients=1, seconds=60.0, most=3)
    assert (done.accepted, done.refusals) == (2, {"1501": 1, "1502": 1})
    length = b"\r\nContent-Length: %d\r\n\r\n" % MESSAGE.size
    assert [each.partition(length)[2] for each in peer.read] == [
        b"".join((MESSAGE.before, MESSAGE.digits(number), MESSAGE.after)) for number in range(3)
    ]


@pytest.mark.parametrize(
    ("answer", "match"), [(b"", "broke the connection"), (b"SSH-2.0\r\n\r\n", "does not answer as a log")]
)
def test_what_is_no_answer_ends_the_load(answer: bytes, match: str) -> None:
    peer = ScriptedPeer(lambda line: (peer.request(line), line.sendall(answer))[0] and None)
    with pytest.raises(LoadError, match=match):
        load(Address(peer.url), MESSAGE.requests(count()), clients=1, seconds=60.0, most=1)
    peer.close()


def test_a_certificate_is_shown_over_tls(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "authority")
    certificate(tmp_path, "registry", authority)
    certificate(tmp_path, "itl", authority)
    shown = {"certificate": str(tmp_path / "itl.pem"), "key": str(tmp_path / "itl.key")}
    large = http(ACCEPTED + b" " * 100_000)  # several records
    with scripted(large, http(ACCEPTED), context=mutual(tmp_path)) as peer:
        address = Address(peer.url, authority=str(tmp_path / "authority.pem"), **shown)
        done = load(address, MESSAGE.requests(count()), clients=1, seconds=60.0, most=2)
    assert done.accepted == 2
    assert b"Authorization" not in peer.read[0]


def test_the_command_tells_what_came_through(log: tuple[Address, str], capsys: pytest.CaptureFixture[str]) -> None:
    address, _ = log
    run = ["load", "accept", "--url", address.url, "--seconds", "0.3", "--clients", "2", "--blocks", "2", "--multiref"]
    assert main([*run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"seconds", "done", "per_second", "latency_ms", "refusals", "unsent"}
    assert found["done"] >= 2
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p99"] <= found["latency_ms"]["p100"]
    assert main(run) == 0
    assert "a second" in capsys.readouterr().out
    assert main([*run, "--registry", "FR", "--user", "gb"]) == 1
    assert "refused: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--clients", "0"], "--clients 0"),
        (["--rate", "-1"], "--rate -1"),
        (["--seconds", "inf"], "--seconds inf"),
        (["--url", "ftp://127.0.0.1/"], "not the http"),
        (["--url", "http://127.0.0.1:1/"], "no connection"),
    ],
)
def test_what_cannot_be_sent_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "accept", "--url", "http://127.0.0.1:1/", *arguments]) == 2
    assert said in capsys.readouterr().err
