"""Whole transactions per second, in paired rounds with pgbench on the same server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from itl.bench import counts, databases, pgbench, servers
from itl.bench.complete import Play, Player
from itl.bench.connection import Address, LoadError
from itl.bench.load import Load
from itl.bench.plan import Plan, processors
from itl.bench.proposals import REGISTRY, numbers_by_time
from itl.bench.rows import POSTGRESQL, Of, Part, Row, ratios, spread
from itl.clock import system_clock

LOCAL = ("127.0.0.1", 0)
STL = "CITL"
WARM_UP = 2
"""Transactions of each that may be open, before anything is measured."""


@contextmanager
def playing(database: str, plan: Plan, *, supplementary: bool = False) -> Iterator[Player]:
    """A registry whose units are issued, and a log on `database` that works for it, both warm.

    The log is run as in production: a process that answers for each processor, and a worker beside them. With
    `supplementary` a supplementary log is asked about every transaction, and agrees.
    """
    with servers.log(database, processors(), plan.threads) as log, servers.workers(database, 1):
        play = Play(open=plan.open)
        caller = Address(log, REGISTRY.lower(), REGISTRY.lower())
        player = Player(caller, play, numbers_by_time(), clients=plan.clients, listen=LOCAL)
        with closing(player):
            databases.let_call(database, REGISTRY, player.url)
            if supplementary:
                beside = player.supplementary_log(Address(log, STL.lower(), STL.lower()), STL)
                databases.let_ask(database, REGISTRY, STL, beside.url)
            player.issue()
            player.run(plan.complete_seconds, most=min(plan.most, WARM_UP * plan.open)).require_accepted()
            counts.wait_until_settled(database)
            yield player


def measure(server: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row on a new database of the PostgreSQL at `server`; without pgbench it has no ratio, which is told.

    What counts is what the ledger has carried out (`settled_at`) while the load lasted. LoadError if anything was
    refused, or was not carried out in the end.
    """
    program = pgbench.find()
    if program is None:
        tell(f"complete: no pgbench on the path or in {pgbench.INSTALLED}, so there is nothing to set it beside")
    rates: list[float] = []
    theirs: list[float] = []
    loads: list[Load] = []
    with ExitStack() as stack:
        asking = _Asking(stack, server, plan) if plan.supplementary_log else None
        url = stack.enter_context(databases.new_postgresql(server))
        player = stack.enter_context(playing(url, plan))
        beside = None
        if program is not None:
            beside = stack.enter_context(pgbench.running(program, server, plan.pgbench_scale, plan.clients))
        before = counts.settled(url)
        for number in range(1, plan.rounds + 1):
            tell(f"complete: {POSTGRESQL}, round {number} of {plan.rounds}")
            if beside is not None:
                theirs.append(beside(plan.complete_seconds))
            since = system_clock()
            loads.append(player.run(plan.complete_seconds, most=plan.most).require_accepted())
            until = system_clock()
            rates.append(counts.settled(url, since, until) / (until - since).total_seconds())
            counts.wait_until_settled(url)
            if asking is not None:
                asking.play()
        completed = sum(each.accepted for each in loads)
        if (found := counts.settled(url) - before) != completed:
            raise LoadError(f"{completed} transactions were completed, the ledger has carried out {found}")
    figures = {"log /s": spread(rates)}
    if theirs:
        figures |= {"pgbench /s": spread(theirs), "beside pgbench": ratios(rates, theirs)}
    if asking is not None:
        figures |= {"with an STL /s": spread(asking.rates), "beside none": ratios(asking.rates, rates)}
    for percent in (50, 99):
        figures[f"p{percent} ms"] = spread(1000 * (each.percentile(percent) or 0.0) for each in loads)
    figures["carried out"] = spread([float(completed)])
    of: Of = {"database": POSTGRESQL, "blocks": 1, "clients": plan.clients, "open": plan.open}
    yield Row(Part.COMPLETE, of, figures, plan.rounds)


class _Asking:
    """The same on a database of its own, where a supplementary log is asked about every transaction."""

    def __init__(self, stack: ExitStack, server: str, plan: Plan) -> None:
        self._plan, self.rates = plan, list[float]()
        self._url = stack.enter_context(databases.new_postgresql(server))
        self._player = stack.enter_context(playing(self._url, plan, supplementary=True))

    def play(self) -> None:
        """One load, as those beside it."""
        since = system_clock()
        self._player.run(self._plan.complete_seconds, most=self._plan.most).require_accepted()
        until = system_clock()
        self.rates.append(counts.settled(self._url, since, until) / (until - since).total_seconds())
        counts.wait_until_settled(self._url)
