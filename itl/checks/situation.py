"""Situations of samples, as they are written, and the messages and views they stand for (`sample` says how)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from itl.checks import world
from itl.checks.view import View
from itl.codes import TransactionType
from itl.errors import ReferenceDataError
from itl.ledger.block import Attributes, HeldBlock, Inconsistency, Place, Reservation, SerialRange
from itl.ledger.snapshot import Snapshot
from itl.ledger.totals import Total, TotalKey, TotalKind, TotalsSnapshot
from itl.messages import (
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProposalTransaction,
    RelayRequest,
    TransactionStatusRequest,
    TransactionUnitBlock,
)
from itl.reference import Notice, PartyPeriod, Reference, Right

Table = Mapping[str, Any]

HEAD = {"sender": "GB", "addressee": "ITL", "major_version": 1, "minor_version": 1}
RELAYED = {"addressee": "CITL", "relay_identifier": "1", "operation_name": "createAccount", "message_content": "<a/>"}
UNITS = {"unit_type": 1, "original_commit_period": 2, "applicable_commit_period": 2}
ACCOUNTS = {
    TransactionType.ISSUANCE: (100, 100),
    TransactionType.CANCELLATION: (100, 230),
    TransactionType.RETIREMENT: (100, 300),
    TransactionType.REPLACEMENT: (100, 421),
    TransactionType.CARRY_OVER: (100, 130),
}
"""Transferring and acquiring account type of a plain proposal; 100 and 100 in all other types."""


def message_of(
    situation: Table,
) -> ProposalRequest | NotificationRequest | MessageRequest | RelayRequest | TransactionStatusRequest:
    """The message of a situation, plain where it says nothing."""
    if "proposal" in situation:
        return _proposal(situation["proposal"])
    identifier = {"transaction_identifier": "GB100001"}
    if "notification" in situation:
        plain = {**HEAD, **identifier, "transaction_status": 4, "party_type": 1, "evaluation_result": ()}
        return NotificationRequest(**{**plain, **situation["notification"]})
    if "text" in situation:
        return MessageRequest(**{**HEAD, "message_content": "", "message_date_time": world.NOW, **situation["text"]})
    if "relay" in situation:
        return RelayRequest(**{**HEAD, **RELAYED, **situation["relay"]})
    return TransactionStatusRequest(**{**HEAD, **identifier, **situation["status_query"]})


def _proposal(given: Table) -> ProposalRequest:
    head = {key: given.get(key, plain) for key, plain in HEAD.items()}
    kind = given.get("transaction_type", TransactionType.EXTERNAL_TRANSFER)
    source, target = ACCOUNTS.get(kind, (100, 100))
    initiator = given.get("transferring_registry_code", head["sender"])
    transaction = {
        "transaction_identifier": f"{head['sender']}100001",
        "transaction_type": int(kind),
        "transferring_registry_code": initiator,
        "transferring_registry_account_type": source,
        "transferring_registry_account_identifier": 1001,
        "acquiring_registry_code": "FR" if kind == TransactionType.EXTERNAL_TRANSFER else initiator,
        "acquiring_registry_account_type": target,
        "acquiring_registry_account_identifier": 2001,
        **{key: value for key, value in given.items() if key not in (*HEAD, "blocks", "without")},
    }
    for absent in given.get("without", ()):
        del transaction[absent]
    blocks = tuple(block for table in given.get("blocks", [{"units": "GB 1-100"}]) for block in _blocks(table))
    return ProposalRequest(**head, proposed_transaction=ProposalTransaction(**transaction, proposal_unit_blocks=blocks))


def _blocks(table: Table) -> Iterator[TransactionUnitBlock]:
    units = serials(table["units"])
    each = table.get("each", max(1, units.quantity))
    given = {**UNITS, **{key: value for key, value in table.items() if key not in ("units", "each")}}
    for start in range(units.start, units.start + max(1, units.quantity), each):
        yield TransactionUnitBlock(
            unit_serial_block_start=start,
            unit_serial_block_end=min(start + each - 1, units.end),
            originating_registry_code=units.originating_registry,
            **given,
        )


def view_of(situation: Table) -> View:
    """What the log knows in a situation."""
    return View(
        now=now_of(situation),
        reference=_reference(situation),
        units=Snapshot(
            map(_held, situation.get("held", ())),
            [Reservation(serials(each["units"]), each["transaction"]) for each in situation.get("reserved", ())],
        ),
        projects=world.PROJECTS,
        accounts=world.ACCOUNTS,
        totals=TotalsSnapshot({**world.TOTALS, **dict(map(_total, situation.get("totals", ())))}),
        notices={each["identifier"]: _notice(each) for each in situation.get("notices", ())},
        inconsistencies=[
            Inconsistency(serials(each["units"]), each["log"]) for each in situation.get("inconsistent", ())
        ],
    )


def _reference(situation: Table) -> Reference:
    """That of the world, with what the situation says of Parties in its place."""
    plain = world.REFERENCE
    periods = dict(plain.party_periods)
    for entry in situation.get("party_periods", ()):
        limits = {int(activity): most for activity, most in entry.get("rmu_limits", {}).items()}
        periods[entry["party"], entry["period"]] = PartyPeriod(**{**entry, "rmu_limits": limits})
    ineligible = [
        (each["party"], Right(each["right"]), each.get("unit_type")) for each in situation.get("ineligible", ())
    ]
    return replace(
        plain,
        party_periods=periods,
        base_year_emissions=situation.get("base_year_emissions", plain.base_year_emissions),
        ineligible=frozenset(ineligible),
        admit_unrecorded_projects=situation.get("admit_unrecorded_projects", False),
    )


def _total(table: Table) -> tuple[TotalKey, Total]:
    key = TotalKey(TotalKind(table["kind"]), table["subject"], table.get("period", 0), table.get("detail", 0))
    return key, Total(table.get("completed", 0), table.get("open", 0))


def _notice(table: Table) -> Notice:
    plain = {"status": 1, "registry": "GB", **table}
    if "project" in table:
        host, _, number = table["project"].partition(" ")
        plain["project"] = (host, int(number))
    return Notice(**{**plain, "blocks": tuple(map(serials, table.get("blocks", ())))})


def _held(table: Table) -> HeldBlock:
    registry, _, account_type = table.get("place", "GB 100").partition(" ")
    given = {**UNITS, **{key: value for key, value in table.items() if key not in ("units", "place")}}
    absent = dict.fromkeys(("supp_unit_type", "lulucf_activity", "project_identifier", "track", "expiry_date"))
    attributes = Attributes(**{**absent, "issued_unit_type": given["unit_type"], **given})
    return HeldBlock(serials(table["units"]), attributes, Place(registry, int(account_type)))


def now_of(situation: Table) -> datetime:
    """The instant of judging."""
    now = situation.get("now", world.NOW)
    if not isinstance(now, datetime):
        raise ReferenceDataError(f"{now!r} is no time")
    return now


def serials(words: str) -> SerialRange:
    """`GB 1-50` as a range."""
    registry, _, serials = words.partition(" ")
    start, _, end = serials.partition("-")
    return SerialRange(registry, int(start), int(end))
