"""A connection of the library that ends when it should, though the peer does not play its part."""

import asyncio

from websockets.asyncio.connection import Connection


class Guarded(Connection):
    """Once a close frame was sent, the TCP connection lives for `close_timeout` at most, whatever the peer does."""

    _deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes, upon which the library may have closed the connection by a frame."""
        super().data_received(data)
        if self._deadline is None and self.protocol.close_expected():
            self._deadline = self.loop.call_later(self.close_timeout or 0.0, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
