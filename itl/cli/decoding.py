"""`itl decode`: what a message says, whatever dialect it is written in."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from itl.cli.command import Subparsers, add, complain, say
from itl.errors import UsageError
from itl.wire.canonical import to_canonical
from itl.wire.decode import decode_any
from itl.wire.faults import WireFault
from itl.wire.raw import read_http_or_envelope


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "decode",
        run,
        'Show a message as canonical JSON: {"operation": ..., "request": {...}}. The file holds a raw HTTP request or '
        "an envelope; - reads standard input.",
    )
    parser.add_argument("file", help="file, or - for standard input")
    parser.add_argument("--indent", type=int, help="spaces to indent by (default: one line)")


def run(arguments: Namespace) -> int:
    try:
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {arguments.file}: {error.strerror}") from error
    try:
        decoded = decode_any(read_http_or_envelope(data))
    except WireFault as fault:
        complain(f"{arguments.file}: {fault.reason}")
        for entry in fault.entries:
            complain(f"  {entry.code or '-'} {entry.path}: {entry.reason}")
        return 1
    canonical = to_canonical(decoded.operation, decoded.message)
    say(json.dumps(canonical, ensure_ascii=False, indent=arguments.indent))
    return 0
