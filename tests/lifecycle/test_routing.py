"""Which supplementary logs are asked, case by case."""

from __future__ import annotations

import pytest

from itl.lifecycle.routing import asked
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.reference import Route, Scheme

EU, UK = frozenset({"FR", "GB"}), frozenset({"GB"})


def scheme(
    stl: str = "CITL", members: frozenset[str] = EU, *routes: Route, types: tuple[tuple[int, int], ...] = ()
) -> Scheme:
    return Scheme(stl, frozenset(types), members, frozenset(routes))


def proposal(
    transaction_type: int = 3,
    supplementary: int | None = None,
    sides: tuple[str, str] = ("GB", "JP"),
    units: tuple[tuple[int, int | None], ...] = ((1, None),),
) -> ProposalTransaction:
    return ProposalTransaction(
        transaction_identifier="GB1",
        transaction_type=transaction_type,
        supp_transaction_type=supplementary,
        transferring_registry_code=sides[0],
        acquiring_registry_code=sides[1],
        proposal_unit_blocks=tuple(
            TransactionUnitBlock(
                unit_serial_block_start=1,
                unit_serial_block_end=2,
                originating_registry_code="GB",
                unit_type=unit_type,
                supp_unit_type=supp_unit_type,
                original_commit_period=1,
                applicable_commit_period=1,
            )
            for unit_type, supp_unit_type in units
        ),
    )


PLAIN = Route(supp_transaction_type=0)
SURRENDER = Route(transaction_type=10, supp_transaction_type=2)
TRANSFERS = Route(transaction_type=3)
AAU, FORMER_EUA, PLAIN_AAU = (
    Route(unit_type=1),
    Route(unit_type=1, supp_unit_type=1),
    Route(unit_type=1, supp_unit_type=0),
)
SCHEME_UNITS = Route(unit_type=0)
TRANSFER_OF_EUA = Route(3, None, 1, 1)


@pytest.mark.parametrize(
    ("proposed", "routes", "is_asked"),
    [
        # without routes: all in which a member takes part
        (proposal(), (), True),
        (proposal(sides=("JP", "FR")), (), True),
        (proposal(1, sides=("FR", "FR")), (), True),
        (proposal(sides=("JP", "CDM")), (), False),
        (proposal(10, 53, sides=("JP", "JP")), (), False),
        # by transaction type
        (proposal(3), (TRANSFERS,), True),
        (proposal(3, 21), (TRANSFERS,), True),
        (proposal(5), (TRANSFERS,), False),
        (proposal(3, sides=("JP", "CDM")), (TRANSFERS,), False),
        # by supplementary type; plain is 0 or absent
        (proposal(10, 2), (SURRENDER,), True),
        (proposal(10, 3), (SURRENDER,), False),
        (proposal(10), (SURRENDER,), False),
        (proposal(10), (PLAIN,), True),
        (proposal(10, 0), (PLAIN,), True),
        (proposal(10, 2), (PLAIN,), False),
        # by unit type: one block that fits is enough
        (proposal(units=((5, None), (1, None))), (AAU,), True),
        (proposal(units=((5, None),)), (AAU,), False),
        (proposal(units=((1, 1),)), (AAU,), True),
        (proposal(units=((1, 1),)), (FORMER_EUA,), True),
        (proposal(units=((1, None),)), (FORMER_EUA,), False),
        (proposal(units=((1, 0),)), (PLAIN_AAU,), True),
        (proposal(units=((1, None),)), (PLAIN_AAU,), True),
        (proposal(units=((1, 1),)), (PLAIN_AAU,), False),
        (proposal(units=((0, 2),)), (SCHEME_UNITS,), True),
        # both of a block, not of two
        (proposal(units=((1, None), (0, 1))), (FORMER_EUA,), False),
        # all that a route gives must fit; of several routes one is enough
        (proposal(3, units=((1, 1),)), (TRANSFER_OF_EUA,), True),
        (proposal(4, units=((1, 1),)), (TRANSFER_OF_EUA,), False),
        (proposal(3), (TRANSFER_OF_EUA,), False),
        (proposal(4), (TRANSFERS, AAU), True),
    ],
)
def test_a_scheme_is_asked(proposed: ProposalTransaction, routes: tuple[Route, ...], is_asked: bool) -> None:
    assert [each.stl for each in asked(proposed, [scheme("CITL", EU, *routes)])] == (["CITL"] if is_asked else [])


def test_what_a_scheme_defines_is_always_asked() -> None:
    known = [scheme("CITL", EU, TRANSFERS, types=((10, 53),))]
    assert asked(proposal(10, 53), known) == tuple(known)
    assert asked(proposal(10, 54), known) == ()
    assert asked(proposal(10, 53, sides=("JP", "JP")), known) == ()


def test_all_concerned_are_asked_in_the_order_of_their_codes() -> None:
    known = [scheme("UKTL", UK), scheme("CITL", EU), scheme("XTL", frozenset({"CDM"}))]
    assert [each.stl for each in asked(proposal(sides=("GB", "FR")), known)] == ["CITL", "UKTL"]
    assert [each.stl for each in asked(proposal(sides=("FR", "JP")), known)] == ["CITL"]
    assert asked(proposal(sides=("FR", "JP")), []) == ()
