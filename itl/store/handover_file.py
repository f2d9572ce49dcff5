"""The file by which a registry goes from one log to another: what it says, how it is written, and how it is proved.

A line is a JSON object with its `type`. First a `head`: whose file it is. Then `fact`, `notice`, `transaction`, `units`
and `total` lines, in this order; the units by originating registry and serial. Last an `end`, which counts what stands
before it and has the SHA-256 of all lines before it, and an HMAC-SHA-256 of them where the two logs share a key. Lines
are written and read one by one, so that neither side holds the file in memory.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from itl.errors import UsageError
from itl.ledger.block import HeldBlock
from itl.messages import ProposalTransaction
from itl.reference import Environment

FORMAT = 1
"""What this program writes and reads."""


class _Line(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag=str.lower):
    """A line of the file."""


class Head(_Line, frozen=True):
    """Which log, of which environment, hands which registry over. `frozen_since`: it proposes nothing there since.

    `last_notice`: the highest identifier that a notice of the giver has.
    """

    format: int
    giver: str
    registry: str
    frozen_since: datetime
    environment: Environment
    last_notice: int = 0


class Fact(_Line, frozen=True):
    """A fact of the giver's reference data, as `itl.store.facts.Entry` has it; `value` is its JSON."""

    name: str
    subject: str
    number: int
    period: int
    detail: int
    value: str
    valid_from: datetime
    recorded_by: str
    reason: str


class Notice(_Line, frozen=True):
    """A notice of the giver to the registry (`itl.reference.Notice`)."""

    identifier: int
    notice_type: int
    status: int
    registry: str
    project: tuple[str, int] | None
    unit_type: int | None
    target_value: int | None
    target_date: date | None
    lulucf_activity: int | None
    commit_period: int | None
    blocks: tuple[tuple[str, int, int], ...]
    action_due_date: date | None
    recorded_by: str
    reason: str


class Step(msgspec.Struct, frozen=True, gc=False):
    """A status that a transaction came to."""

    status: int
    at: datetime
    set_by: str


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """What a judge found: `results` as in the table `evaluations`."""

    at: datetime
    by: str
    results: Any


class Transaction(_Line, frozen=True):
    """A transaction of the registry, whatever became of it; without blocks where it passed no check."""

    proposal: ProposalTransaction
    status: int
    status_at: datetime
    proposed_at: datetime
    settled_at: datetime | None
    confirmed_at: datetime | None
    flagged_at: datetime | None
    ended_at: datetime | None
    history: tuple[Step, ...]
    evaluations: tuple[Evaluation, ...]


class Units(_Line, frozen=True):
    """A unit block as the giver's ledger has it."""

    block: HeldBlock


class Total(_Line, frozen=True):
    """A running total of the registry (`itl.ledger.totals`), its completed part."""

    kind: str
    subject: str
    period: int
    detail: int
    completed: int


class Sum(msgspec.Struct, frozen=True, order=True, gc=False):
    """Units that a registry holds in accounts of a type."""

    registry: str
    account_type: int
    unit_type: int
    supp_unit_type: int
    units: int


class End(_Line, frozen=True):
    """What stands before it: lines by type, units by where they are, and the digest."""

    lines: dict[str, int]
    sums: tuple[Sum, ...]
    sha256: str
    hmac: str | None = None


Line = Head | Fact | Notice | Transaction | Units | Total | End
_ORDER: Sequence[type] = (Head, Fact, Notice, Transaction, Units, Total, End)
_DECODER = msgspec.json.Decoder(Line)
_LONGEST = 64 * 1024 * 1024
"""Bytes that a line may have: a transaction's, with all its blocks."""


