"""All types of transaction between registries and the real log; then all of them hold the same, and a reconciliation
finds nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from itl.cli.main import main
from itl.cli.sandbox import Sandbox, sandbox
from itl.clock import system_clock
from itl.codes import REPLACED_ROLE, TransactionType, UnitType
from itl.settings import Settings as HubSettings
from itl.store import tables as t
from registry_client import holdings
from registry_client import tables as registry_tables
from registry_client.errors import TransactionError, UnitsError
from registry_client.identifiers import SerialRange
from registry_client.notices import NoticeStatus
from registry_client.registry import Registry
from registry_client.transactions import Event, State, Transaction
from registry_client.units import Account, Wanted

DEADLINE = 30.0
HOLDING = Account(100, 1001)
PENDING = Account(110, 1000)
LATER = date(2030, 12, 31)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A log that reconciles without delay."""
    folder = tmp_path_factory.mktemp("all-types")
    settings = HubSettings(
        database=f"sqlite:///{folder}/itl.db",
        port=0,
        reconciliation_lead=1.0,
        reconciliation_grace=0.0,
        reconciliation_parts_wait=0.1,
    )
    with sandbox(settings, folder / "registries") as found:
        yield found


@pytest.fixture(scope="module")
def gb(running: Sandbox) -> Registry:
    return running.registries["GB"].registry


@pytest.fixture(scope="module")
def cdm(running: Sandbox) -> Registry:
    return running.registries["CDM"].registry


def aau(quantity: int, period: int = 1) -> Wanted:
    return Wanted(quantity=quantity, unit_type=UnitType.AAU, period=period)


def done(registry: Registry, identifier: str, acquirer: Registry | None = None) -> Transaction:
    ended = registry.wait(identifier, DEADLINE)
    assert (ended.state, ended.codes) == (State.COMPLETED, ())
    if acquirer is not None:
        assert acquirer.wait(identifier, DEADLINE).state is State.COMPLETED
    return ended


def kinds(registry: Registry, *account_types: int) -> set[tuple[str, int, int, int | None, int | None]]:
    """Serials, unit type, applicable period, project and track of what lies in accounts of these types."""
    return {
        (
            str(block.range),
            block.attributes.unit_type,
            block.attributes.applicable_period,
            block.attributes.project,
            block.attributes.track,
        )
        for block in registry.blocks()
        if block.account.account_type in account_types
    }


def noticed(running: Sandbox, registry: Registry, *arguments: str) -> int:
    """The identifier of a notice that the log raises and the registry has heard of."""

    def open_notices() -> set[int]:
        return {notice.identifier for notice in registry.notices() if notice.status == NoticeStatus.OPEN}

    known = open_notices()
    heard = threading.Event()

    def listen(event: Event) -> None:
        if open_notices() - known:
            heard.set()

    registry.on_event(listen)
    command = ["notice", "raise", registry.code, *arguments, "--reason", "a test"]
    assert main([*command, "--database", running.hub.settings.database]) == 0
    assert heard.wait(DEADLINE)
    (new,) = open_notices() - known
    return new


@pytest.fixture(scope="module")
def story(running: Sandbox, gb: Registry, cdm: Registry) -> dict[str, Transaction]:
    """A transaction of each type, by a name."""
    fr = running.registries["FR"].registry
    told = {"issuance": done(gb, gb.issue(UnitType.AAU, 10_000, period=1))}
    told["RMU"] = done(gb, gb.issue(UnitType.RMU, 500, period=1, activity=3))
    told["conversion"] = done(gb, gb.convert(aau(100), project=7, track=1))
    told["conversion of RMU"] = done(gb, gb.convert(Wanted(quantity=50, unit_type=UnitType.RMU), project=8, track=2))
    told["transfer"] = done(gb, gb.transfer(aau(300), "FR", HOLDING), fr)
    gb.open_account(121, identifier=77)
    told["move"] = done(gb, gb.move(aau(20), Account(121, 77)))
    told["cancellation"] = done(gb, gb.cancel(aau(30)))
    told["retirement"] = done(gb, gb.retire(aau(40)))

    for unit_type, project, quantity in ((UnitType.CER, 52, 200), (UnitType.TCER, 9, 60), (UnitType.LCER, 10, 90)):
        is_forest = unit_type != UnitType.CER
        issued = cdm.issue(
            unit_type,
            quantity,
            period=2 if is_forest else 1,
            originating="BR",
            project=project,
            activity=1 if is_forest else None,
            expiry=LATER if is_forest else None,
        )
        done(cdm, issued)
        wanted = Wanted(quantity=quantity, unit_type=unit_type, account=PENDING)
        done(cdm, cdm.transfer(wanted, "GB", HOLDING), gb)
    done(gb, gb.retire(Wanted(quantity=60, unit_type=UnitType.TCER)))
    done(gb, gb.retire(Wanted(quantity=30, unit_type=UnitType.LCER)))
    told["replacement"] = done(gb, gb.replace(aau(25), [SerialRange("BR", 201, 225)]))

    notice = noticed(running, gb, "--type", "9", "--project", "BR10", "--unit-type", "7", "--date", "2032-06-30",
                     "--text", "the crediting period is longer")  # fmt: skip
    told["change of expiry date"] = done(gb, gb.fulfil(notice))
    notice = noticed(running, gb, "--type", "4", "--project", "BR10", "--units", "30", "--text", "a fire")
    told["replacement by notice"] = done(gb, gb.fulfil(notice, aau(10)))
    told["cancellation by notice"] = done(gb, gb.fulfil(notice))
    true_up = ("reference", "set", "true-up end", "2015-11-19", "--party", "GB", "--period", "1")
    assert main([*true_up, "--reason", "a test", "--database", running.hub.settings.database]) == 0
    told["carry-over"] = done(gb, gb.carry_over(aau(1000)))
    told["carry-over of CER"] = done(gb, gb.carry_over(Wanted(quantity=80, unit_type=UnitType.CER)))
    return told


