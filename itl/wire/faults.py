"""SOAP faults as errors: what a peer did that cannot be read, what we failed at, what a peer answered.

The reply codes of the catalogue are for messages that can be read as their type; what cannot is a fault, whose entries
say each error with its code, place and reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from itl.errors import LogError

MISSING = 1101
WRONG_TYPE = 1102
UNKNOWN = 1103
TOO_MANY_BLOCKS = 1104
TOO_LARGE = 1105


_LONGEST = 500  # characters of a path or a reason: both may quote what a hostile peer sent


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """One error: the catalogue's `code` (None if it has none), `path` in the message's canonical form, `reason`."""

    code: int | None
    path: str
    reason: str


class WireFault(LogError):  # noqa: N818 - SOAP's own word for it
    """What is answered as a SOAP fault: `kind` is its faultcode's local name, `reason` its faultstring."""

    kind = "Server"

    def __init__(self, reason: str, entries: tuple[FaultEntry, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = _cut(reason)
        self.entries = tuple(FaultEntry(entry.code, _cut(entry.path), _cut(entry.reason)) for entry in entries)

    def __str__(self) -> str:
        return "; ".join([self.reason, *(f"{entry.path}: {entry.reason}" for entry in self.entries)])


class ClientFault(WireFault):
    """The message cannot be read as what it claims to be: its sender must mend it."""

    kind = "Client"


class VersionMismatchFault(ClientFault):
    """The envelope is not of SOAP 1.1."""

    kind = "VersionMismatch"


class MustUnderstandFault(ClientFault):
    """A header entry that must be understood is not."""

    kind = "MustUnderstand"


class ServerFault(WireFault):
    """The message may be right, but could not be dealt with now: its sender may send it again."""

    kind = "Server"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


class PeerFault(LogError):  # noqa: N818 - SOAP's own word for it
    """A peer answered with a SOAP fault: `kind` is its faultcode, `reason` its faultstring, `detail` its text, cut."""

    def __init__(self, kind: str, reason: str, detail: str = "") -> None:
        super().__init__(f"the peer answered with the fault {kind}: {reason}")
        self.kind = kind
        self.reason = reason
        self.detail = detail
