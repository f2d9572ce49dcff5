"""The code lists of the pages have the numbers that the program has."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from itl import codes
from itl.wire.contract import schema_file
from tests.docs.pages import ROOT, section

LISTS: dict[str, Iterable[int]] = {
    "Transaction types": codes.TransactionType,
    "Transaction statuses": codes.TransactionStatus,
    "Unit types": codes.UnitType,
    "Account types": codes.ACCOUNT_TYPES,
    "LULUCF activities": codes.LulucfActivity,
    "Tracks": codes.Track,
    "Notice types": codes.NoticeType,
    "Reconciliation statuses": codes.ReconciliationStatus,
}
KINDS = {
    "holding": codes.HOLDING_ACCOUNTS,
    "cancellation": codes.CANCELLATION_ACCOUNTS,
    "retirement": codes.RETIREMENT_ACCOUNTS,
    "replacement": codes.REPLACEMENT_ACCOUNTS,
}


@pytest.mark.parametrize("title", LISTS)
def test_a_list_is_whole(title: str) -> None:
    told = [int(each) for each in re.findall(r"^   \* - (\d+)$", section("code_lists.rst", title), re.MULTILINE)]
    assert told == sorted(map(int, LISTS[title]))


def test_every_account_is_of_its_kind() -> None:
    rows = re.findall(
        r"^   \* - (\d+)\n     - .+\n     - (\w+)$", section("code_lists.rst", "Account types"), re.MULTILINE
    )
    found = {kind: {int(number) for number, of in rows if of == kind} for kind in KINDS}
    assert found == KINDS


def test_the_elements_that_are_named_are_those_of_the_contract() -> None:
    named = set(re.findall(r"``(\w+)``", (ROOT / "docs" / "code_lists.rst").read_text()))
    contract = b"".join(map(schema_file, ("transaction.xsd", "reconciliation.xsd", "administration.xsd", "common.xsd")))
    assert {name for name in named if f'name="{name}"'.encode() not in contract} == set()
