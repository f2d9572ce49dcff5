"""What a proposal costs as the ledger grows: accepting, and judging and recording by the real worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count

from itl.bench import counts, databases, servers
from itl.bench.connection import Address, LoadError, now
from itl.bench.ledger import fill, serials, take
from itl.bench.load import load
from itl.bench.plan import Plan, processors
from itl.bench.proposals import REGISTRY, Dialect, transfer
from itl.bench.rows import Of, Part, Row, ratios, spread
from itl.codes import TransactionStatus
from itl.hub import Hub
from itl.settings import Settings

BLOCKS = (1, 10)
"""Unit blocks in a proposal."""

Times = Mapping[int, Sequence[float]]
"""Milliseconds of each round, by the blocks of the ledger."""


@dataclass(slots=True)
class _Ledger:
    """A log whose ledger has so many blocks: its door is a server of its own, its worker is in this process."""

    blocks: int
    url: str
    log: Address
    hub: Hub
    serials: Iterator[int]
    """Of blocks that no proposal has named yet."""
    numbers: Iterator[int]
    seconds_to_fill: float
    constrained: bool
    proposed: int = 0


def measure(server: str, plan: Plan, tell: Callable[[str], None]) -> Iterator[Row]:
    """A row for each size of the ledger and of the proposal, on the PostgreSQL at `server`.

    The ledgers are there side by side; each round measures one after the other. LoadError if a proposal was refused.
    """
    with ExitStack() as stack:
        ledgers = [_opened(stack, server, size, plan, tell) for size in sorted(plan.ledger)]
        for blocks in BLOCKS:
            accepting: dict[int, list[float]] = defaultdict(list)
            judging: dict[int, list[float]] = defaultdict(list)
            for number in range(plan.rounds + 1):
                tell(f"ledger: proposals of {blocks}, {f'round {number} of {plan.rounds}' if number else 'to warm up'}")
                for ledger in ledgers:
                    accept, judge = _round(ledger, blocks, plan.ledger_proposals)
                    if number:
                        accepting[ledger.blocks].append(1000 * accept)
                        judging[ledger.blocks].append(1000 * judge)
            for ledger in ledgers:
                yield _row(ledger, ledgers[0].blocks, blocks, accepting, judging)


def _opened(stack: ExitStack, server: str, size: int, plan: Plan, tell: Callable[[str], None]) -> _Ledger:
    tell(f"ledger: filling one with {size:,} blocks")
    url = stack.enter_context(databases.new_postgresql(server))
    begun = now()
    constrained = fill(url, size, constraint=plan.ledger_constraint)
    took = now() - begun
    log = stack.enter_context(servers.log(url, processors(), plan.threads))
    hub = stack.enter_context(closing(Hub(Settings(database=url, batch=plan.ledger_proposals))))
    caller = Address(log, REGISTRY.lower(), REGISTRY.lower())
    return _Ledger(size, url, caller, hub, serials(size), count(), took, constrained)


def _round(ledger: _Ledger, blocks: int, proposals: int) -> tuple[float, float]:
    """Seconds that a proposal takes: to be accepted, and to be judged and recorded."""
    units = [take(ledger.serials, blocks) for _ in range(proposals)]
    messages = (transfer(each, Dialect.INLINE).request(next(ledger.numbers)) for each in units)
    done = load(ledger.log, messages, clients=1, seconds=float("inf"), most=proposals).require_accepted()
    begun = now()
    judged = ledger.hub.worker.once()
    took = now() - begun
    ledger.proposed += proposals
    passed = counts.standing_at(ledger.url, TransactionStatus.CHECKED_NO_DISCREPANCY)
    if judged != proposals or passed != ledger.proposed:
        raise LoadError(f"of {ledger.proposed} proposals {passed} passed the checks; the last batch was of {judged}")
    return sum(done.latencies) / proposals, took / proposals


def _row(ledger: _Ledger, smallest: int, blocks: int, accepting: Times, judging: Times) -> Row:
    accept, judge = accepting[ledger.blocks], judging[ledger.blocks]
    both = [a + b for a, b in zip(accept, judge, strict=True)]
    least = [a + b for a, b in zip(accepting[smallest], judging[smallest], strict=True)]
    of: Of = {
        "in the ledger": ledger.blocks,
        "beside": smallest,
        "blocks": blocks,
        "exclusion constraint": "yes" if ledger.constrained else "no",
    }
    figures = {
        "accept ms": spread(accept),
        "judge ms": spread(judge),
        "both ms": spread(both),
        "beside smallest": ratios(both, least),
        "judge beside smallest": ratios(judge, judging[smallest]),
        "filled s": spread([ledger.seconds_to_fill]),
    }
    return Row(Part.LEDGER, of, figures, len(both))
