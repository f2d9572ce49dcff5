"""What only the peer's people can begin: asked of them by commands of the profile, or said to who runs the tests."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from registry_client.conformance.suite import Skipped

Asked = Callable[[str, Mapping[str, str]], None]
"""What carries an action out: its name, and the values that it is about. Raises Skipped where it cannot."""

COMMAND_SECONDS = 60.0


class Declined(Skipped):
    """The action was tried, and the peer or its command refused it."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Actions as commands, `{name}` standing for values; `say` tells a person what to do where there is no command.

    Without a command, and without anybody to tell, a test that needs the action is skipped.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] | None = None

    def __call__(self, action: str, values: Mapping[str, str]) -> None:
        command = self.commands.get(action)
        shown = ", ".join(f"{name} {value}" for name, value in values.items() if value)
        if command is None:
            if self.say is None:
                raise Skipped(
                    f"the peer has to begin it ({action}: {shown}): give a command for {action!r} in the table "
                    "[operator] of the profile, or --ask to be told what to do"
                )
            self.say(f"{action}: {shown}")
            return
        try:
            words = [word.format(**values) for word in shlex.split(command)]
        except (KeyError, IndexError, ValueError) as error:
            raise Skipped(f"the command for {action!r} names {error}; there are {', '.join(values)}") from error
        # commands of this installation are found first, wherever it was started from
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        try:
            # the command is the tester's own, and no shell reads it
            done = subprocess.run(  # noqa: S603
                words,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
                env={**os.environ, "PATH": path},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Skipped(f"the command for {action!r} could not be carried out: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-500:]
            raise Declined(f"the command for {action!r} failed with {done.returncode}: {said}")
