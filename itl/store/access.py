"""Who may call: Basic users and client certificates, and what a name and a secret must show.

Passwords are kept as scrypt hashes. A verified pair is remembered in the process by a keyed digest, for as long as the
reference stamp stands, since scrypt is slow by design and a registry sends its password with every call.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_COST = {"n": 2**14, "r": 8, "p": 1}


def hash_password(password: str) -> str:
    """`salt$hash` in hex, of a fresh salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_COST).hex()}"


def matches(password: str, stored: str) -> bool:
    salt, _, digest = stored.partition("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_COST)
    return hmac.compare_digest(found.hex(), digest)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is kept of a client certificate; `fingerprint` is its SHA-256 in lower-case hex."""

    fingerprint: str
    subject: str
    issuer: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """A Basic user (`secret` is the hash) or a certificate (`name` is its SHA-256 fingerprint in hex)."""

    registry: str
    secret: str | None
    revoked: bool


@dataclass(frozen=True)
class Access:
    """All credentials as of one reference stamp."""

    stamp: int
    users: Mapping[str, Credential]
    certificates: Mapping[str, Credential]
    _verified: set[bytes] = field(default_factory=set)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def user(self, name: str, password: str) -> Credential | None:
        """The credential of the Basic user, None where user or password is wrong or revoked."""
        credential = self.users.get(name)
        if credential is None or credential.revoked or credential.secret is None:
            return None
        seen = hmac.digest(self._key, f"{name}\n{password}".encode(), "sha256")
        if seen not in self._verified:
            if not matches(password, credential.secret):
                return None
            self._verified.add(seen)
        return credential
