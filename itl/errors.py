"""The one family of errors. A message says what is wrong, where, why, and what to do about it."""

from __future__ import annotations


class LogError(Exception):
    """Something the log cannot do; the base of every error that it raises by intention."""


class UsageError(LogError):
    """A command or a setting that cannot be followed: mend what it names and run it again."""


class ReferenceDataError(LogError):
    """Reference data that contradicts itself or names what is not there: mend the file or the command."""


class LedgerError(LogError):
    """A ledger operation that would break an invariant: nothing was changed; the log's own verdict was wrong."""


class StoreError(LogError):
    """The database is not what the program needs (absent, older, newer): migrate it or point to another."""


class ConflictError(StoreError):
    """Another process changed the same row first: read again and decide again."""
