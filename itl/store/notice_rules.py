"""The rules by which notices are raised: what each looks for in facts, ledger and running totals.

A rule drafts what should be asked of whom now; `run_rule` compares that with the notices that it raised before. Where
sources leave a reading open, the readings are those of `docs/administration`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto

from sqlalchemy import ColumnElement, Connection, func, select

from itl.checks.flows import holdings_that_count
from itl.checks.limits import reserve, true_up_end
from itl.codes import (
    CANCELLATION_ACCOUNTS,
    CDM,
    EXPIRING_UNITS,
    HOLDING_ACCOUNTS,
    PARTY_HOLDING_ACCOUNTS,
    REPLACEMENT_ACCOUNTS,
    RETIREMENT_ACCOUNTS,
    SURPLUS_RESERVE_ACCOUNT,
    NoticeType,
    UnitType,
)
from itl.ledger.block import SerialRange
from itl.ledger.totals import TotalKey, TotalKind
from itl.lifecycle.notice import shares
from itl.reference import Reference, RegistryKind
from itl.store import tables as t
from itl.store.fact_kinds import FactName
from itl.store.facts import Entry, entry_of

USED = frozenset(RETIREMENT_ACCOUNTS | REPLACEMENT_ACCOUNTS)
"""Accounts whose tCER and lCER were used, and so must be replaced before they expire (5/CMP.1 annex 42-43)."""
CARRIED_OVER_TYPES = frozenset({UnitType.AAU, UnitType.ERU_FROM_AAU, UnitType.CER})
PERIODS_CARRIED_OVER = frozenset({1})
"""Notices of carry-over are for the end of the first period alone."""


class Asking(Enum):
    """How what is drafted relates to what was asked before."""

    QUANTITY = auto()
    """The whole quantity: what the notices before do not ask for is asked for anew."""
    UNITS = auto()
    """Units: those that no notice before lists."""
    ONCE = auto()
    CONDITION = auto()
    """Asked while it lasts: then the notice is completed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a rule asks for. `key`: what about; equal each time that the rule finds the same."""

    key: str
    registry: str
    why: str
    quantity: int | None = None
    project: tuple[str, int] | None = None
    unit_type: int | None = None
    target_date: date | None = None
    activity: int | None = None
    period: int | None = None
    blocks: tuple[SerialRange, ...] = ()
    due: date | None = None
    """None: so many days from now as notices have."""


@dataclass(frozen=True, slots=True)
class Look:
    """What rules look at: one state of the database, and the present."""

    connection: Connection
    reference: Reference
    now: datetime
    expiry_notice: timedelta = timedelta(days=90)

    def facts(self, *names: FactName) -> list[Entry]:
        """What is in force of these facts, with since when."""
        statement = (
            select(t.facts)
            .where(t.facts.c.name.in_([str(name) for name in names]), t.facts.c.valid_from <= self.now)
            .order_by(t.facts.c.valid_from, t.facts.c.id)
        )
        last = {entry.key: entry for entry in map(entry_of, self.connection.execute(statement))}
        return [entry for entry in last.values() if entry.value is not None]

    def held(self, *where: ColumnElement[bool], by: Iterable[str] = ()) -> list[tuple[tuple[object, ...], int]]:
        """Units in the ledger by registry and further columns, as far as `where` says."""
        columns = [t.unit_blocks.c[name] for name in ("registry", *by)]
        units = func.sum(t.unit_blocks.c.serial_end - t.unit_blocks.c.serial_start + 1)
        statement = select(*columns, units.label("units")).where(*where).group_by(*columns).order_by(*columns)
        return [(tuple(row[:-1]), int(row[-1])) for row in self.connection.execute(statement)]

    def completed(self, keys: Iterable[TotalKey]) -> int:
        """What running totals have completed together."""
        wanted = set(keys)
        row = t.totals.c
        statement = select(t.totals).where(
            row.kind.in_({str(key.kind) for key in wanted}), row.subject.in_({key.subject for key in wanted})
        )
        return sum(
            found.completed
            for found in self.connection.execute(statement)
            if TotalKey(TotalKind(found.kind), found.subject, found.period, found.detail) in wanted
        )


def net_source(look: Look) -> Iterator[Draft]:
    """1: land-use activities were a net source; the Party cancels as much."""
    for fact in look.facts(FactName.NET_SOURCE):
        yield Draft(
            f"{fact.key.subject} period {fact.key.period} activity {fact.key.detail}",
            fact.key.subject,
            f"Activity {fact.key.detail} was a net source of {fact.value} t in period {fact.key.period}.",
            fact.value,
            activity=fact.key.detail,
            period=fact.key.period,
        )


def non_compliance(look: Look) -> Iterator[Draft]:
    """2: by decision of the Compliance Committee, entered as a fact."""
    for fact in look.facts(FactName.NON_COMPLIANCE):
        why = f"By decision on compliance {fact.value} units of period {fact.key.period} are to be cancelled."
        key = f"{fact.key.subject} period {fact.key.period}"
        yield Draft(key, fact.key.subject, why, fact.value, period=fact.key.period)


def impending_expiry(look: Look) -> Iterator[Draft]:
    """3: used tCER and lCER that expire soon, listed."""
    units, today = t.unit_blocks.c, look.now.date()
    statement = (
        select(t.unit_blocks)
        .where(
            units.unit_type.in_([int(each) for each in EXPIRING_UNITS]),
            units.account_type.in_(sorted(USED)),
            units.replaced.is_(False),
            units.expiry_date.between(today, today + look.expiry_notice),
        )
        .order_by(units.registry, units.unit_type, units.expiry_date, units.originating_registry, units.serial_start)
    )
    listed: dict[tuple[str, int, date], list[SerialRange]] = defaultdict(list)
    for row in look.connection.execute(statement):
        place = row.registry, row.unit_type, row.expiry_date
        listed[place].append(SerialRange(row.originating_registry, row.serial_start, row.serial_end))
    for (registry, unit_type, expires), blocks in listed.items():
        yield Draft(
            f"{registry} type {unit_type} expiring {expires}",
            registry,
            f"Units of type {unit_type} that were used expire on {expires} and must be replaced before.",
            sum(each.quantity for each in blocks),
            blocks=tuple(blocks),
            due=expires,
        )


def reversal_of_storage(look: Look) -> Iterator[Draft]:
    """4: falls on who holds lCER of the project, in proportion (5/CMP.1 annex 48-49)."""
    for fact in look.facts(FactName.STORAGE_REVERSED):
        host, number = fact.key.subject, fact.key.number
        for registry, units in shares(fact.value, _lcer(look, host, number)).items():
            why = f"Storage of {fact.value} t of project {host}{number} is reversed; {units} units are to be replaced."
            key = f"{host}{number} since {fact.valid_from.date()} {registry}"
            yield Draft(key, registry, why, units, project=(host, number))


def missing_certification_report(look: Look) -> Iterator[Draft]:
    """5: all lCER of a project whose certification report is not there on the day that it is due."""
    for host, number, due in _missed(look, FactName.CERTIFICATION_DUE, FactName.CERTIFICATION_RECEIVED):
        for registry, units in _lcer(look, host, number).items():
            why = f"The certification report of project {host}{number} was due on {due}; its lCER are to be replaced."
            yield Draft(f"{host}{number} due {due} {registry}", registry, why, units, project=(host, number))


def excess_issuance(look: Look) -> Iterator[Draft]:
    """6: more was issued for a project than should have been."""
    for fact in look.facts(FactName.EXCESS_ISSUANCE):
        host, number, unit_type = fact.key.subject, fact.key.number, fact.key.detail
        why = f"{fact.value} units of type {unit_type} too many were issued for project {host}{number}."
        key = f"{host}{number} type {unit_type}"
        yield Draft(
            key, _addressee(look, host, number, CDM), why, fact.value, project=(host, number), unit_type=unit_type
        )


def reserve_undercut(look: Look) -> Iterator[Draft]:
    """7: the holdings of a Party that has issued are below its reserve; over when they are not."""
    for party, period in sorted(look.reference.party_periods):
        level = reserve(look.reference, party, period)
        if level is not None and _runs(look, party, period) and _has_issued(look, party, period):
            held = look.completed(holdings_that_count(party, period))
            if held < level:
                why = f"Holdings of period {period} are {held}, below the commitment period reserve of {level}."
                yield Draft(f"{party} period {period}", party, why, level - held)


def joint_reserve_undercut(look: Look) -> Iterator[Draft]:
    """11: the same for Parties that keep a reserve together; each of them is told."""
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for fact in look.facts(FactName.JOINT_RESERVE_GROUP):
        groups[fact.value, fact.key.period].append(fact.key.subject)
    for fact in look.facts(FactName.JOINT_RESERVE):
        period, members = fact.key.period, sorted(groups[fact.key.subject, fact.key.period])
        issued = [party for party in members if _runs(look, party, period) and _has_issued(look, party, period)]
        held = look.completed(key for party in members for key in holdings_that_count(party, period))
        if issued and held < fact.value:
            why = f"Joint holdings of period {period} are {held}, below the joint reserve of {fact.value}."
            for party in members:
                yield Draft(f"{fact.key.subject} period {period} {party}", party, why, fact.value - held)


def carry_over(look: Look) -> Iterator[Draft]:
    """8: the Party's true-up is over, and it holds units that may be carried over."""
    for registry, period, units in _left(look, PARTY_HOLDING_ACCOUNTS, CARRIED_OVER_TYPES):
        if period in PERIODS_CARRIED_OVER:
            why = f"The true-up of period {period} is over; {units} units may be carried over, within the limits."
            yield Draft(f"{registry} period {period}", registry, why, units)


