"""A node without a server waits at another endpoint to be told to pair: the client's side of waitForPairing."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from efpi_core.errors import EfpiError, TryAgainError
from efpi_core.plugin.context import Context
from efpi_core.s2.connect.http_client import HttpsClient
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.wire import EndpointDescription, WaitAction, WaitInstruction

POLL_S = 35.0
"""How long an answer may take: the server holds it for 25 s."""

AGAIN_S = 30.0
"""So long after a server that cannot answer now it is asked again."""

_INSTRUCTIONS = TypeAdapter(list[WaitInstruction])

Told = Callable[[LocalNode, WaitAction], Awaitable[None]]
"""A node is to pair, or to show its code."""


class Waiter:
    """Waits at one endpoint with one node."""

    def __init__(
        self,
        context: Context,
        base: Callable[[], Awaitable[HttpsClient]],
        node: LocalNode,
        endpoint: EndpointDescription,
        told: Told,
    ) -> None:
        self._context = context
        self._base = base
        self._node = node
        self._endpoint = endpoint
        self._told = told
        self._describe = False
        self._without_token = False

    async def run(self) -> None:
        """Wait until the server says that it is not to be asked any more, or until cancelled."""
        while True:
            try:
                if not await self._poll():
                    return
            except EfpiError:
                await self._context.sleep(AGAIN_S)

    async def _poll(self) -> bool:
        answer = await (await self._base()).post("waitForPairing", self._body(), within_s=POLL_S)
        if answer.status in (400, 401, 404):
            return False
        if answer.status not in (200, 204):
            raise TryAgainError("the other side lets nobody wait now", "nothing, it is asked again")
        self._describe = self._without_token = False
        if answer.status == 200:
            for instruction in _read(answer.body):
                if instruction.client_node_id == self._node.description.id:
                    await self._act(instruction.action)
        return True

    def _body(self) -> bytes:
        told: dict[str, Any] = {"clientNodeId": str(self._node.description.id)}
        if self._describe:
            told["clientNodeDescription"] = self._node.description.model_dump(mode="json", exclude_none=True)
            told["clientEndpointDescription"] = self._endpoint.model_dump(mode="json", exclude_none=True)
        if self._without_token:
            told["errorMessage"] = "NoValidTokenOnPairingClient"
        return to_json([told])

    async def _act(self, action: WaitAction) -> None:
        if action is WaitAction.SEND_NODE_DESCRIPTION:
            self._describe = True
        elif action is WaitAction.REQUEST_PAIRING and self._node.tokens.valid(self._context.elapsed()) is None:
            self._without_token = True
        else:
            await self._told(self._node, action)


def _read(body: bytes) -> list[WaitInstruction]:
    try:
        return _INSTRUCTIONS.validate_json(body)
    except ValidationError:
        raise TryAgainError("what the other side answers cannot be read", "report it to its maker") from None
