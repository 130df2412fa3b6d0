"""The S2 standard's own Python client (s2auth) pairs with our endpoint, opens a session and unpairs.

It takes the pairing URL for that of the sessions, too, whatever the connection details say; hence the store that knows
better.
"""

from typing import Any
from uuid import uuid4

import pytest

from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes

pytest.importorskip("s2auth", reason="the development extra has it")

from s2auth.client import pairing_core  # after it is known to be there
from s2auth.common.model.s2_connect_common import NodeDescription, NodeId
from s2auth.common.model.s2_connect_common import Role as TheirRole


class MemoryStore:
    """Where it keeps its connection details; sessions are where the server said."""

    def __init__(self) -> None:
        self.details: dict[str, dict[str, Any]] = {}

    def store_connection_details(self, s2_node_id: str, details: dict[str, Any]) -> None:
        kept = self.details.setdefault(s2_node_id, {})
        kept.update(details)
        if "initiate_session_url" in details:
            kept["pairing_server_url"] = f"{details['initiate_session_url']}v1"

    def load_connection_details(self, s2_node_id: str) -> dict[str, Any] | None:
        return self.details.get(s2_node_id)

    def remove_connection_details(self, s2_node_id: str) -> bool:
        return self.details.pop(s2_node_id, None) is not None


def description() -> Any:
    return NodeDescription(
        id=NodeId(uuid4()), brand="s2auth", type="Heat pump", modelName="X200", role=TheirRole.RM, logoUrl=None
    )


async def perform(box: Box, store: MemoryStore, about: Any, code: str) -> bool:
    paired: bool = await pairing_core.perform_pairing(
        f"{box.service.pairing_url}v1",
        code,
        store,
        role="RM",
        deployment="LAN",
        supported_s2_message_versions=["v1.0.0"],
        supported_communication_protocols=["WebSocket"],
        supportedHmacHashingAlgorithms=["SHA256"],
        s2_client_description=about,
        domain_name=None,
        pairingS2NodeId=str(box.id),
        verify_tls=False,
    )
    return paired


async def test_it_pairs_opens_sessions_and_unpairs() -> None:
    async with boxes(Box(Role.CEM, name="Hub")) as (hub,):
        store, about = MemoryStore(), description()
        assert await perform(hub, store, about, hub.service.issue(hub.node).code)
        assert hub.only().peer.id == about.id.root
        assert await pairing_core.connect(store, str(hub.id))
        assert await pairing_core.connect(store, str(hub.id))
        assert await pairing_core.unpair(store, str(hub.id))
        assert list(hub.service.book) == []


async def test_it_is_refused_with_a_wrong_code() -> None:
    async with boxes(Box(Role.CEM, name="Hub")) as (hub,):
        hub.service.issue(hub.node)
        with pytest.raises(Exception, match="Signature is invalid"):
            await perform(hub, MemoryStore(), description(), "WRONGcode2")
        assert list(hub.service.book) == []
