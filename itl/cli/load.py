"""`itl load`: traffic for a log, as much as it bears or so much a second."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import closing
from typing import Any

from itl.bench.complete import NEEDED, Play, Player
from itl.bench.connection import Address
from itl.bench.load import Load, load
from itl.bench.proposals import Dialect, numbers_by_time, prepare
from itl.cli.command import Subparsers, add, complain, end_on_signals, say
from itl.cli.figures import table
from itl.errors import UsageError

PERCENTILES = (50, 95, 99, 100)


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "load",
        run,
        "Send traffic to a log and show how much of it comes through. accept only proposes: transfers of units that "
        "the log does not know, so its worker refuses them and keeps no units reserved for them. complete plays a "
        "registry's whole part: it issues some units, then moves them back and forth between two of its accounts, from "
        f"the proposal to the completion. For that {NEEDED}. Not for a log in use: what is sent stays there. "
        "Identifiers and serials come from the time, so that a second load repeats nothing. Exit code 1 if anything "
        "was refused.",
    )
    parser.add_argument("kind", choices=("accept", "complete"), help="proposals alone, or whole transactions")
    parser.add_argument(
        "--url", required=True, help="the log's endpoint, e.g. http://127.0.0.1:8080/TransactionLogService"
    )
    parser.add_argument("--registry", default="GB", metavar="CODE", help="the registry that sends (default GB)")
    parser.add_argument("--user", help="its Basic user (default: its code in lower case, as in the sandbox)")
    parser.add_argument("--password", help="its password (default: as the user)")
    parser.add_argument("--certificate", metavar="FILE", help="PEM client certificate to call with, instead of a user")
    parser.add_argument("--key", metavar="FILE", help="its key, where that is another file")
    parser.add_argument("--authority", metavar="FILE", help="PEM authorities of the log's own certificate")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="connections to the log (default 8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="length of the load (default 10)")
    parser.add_argument(
        "--rate",
        type=float,
        metavar="N",
        help="begin so many a second, each counted from the time at which it was due (default: all that come through)",
    )
    parser.add_argument("--blocks", type=int, default=1, metavar="N", help="unit blocks in a proposal (default 1)")
    parser.add_argument(
        "--multiref", action="store_true", help="write values by reference as Apache Axis does, not in their place"
    )
    parser.add_argument("--json", action="store_true", help="give an object instead of a table")
    whole = parser.add_argument_group("of complete")
    whole.add_argument(
        "--listen",
        default="127.0.0.1:8081",
        metavar="HOST:PORT",
        help="where the log calls the registry back, by plain HTTP (default 127.0.0.1:8081)",
    )
    whole.add_argument("--open", type=int, default=64, metavar="N", help="transactions open at one time (default 64)")
    whole.add_argument("--period", type=int, default=2, metavar="N", help="commitment period of the units (default 2)")


def run(arguments: Namespace) -> int:
    _require_sensible(arguments)
    end_on_signals()
    done = _complete(arguments) if arguments.kind == "complete" else _accept(arguments)
    if arguments.json:
        say(json.dumps(as_json(done), indent=2))
    else:
        _show(done)
    return 1 if done.refusals else 0


def as_json(done: Load) -> dict[str, Any]:
    """What came of a load: seconds, counts, messages per second, latencies in ms, refusals by code."""
    latencies = {f"p{percent}": done.percentile(percent) for percent in PERCENTILES}
    return {
        "seconds": round(done.seconds, 3),
        "done": done.accepted,
        "per_second": round(done.per_second, 1),
        "latency_ms": {name: None if each is None else round(1000 * each, 2) for name, each in latencies.items()},
        "refusals": dict(done.refusals),
        "unsent": done.unsent,
    }


def _accept(arguments: Namespace) -> Load:
    message = prepare(arguments.blocks, _dialect(arguments), arguments.registry)
    return load(
        _address(arguments),
        message.requests(numbers_by_time()),
        clients=arguments.clients,
        seconds=arguments.seconds,
        rate=arguments.rate,
    )


def _complete(arguments: Namespace) -> Load:
    play = Play(
        registry=arguments.registry,
        blocks=arguments.blocks,
        dialect=_dialect(arguments),
        period=arguments.period,
        open=arguments.open,
    )
    player = Player(
        _address(arguments), play, numbers_by_time(), clients=arguments.clients, listen=_listen(arguments.listen)
    )
    with closing(player):
        complain(f"the log is to call {player.url}, e.g. after itl enrol {play.registry} --url {player.url}")
        player.issue()
        complain(f"{play.open} times {play.blocks} units are issued and go back and forth now")
        return player.run(arguments.seconds, rate=arguments.rate)


def _address(arguments: Namespace) -> Address:
    user = arguments.user
    if user is None and arguments.certificate is None:
        user = arguments.registry.lower()
    return Address(
        arguments.url,
        user,
        arguments.password if arguments.password is not None else user,
        arguments.certificate,
        arguments.key,
        arguments.authority,
    )


def _dialect(arguments: Namespace) -> Dialect:
    return Dialect.MULTIREF if arguments.multiref else Dialect.INLINE


def _listen(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {given}: give host and port, e.g. 127.0.0.1:8081")
    return host.strip("[]"), int(port)


def _require_sensible(arguments: Namespace) -> None:
    numbers = ("clients", "seconds", "rate", "blocks", "open", "period")
    for name in numbers:
        given = getattr(arguments, name)
        if given is not None and not 0 < given < float("inf"):
            raise UsageError(f"--{name} {given}: give a number above 0")


def _show(done: Load) -> None:
    figures: list[tuple[object, ...]] = [
        ("seconds", f"{done.seconds:.1f}"),
        ("done", f"{done.accepted:,}"),
        ("a second", f"{done.per_second:,.1f}"),
    ]
    for percent in PERCENTILES:
        latency = done.percentile(percent)
        name = "longest" if percent == 100 else f"p{percent}"
        figures.append((f"{name}, ms", "-" if latency is None else f"{1000 * latency:.1f}"))
    if done.unsent:
        figures.append(("due, but not sent", f"{done.unsent:,}"))
    for code, times in sorted(done.refusals.items()):
        figures.append((f"refused: {code}", f"{times:,}"))
    for line in table([("load", ""), *figures]):
        say(line)
    if done.refusals:
        complain(f"the first refusal: {done.example}")
