"""Registries on foreign stacks call the log through the shipped nginx, and say who they are by a client certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from itl.cli.serving import PATH
from tests.deploy.certificates import Authority, Issued
from tests.deploy.front import NGINX, Front, front
from tests.interop.conversation import HEADER
from tests.interop.foreign import Certificate, Outcome
from tests.interop.stacks import CLIENTS, Stack

pytestmark = [pytest.mark.interop, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]

WAYS = {way.stack: way for way in CLIENTS.values() if not way.options.get("shared")}
QUESTION = {"operation": "getTransactionStatus", "request": HEADER | {"transactionIdentifier": "GB1"}}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    directory = tmp_path_factory.mktemp("front")
    with front(f"sqlite:///{directory}/itl.db", directory) as log:
        yield log


@pytest.fixture(params=WAYS)
def stack(request: pytest.FixtureRequest) -> tuple[str, Stack]:
    return request.param, request.getfixturevalue(request.param)


def ask(stack: tuple[str, Stack], log: Front, shown: Issued, trusted: Authority) -> Outcome:
    name, program = stack
    identity = Certificate(shown.certificate, shown.key, trusted.certificate)
    [outcome] = program.call(f"https://localhost:{log.port}{PATH}", identity, [QUESTION], **WAYS[name].options)
    return outcome


def test_a_registry_is_known_by_its_certificate(stack: tuple[str, Stack], log: Front) -> None:
    for shown, code in ((log.gb, 3002), (log.nobody, 1001)):
        assert ask(stack, log, shown, log.authority)["reply"]["responseCodes"] == [code]


def test_a_registry_tells_nothing_to_a_log_that_it_does_not_trust(
    stack: tuple[str, Stack], log: Front, tmp_path: Path
) -> None:
    before = len(log.logged())
    with suppress(AssertionError, requests.exceptions.SSLError):  # some programs end there, some make a fault of it
        ask(stack, log, log.gb, Authority(tmp_path, "another"))
    assert len(log.logged()) == before
