"""Taking a registry over from another log, in the caller's commit: what the file tells becomes of this log's record.

The registry has to be still here meanwhile: it may neither propose nor acquire. Of units that are told of, those may
change that the registry holds here, or that a registry holds which is not in force here: of these the ledger has only
what it was last told. What another registry holds that is in force here is this log's to say, and is never touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, func, select, update

from itl.checks.flows import flows
from itl.codes import OPEN_STATUSES, TransactionStatus, TransactionType
from itl.errors import UsageError
from itl.ledger.arriving import arrive
from itl.ledger.block import HeldBlock, SerialRange
from itl.ledger.ranges import uncovered
from itl.ledger.totals import Total, TotalKey, TotalKind, stocks
from itl.messages import ProposalTransaction
from itl.reference import Notice
from itl.store import arrivals, gather, notices, totals
from itl.store import handover_file as told
from itl.store import tables as t
from itl.store.audit import Difference, audit
from itl.store.enrolment import put_parties
from itl.store.fact_kinds import Fact, FactKey, FactName
from itl.store.facts import Source, in_force, stored
from itl.store.facts import told as told_here
from itl.store.handover_file import Manifest
from itl.store.handover_giving import answered_for, by_serial, counted_of, of_registry, running_totals
from itl.store.notice_numbers import keep_apart
from itl.store.reference_data import put_facts
from itl.store.replacing import replace_rows
from itl.store.rows import block_rows, head_columns

PAGE = 1000
"""Lines that are worked on at once."""

Line = TypeVar("Line")


@dataclass(slots=True)
class Taken:
    """What a file has brought, and how the record of this log then differs from what the file says."""

    facts: int = 0
    notices: int = 0
    new: int = 0
    """Transactions that were not known here."""
    known: int = 0
    units: int = 0
    """Units that were not in the ledger."""
    changed: int = 0
    """Rows of the ledger that changed."""
    differences: list[Difference] = field(default_factory=list)


def take(connection: Connection, path: Path, manifest: Manifest, handover_id: int, now: datetime) -> Taken:
    """Bring all of the file in. `connection` should see one state of the database (`Database.write_steadily`).

    UsageError where the file and this log's record cannot both be right; what may be let pass is among the differences.
    """
    registry = manifest.head.registry
    put_parties(connection, {registry, *manifest.origins, *manifest.holders})
    gather.lock_ledger(connection, manifest.origins)
    taking = _Taking(connection, manifest, handover_id, now)
    lines = told.lines(path)
    for page in _pages(lines):
        taking.take(page)
    taking.finish()
    taken = taking.taken
    taken.differences += _differing_totals(connection, registry, taking.told_totals)
    taken.differences += _left_over(connection, registry, manifest)
    taken.differences += _lost(connection, registry)
    taken.differences += audit(connection)
    return taken


def _pages(lines: Iterable[told.Line]) -> Iterator[list[told.Line]]:
    """Lines of one type, at most so many, and of transactions at most about so many blocks; but all facts together."""
    page: list[told.Line] = []
    weight = 0
    for line in lines:
        if page and (type(line) is not type(page[0]) or weight >= PAGE):
            yield page
            page, weight = [], 0
        page.append(line)
        weight += not isinstance(line, told.Fact)
        weight += len(line.proposal.proposal_unit_blocks) if isinstance(line, told.Transaction) else 0
    if page:
        yield page


class _Taking:
    """One file on its way in, page by page."""

    def __init__(self, connection: Connection, manifest: Manifest, handover_id: int, now: datetime) -> None:
        self._connection, self._manifest = connection, manifest
        self._registry, self._handover, self._now = manifest.head.registry, handover_id, now
        self._others = answered_for(connection, now) - {self._registry}
        """Registries of whose units this log says where they are."""
        self._sums: dict[TotalKey, int] = defaultdict(int)
        self.told_totals: dict[TotalKey, int] = {}
        self.taken = Taken()

    def take(self, page: list[Any]) -> None:
        """A page of lines of one type."""
        match page[0]:
            case told.Fact():
                self._facts(page)
            case told.Notice():
                for line in page:
                    self._notice(line)
            case told.Transaction():
                self._transactions(page)
            case told.Units():
                self._units([line.block for line in page])
            case told.Total():
                for line in page:
                    key = TotalKey(TotalKind(line.kind), line.subject, line.period, line.detail)
                    self.told_totals[key] = line.completed
            case told.End():
                if page[0] != self._manifest.end:
                    raise UsageError("the file changed while it was read; nothing was taken, begin again")

    def finish(self) -> None:
        """Let the running totals follow, and number notices apart from the other log's."""
        keep_apart(self._connection, self._manifest.head.last_notice)
        totals.load(self._connection, self._sums)
        totals.add(self._connection, {key: Total(units, 0) for key, units in self._sums.items()})

    # Reference data

    def _facts(self, page: list[told.Fact]) -> None:
        """Of what nothing was told here all that was told there; else both must say the same now."""
        lines: dict[FactKey, list[told.Fact]] = defaultdict(list)
        for line in page:
            lines[FactKey(FactName(line.name), line.subject, line.number, line.period, line.detail)].append(line)
        names, subjects = {key.name for key in lines}, {key.subject for key in lines}
        recorded = {each.key for each in told_here(self._connection, names, subjects)}
        here = in_force(self._connection, names, self._now, t.facts.c.subject.in_(subjects))
        for key, of in lines.items():
            if key not in recorded:
                for line in of:
                    fact = Fact(key, stored(key.name, line.value), line.valid_from)
                    by = f"{line.recorded_by} ({self._manifest.head.giver})"
                    self.taken.facts += put_facts(self._connection, [fact], Source(by, line.reason, self._now))
                continue
            started = [line for line in of if line.valid_from <= self._now]
            last = max(started, key=lambda line: line.valid_from, default=None)
            there = None if last is None else stored(key.name, last.value)
            if there != here.get(key):
                about = " ".join(
                    [str(key.name), key.subject, *(f"{name} {part}" for name, part in key.about().items())]
                )
                rule = "what both logs were told is the same"
                self.taken.differences.append(Difference(rule, about, str(there), str(here.get(key))))

    def _notice(self, line: told.Notice) -> None:
        blocks = tuple(SerialRange(*each) for each in line.blocks)
        notice = Notice(
            line.identifier,
            line.notice_type,
            line.status,
            line.registry,
            line.project,
            line.unit_type,
            line.target_value,
            line.target_date,
            line.lulucf_activity,
            line.commit_period,
            blocks,
        )
        known = notices.load(self._connection, [line.identifier], []).get(line.identifier)
        if known is None:
            by = f"{line.recorded_by} ({self._manifest.head.giver})"
            source = Source(by, line.reason, self._now)
            notices.write(self._connection, notice, line.action_due_date, source)
            self.taken.notices += 1
            return
        if (known.notice_type, known.registry, known.project) != (line.notice_type, line.registry, line.project):
            raise UsageError(
                f"notice {line.identifier}: this log has another under this identifier, to {known.registry}; "
                "the transactions that answer it cannot be told apart, so the registry cannot be taken over"
            )
        if line.status > known.status:
            row = t.notices.c.identifier == line.identifier
            values = {"status": line.status, "told_status": line.status}
            self._connection.execute(update(t.notices).where(row).values(values))

    # Transactions

    def _transactions(self, page: list[told.Transaction]) -> None:
        names = [line.proposal.transaction_identifier for line in page]
        heads = t.transactions.c
        found = select(t.transactions).where(heads.occupies, heads.identifier.in_(names))
        known = {row.identifier: row for row in self._connection.execute(found)}
        new = []
        for line in page:
            self._require_ended(line)
            row = known.get(line.proposal.transaction_identifier)
            if row is None:
                new.append(line)
            else:
                self._known(line, row)
        if new:
            self._insert(new)

    def _require_ended(self, line: told.Transaction) -> None:
        name, status = line.proposal.transaction_identifier, line.status
        if status in OPEN_STATUSES or (status == TransactionStatus.COMPLETED and line.settled_at is None):
            raise UsageError(f"transaction {name} is open in the file; let it end at {self._manifest.head.giver} first")

    def _known(self, line: told.Transaction, row: t.Record) -> None:
        """It may have gone on there; nothing else of it can be other than here."""
        self.taken.known += 1
        name = line.proposal.transaction_identifier
        if row.status in OPEN_STATUSES or (row.status == TransactionStatus.COMPLETED and row.settled_at is None):
            raise UsageError(f"transaction {name} is still open here; wait for what is on its way, then begin again")
        alike = (row.transaction_type, row.transferring_registry, row.acquiring_registry)
        proposed = line.proposal
        there = (proposed.transaction_type, proposed.transferring_registry_code, proposed.acquiring_registry_code)
        if alike != there:
            raise UsageError(f"transaction {name} is another one here than in the file; neither log can give way")
        if row.status == line.status or line.status in _status_history(self._connection, row.id):
            return
        went_on = row.status in {step.status for step in line.history}
        if went_on and TransactionStatus.COMPLETED not in (row.status, line.status):
            self._go_on(line, row)
            return
        rule = "a transaction ends alike in both logs"
        self.taken.differences.append(Difference(rule, name, str(line.status), str(row.status)))

    def _go_on(self, line: told.Transaction, row: t.Record) -> None:
        values = {"status": line.status, "status_at": line.status_at, "ended_at": line.ended_at}
        self._connection.execute(update(t.transactions).where(t.transactions.c.id == row.id).values(values))
        done = _status_history(self._connection, row.id)
        steps = [step for step in line.history if step.status not in done]
        self._connection.execute(t.status_history.insert(), [_step_row(row.id, step) for step in steps])

    def _insert(self, lines: list[told.Transaction]) -> None:
        self._connection.execute(t.transactions.insert(), [_head_row(line) for line in lines])
        heads = t.transactions.c
        names = [line.proposal.transaction_identifier for line in lines]
        found = select(heads.id, heads.identifier).where(heads.occupies, heads.identifier.in_(names))
        ids = {row.identifier: row.id for row in self._connection.execute(found)}
        of = [(ids[line.proposal.transaction_identifier], line) for line in lines]
        mine = [{"transaction_id": id_, "handover_id": self._handover} for id_, _ in of]
        self._connection.execute(t.handover_transactions.insert(), mine)
        rows = {
            t.status_history: [_step_row(id_, step) for id_, line in of for step in line.history],
            t.evaluations: [_evaluation_row(id_, each) for id_, line in of for each in line.evaluations],
            t.transaction_blocks: [row for id_, line in of for row in block_rows(id_, line.proposal)],
        }
        for table, values in rows.items():
            if values:
                self._connection.execute(table.insert(), values)
        for line in lines:
            if line.settled_at is not None:
                for key, units in flows(line.proposal).items():
                    self._sums[key] += units
        self.taken.new += len(lines)

    # Units

    def _units(self, blocks: list[HeldBlock]) -> None:
        stored_units = gather.units(self._connection, [block.range for block in blocks])
        for each in stored_units.reserved:
            raise UsageError(f"{_named(each.range)}: transaction {each.transaction} keeps them here; let it end first")
        changed = arrive(blocks, stored_units.held)
        for block in (*changed.closed, *changed.opened):
            if block.place.registry in self._others:
                raise UsageError(
                    f"{_named(block.range)}: here they are with {block.place.registry}, which is in force here, and "
                    "not as the file says; reconcile with both registries and correct what is wrong before"
                )
        replace_rows(self._connection, changed, stored_units, self._now)
        self.taken.units += arrivals.note(self._connection, [changed], self._now, handover_id=self._handover)
        self.taken.changed += len(changed.closed)
        for key, units in stocks([changed]).items():
            self._sums[key] += units


