"""Pairing codes: what a person carries from one node to the other, `[alias-]token`.

The token never goes over the wire, but who asks for a pairing gets an HMAC with it, over a challenge of his own, and
may try all tokens against that offline: 4 characters, as the specification allows, are 14.8 million, done in a second.
Those made here have 10 characters of 56, 58 bits, and a dynamic one is worth nothing after five minutes or one pairing.
"""

import re
import secrets
from dataclasses import dataclass, field

VALID_S = 300.0
"""How long a dynamic token is valid, in s; recommended by the specification."""

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
"""What is easily read and typed: no 0 and O, 1, l and I, o."""

DYNAMIC_CHARACTERS = 10

SHORTEST_STATIC = 12
"""Characters of a static token that somebody chose; the specification asks for 6, which are found within a minute."""

LONGEST_CODE = 200

_CODE = re.compile(r"(?:([0-9a-zA-Z]{1,64})-)?([0-9a-zA-Z]{4,128})")


@dataclass(frozen=True, slots=True)
class PairingCode:
    """A code as it was typed in."""

    alias: str | None
    """Which node of the endpoint is meant, where it has several."""
    token: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "PairingCode":
        """Raises ValueError, without the text, when it is none."""
        found = _CODE.fullmatch(text.strip()) if len(text) <= LONGEST_CODE else None
        if found is None:
            raise ValueError("a pairing code is letters and digits, at least four, with an alias and a dash before it")
        return cls(found[1], found[2])

    @property
    def text(self) -> str:
        """As a person types it."""
        return self.token if self.alias is None else f"{self.alias}-{self.token}"


@dataclass(frozen=True, slots=True)
class Issued:
    """A pairing code to show, and where it may be used."""

    code: str
    valid_s: float
    url: str


def new_token(characters: int = DYNAMIC_CHARACTERS) -> str:
    """A token of so many characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(characters))


class TokenDesk:
    """The pairing tokens of one node: a static one perhaps, and one dynamic one at a time."""

    __slots__ = ("_dynamic", "_fixed", "_until")

    def __init__(self, fixed: str | None = None) -> None:
        if fixed is not None and re.fullmatch(rf"[0-9a-zA-Z]{{{SHORTEST_STATIC},128}}", fixed) is None:
            raise ValueError(f"a static pairing token is letters and digits, {SHORTEST_STATIC} to 128")
        self._fixed = fixed
        self._dynamic: str | None = None
        self._until = 0.0

    def issue(self, now: float, valid_s: float = VALID_S) -> str:
        """A new dynamic token, valid from an instant in s; the one before it is void."""
        self._dynamic, self._until = new_token(), now + valid_s
        return self._dynamic

    def enter(self, token: str, now: float, valid_s: float = VALID_S) -> None:
        """Take a token that the other node issued and a person typed in here."""
        self._dynamic, self._until = token, now + valid_s

    def valid(self, now: float) -> str | None:
        """The token to pair with at an instant: the dynamic one while it is valid, else the static one."""
        if self._dynamic is not None and now < self._until:
            return self._dynamic
        self._dynamic = None
        return self._fixed

    def spend(self, token: str) -> None:
        """A pairing came about with this token: a dynamic one is void."""
        if token == self._dynamic:
            self._dynamic = None
