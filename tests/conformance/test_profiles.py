"""Profiles: what a file may say of a peer, and what it may not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from registry_client.conformance.playing import Access
from registry_client.conformance.profile import Profile, Roles, load, parse
from registry_client.conformance.registry.profile import Accounts, Candidate
from registry_client.errors import RegistryError
from registry_client.units import Account

HUB = """
url = "https://log.example/TransactionLogService"
version = [1, 2]
renumbered = { 5902 = 5999 }

[roles]
carrier = ""

[parties.GB]
certificate = "gb.pem"
key = "gb.key"
authority = "authority.pem"
called_by = ["itl", "secret"]

[operator]
time = "ask {registry}"
"""

REGISTRY = """
url = "https://registry.example/RegistryPort"
silence = 5
partner = "DE"

[access]
user = "itl"
password = "secret"

[accounts]
second = "GB-121-5"
"""


def test_a_profile_of_a_hub() -> None:
    found = parse(HUB, Profile())
    assert (found.url, found.version) == ("https://log.example/TransactionLogService", (1, 2))
    assert found.roles == Roles(carrier=None)
    assert found.renumbered == {5902: 5999}
    assert found.operator == {"time": "ask {registry}"}
    assert found.access("GB") == Access(None, None, "gb.pem", "gb.key", "authority.pem", ("itl", "secret"))
    assert found.access("FR") == Access(user="fr", password="fr")


def test_a_profile_of_a_registry_stands_before_its_enrolment() -> None:
    enrolled = Candidate(code="GB", log="ITL2", url="http://enrolled.example", access=Access(user="was"))
    found = parse(REGISTRY, enrolled)
    assert (found.code, found.log, found.url) == ("GB", "ITL2", "https://registry.example/RegistryPort")
    assert (found.other, found.silence) == ("DE", 5.0)
    assert found.access == Access(user="itl", password="secret")
    assert found.accounts == Accounts(second="GB-121-5")


@pytest.mark.parametrize(
    ("code", "other", "receiving"),
    [("GB", "FR", Account(100, 1001)), ("FR", "GB", Account(100, 1001)), ("CDM", "FR", Account(100, 1100))],
)
def test_what_is_not_said_fits_the_registry(code: str, other: str, receiving: Account) -> None:
    candidate = Candidate(code=code)
    assert (candidate.other, candidate.receiving) == (other, receiving)
    assert replace(candidate, accounts=Accounts(receiving=f"{code}-120-7")).receiving == Account(120, 7)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pacience = 5", "the profile has no pacience"),
        ("[roles]\ninitator = 'GB'", "roles has no initator"),
        ("[parties.GB]\npasswort = 'x'", "parties.GB has no passwort"),
        ("parties = { GB = 5 }", "parties.GB has no 5"),
        ("patience = 'long'", "Expected `float`"),
        ("url = ", "Invalid value"),
    ],
)
def test_a_profile_that_cannot_be_followed_names_file_and_place(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(text)
    with pytest.raises(RegistryError, match=why) as found:
        load(file, Profile())
    assert str(file) in str(found.value)


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"none\.toml"):
        load(tmp_path / "none.toml", Candidate())
