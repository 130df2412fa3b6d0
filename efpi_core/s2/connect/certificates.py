"""Certificates of a server in the LAN: an authority of its own, which peers pin, and a leaf that it renews.

S2 Connect 1.0, "TLS Certificates": TLS 1.3 only; the leaf is renewed at least every six months, the authority lives as
long as its server. A client that pairs takes whatever certificate it meets, and knows by the proof whether to pin it.
"""

import base64
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=30 * 365)
LEAF_LIFE = timedelta(days=180)
LEAF_RENEWED_AFTER = timedelta(days=90)
BACKDATED = timedelta(days=2)
"""Clocks of small devices are wrong; a certificate from tomorrow is none to them."""

_DER = 2
"""OpenSSL's word for that encoding, in the module `_ssl`."""


def fingerprint(certificate: bytes) -> bytes:
    """The SHA-256 of a certificate in DER."""
    return sha256(certificate).digest()


def fingerprint_text(certificate: bytes) -> str:
    """The same as people and S2 Connect write it: hexadecimal digits, a colon after each byte."""
    return fingerprint(certificate).hex(":").upper()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server in the LAN shows: its leaf, and the authority that vouches for it."""

    authority: bytes
    """Certificate in DER."""
    authority_key: bytes = field(repr=False)
    """PEM."""
    leaf: bytes
    """Certificate in DER."""
    leaf_key: bytes = field(repr=False)
    """PEM."""
    names: tuple[str, ...]
    """Host names and addresses that the leaf is for."""
    renew_at: datetime
    """When the leaf is to be renewed."""

    @classmethod
    def new(cls, names: Iterable[str], now: datetime) -> Self:
        """A new authority with its first leaf."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"efpi {os.urandom(4).hex()}")
        authority = (
            _builder(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls._with_leaf(authority, key, tuple(names), now)

    def renewed(self, names: Iterable[str], now: datetime) -> Self:
        """The same authority with a new leaf, for these names."""
        key = load_pem_private_key(self.authority_key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # it was made above
        return self._with_leaf(x509.load_der_x509_certificate(self.authority), key, tuple(names), now)

    def due(self, names: Iterable[str], now: datetime) -> bool:
        """Whether the leaf must be renewed, for its age or since the names have changed."""
        return now >= self.renew_at or self.names != tuple(names) or now < self.renew_at - 2 * LEAF_LIFE

    @classmethod
    def _with_leaf(
        cls, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime
    ) -> Self:
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        leaf = (
            _builder(_name(names[0]), authority.subject, leaf_key.public_key(), now, LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(
            authority.public_bytes(Encoding.DER),
            _pem(key),
            leaf.public_bytes(Encoding.DER),
            _pem(leaf_key),
            names,
            now + LEAF_RENEWED_AFTER,
        )

    def kept(self) -> dict[str, Any]:
        """As `of` reads it again."""
        return {
            "authority": base64.b64encode(self.authority).decode(),
            "authority_key": self.authority_key.decode(),
            "leaf": base64.b64encode(self.leaf).decode(),
            "leaf_key": self.leaf_key.decode(),
            "names": list(self.names),
            "renew_at": self.renew_at.isoformat(),
        }

    @classmethod
    def of(cls, kept: object) -> Self | None:
        """What was kept; None when it is no identity."""
        if not isinstance(kept, dict):
            return None
        try:
            return cls(
                base64.b64decode(kept["authority"], validate=True),
                str(kept["authority_key"]).encode(),
                base64.b64decode(kept["leaf"], validate=True),
                str(kept["leaf_key"]).encode(),
                tuple(map(str, kept["names"])),
                datetime.fromisoformat(kept["renew_at"]),
            )
        except (KeyError, ValueError, TypeError):
            return None

    def server_context(self) -> ssl.SSLContext:
        """TLS 1.3 with this identity."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Show this identity from the next handshake on."""
        chain = b"".join(ssl.DER_cert_to_PEM_cert(each).encode() for each in (self.leaf, self.authority))
        _load_chain(context, chain + self.leaf_key)


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """Hand a key over without a file: the module wants a path, and this one leads to memory only."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# --- the client's side


def public_context() -> ssl.SSLContext:
    """For a server in the WAN: verified as browsers do."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def unverified_context() -> ssl.SSLContext:
    """For pairing with a server in the LAN, and nothing else: the proof tells whether it is the right one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def pinned_context(authority: bytes) -> ssl.SSLContext:
    """For a server whose authority was pinned: it, or a certificate that it signed for the name that is called."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a small device may have but one certificate
    context.load_verify_locations(cadata=authority)
    return context


def chain_of(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that a server has shown, its own first, in DER; not verified."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public() or ())
    inner: Any = tls._sslobj  # type: ignore[attr-defined]  # before Python 3.13 there is no other way
    return tuple(each.public_bytes(_DER) for each in inner.get_unverified_chain() or ())


def authority_in(chain: tuple[bytes, ...]) -> bytes:
    """The certificate to pin of a chain whose leaf is trusted: the last that vouches for all before it.

    What does not vouch for the certificate before it is left out of account, whatever else a server may have appended.
    """
    trusted = chain[0]
    for each in chain[1:]:
        try:
            x509.load_der_x509_certificate(trusted).verify_directly_issued_by(x509.load_der_x509_certificate(each))
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            break
        trusted = each
    return trusted
