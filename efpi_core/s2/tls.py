"""TLS of both sides: a server's own certificate, and a client that knows whom it wants to meet."""

import hmac
import re
import ssl
from hashlib import sha256
from pathlib import Path

from efpi_core.errors import SettingsError

_FINGERPRINT = re.compile(r"(?:sha-?256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)


def server_tls(certificate: Path, key: Path, at: str = "certificate") -> ssl.SSLContext:
    """What a server presents: its certificate with those that vouch for it, and its key; TLS 1.2 or newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        missing = key if certificate.exists() else certificate
        raise SettingsError(at, f"there is no file {missing}", "give the path of a PEM file") from error
    except PermissionError as error:
        raise SettingsError(
            at, f"{certificate} or {key} may not be read", "let the gateway's user read both files"
        ) from error
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            at, f"{certificate} and {key} are no certificate with its key: {error}", "give both as PEM"
        ) from error
    return context


def client_tls(trusted: Path | None, fingerprint: bytes | None, at: str = "certificate") -> ssl.SSLContext:
    """How a client verifies a server: by a certificate or authority of its own, by a fingerprint, or as browsers do.

    Who trusts a certificate of its own does not ask for a host name: devices in a home have none that anybody vouches
    for.
    """
    if fingerprint is not None and trusted is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the fingerprint is compared instead, before anything is said
    elif trusted is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a device's own certificate may be the one to trust
        try:
            context.load_verify_locations(trusted)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(at, f"{trusted} is no certificate: {error}", "give the path of a PEM file") from error
    else:
        context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def parse_fingerprint(text: str) -> bytes:
    """The SHA-256 of a certificate as people write it: 64 hexadecimal digits, with colons or without."""
    if (match := _FINGERPRINT.fullmatch(text.strip())) is None:
        raise ValueError("a fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits")
    return bytes.fromhex(match.group(1).replace(":", ""))


def has_fingerprint(certificate: bytes | None, fingerprint: bytes) -> bool:
    """Whether a certificate (DER) is the one of that fingerprint."""
    return certificate is not None and hmac.compare_digest(sha256(certificate).digest(), fingerprint)
