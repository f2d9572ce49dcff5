"""Who is let in, what is refused at once, and what a change of reference data does to a log that runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from sqlalchemy import Connection

from itl.messages import MessageRequest
from itl.reference import Registry, RegistryKind
from itl.services.identity import read_certificate
from itl.store import tables as t
from itl.store import versions
from itl.store.database import Database
from itl.store.facts import Source
from itl.store.reference_data import (
    load_reference,
    put_certificate,
    put_registry,
    put_user,
    revoke_credential,
)
from itl.wire.contract import Port
from itl.wire.encode import encode_request
from tests.hub.world import (
    CANCELLATION,
    DAY,
    EXTERNAL,
    HEAD,
    ISSUANCE,
    START,
    World,
    notification,
    proposal,
    status_query,
    units,
)

PROXY = "10.0.0.7"


@contextmanager
def another_process(world: World) -> Iterator[Connection]:
    """A unit of work of a process that shares nothing with the log but the database, such as `itl enrol`."""
    database = Database(world.url)
    with database.write() as connection:
        yield connection
    database.close()


def enrol(world: World, code: str, **given: Any) -> None:
    with another_process(world) as connection:
        known = load_reference(connection).registries.get(code, Registry(code, RegistryKind.PARTY))
        put_registry(connection, dataclasses.replace(known, **given), START)


def issuance(number: int = 1) -> Any:
    return proposal("GB", f"GB{number}", ISSUANCE, units(100 * number, 100 * number + 9))


# Basic users ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [None, "zz", "GB"])
def test_who_shows_no_known_user_is_asked_for_one(world: World, user: str | None) -> None:
    body = encode_request(Port.TRANSACTION_LOG, "acceptProposal", issuance())
    status, _ = world.post(body, "acceptProposal", user)
    assert status == "401 Unauthorized"
    assert world.rows(t.transactions) == []


def test_registry_that_is_enrolled_while_the_log_runs_may_call_at_once(world: World) -> None:
    enrol(world, "DE")
    with another_process(world) as connection:
        put_user(connection, "DE", "de", "de")
    assert world.propose("DE", "DE1", ISSUANCE, units(1, 100, "DE")) == 1


def test_new_password_counts_at_once_and_the_old_one_no_longer(world: World) -> None:
    body = encode_request(Port.TRANSACTION_LOG, "acceptProposal", issuance())
    assert world.post(body, "acceptProposal", "gb")[0] == "200 OK"
    with another_process(world) as connection:
        put_user(connection, "GB", "gb", "other")
    status, answer = world.post(body, "acceptProposal", "gb")
    assert status == "401 Unauthorized" or b">1001</item>" in answer
    assert world.post(body, "acceptProposal", "gb")[0] == "401 Unauthorized"
    with another_process(world) as connection:
        put_user(connection, "GB", "gb", "gb")
    assert world.post(body, "acceptProposal", "gb")[0] == "200 OK"


def test_revoked_user_is_shut_out_at_once(world: World) -> None:
    assert world.say(issuance()) == 1
    with another_process(world) as connection:
        revoke_credential(connection, "basic", "gb", START)
    for message in (issuance(2), issuance(3)):
        body = encode_request(Port.TRANSACTION_LOG, "acceptProposal", message)
        status, answer = world.post(body, "acceptProposal", "gb")
        assert status == "401 Unauthorized" or b">1001</item>" in answer
    assert status == "401 Unauthorized"
    assert len(world.rows(t.transactions)) == 1


def test_revoked_user_gets_no_answer_to_a_query(world: World) -> None:
    world.issue(1, 100)
    with another_process(world) as connection:
        revoke_credential(connection, "basic", "gb", START)
    assert world.say(status_query("GB", "GB1")) == (1001,)


# Changes of reference data -------------------------------------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[[int], Any], tuple[int, ...]]] = {
    # code of the registry changed, and how; what is said; the codes that it is refused with
    "suspended": ({"code": "GB"}, {"may_propose": False}, issuance, (1503,)),
    "withdrawn": ({"code": "GB"}, {"in_force": False}, issuance, (1501,)),
    "acquirer suspended": (
        {"code": "FR"},
        {"may_accept": False},
        lambda number: proposal("GB", f"GB{number}", EXTERNAL, units(1, 9), to="FR"),
        (1504,),
    ),
    "acquirer withdrawn": (
        {"code": "FR"},
        {"in_force": False},
        lambda number: proposal("GB", f"GB{number}", EXTERNAL, units(1, 9), to="FR"),
        (1502,),
    ),
}


@pytest.mark.parametrize(("who", "how", "message", "codes"), CHANGES.values(), ids=CHANGES)
def test_change_of_status_counts_at_once_both_ways(
    world: World, who: dict[str, Any], how: dict[str, Any], message: Callable[[int], Any], codes: tuple[int, ...]
) -> None:
    assert world.say(message(1)) == 1
    enrol(world, who["code"], **how)
    assert world.say(message(2)) == codes
    enrol(world, who["code"], **dict.fromkeys(how, True))
    assert world.say(message(2)) == 1


def test_new_version_of_the_standard_counts_at_once(world: World) -> None:
    later = replace(issuance(), minor_version=2)
    assert world.say(later) == (1032,)
    assert world.say(replace(later, major_version=2)) == (1031,)
    with another_process(world) as connection:
        versions.accept(connection, (1, 2), Source("the operator", "a test"))
    assert world.say(later) == 1


def test_suspended_registry_can_finish_what_is_open(world: World) -> None:
    world.issue(1, 100)
    world.reach(2, EXTERNAL, "GB2", 1, 50)
    world.reach(2, CANCELLATION, "GB3", 51, 60)
    for code in ("GB", "FR"):
        enrol(world, code, may_propose=False, may_accept=False)
    assert world.propose("GB", "GB4", CANCELLATION, units(61, 70)) == (1503,)
    assert world.notify("FR", "GB2", 8) == 1
    world.settle()
    assert world.notify("GB", "GB2", 4) == 1
    assert world.notify("GB", "GB3", 5) == 1
    assert world.call(status_query("GB", "GB2")).transaction_status == 4
    world.settle()
    assert world.notify("FR", "GB2", 4) == 1
    assert world.places()[0] == ("GB", 1, 50, "FR", 100)


# Refusals ------------------------------------------------------------------------------------------------------------

REFUSALS = {
    "sender is another": (issuance(), {"user": "fr"}, (1002,)),
    "wrong addressee": (replace(issuance(), addressee="CITL"), {}, (1005,)),
    "several codes of one stage": (
        replace(issuance(), addressee="CITL", major_version=7),
        {"user": "fr"},
        (1002, 1005, 1031),
    ),
    "acquirer nobody knows": (proposal("GB", "GB1", EXTERNAL, units(1, 9), to="ZZ"), {}, (1502,)),
    "a time to come": (
        MessageRequest(sender="GB", **HEAD, message_content="x", message_date_time=START + DAY),
        {},
        (1106,),
    ),
    "notification for another": (notification("GB", "GB1", 4), {"user": "fr"}, (1002,)),
    "query for another": (status_query("GB", "GB1"), {"user": "fr"}, (1002,)),
}


@pytest.mark.parametrize(("message", "how", "codes"), REFUSALS.values(), ids=REFUSALS)
def test_refusal_names_its_codes_and_changes_nothing(
    world: World, message: Any, how: dict[str, Any], codes: tuple[int, ...]
) -> None:
    for _ in range(2):
        assert world.say(message, **how) == codes
    world.settle()
    assert [world.rows(table) for table in (t.transactions, t.inbox, t.outbox)] == [[], [], []]
    logged = world.rows(t.messages)
    assert [(row.outcome, row.response_codes) for row in logged] == [("refused", " ".join(map(str, codes)))] * 2


def test_refused_status_query_has_no_status_to_tell(world: World) -> None:
    answer = world.call(status_query("GB", "GB9"))
    assert (answer.result_identifier, answer.transaction_status, answer.response_codes) == (0, 0, (3002,))
    assert answer.transaction_status_date_time == START


def test_registry_that_reads_no_reply_is_told_the_doors_refusal_as_status_3(world: World) -> None:
    enrol(world, "GB", notify_refusals=True)
    assert world.propose("GB", "GB1", EXTERNAL, units(1, 9), to="ZZ") == (1502,)
    world.settle()
    assert world["GB"].heard == [("GB1", 3)]
    assert world["GB"].codes("GB1", 3) == [1502]
    assert world.rows(t.transactions) == []
    # Never for a used identifier, since it would speak of the first transaction.
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 9)) == 1
    assert world.propose("GB", "GB1", ISSUANCE, units(1, 99)) == (3001,)
    world.settle()
    assert world["GB"].heard == [("GB1", 3), ("GB1", 2)]


# Certificates --------------------------------------------------------------------------------------------------------


def certificate(until: datetime = START + 365 * DAY) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "GB registry")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - 365 * DAY)
        .not_valid_after(until)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def handed_over(pem: bytes, by: str = PROXY) -> dict[str, str]:
    """What the proxy at address `by` adds to a request."""
    return {"HTTP_X_CLIENT_CERTIFICATE": quote(pem), "REMOTE_ADDR": by}


@pytest.fixture
def behind_proxy(sandbox_url: str) -> Iterator[World]:
    with World.on(sandbox_url, trusted_proxies=(PROXY,)) as world:
        yield world


def test_certificate_identifies_a_registry_through_a_trusted_proxy_only(behind_proxy: World) -> None:
    world, pem = behind_proxy, certificate()
    assert world.say(issuance(), "", **handed_over(pem)) == (1001,)  # trusted by the proxy, enrolled by nobody
    with another_process(world) as connection:
        put_certificate(connection, "GB", read_certificate(pem))
    assert world.say(issuance(), "", **handed_over(pem)) == 1
    body = encode_request(Port.TRANSACTION_LOG, "acceptProposal", issuance(2))
    assert world.post(body, "acceptProposal", **handed_over(pem, by="192.0.2.1"))[0] == "401 Unauthorized"
    # A stranger's header neither helps nor hurts who shows a password.
    assert world.say(issuance(2), "gb", **handed_over(certificate(), by="192.0.2.1")) == 1
    assert world.say(proposal("FR", "FR1", ISSUANCE, units(1, 9, "FR")), "", **handed_over(pem)) == (1002,)


def test_certificate_that_is_expired_or_revoked(behind_proxy: World) -> None:
    world, pem = behind_proxy, certificate(until=START + DAY)
    with another_process(world) as connection:
        put_certificate(connection, "GB", read_certificate(pem))
    assert world.say(issuance(1), "", **handed_over(pem)) == 1
    world.clock.advance(2 * DAY)
    assert world.say(issuance(2), "", **handed_over(pem)) == (1003,)
    world.clock.advance(-timedelta(days=2))
    assert world.say(issuance(2), "", **handed_over(pem)) == 1
    with another_process(world) as connection:
        revoke_credential(connection, "certificate", read_certificate(pem).fingerprint, START)
    assert world.say(issuance(3), "", **handed_over(pem)) == (1003,)


@pytest.mark.parametrize("garbage", [b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_unreadable_certificate_is_nobodys(behind_proxy: World, garbage: bytes) -> None:
    assert behind_proxy.say(issuance(), "", **handed_over(garbage)) == (1001,)
