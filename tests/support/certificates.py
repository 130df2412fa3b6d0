"""Certificates that vouch for themselves, as devices in a home have them."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificate(NamedTuple):
    """A certificate that vouches for itself."""

    certificate: Path
    key: Path
    fingerprint: bytes


@cache
def _made(name: str) -> tuple[bytes, bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM), private, certificate.fingerprint(hashes.SHA256()),
    )  # fmt: skip


def a_certificate(folder: Path, name: str = "device") -> Certificate:
    """Its files."""
    certificate, key, fingerprint = _made(name)
    (folder / f"{name}.pem").write_bytes(certificate)
    (folder / f"{name}.key").write_bytes(key)
    return Certificate(folder / f"{name}.pem", folder / f"{name}.key", fingerprint)


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """What a bare peer needs to trust it."""
    return ssl.create_default_context(cafile=certificate.certificate)
