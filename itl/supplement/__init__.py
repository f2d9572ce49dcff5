"""The supplementary transaction log of a scheme: the same program in another role (`itl.roles`).

All that only such a log has is here, and nothing else of the house imports it: taken off, the transaction log stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from itl.roles import Role

__all__ = ["ROLES"]


def __getattr__(name: str) -> Sequence[Role]:
    """`ROLES`, made when it is asked for: importing a part of this package does not import all of it."""
    if name != "ROLES":
        raise AttributeError(name)
    from itl.supplement.role import SupplementaryLog  # noqa: PLC0415

    return (SupplementaryLog(),)