def outstanding_units(look: Look) -> Iterator[Draft]:
    """51: the true-up is over, and units of the period are still in holding accounts."""
    for registry, period, units in _left(look, HOLDING_ACCOUNTS - {SURPLUS_RESERVE_ACCOUNT}, frozenset(UnitType)):
        why = f"The true-up of period {period} is over; {units} units of it are to be cancelled or carried over."
        yield Draft(f"{registry} period {period}", registry, why, units)


def expiry_date_change(look: Look) -> Iterator[Draft]:
    """9: the crediting period of a project ends on another day than its lCER expire."""
    for fact in look.facts(FactName.CREDITING_PERIOD_END):
        host, number, end = fact.key.subject, fact.key.number, fact.value
        for registry, units in _lcer(look, host, number, t.unit_blocks.c.expiry_date != end).items():
            yield Draft(
                f"{host}{number} {end} {registry}",
                registry,
                f"The crediting period of project {host}{number} ends on {end}; its lCER are to expire then.",
                units,
                project=(host, number),
                unit_type=int(UnitType.LCER),
                target_date=end,
            )


def ccs_reversal(look: Look) -> Iterator[Draft]:
    """12: carbon dioxide stored by a CCS project escaped."""
    for fact in look.facts(FactName.CCS_REVERSED):
        host, number = fact.key.subject, fact.key.number
        why = f"A net reversal of {fact.value} t of the CCS project {host}{number} was verified."
        addressee = _addressee(look, host, number, host)
        yield Draft(f"{host}{number}", addressee, why, fact.value, project=(host, number))


