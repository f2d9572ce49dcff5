"""Who calls: what the transport shows (Basic user, or the client certificate that the proxy hands over), looked up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from itl.store.access import Access, Certificate
from itl.wire.endpoint import Credentials


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller whose secret was right, or whose certificate the proxy trusts.

    `registry` None: nobody enrolled the certificate (check 1001). `valid` False: it is expired or revoked (1003).
    """

    registry: str | None
    valid: bool
    shown: Credentials
    stamp: int | None = None
    """Of the reference data that it stands by as long as they do; None: it has to be looked at again."""


def identify(shown: Credentials, access: Access, now: datetime) -> Identity | None:
    """The identity that the credentials show; None (an HTTP 401) for none, or a wrong user or password."""
    if shown.certificate is not None:
        return _by_certificate(shown, shown.certificate, access, now)
    if shown.user is None or shown.password is None:
        return None
    credential = access.user(shown.user, shown.password)
    return None if credential is None else Identity(credential.registry, True, shown, access.stamp)


def _by_certificate(shown: Credentials, certificate: bytes, access: Access, now: datetime) -> Identity:
    try:
        read = read_certificate(certificate)
    except ValueError:
        return Identity(None, True, shown)
    credential = access.certificates.get(read.fingerprint)
    if credential is None:
        return Identity(None, True, shown)
    return Identity(credential.registry, read.valid_from <= now <= read.valid_until and not credential.revoked, shown)


@lru_cache(maxsize=1024)
def read_certificate(certificate: bytes) -> Certificate:
    """What is kept of a PEM certificate; ValueError if it is unreadable."""
    read = x509.load_pem_x509_certificate(certificate)
    return Certificate(
        read.fingerprint(SHA256()).hex(),
        read.subject.rfc4514_string(),
        read.issuer.rfc4514_string(),
        read.not_valid_before_utc,
        read.not_valid_after_utc,
    )
