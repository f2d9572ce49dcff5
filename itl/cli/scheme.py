"""`itl scheme`: regional schemes, about whose transactions the log asks a supplementary log (STL)."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from itl.cli.command import (
    Subparsers,
    actor_arguments,
    actor_of,
    add,
    database_argument,
    instant_of,
    json_argument,
    opened,
    reason_of,
    say,
    shown_time,
)
from itl.clock import system_clock
from itl.errors import UsageError
from itl.reference import Route, Scheme
from itl.store import inconsistencies
from itl.store.actions import record_action
from itl.store.enrol_scheme import put_scheme, retire_scheme, scheme_of
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source
from itl.store.inconsistencies import Closing
from itl.store.reference_data import put_facts
from itl.store.schemes import load_schemes
from itl.store.supplementary_reconciliations import results_are_told

ANY = "*"
_TYPE = re.compile(r"(\d+)-(\d+)")
_ROUTE = re.compile(r"(\d+|\*)-(\d+|\*)(?:/(\d+|\*)-(\d+|\*))?")


def register(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "scheme",
        help="Enrol regional schemes, show and retire them.",
        description="The log asks a scheme's supplementary log (STL) about transactions of the scheme's members, after "
        "its own checks. A running log takes changes up at once.",
    )
    ways = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    enrolling = add(
        ways,
        "enrol",
        run_enrol,
        "Enrol a scheme, or change it. Its STL must be enrolled before (`itl enrol CODE --kind stl`). A list that is "
        "given takes the place of what was there; what is not given stays as it is.",
    )
    enrolling.add_argument("stl", metavar="STL", help="code of its supplementary log, such as CITL")
    enrolling.add_argument("--members", nargs="+", metavar="CODE", help="its member registries")
    enrolling.add_argument(
        "--types",
        nargs="*",
        metavar="TYPE-SUPP",
        help="what it defines: transaction type and supplementary type, 10-53",
    )
    enrolling.add_argument(
        "--routes",
        nargs="*",
        metavar="ROUTE",
        help="what else its STL is asked about: TYPE-SUPP or TYPE-SUPP/UNIT-SUPP, * for any, supplementary 0 for "
        "plain, such as 3-*/1-1; none: all transactions of members",
    )
    enrolling.add_argument(
        "--answer-within",
        metavar="SECONDS",
        help="cancel a transaction that its STL has not answered by then; 'none': only the clean-up does",
    )
    retiring = add(
        ways,
        "retire",
        run_retire,
        "Ask the STL of a scheme about nothing more. Units that it named in reconciliations are free.",
    )
    retiring.add_argument("stl", metavar="STL", help="code of its supplementary log")
    telling = add(
        ways,
        "results",
        run_results,
        "Say whether registries are told what the STL finds in reconciliations (statuses 8 to 11). They are not unless "
        "this says so: of the registries that are known none has these statuses in its list.",
    )
    telling.add_argument("stl", metavar="STL", help="code of its supplementary log")
    telling.add_argument("--told", choices=("yes", "no"), required=True, help="whether registries are told")
    telling.add_argument("--from", dest="start", metavar="INSTANT", help="from when on (default: from now)")
    listing = add(ways, "list", run_list, "Show the schemes in force.")
    json_argument(listing)
    for each in (enrolling, retiring, telling):
        actor_arguments(each)
    for each in (enrolling, retiring, telling, listing):
        database_argument(each)


def run_enrol(arguments: Namespace) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    with opened(arguments).write() as connection:
        known = scheme_of(connection, arguments.stl)
        scheme = _changed(known or Scheme(arguments.stl, frozenset(), frozenset()), arguments)
        put_scheme(connection, scheme)
        detail = {"is": _shown(scheme)} | ({} if known is None else {"was": _shown(known)})
        record_action(connection, actor, reason, "scheme enrol", arguments.stl, detail, now)
    say(f"{'enrolled' if known is None else 'changed'}: {_line(scheme)}")
    return 0


def run_retire(arguments: Namespace) -> int:
    reason, actor, now = reason_of(arguments), actor_of(arguments), system_clock()
    with opened(arguments).write() as connection:
        known = scheme_of(connection, arguments.stl)
        retire_scheme(connection, arguments.stl, now)
        freed = inconsistencies.close_all_of(connection, arguments.stl, Closing(now, actor, f"retired: {reason}"))
        detail = {} if known is None else {"was": _shown(known), "inconsistencies closed": freed}
        record_action(connection, actor, reason, "scheme retire", arguments.stl, detail, now)
    say(f"{arguments.stl} is asked no more; what it was asked about already still waits for its answer")
    return 0


def run_results(arguments: Namespace) -> int:
    source = Source(actor_of(arguments), reason_of(arguments), system_clock())
    start = instant_of(arguments.start, "--from") or source.at
    told = arguments.told == "yes"
    with opened(arguments).write() as connection:
        if scheme_of(connection, arguments.stl) is None:
            raise UsageError(f"no scheme of {arguments.stl} is in force; `itl scheme list` shows those that are")
        put_facts(connection, [Fact(FactKey(FactName.RESULTS_TOLD, arguments.stl), told, start)], source)
        detail = {"told": told, "from": start.isoformat()}
        record_action(connection, source.by, source.reason, "scheme results", arguments.stl, detail, source.at)
    say(f"registries are {'told' if told else 'not told'} the results of {arguments.stl} from {shown_time(start)}")
    return 0


def run_list(arguments: Namespace) -> int:
    now = system_clock()
    with opened(arguments).read() as connection:
        schemes = load_schemes(connection)
        told = {each.stl: results_are_told(connection, each.stl, now) for each in schemes}
    if arguments.json:
        say(json.dumps([_shown(each) | {"results_told": told[each.stl]} for each in schemes], indent=2))
        return 0
    for scheme in schemes:
        say(_line(scheme) + ("; registries are told its results" if told[scheme.stl] else ""))
    if not schemes:
        say("no scheme is enrolled; the log asks nobody")
    return 0


def _changed(scheme: Scheme, arguments: Namespace) -> Scheme:
    given: dict[str, Any] = {}
    if arguments.members is not None:
        given["members"] = frozenset(arguments.members)
    if arguments.types is not None:
        given["types"] = frozenset(map(_type, arguments.types))
    if arguments.routes is not None:
        given["routes"] = frozenset(map(route_of, arguments.routes))
    if arguments.answer_within is not None:
        given["answer_within"] = _within(arguments.answer_within)
    return replace(scheme, **given)


def _type(written: str) -> tuple[int, int]:
    found = _TYPE.fullmatch(written)
    if found is None:
        raise UsageError(f"--types {written}: give transaction type and supplementary type, such as 10-53")
    return int(found[1]), int(found[2])


def route_of(written: str) -> Route:
    """The route that `3-*/1-1` means; UsageError where it means none."""
    found = _ROUTE.fullmatch(written)
    if found is None:
        raise UsageError(f"--routes {written}: give TYPE-SUPP or TYPE-SUPP/UNIT-SUPP, such as 10-* or 3-0/1-1")
    return Route(*(None if part in (None, ANY) else int(part) for part in found.groups()))


def written_route(route: Route) -> str:
    """`3-*/1-1`: what `route_of` reads."""
    parts = (route.transaction_type, route.supp_transaction_type, route.unit_type, route.supp_unit_type)
    kind, supplementary, unit, of_unit = (ANY if part is None else str(part) for part in parts)
    plain = f"{kind}-{supplementary}"
    return plain if (unit, of_unit) == (ANY, ANY) else f"{plain}/{unit}-{of_unit}"


def _within(written: str) -> timedelta | None:
    if written == "none":
        return None
    if not written.isdecimal():
        raise UsageError(f"--answer-within {written}: give whole seconds, or none")
    return timedelta(seconds=int(written))


def _shown(scheme: Scheme) -> dict[str, Any]:
    return {
        "stl": scheme.stl,
        "members": sorted(scheme.members),
        "types": [f"{main}-{supplementary:02}" for main, supplementary in sorted(scheme.types)],
        "routes": sorted(map(written_route, scheme.routes)),
        "answer_within": None if scheme.answer_within is None else int(scheme.answer_within.total_seconds()),
    }


def _line(scheme: Scheme) -> str:
    shown = _shown(scheme)

    def several(name: str, otherwise: str) -> str:
        found: Iterable[str] = shown[name]
        return " ".join(found) or otherwise

    within = "until the clean-up" if scheme.answer_within is None else f"for {shown['answer_within']} s"
    return (
        f"{scheme.stl}: members {several('members', 'none')}; types {several('types', 'none')}; "
        f"routes {several('routes', 'all of members')}; its answer is waited for {within}"
    )
