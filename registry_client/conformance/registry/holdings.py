"""What a registry holds, as it says itself: the questions of a reconciliation, and what its answers must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itl.codes import ACCOUNTS_WITHOUT_PERIOD, ReconciliationStatus
from itl.messages import (
    InitiateReconciliationRequest,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReconciliationResultRequest,
    Total,
    TransactionUnitBlock,
    UnitBlock,
    UnitBlockRequest,
)
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.making import joined, without
from registry_client.conformance.registry.proposed import serials_of
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, breaking
from registry_client.units import Account

_S = ReconciliationStatus

Kind = tuple[int, int, int]
"""What a total is of: account type, account period, unit type."""


@dataclass(frozen=True, slots=True)
class Run:
    """A reconciliation that the played log began."""

    identifier: str
    snapshot: datetime


def begun(t: RegistryTester) -> Run:
    """Begin a reconciliation; the registry must confirm it by its acknowledgement."""
    run = Run(t.fresh.transaction(t.profile.code), t.clock() + timedelta(seconds=t.profile.lead))
    answer = t.log.call(
        InitiateReconciliationRequest(
            **t.log.head(), reconciliation_identifier=run.identifier, snapshot_datetime=run.snapshot
        )
    )
    with breaking("R-RECONCILE-1"):
        require_acknowledged(answer, f"the begin of reconciliation {run.identifier}")
    return run


def until_snapshot(t: RegistryTester, run: Run) -> None:
    """Wait for the snapshot time."""
    t.pause((run.snapshot - t.clock()).total_seconds())


def totals_request(t: RegistryTester, run: Run) -> ProvideTotalsRequest:
    """The question for all totals, by account type. The flag is there since a real registry answers nothing without."""
    return ProvideTotalsRequest(
        **t.log.head(),
        reconciliation_identifier=run.identifier,
        reconciliation_snapshot_datetime=run.snapshot,
        reconciliation_status=_S.INITIATED,
        by_account_flag=0,
        response_codes=(),
    )


def totals(t: RegistryTester, run: Run) -> dict[Kind, int]:
    """Ask for totals after the snapshot; the registry must send them, each once."""
    until_snapshot(t, run)
    with breaking("R-RECONCILE-5"):
        require_acknowledged(t.log.call(totals_request(t, run)), "the question for totals")
    return read_totals(t, run)


def read_totals(t: RegistryTester, run: Run) -> dict[Kind, int]:
    """The totals that the registry must send now."""
    with breaking("R-RECONCILE-5"):
        received = t.log.expect("receiveTotals", f"totals of {run.identifier}", of(run))
    found: tuple[Total, ...] = received.message.totals
    counted = Counter((each.account_type, each.account_commit_period, each.unit_type) for each in found)
    twice = [kind for kind, times in counted.items() if times > 1 and not _by_supplement(found, kind)]
    if twice:
        told = f"the totals of {run.identifier} name account type, period and unit type {twice[0]} twice"
        raise Failed(told, "R-RECONCILE-2")
    sums: Counter[Kind] = Counter()
    for each in found:
        if each.account_type in ACCOUNTS_WITHOUT_PERIOD and each.account_commit_period != 0:
            raise Failed(
                f"units in accounts of type {each.account_type} count under period 0; a total has period "
                f"{each.account_commit_period}",
                "R-RECONCILE-2",
            )
        sums[each.account_type, each.account_commit_period, each.unit_type] += each.unit_count
    return {kind: count for kind, count in sums.items() if count}


def _by_supplement(found: Iterable[Total], kind: Kind) -> bool:
    """Whether entries of a kind differ in their supplementary type, which a log adds up."""
    of_kind = [each for each in found if (each.account_type, each.account_commit_period, each.unit_type) == kind]
    return len({each.supp_unit_type or 0 for each in of_kind}) == len(of_kind)


def unit_blocks(
    t: RegistryTester, run: Run, quantity: int, filters: Sequence[UnitBlockRequest] = ()
) -> list[UnitBlock]:
    """Ask for unit blocks; the registry must send them, perhaps in parts, until they are `quantity` units."""
    until_snapshot(t, run)
    request = ProvideUnitBlocksRequest(
        **t.log.head(),
        reconciliation_identifier=run.identifier,
        reconciliation_snapshot_datetime=run.snapshot,
        unit_block_requests=tuple(filters),
        response_codes=(),
    )
    with breaking("R-RECONCILE-5"):
        require_acknowledged(t.log.call(request), "the question for unit blocks")
    found: list[UnitBlock] = []
    while True:
        what = f"unit blocks of {run.identifier}: {quantity} units, {count(found)} came"
        with breaking("R-RECONCILE-3" if found else "R-RECONCILE-5"):
            found += t.log.expect("receiveUnitBlocks", what, of(run)).message.unit_blocks
        if count(found) >= quantity:
            return found


def concluded(t: RegistryTester, run: Run, status: int = _S.VALIDATED) -> None:
    """Tell the result; the registry must take it."""
    answer = t.log.call(
        ReconciliationResultRequest(
            **t.log.head(),
            reconciliation_identifier=run.identifier,
            reconciliation_status=int(status),
            response_codes=(),
        )
    )
    with breaking("R-RECONCILE-6"):
        require_acknowledged(answer, f"the result of reconciliation {run.identifier}")


def holdings(t: RegistryTester) -> list[UnitBlock]:
    """All units that the registry says it holds now: blocks that add up to its totals, and name every unit once."""
    run = begun(t)
    sums = totals(t, run)
    found = unit_blocks(t, run, sum(sums.values()))
    add_up(run, sums, found)
    concluded(t, run)
    return found


def _unlike(t: RegistryTester, found: Sequence[UnitBlock]) -> str | None:
    """What changed in the holdings since they were asked for last, other than by what came and what left since."""
    before, t.holds = t.holds, joined([serials_of(block) for block in found])
    moves = t.book.moves()
    if before is None:
        return None
    for move in moves:
        before = joined([*before, *move.units]) if move.came else without(before, move.units)
    strange, missing = without(t.holds, before), without(before, t.holds)
    if strange:
        return f"the registry says that it holds {strange}, which never came to it"
    return f"the registry does not say that it holds {missing}, which never left it" if missing else None


def add_up(run: Run, sums: dict[Kind, int], found: Sequence[UnitBlock]) -> None:
    """Unit blocks must add up to the totals, and name every unit once."""
    counted = sums_of(found)
    if counted != sums:
        unlike = sorted(kind for kind in counted.keys() | sums.keys() if counted.get(kind) != sums.get(kind))[0]
        raise Failed(
            f"the unit blocks of {run.identifier} must add up to the totals: of account type, period and unit type "
            f"{unlike} they are {counted.get(unlike, 0)} units, the total is {sums.get(unlike, 0)}",
            "R-RECONCILE-3",
        )
    ranges = [serials_of(block) for block in found]
    if sum(end - start + 1 for _, start, end in joined(ranges)) != count(found):
        raise Failed(f"the unit blocks of {run.identifier} name a unit twice", "R-RECONCILE-3")


def sums_of(found: Iterable[UnitBlock]) -> dict[Kind, int]:
    """The totals that blocks add up to."""
    sums: Counter[Kind] = Counter()
    for block in found:
        period = 0 if block.account_type in ACCOUNTS_WITHOUT_PERIOD else block.applicable_commit_period
        sums[block.account_type, period, block.unit_type] += count([block])
    return dict(sums)


def count(blocks: Iterable[UnitBlock]) -> int:
    return sum(block.unit_serial_block_end - block.unit_serial_block_start + 1 for block in blocks)


def of(run: Run) -> Callable[[Any], bool]:
    """Whether a message is about the reconciliation."""
    return lambda message: bool(message.reconciliation_identifier == run.identifier)


def lies(t: RegistryTester, *blocks: TransactionUnitBlock, account: Account | int | None = None, breaks: str) -> None:
    """The registry must say that it holds these units, as what they are, and in this account or one of this type."""
    found = holdings(t)
    unlike = _unlike(t, found)
    with breaking(breaks):
        for block in blocks:
            require_held(found, block, account)
    if unlike is not None:
        raise Failed(unlike, "R-RECONCILE-2")


def require_held(found: Sequence[UnitBlock], block: TransactionUnitBlock, account: Account | int | None) -> None:
    """The units of `block` must be in `found`, as what they are, in this account or one of this type; else Failed."""
    meeting = [each for each in found if _meet(each, block)]
    code, start, end = serials_of(block)
    within = [
        (code, max(each.unit_serial_block_start, start), min(each.unit_serial_block_end, end)) for each in meeting
    ]
    if joined(within) != [(code, start, end)]:
        raise Failed(f"the registry must hold units {start} to {end} of {code}; it says that it holds {joined(within)}")
    for each in meeting:
        if isinstance(account, Account) and (each.account_type, each.account_identifier) not in (
            (account.account_type, account.identifier),
            (account.account_type, None),
        ):
            raise Failed(
                f"units {start} to {end} of {code} must lie in account {account}; the registry says that they lie in "
                f"{each.account_type}-{each.account_identifier}"
            )
        if isinstance(account, int) and each.account_type != account:
            raise Failed(
                f"units {start} to {end} of {code} must lie in an account of type {account}; the registry says that "
                f"they lie in one of type {each.account_type}"
            )
        if (each.unit_type, each.applicable_commit_period) != (block.unit_type, block.applicable_commit_period):
            raise Failed(
                f"units {start} to {end} of {code} must be of type {block.unit_type} and period "
                f"{block.applicable_commit_period}; the registry says that they are of type {each.unit_type} and "
                f"period {each.applicable_commit_period}"
            )


def absent(t: RegistryTester, *blocks: TransactionUnitBlock, breaks: str) -> None:
    """The registry must not say that it holds any of these units."""
    found = holdings(t)
    unlike = _unlike(t, found)
    for block in blocks:
        held = [serials_of(each) for each in found if _meet(each, block)]
        if held:
            told = f"the registry must hold none of the units {serials_of(block)}; it says that it holds {held}"
            raise Failed(told, breaks)
    if unlike is not None:
        raise Failed(unlike, "R-RECONCILE-2")


def _meet(held: UnitBlock, block: TransactionUnitBlock) -> bool:
    return (
        held.originating_registry_code == block.originating_registry_code
        and held.unit_serial_block_start <= block.unit_serial_block_end
        and block.unit_serial_block_start <= held.unit_serial_block_end
    )
