"""What the peer's people have to begin: by the tester's commands, and why not where it cannot be."""

from __future__ import annotations

import pytest

from registry_client.conformance.operators import Commands
from registry_client.conformance.suite import Skipped


def test_a_command_of_this_installation_is_found_wherever_it_was_started_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    Commands({"time": "itl time check --help"})("time", {"registry": "GB"})


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (None, "the peer has to begin it"),
        ("no-such-program {registry}", "could not be carried out"),
        ("itl time check {country}", "names 'country'"),
        ("itl no-such-command", "failed with 2"),
    ],
)
def test_what_cannot_be_carried_out_is_skipped_with_the_reason(command: str | None, why: str) -> None:
    with pytest.raises(Skipped, match=why):
        Commands({} if command is None else {"time": command})("time", {"registry": "GB"})
