"""Bearer tokens (RFC 6750): who may open a link, found without telling by the time it takes how near a guess was."""

import hmac
from collections.abc import Mapping
from hashlib import sha256


class BearerTokens:
    """Tokens by the name of whom they admit. Values are kept as digests only, and never shown."""

    __slots__ = ("_digests",)

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._digests = {name: _digest(token) for name, token in tokens.items()}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._digests)

    def holder(self, token: str) -> str | None:
        """Whose token it is; None when it is nobody's. It takes as long for a near miss as for a wild guess."""
        asked, found = _digest(token), None
        for name, digest in self._digests.items():
            if hmac.compare_digest(digest, asked):
                found = name
        return found


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()


def token_of(authorization: str | None) -> str | None:
    """The token in an `Authorization` header; None when there is none."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
