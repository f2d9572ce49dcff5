"""What a log must know before anybody can use it, and the parties of the sandbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from itl.reference import Registry, RegistryKind
from itl.store import tables as t
from itl.store.reference_data import (
    ADMIT_UNRECORDED_PROJECTS,
    LOG_CODE,
    load_reference,
    put,
    put_registry,
    put_setting,
    put_user,
)

PERIODS = ((0, 2005, 2008), (1, 2008, 2013), (2, 2013, 2021), (3, 2021, 2031))
"""Commitment periods: number, first year, first year after (decision 1/CMP.8 for the second)."""

TRUE_UP_END = {
    1: datetime(2015, 11, 19, tzinfo=UTC),
    2: datetime(2023, 9, 10, tzinfo=UTC),
}
"""First instant after the additional period for fulfilling commitments: it ended on 18 November 2015 for the first
commitment period and on 9 September 2023 for the second."""


def put_basics(connection: Connection, log_code: str = "ITL") -> None:
    """Commitment periods, version 1.1 of the standard, the log's own code."""
    put_setting(connection, LOG_CODE, log_code)
    put(connection, t.versions, [{"major": 1, "minor": 1}])
    put(
        connection,
        t.commitment_periods,
        [
            {
                "number": number,
                "start_at": datetime(first, 1, 1, tzinfo=UTC),
                "end_at": datetime(behind, 1, 1, tzinfo=UTC),
            }
            for number, first, behind in PERIODS
        ],
    )


def put_parties(connection: Connection, codes: Iterable[str]) -> None:
    """Make codes known as originating registries, without enrolling a registry of theirs."""
    put(connection, t.parties, [{"code": code} for code in sorted(set(codes))])


def put_true_up(connection: Connection, party: str, ends: dict[int, datetime]) -> None:
    """When the Party's true-up of each commitment period ends."""
    put(
        connection,
        t.party_periods,
        [
            {"party": party, "period": period, "true_up_end": end, "assigned_amount": None}
            for period, end in sorted(ends.items())
        ],
    )


def kind_of(code: str) -> RegistryKind:
    """The kind of a registry, as its code tells it."""
    return RegistryKind.CDM if code == "CDM" else RegistryKind.PARTY


SANDBOX_REGISTRIES = ("GB", "FR", "JP", "CDM")
SANDBOX_OPEN_UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


def put_sandbox(connection: Connection, now: datetime, urls: dict[str, str] | None = None) -> None:
    """Registries GB, FR, JP, CDM for tests: user and password are the code in lower case, both periods stay open.

    Every Party code is known, and projects need not be recorded, so that any unit can be tried. What is enrolled
    already stays as it is.
    """
    put_basics(connection)
    put_setting(connection, ADMIT_UNRECORDED_PROJECTS, "true")
    put_parties(connection, KNOWN_CODES)
    enrolled = load_reference(connection).registries
    for code in SANDBOX_REGISTRIES:
        registry = enrolled.get(code, Registry(code, kind_of(code)))
        put_registry(connection, replace(registry, url=(urls or {}).get(code, registry.url)), now)
        if code not in enrolled:
            put_user(connection, code, code.lower(), code.lower())
        if code not in enrolled and code != "CDM":
            put_true_up(connection, code, dict.fromkeys((1, 2, 3), SANDBOX_OPEN_UNTIL))


KNOWN_CODES = (
    "AD AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL "
    "CM CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET EU FI FJ FM FR GA GB GD GE GH GM GN GQ GR GT GW "
    "GY HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV "
    "LY MA MC MD ME MG MH MK ML MM MN MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NU NZ OM PA PE PG PH PK PL "
    "PS PT PW PY QA RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR "
    "TT TV TZ UA UG US UY UZ VC VE VN VU WS YE ZA ZM ZW"
).split()
"""ISO 3166 codes of the Parties to the Convention, and EU."""
