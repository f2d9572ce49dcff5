"""What one message may cost: every bound on what a peer sends stands here, so that a setting can change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

MEBIBYTE = 1024 * 1024

# 3,000 unit blocks as Axis writes them (every value a multiRef element) take 7 MiB, with every element given and no
# value shared 13; audit trails and holdings have no published bound, so they get the same room.
_LARGE = ("acceptProposal", "receiveAuditTrail", "receiveUnitBlocks", "provideUnitBlocks", "provideAuditTrail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one message.

    `request_bytes` (inflated, by operation where `request_bytes_by_operation` names it) and `reply_bytes` bound the
    body, `elements` the tags in it, `text` the characters of one value (by operation likewise: a relayed document is
    one value), `unit_blocks` the blocks of a proposal.
    `expansion` bounds what references may repeat: values read per byte received, a repeated value counted each time.
    `errors` bounds the entries of a fault; `explain_bytes` the size up to which xmlschema words them.
    `validate` adds lxml's XSD validation of every message to the plan's own.
    """

    request_bytes: int = 5 * MEBIBYTE
    request_bytes_by_operation: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(_LARGE, 16 * MEBIBYTE))
    )
    reply_bytes: int = 5 * MEBIBYTE
    elements: int = 400_000
    text: int = 65_536
    text_by_operation: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"relayMessage": 4 * MEBIBYTE})
    )
    unit_blocks: int = 3_000
    expansion: int = 2
    errors: int = 100
    explain_bytes: int = 65_536
    validate: bool = False

    def largest_request(self) -> int:
        """The most bytes that any operation may have: what the transport must let through."""
        return max(self.request_bytes, *self.request_bytes_by_operation.values(), 0)

    def request_bytes_of(self, operation: str) -> int:
        """The most bytes that a request of `operation` may have."""
        return self.request_bytes_by_operation.get(operation, self.request_bytes)

    def of(self, operation: str) -> Limits:
        """The bounds on a request of `operation`, where it has some of its own."""
        text = self.text_by_operation.get(operation)
        return self if text is None else replace(self, text=text)


LIMITS = Limits()