def _named(units: SerialRange) -> str:
    return f"{units.originating_registry} {units.start}-{units.end}"


def _head_row(line: told.Transaction) -> dict[str, Any]:
    proposed: ProposalTransaction = line.proposal
    return head_columns(proposed) | {
        "occupies": True,
        "status": line.status,
        "status_at": line.status_at,
        "proposed_at": line.proposed_at,
        "settled_at": line.settled_at,
        "confirmed_at": line.confirmed_at,
        "flagged_at": line.flagged_at,
        "ended_at": line.ended_at,
    }


def _step_row(transaction_id: int, step: told.Step) -> dict[str, Any]:
    return {"transaction_id": transaction_id, "status": step.status, "at": step.at, "set_by": step.set_by}


def _evaluation_row(transaction_id: int, each: told.Evaluation) -> dict[str, Any]:
    results = msgspec.json.encode(each.results)
    return {"transaction_id": transaction_id, "at": each.at, "evaluated_by": each.by, "results": results}


def _status_history(connection: Connection, transaction_id: int) -> set[int]:
    history = t.status_history.c
    return set(connection.execute(select(history.status).where(history.transaction_id == transaction_id)).scalars())


# What must be so afterwards ------------------------------------------------------------------------------------------


def _differing_totals(connection: Connection, registry: str, there: dict[TotalKey, int]) -> Iterator[Difference]:
    here = running_totals(connection, registry)
    for key in sorted(here.keys() | there.keys()):
        if counted_of(registry, key) and here.get(key, 0) != there.get(key, 0):
            about = f"{key.kind} {key.subject} period {key.period} detail {key.detail}"
            yield Difference(
                "running totals are those of the other log", about, str(there.get(key, 0)), str(here.get(key, 0))
            )


