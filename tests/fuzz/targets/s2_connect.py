"""S2 Connect: whatever a stranger sends to an endpoint has an answer of the protocol, and whatever he announces is
listed or not.

The first line of an input is `TXT`, and the others are entries of a TXT record; or it is a path, and the rest a body.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from pydantic import JsonValue

from efpi_core.s2.connect.announcement import Announcement
from efpi_core.s2.connect.challenge import Binding
from efpi_core.s2.connect.code import PairingCode, TokenDesk
from efpi_core.s2.connect.endpoint import Endpoint
from efpi_core.s2.connect.exchange import Asked
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairing_server import Paired, PairingServer
from efpi_core.s2.connect.pairings import Pairing, PairingBook
from efpi_core.s2.connect.wire import Deployment, EndpointDescription, NodeDescription, Role
from tests.fuzz.target import Target

NODE = UUID("7f9b538c-eb10-451c-96ac-a1c95662d9b9")
STATUSES = {200, 204, 400, 401, 403, 404, 405, 413, 415, 503}


class Memory:
    """Durable memory that is none."""

    def __init__(self) -> None:
        self.values: dict[str, JsonValue] = {}

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        return self.values.get(key, default)

    def put(self, key: str, value: JsonValue, *, durable: bool = False) -> None:
        self.values[key] = value

    async def kept(self) -> None:
        """At once."""

    def __iter__(self) -> Iterator[str]:
        return iter(())


class LeapingTime:
    """Half a minute passes whenever somebody looks."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def elapsed(self) -> float:
        self.seconds += 30.0
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Passes at once."""


class Nobody:
    """Hears what comes about."""

    async def paired(self, paired: Paired) -> None:
        raise AssertionError("nobody knows the token")

    async def unpaired(self, pairing: Pairing) -> None:
        raise AssertionError("nobody is paired")

    def preparing(self, node: LocalNode, peer: NodeDescription) -> None:
        """May be."""


@cache
def endpoint() -> Endpoint:
    about = NodeDescription(id=NODE, brand="b", type="t", model_name="m", role=Role.CEM)
    node = LocalNode(about, alias="A1", tokens=TokenDesk("stickerTOKEN42"))
    described = EndpointDescription(deployment=Deployment.LAN)
    server = PairingServer({NODE: node}, described, Binding.to_certificate(b"leaf"), "AB")
    return Endpoint(
        server,
        PairingBook(Memory()),
        LeapingTime(),
        Nobody(),
        endpoint=described,
        session_url="https://localhost/connection/",
        websocket_url=lambda: "wss://localhost/s2",
    )


def feed(data: bytes) -> None:
    """An input."""
    first, _, rest = data.partition(b"\n")
    if first == b"TXT":
        pairs = (line.partition(b"=") for line in rest.split(b"\n"))
        told = Announcement.of({key: value if equals else None for key, equals, value in pairs})
        assert told is None or told.pairing_url or told.longpolling_url
        return
    if first == b"CODE":
        try:
            code = PairingCode.parse(rest.decode("utf-8", "replace"))
        except ValueError:
            return
        assert code.text == rest.decode("utf-8", "replace").strip()
        return
    path = first.decode("latin-1")
    asked = Asked("POST", path, rest, "A" * 48, "application/json", "192.168.1.7")
    answer = asyncio.run(endpoint().handle(asked))
    assert answer.status in STATUSES
    assert len(answer.body) < 4096


TARGET = Target(
    "s2_connect",
    feed,
    words=(
        b"/pairing/v1/requestPairing\n", b"/pairing/v1/requestConnectionDetails\n", b"/pairing/v1/finalizePairing\n",
        b"/pairing/v1/postConnectionDetails\n", b"/pairing/v1/preparePairing\n", b"/pairing/v1/waitForPairing\n",
        b"/pairing/v1/cancelPreparePairing\n", b"/connection/v1/initiateSession\n", b"/connection/v1/unpair\n",
        b"/connection/v1/confirmAccessToken\n", b"TXT\n", b"CODE\n", b"txtver=1\n", b"deployment=LAN\n",
        b"pairingUrl=https://hub.local/pairing/\n", b"longpollingUrl=", b"A1-", b'"nodeIdAlias":"A1"',
        b'"7f9b538c-eb10-451c-96ac-a1c95662d9b9"', b'"role":"RM"', b'"success":true', b'"forcePairing":true',
        b'"clientHmacChallenge":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="', b'"SHA256"', b'"WebSocket"',
        b'"v1.0.0"', b"[" * 2000, b"\\ud800", b"1e999", b"null",
    ),
    holds_json=True,
)  # fmt: skip
