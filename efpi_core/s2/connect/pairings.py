"""The pairings of this endpoint, kept over restarts: with whom, by which tokens, and whose certificate is pinned.

As communication server only the digest of the access token is kept; as client the tokens themselves, all that may be
the right one. A change that a peer will rely on is on disk before the peer is told: `kept`.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue, ValidationError

from efpi_core.plugin.memory import SECRET_KEY
from efpi_core.s2.connect.wire import EndpointDescription, NodeDescription

PREFIX = f"{SECRET_KEY}s2connect.pairing."
GONE = "s2connect.gone"

MOST_PAIRINGS = 500
MOST_GONE = 200
"""So many that were unpaired are remembered, to tell them that they no longer are."""

MOST_TOKENS = 4
"""Tokens of which a client does not know which one its server holds."""


class Store(Protocol):
    """Durable memory, as `efpi_core.plugin.memory.InstanceStorage` is."""

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        """The value kept under a key."""

    def put(self, key: str, value: JsonValue, *, durable: bool = False) -> None:
        """Keep a value; None forgets it."""

    async def kept(self) -> None:
        """Wait until all is on disk; TryAgainError when it cannot be."""

    def __iter__(self) -> Iterator[str]:
        """The keys."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One pairing."""

    own: UUID
    """The node of this endpoint."""
    peer: NodeDescription
    endpoint: EndpointDescription
    since: datetime
    serves: bool
    """Whether this side is the communication server."""
    digest: str = ""
    """As server: of the access token that is in force."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """As client: the newest first; more than one while nobody knows which one is in force."""
    url: str = ""
    """As client: where sessions are initiated."""
    authority: bytes = field(default=b"", repr=False)
    """As client: the pinned certificate in DER; empty for a server that a public authority vouches for."""
    authority_fingerprint: str = ""
    """As client: of the certificate to pin, until it has been met; empty afterwards."""

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Who with whom."""
        return self.own, self.peer.id

    def kept(self) -> dict[str, JsonValue]:
        """As `of` reads it again."""
        return {
            "own": str(self.own),
            "peer": self.peer.model_dump(mode="json", exclude_none=True),
            "endpoint": self.endpoint.model_dump(mode="json", exclude_none=True),
            "since": self.since.isoformat(),
            "serves": self.serves,
            "digest": self.digest,
            "tokens": list(self.tokens),
            "url": self.url,
            "authority": base64.b64encode(self.authority).decode(),
            "authority_fingerprint": self.authority_fingerprint,
        }

    @classmethod
    def of(cls, kept: object) -> "Pairing | None":
        """What was kept; None when it is no pairing."""
        if not isinstance(kept, dict):
            return None
        try:
            return cls(
                own=UUID(kept["own"]),
                peer=NodeDescription.model_validate(kept["peer"]),
                endpoint=EndpointDescription.model_validate(kept["endpoint"]),
                since=datetime.fromisoformat(kept["since"]),
                serves=bool(kept["serves"]),
                digest=str(kept["digest"]),
                tokens=tuple(map(str, kept["tokens"])),
                url=str(kept["url"]),
                authority=base64.b64decode(kept["authority"], validate=True),
                authority_fingerprint=str(kept["authority_fingerprint"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError, ValidationError):
            return None


def digest(token: str) -> str:
    """What is kept of a token by who only has to recognise it."""
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


class PairingBook:
    """All pairings, in memory and on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pairings: dict[tuple[UUID, UUID], Pairing] = {}
        for key in store:
            if key.startswith(PREFIX) and (pairing := Pairing.of(store.get(key))) is not None:
                self._pairings[pairing.key] = pairing
        gone = store.get(GONE, [])
        self._gone: list[str] = [str(each) for each in gone] if isinstance(gone, list) else []

    def __iter__(self) -> Iterator[Pairing]:
        """All of them."""
        return iter(tuple(self._pairings.values()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._pairings)

    def find(self, own: UUID, peer: UUID) -> Pairing | None:
        """The pairing of two nodes."""
        return self._pairings.get((own, peer))

    def of_node(self, own: UUID) -> tuple[Pairing, ...]:
        """All pairings of a node of this endpoint."""
        return tuple(pairing for pairing in self._pairings.values() if pairing.own == own)

    def was_unpaired(self, own: UUID, peer: UUID) -> bool:
        """Whether two nodes were paired once, and are no longer."""
        return f"{own} {peer}" in self._gone

    async def keep(self, pairing: Pairing) -> None:
        """Keep a pairing as it is now, and wait until it is on disk; TryAgainError when it cannot be."""
        former = self._pairings.get(pairing.key)
        self._put(pairing)
        try:
            await self._store.kept()
        except Exception:
            if self._pairings.get(pairing.key) == pairing:  # as before: nobody may rely on it
                self._forget(pairing) if former is None else self._put(former)
            raise

    def note(self, pairing: Pairing) -> None:
        """Keep a pairing as it is now; nobody relies on it yet, or any more."""
        if pairing.key in self._pairings:
            self._put(pairing)

    async def end(self, pairing: Pairing) -> None:
        """Forget a pairing, and remember that it was; waits until that is on disk."""
        self._forget(pairing)
        mark = f"{pairing.own} {pairing.peer.id}"
        self._gone = [*(each for each in self._gone if each != mark), mark][-MOST_GONE:]
        self._store.put(GONE, list(self._gone), durable=True)
        await self._store.kept()

    def _put(self, pairing: Pairing) -> None:
        self._pairings[pairing.key] = pairing
        mark = f"{pairing.own} {pairing.peer.id}"
        if mark in self._gone:
            self._gone.remove(mark)
            self._store.put(GONE, list(self._gone), durable=True)
        self._store.put(_name(pairing), pairing.kept(), durable=True)

    def _forget(self, pairing: Pairing) -> None:
        self._pairings.pop(pairing.key, None)
        self._store.put(_name(pairing), None, durable=True)


def _name(pairing: Pairing) -> str:
    return f"{PREFIX}{pairing.own}.{pairing.peer.id}"


def with_token(pairing: Pairing, token: str) -> Pairing:
    """As client: a token that may be the right one from now on, beside those before."""
    others = [each for each in pairing.tokens if each != token]
    return replace(pairing, tokens=(token, *others[: MOST_TOKENS - 1]))
