"""The table of states as registries meet it, written out apart from the log's own."""

from __future__ import annotations

STATUSES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
OK = 1

# What GB (the initiator) is answered when it says 4 and when it says 5, by the state; all else is 3011, or 3010.
INTERNAL_TABLE = {
    1: (3013, 3013),
    2: (OK, OK),
    3: (3005, OK),
    4: (OK, 3003),
    5: (3007, OK),
    7: (3008, 3008),
    9: (OK, OK),
    10: (3006, OK),
}

# By the state of an external transfer: what GB is answered to 4 and 5, and FR (the acquirer) to 4, 6 and 8.
EXTERNAL_TABLE = {
    1: (3013, 3013, 3013, 3013, 3013),
    2: (3013, OK, 3012, OK, OK),
    3: (3005, OK, 3005, 3005, 3005),
    4: (OK, 3003, OK, 3003, 3003),
    5: (3007, OK, 3007, 3007, 3007),
    6: (3004, OK, 3004, OK, 3004),
    7: (3008, 3008, 3008, 3008, 3008),
    8: (OK, 3009, 3012, 3012, OK),
    9: (3013, OK, 3012, OK, OK),
    10: (3006, OK, 3006, 3006, 3006),
}


def answer(external: bool, state: int, role: str | None, said: int) -> int:
    """What the initiator, the acquirer or a stranger (None) is answered when it says `said`."""
    if role is None:
        return 3014
    if role == "acquirer":
        return dict(zip((4, 6, 8), EXTERNAL_TABLE[state][2:], strict=True)).get(said, 3012)
    if external:
        return dict(zip((4, 5), EXTERNAL_TABLE[state][:2], strict=True)).get(said, 3011)
    return ({6: 3010, 8: 3010} | dict(zip((4, 5), INTERNAL_TABLE[state], strict=True))).get(said, 3011)
