"""The examples of the registry's commonest jobs, all against one sandbox, as their page shows them."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from itl.cli.main import main
from itl.cli.sandbox import Sandbox, sandbox
from itl.clock import system_clock
from itl.codes import UnitType
from itl.messages import ProposalRequest, ProposalResponse, ProposalTransaction
from itl.settings import Settings
from itl.wire.server import serve
from registry_client.notices import NoticeStatus
from registry_client.registry import Registry
from registry_client.settings import Settings as RegistrySettings
from registry_client.transactions import State
from registry_client.units import Account, Wanted
from tests.docs.pages import EXAMPLES, ROOT
from tests.docs.test_examples import module
from tests.registry_client.hub import call
from tests.registry_client.log import Log, notification

DEADLINE = 30.0
HOLDING = Account(100, 1001)

JOBS = (
    "registry", "transfer", "own_rule", "cancel", "retire", "convert", "carry_over", "answer_notices", "reconcile",
    "recover", "own_server",
)  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("jobs")
    settings = Settings(database=f"sqlite:///{folder}/itl.db", port=0, reconciliation_grace=0.0)
    with sandbox(settings, folder / "registries") as found:
        gb = found.registries["GB"].registry
        for period, unit_type in ((2, UnitType.AAU), (1, UnitType.AAU)):
            assert gb.wait(gb.issue(unit_type, 10_000, period=period), DEADLINE).state is State.COMPLETED
        yield found


@pytest.fixture
def gb(running: Sandbox) -> Registry:
    return running.registries["GB"].registry


@pytest.fixture
def operate(running: Sandbox) -> Callable[..., None]:
    """A command of the log's operators."""

    def command(*arguments: str) -> None:
        assert main([*arguments, "--reason", "an example", "--database", running.hub.settings.database]) == 0

    return command


def test_each_job_is_on_the_page_and_all_are_here() -> None:
    page = (ROOT / "docs" / "registry_client.rst").read_text()
    shown = re.findall(r"literalinclude:: examples/(\w+)\.py", page)
    assert sorted(shown) == sorted(JOBS)
    assert {name for name in JOBS if not (EXAMPLES / f"{name}.py").exists()} == set()


def test_transfer(running: Sandbox, gb: Registry) -> None:
    example = module("transfer")
    ended = example.transfer(gb, 100, "FR-100-1001")
    assert (ended.state, ended.codes) == (State.COMPLETED, ())
    refused = example.transfer(gb, 100, "FR-100-4711")
    assert (refused.state, refused.codes) == (State.TERMINATED, (5902,))


def test_cancel(gb: Registry) -> None:
    example = module("cancel")
    own = next(block for block in gb.blocks() if block.account == HOLDING).range
    units = f"GB-{own.start}-{own.start + 9}"
    assert re.fullmatch(r"GB\d+ completed \(\)", example.cancel(gb, units))
    assert "does not hold serial" in example.cancel(gb, "GB-999999-999999")


def test_retire(gb: Registry) -> None:
    person = Account(121, 77)
    gb.open_account(121, identifier=77)
    gb.wait(gb.move(Wanted(quantity=30, unit_type=UnitType.AAU, period=2), person), DEADLINE)
    assert module("retire").retire(gb, 20, person)
    assert [held.quantity for held in gb.holdings() if held.account == person] == [10]


def test_convert(gb: Registry) -> None:
    (serials,) = module("convert").convert(gb, 50, 7)
    first, last = map(int, serials.split("-")[1:])
    assert last - first == 49


def test_carry_over(gb: Registry, operate: Callable[..., None]) -> None:
    example = module("carry_over")
    assert example.carry_over(gb, {UnitType.AAU: 100}) == {UnitType.AAU: (5308,)}, "the true-up has not ended"
    operate("reference", "set", "true-up end", "2015-11-19", "--party", "GB", "--period", "1")
    assert example.carry_over(gb, {UnitType.AAU: 100, UnitType.CER: 5}) == {UnitType.AAU: ()}
    assert [held.quantity for held in gb.holdings() if held.account.account_type == 130] == [100]


