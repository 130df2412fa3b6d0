"""A connection of the library that ends when it should, and hands messages over without a detour."""

import asyncio
from collections.abc import Callable

from websockets.asyncio.connection import Connection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event

AT_ONCE = 16
"""Of what is read in one go so many messages are handed over at once; then it is the others' turn."""


class Guarded(Connection):
    """Once a close frame was sent, the TCP connection lives for `close_timeout` at most, whatever the peer does."""

    take: Callable[[bytes], bool] | None = None
    """Takes a message in the very turn of the loop in which it comes; one that it does not take waits for `recv`."""
    waiting = 0
    """How many messages were not taken at once and are not handled yet; whoever receives them counts them down."""
    _deadline: asyncio.TimerHandle | None = None
    _left = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes, upon which the library may have closed the connection by a frame."""
        self._left = AT_ONCE
        super().data_received(data)
        if self._deadline is None and self.protocol.close_expected():
            self._deadline = self.loop.call_later(self.close_timeout or 0.0, self.transport.abort)

    def process_event(self, event: Event) -> None:
        """Hand over what came: a message at once, where nothing waits before it."""
        if isinstance(event, Frame) and event.fin and event.opcode in DATA_OPCODES:
            if self._taken(event):
                return
            self.waiting += 1
        super().process_event(event)

    def _taken(self, frame: Frame) -> bool:
        if self.take is None or self.waiting or self._left <= 0 or frame.opcode is Opcode.CONT:
            return False
        self._left -= 1
        return self.take(bytes(frame.data))

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