def missing_verification_report(look: Look) -> Iterator[Draft]:
    """13: as much as was issued for a CCS project whose verification report is not there when due."""
    for host, number, due in _missed(look, FactName.VERIFICATION_DUE, FactName.VERIFICATION_RECEIVED):
        issued = look.completed(
            TotalKey(TotalKind.PROJECT_ISSUED, f"{host}/{number}", period, UnitType.CER)
            for period in look.reference.periods
        )
        if issued:
            why = f"The verification report of the CCS project {host}{number} was due on {due}."
            addressee = _addressee(look, host, number, host)
            yield Draft(f"{host}{number} due {due}", addressee, why, issued, project=(host, number))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the type of its notices, how they ask, and what it finds."""

    notice_type: NoticeType
    asking: Asking
    find: Callable[[Look], Iterable[Draft]]


RULES: Mapping[str, Rule] = {
    "net source": Rule(NoticeType.NET_SOURCE_CANCELLATION, Asking.QUANTITY, net_source),
    "non-compliance": Rule(NoticeType.NON_COMPLIANCE_CANCELLATION, Asking.QUANTITY, non_compliance),
    "impending expiry": Rule(NoticeType.IMPENDING_EXPIRY, Asking.UNITS, impending_expiry),
    "reversal of storage": Rule(NoticeType.REVERSAL_OF_STORAGE, Asking.ONCE, reversal_of_storage),
    "missing certification report": Rule(
        NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT, Asking.ONCE, missing_certification_report
    ),
    "excess issuance": Rule(NoticeType.EXCESS_ISSUANCE, Asking.QUANTITY, excess_issuance),
    "reserve": Rule(NoticeType.COMMITMENT_PERIOD_RESERVE, Asking.CONDITION, reserve_undercut),
    "carry-over": Rule(NoticeType.UNIT_CARRY_OVER, Asking.CONDITION, carry_over),
    "expiry date change": Rule(NoticeType.EXPIRY_DATE_CHANGE, Asking.ONCE, expiry_date_change),
    "joint reserve": Rule(NoticeType.EU15_COMMITMENT_PERIOD_RESERVE, Asking.CONDITION, joint_reserve_undercut),
    "CCS reversal": Rule(NoticeType.NET_REVERSAL_OF_CCS_STORAGE, Asking.QUANTITY, ccs_reversal),
    "missing verification report": Rule(
        NoticeType.NON_SUBMISSION_OF_CCS_VERIFICATION_REPORT, Asking.ONCE, missing_verification_report
    ),
    "outstanding units": Rule(NoticeType.OUTSTANDING_UNITS, Asking.CONDITION, outstanding_units),
}


# What rules share ----------------------------------------------------------------------------------------------------


def _lcer(look: Look, host: str, number: int, *where: ColumnElement[bool]) -> dict[str, int]:
    """lCER of a project that are neither cancelled nor replaced, by registry."""
    units = t.unit_blocks.c
    found = look.held(
        units.originating_registry == host,
        units.project_identifier == number,
        units.expiry_date.is_not(None),
        units.unit_type == int(UnitType.LCER),
        units.account_type.not_in(sorted(CANCELLATION_ACCOUNTS)),
        units.replaced.is_(False),
        *where,
    )
    return {str(registry): quantity for (registry,), quantity in found}


def _left(look: Look, accounts: frozenset[int], types: frozenset[int]) -> Iterator[tuple[str, int, int]]:
    """Units of periods whose true-up is over, by registry and period; of the CDM registry that of all Parties."""
    units = t.unit_blocks.c
    over = [number for number in look.reference.periods if number and look.reference.periods[number].end <= look.now]
    found = look.held(
        units.applicable_commit_period.in_(over),
        units.account_type.in_(sorted(accounts)),
        units.unit_type.in_(sorted(map(int, types))),
        units.replaced.is_(False),
        by=("applicable_commit_period",),
    )
    for (registry, period), quantity in found:
        code, number = str(registry), int(str(period))
        last = look.reference.true_up_end(number) if code == CDM else true_up_end(look.reference, code, number)
        if max(last or look.reference.periods[number].end, look.reference.periods[number].end) <= look.now:
            yield code, number, quantity


def _missed(look: Look, due: FactName, received: FactName) -> Iterator[tuple[str, int, date]]:
    """Projects with a report that is not in on the day after it was due. A report counts for the due date that was
    recorded before it came."""
    reports = {(fact.key.subject, fact.key.number): fact.value for fact in look.facts(received)}
    for fact in look.facts(due):
        came = reports.get((fact.key.subject, fact.key.number))
        if fact.value < look.now.date() and (came is None or came < fact.valid_from.date()):
            yield fact.key.subject, fact.key.number, fact.value


def _addressee(look: Look, host: str, number: int, otherwise: str) -> str:
    """Whom a notice about a project goes to, where that was decided; else `otherwise`, else the CDM registry."""
    for fact in look.facts(FactName.NOTICE_ADDRESSEE):
        if (fact.key.subject, fact.key.number) == (host, number):
            return str(fact.value)
    return otherwise if look.reference.registry_in_force(otherwise) else CDM


def _runs(look: Look, party: str, period: int) -> bool:
    """Whether a period has begun and the Party's true-up of it is not over."""
    entry, end = look.reference.periods.get(period), true_up_end(look.reference, party, period)
    party_registry = look.reference.is_kind(party, RegistryKind.PARTY)
    return party_registry and entry is not None and end is not None and entry.start <= look.now < end


def _has_issued(look: Look, party: str, period: int) -> bool:
    return look.completed([TotalKey(TotalKind.ISSUED, party, period, UnitType.AAU)]) > 0
