"""One connection to a listener, bounded in time: who neither asks nor listens makes room for others."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

ASK_S = 10.0
"""A request has this long from its first byte, or from the beginning of the connection, until it is whole."""

STALL_S = 60.0
"""A reader may leave what it asked for unread for so long."""

_UNDER_WAY = (h11.IDLE, h11.SEND_BODY)


class BoundedConnection(H11Protocol):
    """uvicorn's connection with two deadlines that it does not have, and an end in order for what is no HTTP."""

    _asking: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody came."""
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self._asking is None:
            self._expect_request()
        super().data_received(data)
        if self.conn.their_state not in _UNDER_WAY:
            self._asked()

    def _expect_request(self) -> None:
        self._asking = self.loop.call_later(ASK_S, self.transport.close)

    def _asked(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP. A request before it that is still being answered ends with the connection."""
        request: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first
        if request is not None and not request.response_complete:
            request.disconnected = True
            request.message_event.set()
            if request.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader keeps up again."""
        super().resume_writing()
        self._read_on()

    def _read_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._asked()
        self._read_on()
        super().connection_lost(exc)
