"""Which supplementary logs are asked about a transaction, by the schemes that are enrolled."""

from __future__ import annotations

from collections.abc import Iterable

from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.reference import Route, Scheme


def asked(proposal: ProposalTransaction, schemes: Iterable[Scheme]) -> tuple[Scheme, ...]:
    """The schemes whose STLs are asked, in the order of their codes: all at the same time, and each must agree."""
    return tuple(sorted((each for each in schemes if _concerns(each, proposal)), key=lambda scheme: scheme.stl))


def _concerns(scheme: Scheme, proposal: ProposalTransaction) -> bool:
    if scheme.members.isdisjoint({proposal.transferring_registry_code, proposal.acquiring_registry_code}):
        return False
    if not scheme.routes or (proposal.transaction_type, proposal.supp_transaction_type) in scheme.types:
        return True
    return any(_fits(route, proposal) for route in scheme.routes)


def _fits(route: Route, proposal: ProposalTransaction) -> bool:
    return (
        route.transaction_type in (None, proposal.transaction_type)
        and route.supp_transaction_type in (None, proposal.supp_transaction_type or 0)
        and any(_holds(route, block) for block in proposal.proposal_unit_blocks)
    )


def _holds(route: Route, block: TransactionUnitBlock) -> bool:
    return route.unit_type in (None, block.unit_type) and route.supp_unit_type in (None, block.supp_unit_type or 0)
