"""Samples of the scheme's rules: for each code `samples/CODE.toml` shows when it passes and when it fails.

As those of the log's checks (`itl.checks.sample`): a `proposal` with its `blocks`, and what else the situation wants.
Here that are `held` (units and the place, such as `GB 120 1201`), `members`, `accounts`, `figures`, `plan`,
`allocations`, `agreements` and `windows`, each beside or in place of what the world below has.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from itl.checks.sample import Answer, Sample, range_of, read
from itl.checks.situation import Table, message_of, now_of, serials
from itl.errors import ReferenceDataError
from itl.ledger.block import Attributes, HeldBlock, Place
from itl.ledger.snapshot import Snapshot
from itl.messages import ProposalRequest
from itl.supplement.rules import judge
from itl.supplement.scheme import (
    Figure,
    FigureKey,
    FigureKind,
    Figures,
    Holder,
    Member,
    Plan,
    SchemeAccount,
    SchemeView,
    SurrenderWindow,
)

MEMBERS = {code: Member(code) for code in ("GB", "FR")}
ACCOUNTS = {
    each.key: each
    for each in (
        SchemeAccount("GB", 100, 1001, Holder.PARTY),
        SchemeAccount("GB", 100, 2001, Holder.PARTY),
        SchemeAccount("GB", 120, 1201, Holder.OPERATOR, installation=7),
        SchemeAccount("GB", 120, 1202, Holder.OPERATOR, installation=8, blocked=True),
        SchemeAccount("GB", 120, 1203, Holder.OPERATOR, installation=9, closed=True),
        SchemeAccount("GB", 121, 1301, Holder.PERSON),
        SchemeAccount("FR", 100, 2001, Holder.PARTY),
        SchemeAccount("FR", 120, 2201, Holder.OPERATOR, installation=7),
    )
}
WINDOW = SurrenderWindow(2, datetime(2014, 1, 1, tzinfo=UTC), datetime(2021, 5, 1, tzinfo=UTC), 2013, 2020)


class RuleSample(Sample):
    """One situation, and what a rule of the scheme answers to it."""

    __slots__ = ()

    def judged(self) -> Answer:
        """What the rule answers, asked of this situation alone."""
        message = message_of(self.situation)
        if not isinstance(message, ProposalRequest):
            raise ReferenceDataError(f"sample of {self.code}, {self.title!r}: a rule judges proposals only")
        result = judge.one(self.code, message, view_of(self.situation))
        return result.outcome, tuple(map(range_of, result.blocks))


def samples(code: int) -> tuple[RuleSample, ...]:
    """The samples of the rule `code` in the order of its file; none where it has no file."""
    return read(code, __package__, RuleSample)


def view_of(situation: Table) -> SchemeView:
    """What the scheme knows in a situation."""
    members = dict(MEMBERS)
    for each in situation.get("members", ()):
        members[each["code"]] = Member(**each)
    accounts = dict(ACCOUNTS)
    for each in situation.get("accounts", ()):
        known = accounts[each["registry"], each["account_type"], each["identifier"]]
        accounts[known.key] = replace(known, **each)
    return SchemeView(
        now=now_of(situation),
        members=members,
        accounts=accounts,
        units=Snapshot(map(_held, situation.get("held", ({"units": "GB 1-1000"},))), ()),
        figures=Figures(dict(map(_figure, situation.get("figures", ())))),
        plan=Plan(
            {(each["registry"], each["period"]): each["quantity"] for each in situation.get("plan", ())},
            {
                (each["registry"], each["installation"], each["year"]): each["quantity"]
                for each in situation.get("allocations", ())
            },
        ),
        agreements=frozenset(situation.get("agreements", ())),
        windows={} if situation.get("no_windows") else {WINDOW.period: WINDOW},
    )


def _held(table: Table) -> HeldBlock:
    registry, account_type, *identifier = table.get("place", "GB 100 1001").split()
    plain: dict[str, Any] = {"unit_type": 1, "original_commit_period": 2, "applicable_commit_period": 2}
    absent = dict.fromkeys(("supp_unit_type", "lulucf_activity", "project_identifier", "track", "expiry_date"))
    given = {**plain, **{key: value for key, value in table.items() if key not in ("units", "place")}}
    attributes = Attributes(**{**absent, "issued_unit_type": given["unit_type"], **given})
    place = Place(registry, int(account_type), int(identifier[0]) if identifier else None)
    return HeldBlock(serials(table["units"]), attributes, place)


def _figure(table: Table) -> tuple[FigureKey, Figure]:
    names = ("registry", "period", "installation", "year")
    key = FigureKey(FigureKind(table["kind"]), **{name: table[name] for name in names if name in table})
    return key, Figure(table.get("completed", 0), table.get("open", 0))
