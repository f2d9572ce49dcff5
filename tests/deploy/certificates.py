"""Certificates for tests: an authority, and what it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from itl.clock import system_clock

VALID = timedelta(days=1)
LOCAL = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates, which stand in `directory`."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name, self._key = directory, _name(name), ec.generate_private_key(ec.SECP256R1())
        self.certificate = directory / f"{name}.crt"
        signed = _signed(self._name, self._key, self._name, self._key, authority=True)
        self.certificate.write_bytes(signed.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, expired: bool = False) -> Issued:
        """A certificate for `name`, good for a server on this machine and for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _signed(_name(name), key, self._name, self._key, expired=expired)
        issued = Issued(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        issued.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        issued.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return issued


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
    expired: bool = False,
) -> x509.Certificate:
    now = system_clock()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * VALID)
        .not_valid_after(now - VALID if expired else now + VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(LOCAL, critical=False)
        .sign(issuer_key, SHA256())
    )
