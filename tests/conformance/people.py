"""The people of a hub under test, who begin what only they can: in this process."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from itl.cli.main import main
from registry_client.conformance.operators import Asked
from registry_client.conformance.profile import for_sandbox


def by_command(database: str) -> Asked:
    """The operator of a sandbox: the commands that the suite has for one, in this process."""
    commands = for_sandbox(database)

    def ask(action: str, values: Mapping[str, str]) -> None:
        words = [word.format(**values) for word in shlex.split(commands[action])]
        assert main(words[1:]) == 0

    return ask
