from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_client.errors import IdentifierError
from registry_client.identifiers import AccountNumber, SerialRange, TransactionIdentifier, check_digits, is_valid

PUBLISHED = """
GB-210-10000013-1-70 GB-210-10000014-2-62 GB-220-10000015-1-67 GB-220-10000016-2-59 GB-411-10000017-1-84
GB-411-10000018-2-76 GB-421-10000019-1-81 GB-421-10000020-2-73 GB-422-10000021-1-62 GB-422-10000022-2-54
GB-423-10000023-1-43 GB-423-10000024-2-35 GB-230-10000009-1-7 GB-100-12345-2-14 GB-100-1001-1-89
UK-100-10000052-0-92 GB-270-10000007-2-42 GB-280-10000008-2-44 GB-230-10000010-2-96 GB-300-10000011-1-46
GB-300-10000012-2-38
""".split()
"""Account numbers that a registry published with its source."""

registries = st.sampled_from(["GB", "FR", "JP", "CDM", "EU", "ZW", "AA"])
numbers = st.integers(1, 999_999_999_999_999)
accounts = st.builds(
    AccountNumber, registries, st.sampled_from([100, 110, 121, 230, 300, 423]), numbers, st.integers(0, 3)
)


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_account_numbers_are_computed_and_read(text: str) -> None:
    number = AccountNumber.parse(text)
    assert str(number) == text
    assert number.check_digits == int(text.rpartition("-")[2])


@pytest.mark.parametrize(
    ("account_type", "identifier", "period", "with_printed_letters"),
    [(210, 10000013, 1, 66), (100, 12345, 2, 10), (421, 10000019, 1, 77)],
)
def test_numbers_of_gb_are_also_read_with_the_printed_letters(
    account_type: int, identifier: int, period: int, with_printed_letters: int
) -> None:
    assert is_valid("GB", account_type, identifier, period, with_printed_letters)
    assert check_digits("GB", account_type, identifier, period) != with_printed_letters


@given(accounts)
def test_an_account_number_is_read_as_it_is_printed(number: AccountNumber) -> None:
    assert AccountNumber.parse(str(number)) == number
    assert 2 <= number.check_digits <= 98


@given(accounts.filter(lambda number: number.registry != "GB"), st.integers(0, 14), st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(number: AccountNumber, place: int, change: int) -> None:
    """Not promised for GB: its numbers are read with two spellings of the letters, and one may fit by chance."""
    digits = str(number.identifier)
    place %= len(digits)
    wrong = digits[:place] + str((int(digits[place]) + change) % 10) + digits[place + 1 :]
    text = str(number).replace(f"-{digits}-", f"-{wrong}-", 1)
    with pytest.raises(IdentifierError):
        AccountNumber.parse(text)


@pytest.mark.parametrize("text", ["JP-100-12345", "JP-100-12345-1", "CDM-100-1100-0"])
def test_numbers_of_other_registries_need_no_check_digits(text: str) -> None:
    assert str(AccountNumber.parse(text)).startswith(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GB",
        "GB-10-1",
        "GB-1000-1",
        "gb-100-1",
        "G-100-1",
        "GB-100-0",
        "GB-100-01",
        "GB-100-1234567890123456",
        "GB-100-12345-2-15",
        "GB-100-12345-2-014",
        "GB-100-12345-12",
        "GB-100-12345-2-14 ",
        "GB-100-١٢٣",
        "GB--100-1",
    ],
)
def test_what_is_no_account_number(text: str) -> None:
    with pytest.raises(IdentifierError):
        AccountNumber.parse(text)


@pytest.mark.parametrize("text", ["GB1", "CDM999999999999999", "GB40140"])
def test_transaction_identifiers(text: str) -> None:
    assert str(TransactionIdentifier.parse(text)) == text


@pytest.mark.parametrize("text", ["", "GB", "GB0", "GB01", "1", "gb1", "GB 1", "GB1000000000000000", "GBRX1", "GB1\n"])
def test_what_is_no_transaction_identifier(text: str) -> None:
    with pytest.raises(IdentifierError):
        TransactionIdentifier.parse(text)


@given(registries, numbers, numbers)
def test_a_serial_range_is_read_as_it_is_printed(registry: str, one: int, other: int) -> None:
    serials = SerialRange(registry, min(one, other), max(one, other))
    assert SerialRange.parse(str(serials)) == serials
    assert serials.quantity == serials.end - serials.start + 1


@pytest.mark.parametrize("text", ["BR-2-1", "BR-0-1", "BR-1", "BR-1-1000000000000000", "br-1-2", "BR-1-2-3"])
def test_what_is_no_serial_range(text: str) -> None:
    with pytest.raises(IdentifierError):
        SerialRange.parse(text)
