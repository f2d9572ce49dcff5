"""What the commands of the suite take. Light: every command of a registry reads it."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_hub_arguments(parser: argparse.ArgumentParser) -> None:
    """What `conformance hub` takes."""
    parser.add_argument("--url", help="address of the hub's service (default: of the profile, else a sandbox's)")
    parser.add_argument("--listen", metavar="HOST:PORT", help="where the hub calls back (default: 127.0.0.1:8090)")
    parser.add_argument(
        "--sandbox",
        metavar="DATABASE",
        help="the hub is a log of this project on this database: begin with its commands what a hub has to begin",
    )
    add_common_arguments(parser)


def add_registry_arguments(parser: argparse.ArgumentParser) -> None:
    """What `conformance registry` takes, beside where the log's enrolments are."""
    parser.add_argument("--code", required=True, help="the registry: ISO 3166 alpha-2, or CDM")
    parser.add_argument("--url", help="address of the registry's service (default: as enrolled, or of the profile)")
    parser.add_argument(
        "--listen", metavar="HOST:PORT", help="where the registry calls the played log (default: 127.0.0.1:8080)"
    )
    parser.add_argument(
        "--simulator",
        metavar="FILE",
        help="the registry is one of this project on this database: begin with its commands what it has to begin",
    )
    parser.add_argument(
        "--enquiry",
        type=float,
        metavar="SECONDS",
        help="after how long a silence the registry asks where its transaction stands (default: that is not tested)",
    )
    add_common_arguments(parser)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """What both directions take: which tests, how patient, who, and the reports."""
    parser.add_argument("--profile", type=Path, metavar="FILE", help="TOML file: what is to be known of the peer")
    parser.add_argument("--patience", type=float, metavar="SECONDS", help="how long a call of the peer is waited for")
    parser.add_argument(
        "--lead", type=float, metavar="SECONDS", help="how far ahead the snapshot of a reconciliation is set"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEST", help="only these tests, as 120 or '15*' (default: all)"
    )
    parser.add_argument("--list", action="store_true", help="show the tests, and carry none out")
    parser.add_argument("--ask", action="store_true", help="say what the peer's people have to do, and wait")
    parser.add_argument("--tester", metavar="NAME", help="who tests (default: the user of this machine)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else")
    parser.add_argument("--json-file", type=Path, metavar="FILE", help="write it to a file")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page that can be signed")
