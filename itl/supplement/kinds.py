"""Which transactions of the scheme do what: the EU's codes, as data (main type, supplementary type).

Sources: Regulation (EC) 2216/2004 as amended by 916/2007 for 10-52 to 10-62 and 05-01; a connected registry's code for
the others.
"""

from __future__ import annotations

from itl.codes import SUPPLEMENTARY_UNIT_TYPES, TransactionType
from itl.messages import TransactionUnitBlock

Kind = tuple[int, int]

ISSUES = frozenset({(1, 22), (1, 51), (10, 52)})
"""Issue of allowances that a national allocation plan provides for; force majeure ones (01-54) are outside it."""
ALLOCATION: Kind = (10, 53)
SURRENDER: Kind = (10, 2)
SURRENDERS = frozenset({SURRENDER, (3, 2)})
"""Of allowances, and of Kyoto units."""
REVERSAL_OF_SURRENDER: Kind = (10, 82)
CONVERSION_OF_SURRENDERED: Kind = (10, 61)
CONVERSION_OF_UNALLOCATED: Kind = (10, 62)
RETIREMENT_OF_SURRENDERED: Kind = (5, 1)
CANCELLATIONS = frozenset({(10, 1), (10, 41)})
"""Beside main type 4."""
RETIREMENTS = frozenset({(4, 3)})
"""Beside main type 5."""

DEFINED = frozenset(
    {
        *ISSUES,
        *SURRENDERS,
        *CANCELLATIONS,
        *RETIREMENTS,
        ALLOCATION,
        REVERSAL_OF_SURRENDER,
        CONVERSION_OF_SURRENDERED,
        CONVERSION_OF_UNALLOCATED,
        RETIREMENT_OF_SURRENDERED,
        (1, 54),
        (3, 21),
        (10, 55),
    }
)
"""All that such a scheme defines: what the transaction log must know as its own (2003, 5401)."""

FORCE_MAJEURE = (0, 3)
PARTY_HOLDING = 100
SCHEME_ACCOUNT_TYPES = frozenset({100, 120, 121})
"""Account types of which the scheme keeps a table of its own; all others are the transaction log's business."""


def is_cancellation(kind: Kind) -> bool:
    """Whether units are cancelled; 04-03 retires those of 2005 to 2007."""
    return kind in CANCELLATIONS or (kind[0] == TransactionType.CANCELLATION and kind not in RETIREMENTS)


def is_retirement(kind: Kind) -> bool:
    """Whether units are retired."""
    return kind in RETIREMENTS or kind[0] == TransactionType.RETIREMENT


def is_issue(kind: Kind) -> bool:
    """Whether units come into being, so that they leave no account."""
    return kind[0] == TransactionType.ISSUANCE


def is_allowance(block: TransactionUnitBlock) -> bool:
    """Whether the units of `block` are allowances of a scheme."""
    return (block.unit_type, block.supp_unit_type or 0) in SUPPLEMENTARY_UNIT_TYPES