def test_every_type_is_in_the_story(story: dict[str, Transaction]) -> None:
    assert {each.transaction_type for each in story.values()} == set(TransactionType)


def test_converted_units_are_eru_of_the_project(story: dict[str, Transaction], gb: Registry) -> None:
    blocks = story["conversion"].proposal.proposal_unit_blocks
    assert [(b.unit_type, b.project_identifier, b.track) for b in blocks] == [(UnitType.ERU_FROM_AAU, 7, 1)]
    assert ("GB-1-100", UnitType.ERU_FROM_AAU, 1, 7, 1) in kinds(gb, 100)
    assert ("GB-10001-10050", UnitType.ERU_FROM_RMU, 1, 8, 2) in kinds(gb, 100)
    (converted,) = [b for b in gb.blocks() if b.attributes.unit_type == UnitType.ERU_FROM_RMU]
    assert converted.attributes.lulucf_activity == 3


def test_replaced_units_stay_and_the_others_go_into_the_account(story: dict[str, Transaction], gb: Registry) -> None:
    roles = [block.block_role for block in story["replacement"].proposal.proposal_unit_blocks]
    assert roles == [None, REPLACED_ROLE]
    assert sum(b.quantity for b in gb.blocks() if b.account.account_type == 411) == 25
    assert [(str(b.range), b.account.account_type) for b in gb.blocks() if b.attributes.replaced][:1] == [
        ("BR-201-225", 300)
    ]
    with pytest.raises(UnitsError, match="replaced before"):
        gb.replace(aau(5), [SerialRange("BR", 201, 205)])
    with pytest.raises(UnitsError, match="unit for unit"):
        gb.replace(aau(5), [SerialRange("BR", 230, 235)])
    with pytest.raises(UnitsError, match="only tCER and lCER"):
        gb.replace(aau(5), [SerialRange("BR", 1, 5)])


def test_replaced_units_are_not_chosen_for_anything(story: dict[str, Transaction], gb: Registry) -> None:
    replaced = [b for b in gb.blocks() if b.attributes.replaced and b.attributes.unit_type == UnitType.LCER]
    (account,) = {block.account for block in replaced}
    with gb.store.read() as connection:
        found = holdings.of_project(connection, "BR", 10, {UnitType.LCER})
        wanted = Wanted(quantity=1, unit_type=UnitType.LCER, account=account)
        chosen = list(holdings.free(connection, wanted, account))
    assert found
    assert {block.range for block in (*found, *chosen)} & {block.range for block in replaced} == set()
    assert {block.attributes.replaced for block in (*found, *chosen)} == {False}


def test_expiry_dates_change_in_every_account(story: dict[str, Transaction], gb: Registry) -> None:
    changed = [b for b in gb.blocks() if b.attributes.unit_type == UnitType.LCER]
    assert {b.account.account_type for b in changed} == {100, 250, 300}
    assert {b.attributes.expiry_date for b in changed} == {date(2032, 6, 30)}
    assert {b.attributes.expiry_date for b in gb.blocks() if b.attributes.unit_type == UnitType.TCER} == {LATER}


