"""A socket as s2-python wants it."""

from collections.abc import AsyncGenerator

from s2python.connection.async_.medium.s2_medium import MediumClosedConnectionError, S2AsyncMediumConnection
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State


class SocketMedium(S2AsyncMediumConnection):
    """A socket, whoever opened it, as s2-python wants it; its own is for clients only."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket

    async def is_connected(self) -> bool:
        """Whether frames can pass."""
        return self._socket.state is State.OPEN

    async def messages(self) -> AsyncGenerator[str | bytes, None]:
        """The frames, until the other side is gone."""
        try:
            async for frame in self._socket:
                yield frame
        except ConnectionClosed as gone:
            raise MediumClosedConnectionError("gone") from gone

    async def send(self, message: str) -> None:
        """One frame."""
        try:
            await self._socket.send(message)
        except ConnectionClosed as gone:
            raise MediumClosedConnectionError("gone") from gone
