"""The entry point of `itl`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from itl import __version__
from itl.cli import (
    actions,
    audit,
    bench,
    check,
    conformance,
    decoding,
    enrol,
    figures,
    handover,
    load,
    logs,
    looking,
    message,
    notice,
    reconcile,
    reference,
    registry,
    rehearse,
    replay,
    sandbox,
    scheme,
    serving,
    standard,
    story,
    time_comparison,
)
from itl.cli.command import complain
from itl.errors import LogError
from itl.roles import roles

COMMANDS = (
    serving,
    sandbox,
    story,
    enrol,
    reference,
    decoding,
    figures,
    audit,
    looking,
    registry,
    scheme,
    standard,
    handover,
    message,
    notice,
    time_comparison,
    reconcile,
    actions,
    check,
    replay,
    conformance,
    rehearse,
    bench,
    load,
)


def parser() -> ArgumentParser:
    top = ArgumentParser(prog="itl", description="The open International Transaction Log.")
    top.add_argument("--version", action="version", version=__version__)
    top.add_argument("--settings", type=Path, metavar="FILE", help="TOML file with settings")
    top.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.register(commands)
    for role in roles().values():
        role.register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 not, 2 not understood."""
    arguments = parser().parse_args(argv)
    logs.configure(arguments.log_level)
    try:
        code: int = arguments.run(arguments)
    except LogError as error:
        complain(f"itl: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
