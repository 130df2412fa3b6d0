"""Clients without a server of their own, which wait by a long poll to be told what to do (waitForPairing)."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from efpi_core.s2.connect.wire import EndpointDescription, NodeDescription, WaitAction, Waiting, WaitInstruction

HOLD_S = 25.0
"""A poll is answered within so many s."""

AWAY_S = 40.0
"""Who did not poll for so many s is not there any more."""

MOST_NODES = 50
"""Nodes that wait at a time; more are told to come back."""

MOST_IN_ONE = 16
"""Nodes of one client."""


@dataclass(slots=True)
class WaitingNode:
    """A node that waits."""

    description: NodeDescription | None
    endpoint: EndpointDescription | None
    seen: float
    action: WaitAction | None = None
    """What it will be told with its next answer."""
    without_token: bool = False
    """Whether it said that it has no valid pairing token."""


class WaitingRoom:
    """The nodes that wait, and what each is to be told."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[UUID, WaitingNode] = OrderedDict()
        self._news = asyncio.Event()

    def nodes(self, now: float) -> dict[UUID, WaitingNode]:
        """Those that are there."""
        return {node_id: node for node_id, node in self._nodes.items() if now - node.seen < AWAY_S}

    def tell(self, node_id: UUID, action: WaitAction) -> bool:
        """Have a node told; False when it does not wait here."""
        node = self._nodes.get(node_id)
        if node is None:
            return False
        node.action, node.without_token = action, False
        self._news.set()
        return True

    def arrive(self, waiting: Sequence[Waiting], now: float) -> bool:
        """A client polls; False when there is no room."""
        for node_id in [key for key, node in self._nodes.items() if now - node.seen >= AWAY_S]:
            del self._nodes[node_id]
        fresh = {each.client_node_id for each in waiting} - set(self._nodes)
        if len(self._nodes) + len(fresh) > MOST_NODES or len(waiting) > MOST_IN_ONE:
            return False
        for each in waiting:
            node = self._nodes.setdefault(each.client_node_id, WaitingNode(None, None, now))
            node.seen = now
            node.without_token |= each.error_message is not None
            if each.client_node_description is not None and each.client_node_description.id == each.client_node_id:
                node.description, node.endpoint = each.client_node_description, each.client_endpoint_description
            elif node.description is None and node.action is None:
                node.action = WaitAction.SEND_NODE_DESCRIPTION
        return True

    def instructions(self, waiting: Sequence[Waiting]) -> tuple[WaitInstruction, ...]:
        """What a client is to do now; each is told once."""
        told = []
        for node_id in dict.fromkeys(each.client_node_id for each in waiting):
            node = self._nodes.get(node_id)
            if node is not None and node.action is not None:
                told.append(WaitInstruction(client_node_id=node_id, action=node.action))
                node.action = None
        return tuple(told)

    async def news(self) -> None:
        """Wait until somebody is to be told something."""
        self._news.clear()
        await self._news.wait()
