"""What a code is, put together for people: its catalogue row, the function behind it, its samples."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from itl.checks import door, judge, sequence  # noqa: F401 (each registers its checks)
from itl.checks.catalogue import JudgedBy, Row, catalogue
from itl.checks.engine import FUNCTIONS
from itl.checks.sample import Sample, samples
from itl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about a code. Function, doc and source are None where no function stands in this program."""

    row: Row
    function: str | None
    """Its dotted name."""
    doc: str | None
    source: str | None
    samples: tuple[Sample, ...]

    @property
    def implemented(self) -> bool:
        """Whether this log judges it, here or while it reads and records the message."""
        return self.function is not None or self.row.judged in (JudgedBy.WIRE, JudgedBy.STORE)

    @property
    def reason(self) -> str:
        """Why no function stands here: what it waits for, or where else it is judged; empty if one does."""
        if self.function is not None:
            return ""
        return self.row.planned or f"judged elsewhere: {self.row.judged.value}"


def explain(code: int) -> Explanation:
    """The explanation of `code`; UsageError for one that the catalogue does not have."""
    row = catalogue().get(code)
    if row is None:
        raise UsageError(f"the catalogue of checks has no code {code}: list the catalogue for those it has")
    function = FUNCTIONS.get(code)
    return Explanation(
        row=row,
        function=f"{function.__module__}.{function.__qualname__}" if function else None,
        doc=inspect.getdoc(function) if function else None,
        source=inspect.getsource(function) if function else None,
        samples=samples(code),
    )
