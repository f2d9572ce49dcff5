"""What several rules ask: the kind of the transaction, and the scheme's accounts that its blocks name."""

from __future__ import annotations

from collections.abc import Iterator

from itl.checks.blocks import AccountOf
from itl.checks.proposal import Proposal
from itl.messages import TransactionUnitBlock
from itl.supplement.counting import kind_of
from itl.supplement.kinds import SCHEME_ACCOUNT_TYPES, Kind, is_issue
from itl.supplement.scheme import SchemeView

Side = tuple[TransactionUnitBlock, AccountOf]


def kind(proposal: Proposal) -> Kind:
    """Main and supplementary type."""
    return kind_of(proposal.transaction)


def leaving(proposal: Proposal, scheme: SchemeView) -> Iterator[Side]:
    """The blocks that leave an account of the scheme, with that account: of a member, and not where units are new."""
    if proposal.initiator in scheme.members and not is_issue(kind(proposal)):
        for block in proposal.moving:
            account = proposal.transferring_account(block)
            if account[0] in SCHEME_ACCOUNT_TYPES:
                yield block, account


def reaching(proposal: Proposal, scheme: SchemeView) -> Iterator[Side]:
    """The blocks that go to an account of the scheme, with that account."""
    if proposal.acquirer in scheme.members:
        for block in proposal.moving:
            account = proposal.acquiring_account(block)
            if account[0] in SCHEME_ACCOUNT_TYPES:
                yield block, account


def is_known(registry: str, account: AccountOf, scheme: SchemeView) -> bool:
    """Whether the scheme has the account under that registry, and it is not closed."""
    return scheme.open_account((registry, account[0] or 0, account[1] or 0)) is not None


def has_elsewhere(registry: str, account: AccountOf, scheme: SchemeView) -> bool:
    """Whether the scheme has the account, but under another member's registry."""
    others = (code for code in scheme.members if code != registry)
    return not is_known(registry, account, scheme) and any(is_known(code, account, scheme) for code in others)