def _left_over(connection: Connection, registry: str, manifest: Manifest) -> Iterator[Difference]:
    """What the registry holds here is what the file says that it holds."""
    units = t.unit_blocks.c
    supp = func.coalesce(units.supp_unit_type, 0).label("supp")
    quantity = func.sum(units.serial_end - units.serial_start + 1).label("units")
    alike = (units.account_type, units.unit_type, supp)
    statement = select(*alike, quantity).where(units.registry == registry).group_by(*alike)
    here = {(row.account_type, row.unit_type, row.supp): int(row.units) for row in connection.execute(statement)}
    there = {
        (each.account_type, each.unit_type, each.supp_unit_type): each.units
        for each in manifest.end.sums
        if each.registry == registry
    }
    for key in sorted(here.keys() | there.keys()):
        if here.get(key, 0) != there.get(key, 0):
            about = f"{registry}, account type {key[0]}, unit type {key[1]}-{key[2]}"
            yield Difference("holdings are those of the file", about, str(there.get(key, 0)), str(here.get(key, 0)))


def _lost(connection: Connection, registry: str) -> Iterator[Difference]:
    """Every unit that the registry ever issued is somewhere."""
    blocks, heads, held = t.transaction_blocks.c, t.transactions.c, t.unit_blocks.c
    issued = (
        select(blocks.originating_registry, blocks.serial_start, blocks.serial_end)
        .join(t.transactions, heads.id == blocks.transaction_id)
        .where(of_registry(registry), heads.transaction_type == TransactionType.ISSUANCE, heads.settled_at.is_not(None))
    )
    origins = issued.with_only_columns(blocks.originating_registry)
    there = select(held.originating_registry, held.serial_start, held.serial_end).where(
        held.originating_registry.in_(origins)
    )
    came = (SerialRange(*row) for row in by_serial(connection, t.transaction_blocks, issued))
    found = (SerialRange(*row) for row in by_serial(connection, t.unit_blocks, there))
    for units in uncovered(came, found):
        yield Difference("every unit issued is somewhere", _named(units), f"{units.quantity} units", "nowhere")
