"""The supplementary transaction log of a scheme: the same program in another role (`itl.roles`).

All that only such a log has is here, and nothing else of the house imports it: taken off, the transaction log stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from itl.roles import Role

ROLES: Sequence[Role] = ()
