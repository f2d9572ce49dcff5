"""A peer that knows the tester by a client certificate: it is shown with its key, and the peer's own is verified."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from registry_client.conformance.evidence import Evidence
from registry_client.conformance.playing import Access
from registry_client.conformance.registry.groups import GROUPS
from registry_client.conformance.registry.profile import Candidate
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.results import Outcome
from registry_client.conformance.suite import chosen, run
from registry_client.endpoint import Callbacks, mounted
from registry_client.settings import Settings
from tests.deploy.certificates import Authority


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        """Nothing: what matters is in the evidence."""


@contextmanager
def registry_over_tls(folder: Path, authority: Authority, asks: ssl.VerifyMode) -> Iterator[str]:
    """The address of a registry that tells its time over TLS, and asks callers for a certificate as `asks` says."""
    own = authority.issue("registry")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = asks
    server = make_server("127.0.0.1", 0, mounted(Callbacks(), Settings(code="GB")), handler_class=_Quiet)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def outcomes(url: str, access: Access) -> dict[str, Outcome]:
    """How the tests of certificates and passwords end."""
    profile = Candidate(url=url, access=access, listen_port=0, patience=5)
    with RegistryTester(profile, Evidence()) as tester:
        return {each.number: each.outcome for each in run(chosen(GROUPS, ["100", "101*"]), tester, tester.evidence)}


@pytest.mark.parametrize(
    ("asks", "without"), [(ssl.CERT_REQUIRED, Outcome.PASSED), (ssl.CERT_OPTIONAL, Outcome.FAILED)]
)
def test_who_shows_none_must_stay_outside(tmp_path: Path, asks: ssl.VerifyMode, without: Outcome) -> None:
    authority = Authority(tmp_path, "authority")
    log = authority.issue("log")
    access = Access(certificate=str(log.certificate), key=str(log.key), authority=str(authority.certificate))
    with registry_over_tls(tmp_path, authority, asks) as url:
        found = outcomes(url, access)
    assert found == {"100": Outcome.PASSED, "101": Outcome.NOT_APPLICABLE, "101/certificate": without}


def test_a_peer_whose_certificate_nobody_trusts_is_not_called(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")
    log = authority.issue("log")
    access = Access(certificate=str(log.certificate), key=str(log.key), authority=str(other.certificate))
    with registry_over_tls(tmp_path, authority, ssl.CERT_REQUIRED) as url:
        assert outcomes(url, access)["100"] is Outcome.FAILED


def test_with_a_password_alone_there_is_no_certificate_to_test(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    access = Access(user="itl", password="itl", authority=str(authority.certificate))
    with registry_over_tls(tmp_path, authority, ssl.CERT_NONE) as url:
        assert outcomes(url, access)["101/certificate"] is Outcome.NOT_APPLICABLE
