"""The one family of errors of the registry's side. A message says what is wrong, where, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


class RegistryError(Exception):
    """Something a registry cannot do; the base of every error that this package raises by intention."""


class IdentifierError(RegistryError, ValueError):
    """An account number, transaction identifier or serial range that is not spelled as the standard has it."""


class UnitsError(RegistryError):
    """The units that a proposal asks for are not there, not free, or not in one account."""


class AccountError(RegistryError):
    """The account does not exist, exists already, or is closed."""


class TransactionError(RegistryError):
    """The transaction does not exist, or is not in a state that allows what was asked."""


class StoreError(RegistryError):
    """The database is not one of this registry: absent, of another registry, or of another version."""


class HubError(RegistryError):
    """A call to the hub that brought no answer of the contract; the base of the two ways in which that happens."""


class HubUnreachable(HubError):  # noqa: N818 - it names what happened, as callers read it
    """No answer: no connection, a time-out, a refused password, or a reply that cannot be read. Try again later."""


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """One entry of a fault's detail: where in the message, and why."""

    code: int | None
    path: str
    reason: str


class HubFault(HubError):  # noqa: N818
    """The hub answered with a SOAP fault: `code` is its code without prefix (Client: mend the message before sending
    it again; Server: try again later), `entries` what its detail lists."""

    def __init__(self, code: str, message: str, entries: tuple[FaultEntry, ...] = ()) -> None:
        super().__init__(f"{code}: {message}" + "".join(f"; {e.path}: {e.reason}" for e in entries))
        self.code = code
        self.message = message
        self.entries = entries

    @property
    def is_final(self) -> bool:
        """Whether the same message would be refused again: the fault blames the message, not the hub."""
        return self.code.split(".")[0] in ("Client", "VersionMismatch", "MustUnderstand")
