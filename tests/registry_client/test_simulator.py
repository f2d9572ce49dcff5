"""Several registries in one process: seeded, faulty on request, and seen from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from itl.codes import UnitType
from itl.messages import ProposalRequest, ProposalTransaction
from registry_client import plans
from registry_client.access import plans_of
from registry_client.arguments import parser
from registry_client.errors import AccountError, RegistryError
from registry_client.faults import Fault, Misbehaviour
from registry_client.identifiers import SerialRange
from registry_client.main import main
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.simulator import Simulator, running
from registry_client.transactions import State
from registry_client.units import Account, Wanted
from tests.registry_client.hub import HttpLog, call
from tests.registry_client.log import notification

DEADLINE = 30.0

FILE = """
hub = "{hub}"
user = "{{code}}"
password = "{{code}}"
database = "data/{{code}}.db"

[[registry]]
code = "GB"
accounts = ["GB-121-1002"]

[[registry.units]]
serials = "GB-1-1000"
unit_type = "AAU"
period = 2

[[registry.units]]
serials = "BR-1-50"
unit_type = "lCER"
period = 2
project = 9
activity = 1
expiry = 2030-12-31
account = "GB-121-1002"

[[registry]]
code = "FR"
misbehave = ["rejects"]
slowness = 1.5
"""


@pytest.fixture
def hub() -> Iterator[HttpLog]:
    with HttpLog() as served:
        yield served


@pytest.fixture
def file(hub: HttpLog, tmp_path: Path) -> Path:
    written = tmp_path / "registries.toml"
    written.write_text(FILE.format(hub=hub.url))
    return written


@pytest.fixture
def simulator(hub: HttpLog, file: Path) -> Iterator[Simulator]:
    with running(plans.read(file)) as found:
        hub.addresses.update(found.addresses)
        yield found


def test_registries_of_a_file_trade_with_each_other(simulator: Simulator, hub: HttpLog) -> None:
    gb, fr = simulator.registries["GB"], simulator.registries["FR"]
    aau = Wanted(quantity=100, unit_type=UnitType.AAU)
    refused = gb.wait(gb.transfer(aau, "FR", Account(100, 1001)), DEADLINE)
    assert (refused.state, refused.codes) == (State.TERMINATED, (5904,))
    fr.misbehave()
    identifier = gb.transfer(aau, "FR", Account(100, 1001))
    assert gb.wait(identifier, DEADLINE).state is State.COMPLETED
    assert fr.wait(identifier, DEADLINE).state is State.COMPLETED
    assert [str(block.range) for block in fr.blocks()] == ["GB-1-100"]
    assert fr.settings.slowness.total_seconds() == 1.5


def test_what_is_seeded_is_seeded_once(hub: HttpLog, file: Path) -> None:
    with running(plans.read(file)) as first:
        gb = first.registries["GB"]
        assert [(str(b.range), b.account) for b in gb.blocks()] == [
            ("BR-1-50", Account(121, 1002)),
            ("GB-1-1000", Account(100, 1001)),
        ]
        assert gb.blocks()[0].attributes.project == 9
        hub.addresses.update(first.addresses)
        issued = gb.wait(gb.issue(UnitType.AAU, 5, period=2), DEADLINE)
        assert issued.proposal.proposal_unit_blocks[0].unit_serial_block_start == 1001, "seeded serials are used up"
        cancelled = gb.wait(gb.cancel([SerialRange("GB", 1, 1000)]), DEADLINE)
        assert cancelled.state is State.COMPLETED
    with running(plans.read(file)) as again:
        gb = again.registries["GB"]
        assert {str(b.range): b.account.account_type for b in gb.blocks()} == {
            "BR-1-50": 121,
            "GB-1-1000": 230,
            "GB-1001-1005": 100,
        }


def test_units_are_not_seeded_into_an_account_that_is_not_there() -> None:
    units = plans.SeededUnits(serials="GB-1-5", unit_type="AAU", period=1, account="GB-121-9")
    registry = Registry(Settings(code="GB"), None)
    with pytest.raises(AccountError, match="121-9 does not exist"):
        registry.seed([], [units.block(Account(100, 1001))])
    assert registry.blocks() == []
    registry.close()


def state(simulator: Simulator) -> dict[str, Any]:
    reply = requests.get(f"{simulator.url}/state.json", timeout=20)
    assert reply.headers["Content-Type"] == "application/json"
    return {each["code"]: each for each in reply.json()}


def test_the_state_is_seen(simulator: Simulator) -> None:
    gb = simulator.registries["GB"]
    identifier = gb.wait(gb.cancel(Wanted(quantity=10, unit_type=UnitType.AAU)), DEADLINE).identifier
    gb.misbehave(Misbehaviour(Fault.LOST_BLOCK, SerialRange("GB", 1, 5)))
    told = state(simulator)
    assert list(told) == ["GB", "FR"]
    assert told["FR"]["misbehaves"] == ["rejects"]
    assert told["GB"]["misbehaves"] == ["lost-block=GB-1-5"]
    held = {each["account"]["account_type"]: each["quantity"] for each in told["GB"]["holdings"]}
    assert held == {100: 990, 121: 50, 230: 10}
    assert [line["what"] for line in told["GB"]["transactions"]] == [f"{identifier} type 4, 10 units: completed "]
    page = requests.get(simulator.url, timeout=20).text
    assert "<h1>GB</h1>" in page
    assert f"{identifier} type 4, 10 units: completed" in page
    assert "misbehaves: lost-block=GB-1-5" in page


def test_what_others_wrote_is_shown_as_text(simulator: Simulator) -> None:
    proposal = ProposalTransaction(
        transaction_identifier="<script>alert(1)</script>",
        transaction_type=3,
        transferring_registry_code="GB",
        acquiring_registry_code="FR",
        proposal_unit_blocks=(),
    )
    head: dict[str, Any] = {"sender": "ITL", "addressee": "FR", "major_version": 1, "minor_version": 1}
    call(simulator.addresses["FR"], ProposalRequest(**head, proposed_transaction=proposal))
    simulator.registries["FR"].settle()
    page = requests.get(simulator.url, timeout=20).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; type 3" in page
    assert "<script>" not in page


def test_each_registry_has_its_path(simulator: Simulator) -> None:
    assert requests.get(f"{simulator.url}/GB?wsdl", timeout=20).status_code == 200
    for code, found in (("GB", None), ("FR", (1005,))):
        reply = call(f"{simulator.url}/{code}", notification("GB", "GB1", 2))
        assert getattr(reply, "response_codes", ()) == found
    missing = requests.post(f"{simulator.url}/XX", b"", timeout=20)
    assert (missing.status_code, missing.text) == (404, "no registry at /XX; there are /GB /FR\n")


def test_who_looks_must_give_the_password_of_the_hub(hub: HttpLog, tmp_path: Path) -> None:
    wanted = plans.made(
        ["GB"],
        hub=hub.url,
        database=str(tmp_path / "gb.db"),
        user=None,
        password=None,
        hub_user="itl",
        hub_password="x",
    )
    with running(wanted) as found:
        assert found.addresses == {"GB": found.url}
        assert requests.get(found.url, timeout=20).status_code == 401
        assert requests.get(found.url, auth=("itl", "wrong"), timeout=20).status_code == 401
        assert requests.get(f"{found.url}/state.json", auth=("itl", "x"), timeout=20).status_code == 200


def test_a_running_registry_is_told_by_command_what_to_get_wrong(
    simulator: Simulator, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gb = simulator.registries["GB"]
    at = ("--code", "GB", "--database", str(file.parent / "data" / "gb.db"))
    for arguments, faults in ((("never-completes", "late"), ["never-completes", "late"]), ((), [])):
        heard = _when_changed(gb)
        assert main(["misbehave", *at, *arguments]) == 0
        assert heard(faults)
    capsys.readouterr()
    assert main(["misbehave", *at, "double-spends"]) == 0
    assert main(["retire", *at, "--unit-type", "AAU", "--quantity", "10", "--wait", "0"]) == 0
    capsys.readouterr()
    assert main(["state", *at, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["misbehaves"] == ["double-spends"]
    assert len(told["transactions"]) == 2, "a command commits it as well"
    assert main(["state", *at]) == 0
    shown = capsys.readouterr().out
    assert "misbehaves: double-spends" in shown
    assert re.search(r"^  121-1002: 50 BR lCER of period 2, 0 reserved$", shown, re.MULTILINE)


def _when_changed(registry: Registry) -> Any:
    def wait(faults: list[str]) -> bool:
        with registry._changed:
            return registry._changed.wait_for(lambda: list(map(str, registry.settings.misbehave)) == faults, DEADLINE)

    return wait


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("[[registry", "is no TOML"),
        ('hub = "x"', "has no [[registry]]"),
        ('[[registry]]\ncode = "GB"', "registry 1: no hub"),
        ('hub = "x"\n[[registry]]\ncode = "GB"\ncolour = "red"', "colour"),
        ('hub = "x"\n[[registry]]\ncode = "GB"\nmisbehave = ["lost"]', "'lost' is no fault"),
        ('hub = "x"\n[[registry]]\ncode = "GB"\naccounts = ["GB"]', "'GB' is no account number"),
        ('hub = "x"\n[[registry]]\ncode = "GB"\n[[registry]]\ncode = "GB"', "stands there twice"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "registries.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RegistryError, match=re.escape(said)) as raised:
        plans.read(file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--code", "GB"], "which registries, and which hub"),
        (["--hub", "http://hub"], "which registries, and which hub"),
        (["--code", "GB", "FR", "--hub", "http://hub", "--database", "one.db"], "a database each"),
        (["--registries", "a.toml", "--code", "GB"], "no --code"),
    ],
)
def test_what_to_serve_must_be_said(arguments: list[str], said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        plans_of(parser().parse_args(["serve", *arguments]))


def test_several_registries_differ_in_their_code(tmp_path: Path) -> None:
    line = ["serve", "--code", "GB", "FR", "--hub", "http://hub", "--user", "{code}", "--password", "p-{code}"]
    gb, fr = plans_of(parser().parse_args([*line, "--misbehave", "late"]))
    assert (gb.user, gb.password, gb.database) == ("gb", "p-gb", Path("gb.db"))
    assert (fr.user, fr.password, fr.database) == ("fr", "p-fr", Path("fr.db"))
    assert gb.misbehave == fr.misbehave == (Misbehaviour(Fault.LATE),)


def test_the_file_of_the_page_is_one() -> None:
    file = Path(__file__).parents[2] / "docs" / "examples" / "registries.toml"
    gb, fr = plans.read(file)
    assert (gb.user, gb.database, len(gb.units)) == ("gb", file.parent / "gb.db", 2)
    assert (fr.misbehave, fr.lateness.total_seconds()) == ((Misbehaviour(Fault.NOTIFIES_LATE),), 60)
