"""The tests of a subject and the requirements that they cover, for the documentation, as reStructuredText.

The documentation shows `page()` by a directive, while it is built: what stands there is what the tests cover.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from registry_client.conformance.hub.groups import GROUPS as HUB_GROUPS
from registry_client.conformance.registry.groups import GROUPS as REGISTRY_GROUPS
from registry_client.conformance.requirements import Requirement, Subject, requirements
from registry_client.conformance.suite import Case, Group

GROUPS: dict[Subject, Sequence[Group[Any]]] = {Subject.HUB: HUB_GROUPS, Subject.REGISTRY: REGISTRY_GROUPS}

_SPECIAL = re.compile(r"([\\*`|_])")


def page(subject: Subject) -> str:
    """Two tables: the groups with their tests, and the requirements with the tests of each, or why there are none."""
    cases = [case for group in GROUPS[subject] for case in group.cases]
    listed = [each for each in requirements().values() if each.subject is subject]
    tested = [each for each in listed if each.untested is None]
    lines = [
        f"{len(cases)} tests cover {len(tested)} of {len(listed)} requirements; for each of the others stands why not.",
        "",
        *table("18 64 18", ("test", "what is tested", "covers"), map(_test, cases)),
        *table("18 54 28", ("requirement", "what it asks for", "tests"), (_row(each, cases) for each in listed)),
    ]
    return "\n".join(lines) + "\n"


def _test(case: Case[Any]) -> tuple[str, str, str]:
    return case.number, plain(case.title), ", ".join(each.identifier for each in case.requirements)


def _row(requirement: Requirement, cases: Sequence[Case[Any]]) -> tuple[str, str, str]:
    tests = ", ".join(case.number for case in cases if requirement in case.requirements)
    text = f"{plain(requirement.text)} ({plain(requirement.source)})"
    return requirement.identifier, text, tests or f"not tested: {plain(requirement.untested or '')}"


def table(widths: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table: relative widths of the columns, their names, and rows of cells."""
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "")
    for row in (head, *rows):
        for place, cell in enumerate(row):
            yield f"   {'* -' if place == 0 else '  -'} {cell}"
    yield ""


def plain(text: str) -> str:
    """A text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", text)
