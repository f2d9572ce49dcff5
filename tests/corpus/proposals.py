"""The corpus: seeded proposals of all types, most of them nearly right, each then made wrong in up to three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from random import Random
from typing import Any

from msgspec.structs import replace

from itl.codes import CDM_UNITS, EXPIRING_UNITS, TransactionType, UnitType
from itl.ledger.block import HeldBlock
from itl.messages import ProposalRequest, ProposalTransaction, TransactionUnitBlock
from tests.corpus.world import HELD, NEVER_ISSUED, PARTIES, SIZE

SEED = 2015
COUNT = 6_000

Mutation = Callable[[Random, ProposalRequest], ProposalRequest]


def proposals(count: int = COUNT, seed: int = SEED) -> Iterator[ProposalRequest]:
    """The same proposals for the same seed, on every machine."""
    random = Random(seed)
    for number in range(count):
        kind = random.choice(KINDS)
        request = kind(random)
        transaction = replace(request.proposed_transaction, transaction_identifier=f"{request.sender}{number + 100}")
        request = replace(request, proposed_transaction=transaction)
        for _ in range(random.choice((0, 0, 0, 1, 1, 1, 2, 3))):
            request = random.choice(MUTATIONS)(random, request)
        yield request


# What is nearly right ------------------------------------------------------------------------------------------------


def request(
    sender: str,
    transaction_type: int,
    blocks: Sequence[TransactionUnitBlock],
    source: int | None,
    target: int,
    to: str | None = None,
    **more: Any,
) -> ProposalRequest:
    return ProposalRequest(
        sender=sender,
        addressee="ITL",
        major_version=1,
        minor_version=1,
        proposed_transaction=ProposalTransaction(
            **{
                "transaction_identifier": f"{sender}1",
                "transaction_type": int(transaction_type),
                "transferring_registry_code": sender,
                "transferring_registry_account_type": source,
                "transferring_registry_account_identifier": None if source is None else 1001,
                "acquiring_registry_code": to or sender,
                "acquiring_registry_account_type": target,
                "acquiring_registry_account_identifier": 2001,
                "proposal_unit_blocks": tuple(blocks),
                **more,
            }
        ),
    )


def part(random: Random, held: HeldBlock, **more: Any) -> TransactionUnitBlock:
    """A part of a held block, as a registry would name it; often the whole."""
    start, end = held.range.start, held.range.end
    if random.random() < 0.6:
        start = random.randint(start, end)
        end = random.randint(start, end)
    what = held.attributes
    return TransactionUnitBlock(
        **{
            "unit_serial_block_start": start,
            "unit_serial_block_end": end,
            "originating_registry_code": held.range.originating_registry,
            "unit_type": what.unit_type,
            "original_commit_period": what.original_commit_period,
            "applicable_commit_period": what.applicable_commit_period,
            "lulucf_activity": what.lulucf_activity,
            "project_identifier": what.project_identifier,
            "track": what.track,
            "expiry_date": what.expiry_date,
            **more,
        }
    )


def held(random: Random, *types: int, registry: str | None = None, accounts: Sequence[int] = ()) -> HeldBlock:
    fitting = [
        block
        for block in HELD
        if (not types or block.attributes.unit_type in types)
        and registry in (None, block.place.registry)
        and (not accounts or block.place.account_type in accounts)
    ]
    return random.choice(fitting)


HOLDING = (100, 110, 120, 121, 130)


def issuance(random: Random) -> ProposalRequest:
    unit_type = random.choice((UnitType.AAU, UnitType.RMU, UnitType.CER, UnitType.TCER, UnitType.LCER))
    from_cdm = unit_type in CDM_UNITS
    sender = "CDM" if from_cdm else random.choice(PARTIES)
    origin = random.choice(("IN", "IN", "BR")) if from_cdm else sender
    start = NEVER_ISSUED + random.randint(0, 500)
    period = random.choice((1, 2))
    expires = {1: date(2020, 12, 31), 2: date(2030, 12, 31)}[period] if unit_type in EXPIRING_UNITS else None
    block = TransactionUnitBlock(
        unit_serial_block_start=start,
        unit_serial_block_end=start + random.choice((9, 99, 1_999)),
        originating_registry_code=origin,
        unit_type=int(unit_type),
        original_commit_period=period,
        applicable_commit_period=period,
        lulucf_activity=1 if unit_type in (UnitType.RMU, UnitType.TCER, UnitType.LCER) else None,
        project_identifier=random.choice((7, 7, 8)) if from_cdm else None,
        expiry_date=expires,
    )
    return request(sender, TransactionType.ISSUANCE, [block], None, 110 if from_cdm else 100)


def conversion(random: Random) -> ProposalRequest:
    source = held(random, UnitType.AAU, UnitType.RMU, registry=random.choice(PARTIES), accounts=(100, 120, 121))
    becomes = UnitType.ERU_FROM_AAU if source.attributes.unit_type == UnitType.AAU else UnitType.ERU_FROM_RMU
    track = random.choice((1, 2))
    activity = source.attributes.lulucf_activity and random.choice((1, 1, 3))
    block = part(
        random, source, unit_type=int(becomes), project_identifier=track, track=track, lulucf_activity=activity
    )
    return request(source.place.registry, TransactionType.CONVERSION, [block], source.place.account_type, 100)


def external_transfer(random: Random) -> ProposalRequest:
    source = held(random, accounts=HOLDING)
    to = random.choice([party for party in PARTIES if party != source.place.registry])
    target = 130 if source.place.account_type == 130 else 100
    more = {}
    if random.random() < 0.1:
        to, target = "CDM", random.choice((100, 240, 241))
        more = {"notification_identifier": random.choice((None, 6))}
        more |= {"acquiring_registry_account_identifier": random.choice((1100, 2001))}
    account_type = source.place.account_type
    kind = TransactionType.EXTERNAL_TRANSFER
    return request(source.place.registry, kind, [part(random, source)], account_type, target, to, **more)


def cancellation(random: Random) -> ProposalRequest:
    source = held(random, accounts=HOLDING)
    target = random.choice((230, 230, 210, 220, 250, 260, 240, 270))
    notice = {210: 1, 220: 2, 250: random.choice((4, 5))}.get(target)
    answers = random.random() < 0.7
    return request(
        source.place.registry,
        TransactionType.CANCELLATION,
        [part(random, source)],
        source.place.account_type,
        target,
        notification_identifier=notice if answers else None,
    )


def retirement(random: Random) -> ProposalRequest:
    source = held(random, registry=random.choice(PARTIES), accounts=HOLDING)
    return request(
        source.place.registry, TransactionType.RETIREMENT, [part(random, source)], source.place.account_type, 300
    )


def replacement(random: Random) -> ProposalRequest:
    registry = random.choice(PARTIES)
    replaced = held(random, UnitType.TCER, UnitType.LCER, registry=registry, accounts=HOLDING)
    by = held(random, registry=registry, accounts=HOLDING)
    size = random.randint(1, SIZE)
    blocks = [
        replace(
            part(random, source, block_role=role),
            unit_serial_block_start=source.range.start,
            unit_serial_block_end=source.range.start + size - 1,
        )
        for source, role in ((replaced, "REP"), (by, None))
    ]
    tcer = replaced.attributes.unit_type == UnitType.TCER
    target = 411 if tcer else random.choice((421, 422, 423))
    notice = {422: 4, 423: 5}.get(target, random.choice((None, 3)))
    return request(
        registry,
        TransactionType.REPLACEMENT,
        blocks,
        by.place.account_type,
        target,
        notification_identifier=notice,
    )


def carry_over(random: Random) -> ProposalRequest:
    source = held(random, registry=random.choice((*PARTIES, "CDM")), accounts=(100, 110, 120, 121))
    block = part(random, source, applicable_commit_period=source.attributes.applicable_commit_period + 1)
    aau = source.attributes.unit_type == UnitType.AAU
    target = 130 if aau else source.place.account_type
    more = {} if aau else {"acquiring_registry_account_identifier": 1001}
    kind = TransactionType.CARRY_OVER
    return request(source.place.registry, kind, [block], source.place.account_type, target, **more)


def expiry_date_change(random: Random) -> ProposalRequest:
    source = held(random, UnitType.TCER, UnitType.TCER, UnitType.LCER)
    block = part(random, source, expiry_date=date(2025, 12, 31))
    account = source.place.account_type
    kind = TransactionType.EXPIRY_DATE_CHANGE
    return request(source.place.registry, kind, [block], account, account, notification_identifier=9)


def internal_transfer(random: Random) -> ProposalRequest:
    source = held(random, registry=random.choice(PARTIES), accounts=HOLDING)
    kind, account = TransactionType.INTERNAL_TRANSFER, source.place.account_type
    supplement = random.choice((None, None, 1, 53, 77, 99))
    block = part(random, source)
    return request(source.place.registry, kind, [block], account, 121, supp_transaction_type=supplement)


KINDS = (
    issuance,
    issuance,
    conversion,
    external_transfer,
    external_transfer,
    cancellation,
    cancellation,
    retirement,
    replacement,
    carry_over,
    expiry_date_change,
    internal_transfer,
)


# What makes it wrong -------------------------------------------------------------------------------------------------


def _in_head(name: str, *values: Any) -> Mutation:
    def mutate(random: Random, request: ProposalRequest) -> ProposalRequest:
        return replace(request, **{name: random.choice(values)})

    return mutate


def _in_transaction(name: str, *values: Any) -> Mutation:
    def mutate(random: Random, request: ProposalRequest) -> ProposalRequest:
        transaction = replace(request.proposed_transaction, **{name: random.choice(values)})
        return replace(request, proposed_transaction=transaction)

    return mutate


def _in_block(name: str, *values: Any) -> Mutation:
    def change(random: Random, block: TransactionUnitBlock) -> TransactionUnitBlock:
        return replace(block, **{name: random.choice(values)})

    return _block_changed(change)


def _block_changed(change: Callable[[Random, TransactionUnitBlock], TransactionUnitBlock]) -> Mutation:
    def mutate(random: Random, request: ProposalRequest) -> ProposalRequest:
        blocks = list(request.proposed_transaction.proposal_unit_blocks)
        if blocks:
            at = random.randrange(len(blocks))
            blocks[at] = change(random, blocks[at])
        return _with_blocks(request, blocks)

    return mutate


def _with_blocks(request: ProposalRequest, blocks: Sequence[TransactionUnitBlock]) -> ProposalRequest:
    return replace(
        request, proposed_transaction=replace(request.proposed_transaction, proposal_unit_blocks=tuple(blocks))
    )


def _reversed(_random: Random, block: TransactionUnitBlock) -> TransactionUnitBlock:
    start, end = block.unit_serial_block_start, block.unit_serial_block_end
    return replace(block, unit_serial_block_start=end + 1, unit_serial_block_end=start)


def _longer(random: Random, block: TransactionUnitBlock) -> TransactionUnitBlock:
    return replace(block, unit_serial_block_end=block.unit_serial_block_end + random.choice((1, 100, 1_000, 10_000)))


def _shifted(random: Random, block: TransactionUnitBlock) -> TransactionUnitBlock:
    by = random.choice((SIZE, 5 * SIZE, NEVER_ISSUED))
    return replace(
        block,
        unit_serial_block_start=block.unit_serial_block_start + by,
        unit_serial_block_end=block.unit_serial_block_end + by,
    )


def _another_block(random: Random, request: ProposalRequest) -> ProposalRequest:
    """One more block: of what the registry holds, of what another holds, or one of its own once more."""
    blocks = list(request.proposed_transaction.proposal_unit_blocks)
    if blocks and random.random() < 0.2:
        return _with_blocks(request, [*blocks, random.choice(blocks)])
    registry = request.sender if request.sender in PARTIES else "GB"
    return _with_blocks(request, [*blocks, part(random, held(random, registry=registry))])


def _many_blocks(_random: Random, request: ProposalRequest) -> ProposalRequest:
    return _with_blocks(request, request.proposed_transaction.proposal_unit_blocks[:1] * 3_001)


MUTATIONS: tuple[Mutation, ...] = (
    _in_head("sender", "GB", "CDM", "CITL", "UA", "XX"),
    _in_head("addressee", "CITL", "GB"),
    _in_head("major_version", 0, 2),
    _in_head("minor_version", 0, 9),
    _in_transaction("transaction_identifier", "GB", "GB0", "FR12", "GB1234567890123456", "x"),
    _in_transaction("transaction_type", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    _in_transaction("supp_transaction_type", 1, 53, 77, 99),
    _in_transaction("transferring_registry_code", *PARTIES, "CDM", "XX"),
    _in_transaction("transferring_registry_account_type", None, 100, 110, 120, 130, 230, 300, 999),
    _in_transaction("transferring_registry_account_identifier", None, 0, 77),
    _in_transaction("acquiring_registry_code", *PARTIES, "CDM", "CA", "UA", "XX"),
    _in_transaction("acquiring_registry_account_type", None, 100, 110, 130, 210, 230, 240, 250, 300, 411, 421, 999),
    _in_transaction("acquiring_registry_account_identifier", None, 0, 2002, 2003, 1100),
    _in_transaction("acquiring_registry_account_identifier", None, 2002),
    _in_transaction("notification_identifier", None, 0, 1, 2, 3, 4, 5, 6, 9, 77),
    _in_block("unit_serial_block_start", 0, 1, 10**15),
    _in_block("originating_registry_code", "GB", "IN", "XX"),
    _in_block("unit_type", 0, 1, 2, 3, 4, 5, 6, 7, 8),
    _in_block("supp_unit_type", 1, 2, 9),
    _in_block("original_commit_period", 0, 1, 2, 3, 9),
    _in_block("applicable_commit_period", 0, 1, 2, 3, 9),
    _in_block("lulucf_activity", None, 1, 3, 9),
    _in_block("project_identifier", None, 0, 1, 7, 8, 10**7),
    _in_block("track", None, 1, 2, 3),
    _in_block("expiry_date", None, date(2010, 1, 1), date(2020, 12, 31), date(2031, 1, 1)),
    _in_block("block_role", "REP", "OLD"),
    _in_block("transferring_registry_account_type", 100, 120, 230, 999),
    _in_block("acquiring_registry_account_type", 100, 130, 230, 411, 423, 999),
    _block_changed(_reversed),
    _block_changed(_longer),
    _block_changed(_longer),
    _block_changed(_shifted),
    _another_block,
    _another_block,
    _another_block,
    lambda _random, request: _with_blocks(request, ()),
)


def oversized(seed: int = SEED) -> ProposalRequest:
    """One with more blocks than a message may have."""
    random = Random(seed)
    return _many_blocks(random, cancellation(random))