def test_carried_over_units_are_of_the_next_period(story: dict[str, Transaction], gb: Registry) -> None:
    carried = [b for b in gb.blocks() if b.attributes.applicable_period > b.attributes.original_period]
    assert {(b.account.account_type, b.attributes.unit_type): b.quantity for b in carried} == {
        (130, UnitType.AAU): 1000,
        (100, UnitType.CER): 80,
    }
    assert {b.attributes.original_period for b in carried} == {1}


def test_notices_are_answered(story: dict[str, Transaction], gb: Registry) -> None:
    answered = {notice.notice_type: notice for notice in gb.notices()}
    assert set(answered) == {4, 9}
    assert story["replacement by notice"].quantity == 2 * 10
    assert story["cancellation by notice"].quantity == 20, "what is outstanding, of 60 that there were"
    with pytest.raises(TransactionError, match="answer it already"):
        gb.fulfil(answered[4].identifier)
    with pytest.raises(TransactionError, match="not known"):
        gb.fulfil(4711)


_Row = tuple[Any, ...]


def merged(rows: list[_Row]) -> list[_Row]:
    """Ranges that touch and are alike in all else as one: originating registry, first, last, all else."""
    result: list[_Row] = []
    for row in sorted(rows, key=lambda row: (row[0], row[1])):
        last = result[-1] if result else None
        if last is not None and (last[0], last[2] + 1, last[3:]) == (row[0], row[1], row[3:]):
            result[-1] = (*last[:2], row[2], *last[3:])
        else:
            result.append(row)
    return result


def in_log(running: Sandbox, code: str) -> list[_Row]:
    own = t.unit_blocks.c
    columns = (
        own.originating_registry, own.serial_start, own.serial_end, own.account_type, own.unit_type,
        own.original_commit_period, own.applicable_commit_period, own.lulucf_activity, own.project_identifier,
        own.track, own.expiry_date, own.replaced,
    )  # fmt: skip
    with running.hub.database.read() as connection:
        return merged([tuple(row) for row in connection.execute(sa.select(*columns).where(own.registry == code))])


def in_registry(registry: Registry) -> list[_Row]:
    own = registry_tables.unit_blocks.c
    columns = (
        own.originating_registry, own.range_start, own.range_end, own.account_type, own.unit_type,
        own.original_period, own.applicable_period, own.lulucf_activity, own.project, own.track, own.expiry_date,
        own.replaced,
    )  # fmt: skip
    with registry.store.read() as connection:
        return merged([tuple(row) for row in connection.execute(sa.select(*columns))])


@pytest.mark.parametrize("code", ["GB", "FR", "CDM"])
def test_log_and_registry_hold_the_same(running: Sandbox, story: dict[str, Transaction], code: str) -> None:
    held = in_registry(running.registries[code].registry)
    assert held == in_log(running, code)
    assert held or code == "CDM"
    assert sum(held.reserved for held in running.registries[code].registry.holdings()) == 0


@pytest.mark.parametrize(
    "asking", [["--ask", "totals", "--by-account"], ["--ask", "unit blocks"], ["--ask", "audit trail"]], ids=" ".join
)
def test_a_reconciliation_finds_nothing(
    running: Sandbox,
    story: dict[str, Transaction],
    gb: Registry,
    asking: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ITL_RECONCILIATION_LEAD", "1")
    concluded = threading.Event()
    gb.on_event(lambda event: concluded.set() if "result:" in event.text else None)
    if "audit trail" in asking:
        asking = [*asking, "--from", "2020-01-01T00:00:00Z", "--to", system_clock().isoformat()]
    command = ["reconcile", "start", "GB", *asking, "--reason", "a test", "--database", running.hub.settings.database]
    assert main(command) == 0
    assert concluded.wait(DEADLINE)
    latest = gb.reconciliations(1)[0]
    assert latest.status == 5, latest.history


def test_audit_finds_nothing(running: Sandbox, story: dict[str, Transaction]) -> None:
    assert main(["audit", "--database", running.hub.settings.database]) == 0


CONCEIVABLE: list[tuple[Callable[[Registry], str], str]] = [
    (lambda gb: gb.convert(Wanted(quantity=1, unit_type=UnitType.CER), project=7, track=1), "only AAU and RMU"),
    (lambda gb: gb.change_expiry(aau(1), LATER, notice=5), "only tCER and lCER"),
    (lambda gb: gb.change_expiry([], LATER, notice=5), "no units"),
]


@pytest.mark.parametrize(("act", "said"), CONCEIVABLE)
def test_what_cannot_be_meant_is_not_proposed(
    story: dict[str, Transaction], gb: Registry, act: Callable[[Registry], str], said: str
) -> None:
    with pytest.raises(UnitsError, match=said):
        act(gb)