@dataclass(slots=True)
class _Account:
    """What is counted and hashed while lines go by."""

    key: bytes | None
    lines: Counter[str] = field(default_factory=Counter)
    sums: Counter[tuple[str, int, int, int]] = field(default_factory=Counter)
    sha256: Any = field(default_factory=hashlib.sha256)
    keyed: Any = None

    def __post_init__(self) -> None:
        self.keyed = None if self.key is None else hmac.new(self.key, digestmod="sha256")

    def add(self, line: Line, raw: bytes) -> None:
        self.lines[type(line).__name__.lower()] += 1
        self.sha256.update(raw)
        if self.keyed is not None:
            self.keyed.update(raw)
        if isinstance(line, Units):
            what, where = line.block.attributes, line.block.place
            of = (where.registry, where.account_type, what.unit_type, what.supp_unit_type or 0)
            self.sums[of] += line.block.range.quantity

    def end(self) -> End:
        return End(
            dict(sorted(self.lines.items())),
            tuple(Sum(*of, units) for of, units in sorted(self.sums.items())),
            self.sha256.hexdigest(),
            None if self.keyed is None else self.keyed.hexdigest(),
        )


def write(path: Path, lines: Iterable[Line], key: bytes | None = None) -> End:
    """Write `lines`, which begin with a head, and their end; the file has its name only when it is whole.

    UsageError where it cannot be written.
    """
    account = _Account(key)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            for line in lines:
                raw = msgspec.json.encode(line) + b"\n"
                account.add(line, raw)
                file.write(raw)
            end = account.end()
            file.write(msgspec.json.encode(end) + b"\n")
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a place that can be written to") from error
    return end


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file was proved to hold."""

    head: Head
    end: End
    origins: frozenset[str]
    """Originating registries of its units."""
    holders: frozenset[str]

    @property
    def digest(self) -> bytes:
        return bytes.fromhex(self.end.sha256)


def prove(path: Path, key: bytes | None = None) -> Manifest:
    """Read all of the file at `path` and hold it against its end; UsageError, with what to do, where it fails.

    Proved are the digest (with `key` the HMAC, too), the counts and sums, the order of the lines, and that no unit
    stands in it twice.
    """
    head: Head | None = None
    origins: set[str] = set()
    holders: set[str] = set()
    for line in lines(path, key):
        if isinstance(line, Head):
            head = line
        elif isinstance(line, Units):
            origins.add(line.block.range.originating_registry)
            holders.add(line.block.place.registry)
        elif isinstance(line, End):
            if head is None:
                break
            return Manifest(head, line, frozenset(origins), frozenset(holders))
    raise UsageError(f"{path}: it has no head; {_WANTED}")


_WANTED = "give a file that `export` of a handover wrote, whole and unchanged"


def lines(path: Path, key: bytes | None = None) -> Iterator[Line]:
    """The lines of the file, one by one, the end last and only if it is right; UsageError as for `prove`."""
    account = _Account(key)
    kind, last = 0, None
    with _opened(path) as file:
        for number, raw in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
            where = f"{path}, line {number}"
            line = _read(raw, where)
            at = _ORDER.index(type(line))
            if at < kind or (at == 0) != (number == 1):
                raise UsageError(f"{where}: a line of this type does not stand here; {_WANTED}")
            kind = at
            if isinstance(line, Units):
                units = line.block.range
                if last is not None and (units.originating_registry, units.start) <= last:
                    raise UsageError(f"{where}: a unit stands in two lines, or they are out of order; {_WANTED}")
                last = (units.originating_registry, units.end)
            if isinstance(line, End):
                _require_right(line, account, where)
                if file.read(1):
                    raise UsageError(f"{where}: something stands behind the end; {_WANTED}")
                yield line
                return
            account.add(line, raw)
            yield line
    raise UsageError(f"{path}: it breaks off; {_WANTED}")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; {_WANTED}") from error


def _read(raw: bytes, where: str) -> Line:
    try:
        line: Line = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: {error}; {_WANTED}") from error
    if isinstance(line, Head) and line.format != FORMAT:
        raise UsageError(f"{where}: written in format {line.format}, this program reads {FORMAT}; {_WANTED}")
    return line


def _require_right(told: End, account: _Account, where: str) -> None:
    counted = account.end()
    if told.sha256 != counted.sha256:
        raise UsageError(f"{where}: the digest is {counted.sha256}, the end says {told.sha256}; {_WANTED}")
    if (told.lines, told.sums) != (counted.lines, counted.sums):
        raise UsageError(f"{where}: the end does not count what stands before it; {_WANTED}")
    if account.key is not None and not hmac.compare_digest(told.hmac or "", counted.hmac or ""):
        raise UsageError(f"{where}: it was not written with the key that is given here; use the key of the other log")
