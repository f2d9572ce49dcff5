"""The same steps from the command line, with the operators' words and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from itl.cli.main import main
from tests.databases import FreshDatabase
from tests.supplement.moving import TEMPLATES, Moving
from tests.supplement.network import Network

WHY = ("--by", "anna", "--reason", "the log is there")


def test_the_way_there_on_the_command_line(
    fresh_database: FreshDatabase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {code: fresh_database("sqlite", template) for code, template in TEMPLATES.items()}
    file, key = tmp_path / "GB.jsonl", tmp_path / "key"
    key.write_text("secret\n")

    def run(log: str, *words: str, code: int = 0) -> str:
        monkeypatch.setenv("ITL_ROLE", "stl" if log == "CITL" else "itl")
        steps = ("supplement", "cutover") if log == "CITL" else ("handover",)
        found = main([*steps, *words, "--database", urls[log]])
        said = capsys.readouterr()
        assert found == code, said
        return said.out + said.err

    with Network.on(urls) as network:
        moving = Moving(network, tmp_path)
        moving.issue("GB", "GB1", 1, 100)
        for module in ("itl.cli.handover", "itl.cli.command"):
            monkeypatch.setattr(f"{module}.system_clock", network.clock, raising=False)

        assert "GB is frozen; nothing of it is open" in run("CITL", "begin", "GB", *WHY)
        shown = run("CITL", "show", "GB")
        assert "GB to another log: begun" in shown
        assert "not reconciled yet" in shown
        assert "no reconciliation since" in run("CITL", "export", "GB", "--to", str(file), *WHY, code=2)
        moving.reconcile("GB", "CITL")
        said = run("CITL", "export", "GB", "--to", str(file), "--key-file", str(key), *WHY)
        assert "100 units of GB" in said
        rehearsed = run("ITL", "rehearse", str(file), "--key-file", str(key))
        assert "transactions 1 new and 0 known, units 100 new" in rehearsed
        assert "a rehearsal: nothing was taken in" in rehearsed
        key.write_text("another")
        assert "not written with the key" in run("ITL", "import", str(file), "--key-file", str(key), *WHY, code=2)
        [receipt] = re.findall("receipt ([0-9a-f]{16})", run("ITL", "import", str(file), *WHY))
        assert "is no receipt" in run("CITL", "go", "GB", "--receipt", receipt[::-1], *WHY, code=2)
        assert "the other log's" in run("CITL", "go", "GB", "--receipt", receipt, *WHY)
        network["GB"].log = "ITL"
        assert receipt in run("ITL", "show")
        moving.reconcile("GB", "ITL")
        assert "proposes and acquires here" in run("ITL", "open", "GB", *WHY)
        shown = run("ITL", "show", "GB")
        assert "GB from CITL: opened" in shown
        assert "import by anna: the log is there" in shown
        assert moving.wrong() == []
        monkeypatch.setenv("ITL_ROLE", "stl")
        assert main(["handover", "show", "--database", urls["CITL"]]) == 2
        assert "use its own commands" in capsys.readouterr().err


def test_a_way_back_and_a_deadline_that_is_past(
    fresh_database: FreshDatabase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {code: fresh_database("sqlite", template) for code, template in TEMPLATES.items()}
    with Network.on(urls) as network:
        moving = Moving(network, tmp_path)
        moving.issue("GB", "GB1", 1, 100)
        monkeypatch.setattr("itl.cli.handover.system_clock", network.clock)
        cutover = ["supplement", "cutover"]
        at = ["--database", urls["CITL"]]
        late = (network.clock() - network.clock().resolution).isoformat()
        assert main([*cutover, "begin", "GB", "--deadline", late, *WHY, *at]) == 2
        assert main([*cutover, "begin", "GB", "--deadline", "2014-06-01T14:00:00Z", *WHY, *at]) == 0
        assert main(["supplement", "member", "GB", "--link", "through", *WHY, *at]) == 2
        assert "is being handed over already" in capsys.readouterr().err
        assert main([*cutover, "show", *at]) == 0
        assert "to be done by 2014-06-01 14:00:00Z\n" in capsys.readouterr().out
        moving.reconcile("GB", "CITL")
        file = moving.file("GB", "CITL")
        moving.export("GB")
        network.clock.set(network.clock().replace(hour=15))
        assert main([*cutover, "show", *at]) == 0
        assert "WHICH IS PAST: go on, or lift the freeze" in capsys.readouterr().out
        assert main(["handover", "withdraw", str(file), *WHY, "--database", urls["ITL"]]) == 0
        [receipt] = re.findall("receipt ([0-9a-f]{16})", capsys.readouterr().out)
        assert main([*cutover, "lift", "GB", "--receipt", receipt, *WHY, *at]) == 0
        assert moving.in_force("GB") == ["CITL"]
