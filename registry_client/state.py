"""The state of a registry at a glance: as a value, as JSON, and as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from itl.codes import SYMBOLS
from registry_client.delivery import describe
from registry_client.holdings import Holding, OpenedAccount
from registry_client.queues import Delivery
from registry_client.registry import Registry

LATEST = 20
"""How much of what grows is shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, in words."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What there is in a registry at `at`; lists of what grows have the latest, the newest first."""

    code: str
    at: datetime
    misbehaves: tuple[str, ...]
    waiting_calls: int
    """Calls to the hub that wait to be delivered."""
    accounts: tuple[OpenedAccount, ...]
    holdings: tuple[Holding, ...]
    transactions: tuple[Line, ...]
    calls: tuple[Line, ...]
    without_effect: tuple[Line, ...]
    reconciliations: tuple[Line, ...]
    notices: tuple[Line, ...]


def state_of(registry: Registry) -> State:
    """The state of a registry."""
    calls = registry.deliveries(limit=LATEST)
    return State(
        code=registry.code,
        at=registry.now(),
        misbehaves=tuple(map(str, registry.settings.misbehave)),
        waiting_calls=registry.waiting_calls(),
        accounts=tuple(registry.accounts()),
        holdings=tuple(registry.holdings()),
        transactions=tuple(
            Line(
                each.changed_at,
                f"{each.identifier} type {each.transaction_type}, {each.quantity} units: {each.state} "
                + " ".join(map(str, each.codes)),
            )
            for each in registry.transactions(limit=LATEST)
        ),
        calls=tuple(Line(each.done_at or each.queued_at, f"{describe(each.message)}: {_end(each)}") for each in calls),
        without_effect=tuple(Line(each.received_at, each.note or "") for each in registry.without_effect(LATEST)),
        reconciliations=tuple(
            Line(each.opened_at, f"{each.identifier}: status {each.status}")
            for each in registry.reconciliations(LATEST)
        ),
        notices=tuple(
            Line(each.entries[-1][0], f"{each.identifier} type {each.notice_type}: status {each.status}")
            for each in registry.notices(LATEST)
        ),
    )


def page(states: Sequence[State]) -> str:
    """The states as one HTML page, which looks again every five seconds."""
    title = "Registry " + ", ".join(state.code for state in states)
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            *(line for state in states for line in _section(state)),
            "</body></html>",
        )
    )


_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#222}table{border-collapse:collapse;margin:.3em 0 1em}"
    "td,th{padding:.15em .8em .15em 0;text-align:left;border-bottom:1px solid #ddd}.n{text-align:right}"
    "h1{font-size:1.4em}h2{font-size:1em;margin:.8em 0 0}.bad{color:#a00}"
)


def _section(state: State) -> Iterator[str]:
    yield f"<h1>{escape(state.code)}</h1><p>{state.at:%Y-%m-%d %H:%M:%S} UTC, {state.waiting_calls} calls wait</p>"
    if state.misbehaves:
        yield f'<p class="bad">misbehaves: {escape(", ".join(state.misbehaves))}</p>'
    yield from _table(
        "Holdings",
        ("account", "unit", "period", "origin", "quantity", "reserved"),
        map(_holding, state.holdings),
    )
    yield from _table(
        "Accounts",
        ("account", "period", "open"),
        ((str(each.account), each.period, "yes" if each.is_open else "closed") for each in state.accounts),
    )
    for name, lines in (
        ("Transactions", state.transactions),
        ("Calls to the hub", state.calls),
        ("Messages without effect", state.without_effect),
        ("Reconciliations", state.reconciliations),
        ("Notices", state.notices),
    ):
        yield from _table(name, ("at", ""), ((f"{line.at:%m-%d %H:%M:%S}", line.what) for line in lines))


def _holding(held: Holding) -> tuple[object, ...]:
    return (
        held.account,
        SYMBOLS[held.unit_type],
        held.applicable_period,
        held.originating_registry,
        f"{held.quantity:,}",
        f"{held.reserved:,}",
    )


def _table(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    cells = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    if cells:
        head = "".join(f"<th>{column}</th>" for column in columns)
        yield f"<h2>{name}</h2><table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _end(of: Delivery) -> str:
    if of.done_at is None:
        return f"waits, {of.attempts} attempts {of.note or ''}".rstrip()
    if of.result is None:
        return of.note or "no answer"
    return "accepted" if of.result == 1 else "refused " + " ".join(map(str, of.codes))
