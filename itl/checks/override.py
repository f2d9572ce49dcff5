"""What a local file makes of codes whose number or meaning this project assigned: other numbers, or off.

Inside the log a code keeps the number of the catalogue. Told outside (evaluation results, acknowledgements,
explanations) it bears the number that the file gives. A code that is off is not judged: not in effect. The file:

    [renumber]
    1001 = 1901

    [off]
    codes = [5108]
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from itl.checks import door, inconsistency, judge, reconciliation  # noqa: F401 (each registers its checks)
from itl.checks.catalogue import catalogue
from itl.checks.engine import CHECKS
from itl.errors import UsageError
from itl.messages import EvaluationResult

OURS = frozenset({"A", "C"})
"""Evidence of codes that may be changed: number, or meaning, assigned by this project."""
INDISPENSABLE: Mapping[int, str] = {
    **dict.fromkeys([1001, 1002, 1003, 2009], "anyone could speak for a registry"),
    1502: "a proposal could name an acquirer that nobody can reach",
    **dict.fromkeys([2023, 5010], "a unit could be in two places"),
    **dict.fromkeys([6202, 6204, 6209], "an answer could belong to no question of the log"),
    **dict.fromkeys([6206, 6208], "units could be said to be what they cannot be"),
    **dict.fromkeys([6301, 6302, 6303], "what differs would go for agreed"),
}
"""Codes that are ours to number, but never off, and what would happen without them."""
HIGHEST = 9999


@dataclass(frozen=True, slots=True)
class Override:
    """Read by `load`; plain, it changes nothing."""

    renumbered: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """By code of the catalogue, the number that it is told as."""
    off: frozenset[int] = frozenset()
    """Codes of the catalogue that are not judged."""

    def told(self, code: int) -> int:
        """The number outside of a code of the catalogue."""
        return self.renumbered.get(code, code)

    def canonical(self, told: int) -> int:
        """The code of the catalogue behind a number that is told outside; one that is not told stays as it is."""
        return next((code for code, number in self.renumbered.items() if number == told), told)

    def tell(self, codes: Iterable[int]) -> tuple[int, ...]:
        """Codes as an acknowledgement carries them."""
        return tuple(map(self.told, codes))

    def tell_evaluation(self, results: Iterable[EvaluationResult]) -> tuple[EvaluationResult, ...]:
        """Evaluation results as a notification carries them."""
        return tuple(replace(each, response_code=self.told(each.response_code)) for each in results)


PLAIN = Override()


def load(path: Path) -> Override:
    """The override of a file; UsageError, which names the file, for one that is not there or cannot be followed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"override file {path}: cannot be read ({error})") from error
    return parse(text, f"override file {path}")


def parse(text: str, name: str = "override file") -> Override:
    """The override that `text` says; UsageError, headed by `name`, tells what is wrong and with which code."""
    try:
        return _override(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise UsageError(f"{name}: {error}") from error


def _override(tables: dict[str, Any]) -> Override:
    renumber, off = tables.pop("renumber", {}), tables.pop("off", {})
    if tables or not isinstance(renumber, dict) or not isinstance(off, dict) or set(off) - {"codes"}:
        raise ValueError("it may have a table [renumber] of code = number and a table [off] with codes, nothing else")
    codes = off.get("codes", [])
    if not isinstance(codes, list):
        raise ValueError("codes of [off] is a list, such as [5108]")
    override = Override(
        MappingProxyType({_code(code): _number(number) for code, number in renumber.items()}),
        frozenset(map(_code, codes)),
    )
    for code in sorted(override.off):
        _require_dispensable(code)
    _require_distinct(override)
    return override


def _code(written: Any) -> int:
    code = _number(written)
    row = catalogue().get(code)
    if row is None:
        raise ValueError(f"the catalogue of checks has no code {code}")
    if row.evidence not in OURS:
        raise ValueError(f"code {code} has evidence {row.evidence}: it is not assigned by this project, so it stays")
    return code


def _number(written: Any) -> int:
    digits = str(written)
    if isinstance(written, bool) or not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:9]) <= HIGHEST):
        raise ValueError(f"{written!r} is no code: codes are whole numbers from 1 to {HIGHEST}")
    return int(digits)


def _require_dispensable(code: int) -> None:
    if code in INDISPENSABLE:
        raise ValueError(f"code {code} cannot be off: without it {INDISPENSABLE[code]}")
    if code not in CHECKS:
        raise ValueError(f"code {code} cannot be off: no check of its own decides it (it is judged elsewhere)")


def _require_distinct(override: Override) -> None:
    for number, times in Counter(map(override.told, catalogue())).items():
        if times > 1:
            codes = [code for code in catalogue() if override.told(code) == number]
            raise ValueError(f"codes {' and '.join(map(str, codes))} would both be told as {number}")