def test_answer_notices(gb: Registry, operate: Callable[..., None]) -> None:
    heard = threading.Event()

    def listen(event: object) -> None:
        if any(notice.status == NoticeStatus.OPEN for notice in gb.notices()):
            heard.set()

    gb.on_event(listen)
    operate("notice", "raise", "GB", "--type", "2", "--period", "2", "--units", "25", "--text", "not in compliance")
    assert heard.wait(DEADLINE)
    assert list(module("answer_notices").answer_notices(gb).values()) == ["completed"]
    assert [held.quantity for held in gb.holdings() if held.account.account_type == 220] == [25]


def test_reconcile(gb: Registry, operate: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITL_RECONCILIATION_LEAD", "1")
    watch = module("reconcile").Watch(gb)
    operate("reconcile", "start", "GB")
    assert watch.next_end(DEADLINE).status == 5


def test_recover(running: Sandbox, operate: Callable[..., None], tmp_path: Path) -> None:
    """A proposal that was written down and never sent, as by a registry that died in between."""
    example = module("recover")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = f"sqlite:///{tmp_path}/jp.db"
    died = Registry(RegistrySettings(code="JP"), None, database=database)
    identifier = died.issue(UnitType.AAU, 40, period=2, start=900_001)
    died.close()
    assert main(["enrol", "JP", "--url", f"http://127.0.0.1:{port}/", "--database", running.hub.settings.database]) == 0
    (ended,) = example.recover(running.url, port, database)
    assert (ended.identifier, ended.state) == (identifier, State.COMPLETED)


def test_own_rule() -> None:
    example = module("own_rule")
    log, registries = Log(), {}
    for code in ("GB", "FR"):
        rules = {"rules": example.RULES} if code == "FR" else {}
        registries[code] = Registry(RegistrySettings(code=code), log, clock=system_clock, **rules)
        log.registries[code] = registries[code]
    gb, fr = registries["GB"], registries["FR"]
    gb.issue(UnitType.AAU, 5000, period=1)
    log.settle()
    sent = {quantity: gb.transfer(Wanted(quantity=quantity, unit_type=1), "FR", HOLDING) for quantity in (10, 1000)}
    log.settle()
    assert [gb.transaction(each).state for each in sent.values()] == [State.COMPLETED, State.PROPOSED]
    assert example.agree(fr) == [sent[1000]]
    log.settle()
    assert gb.transaction(sent[1000]).state is State.COMPLETED
    for registry in registries.values():
        registry.close()


def test_own_server(tmp_path: Path) -> None:
    example = module("own_server")
    inbox = example.Inbox(str(tmp_path / "inbox.db"))
    hub: dict[str, Any] = {"user": "itl", "password": "secret"}
    with serve(example.application(inbox), "127.0.0.1") as server:
        for _ in range(2):
            assert getattr(call(server.url, notification("FR", "GB1", 4), **hub), "result_identifier", 0) == 1
        head: dict[str, Any] = {"sender": "ITL", "addressee": "FR", "major_version": 1, "minor_version": 1}
        empty = ProposalTransaction(
            transaction_identifier="GB2",
            transaction_type=3,
            transferring_registry_code="GB",
            acquiring_registry_code="FR",
            proposal_unit_blocks=(),
        )
        refused = call(server.url, ProposalRequest(**head, proposed_transaction=empty), **hub)
        assert refused == ProposalResponse(result_identifier=0, response_codes=(4012,))
        with pytest.raises(requests.HTTPError, match="401"):
            call(server.url, notification("FR", "GB1", 4))
    kept = inbox.connection.execute("SELECT kind FROM inbox").fetchall()
    assert kept == [("NotificationRequest",)]
    inbox.connection.close()
