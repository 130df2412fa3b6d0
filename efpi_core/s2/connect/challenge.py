"""The mutual proof that both nodes know the pairing token, and that nobody sits between them.

S2 Connect 1.0, "Challenge response process": R = HMAC(C, T ‖ F) where the pairing server is in the LAN, with F the
SHA-256 of its leaf certificate; R = HMAC(C, T ‖ D) where it is in the WAN, with D its domain name. C is the key.

Both directions use the same function, so a server that answers any challenge would prove its own: whoever sends the
server's challenge back in a second attempt gets the answer to the first, without a token. `key_of` finds such a one.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

CHALLENGE_BYTES = 32

BLOCK_BYTES = 64
"""Of SHA-256."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What ties a proof to one server, so that another cannot pass it on: appended to the token."""

    data: bytes

    @classmethod
    def to_certificate(cls, leaf: bytes) -> "Binding":
        """To the certificate of a server in the LAN, in DER."""
        return cls(sha256(leaf).digest())

    @classmethod
    def to_domain(cls, host: str) -> "Binding":
        """To the domain name of a server in the WAN, without scheme and port."""
        return cls(host.encode("ascii"))


def new_challenge() -> bytes:
    """A challenge that nobody foresees."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def response(challenge: bytes, token: str, binding: Binding) -> bytes:
    """The answer to a challenge by whoever knows the token."""
    return hmac.digest(challenge, token.encode("ascii") + binding.data, "sha256")


def key_of(challenge: bytes) -> bytes:
    """The key that a challenge is to HMAC (RFC 2104, 2): those of one key have the same answers."""
    return (sha256(challenge).digest() if len(challenge) > BLOCK_BYTES else challenge).ljust(BLOCK_BYTES, b"\0")


def proves(answer: bytes, challenge: bytes, token: str, binding: Binding) -> bool:
    """Whether an answer is right; it takes as long for one that nearly is."""
    return hmac.compare_digest(answer, response(challenge, token, binding))
