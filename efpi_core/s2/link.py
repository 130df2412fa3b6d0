"""One WebSocket to an S2 peer, from its opening to its end, whatever the peer does."""

import asyncio
import contextlib
from collections.abc import Callable, Hashable
from functools import partial

from websockets.asyncio.connection import broadcast
from websockets.exceptions import ConnectionClosed

from efpi_core.plugin.context import Context
from efpi_core.s2.allowance import Allowance
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.guarded import Guarded
from efpi_core.s2.link_limits import LinkLimits
from efpi_core.s2.outbox import Outbox

Received = Callable[[bytes], None]
"""Takes one message as it came. It must not wait: while it works nothing else is read."""

UNREAD = 16 * 1024
"""Bytes that may wait in the socket before messages wait here, where states give way to newer ones."""

TURN = 16
"""After so many messages of one peer it is the others' turn."""


class Link:
    """Sends and receives whole messages. Sending never waits; who reads too slowly or sends too much loses the link."""

    def __init__(self, socket: Guarded, context: Context, limits: LinkLimits, peer: str) -> None:
        self.peer = peer
        """Who is at the other end, for people."""
        self._socket = socket
        self._context = context
        self._limits = limits
        self._allowance = Allowance(limits)
        self._outbox = Outbox(limits)
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._fault: Ending | None = None

    @property
    def open(self) -> bool:
        """Whether messages still pass."""
        return not self._ending.done()

    @property
    def waiting(self) -> int:
        """How many messages to the peer wait until it reads."""
        return len(self._outbox)

    def send(self, frame: bytes, newest: Hashable = None, answers: int = 0) -> None:
        """Send a message; one marked `newest` may be replaced by a later one of the same mark while it waits.

        `answers` is how many messages the peer may say because of it, beyond what it may say anyway. When more wait
        than may, and none may be left out, the link is closed.
        """
        self._allowance.expect(answers)
        if not self.open:
            return
        if not self._outbox and self._socket.transport.get_write_buffer_size() <= UNREAD:
            broadcast((self._socket,), frame, text=True)
        elif not self._outbox.put(frame, newest):
            self.end(
                Ending(
                    EndedBy.SLOW,
                    f"{len(self._outbox)} messages wait that may not be left out; it does not read them",
                    "restart the device; if that does not help, ask its maker",
                )
            )

    def end(self, ending: Ending) -> None:
        """Close the link in order: what waits is still sent, as far as the peer takes it at once."""
        if self.open:
            self._ending.set_result(ending)

    async def run(self, received: Received) -> Ending:
        """Pass messages until the link ends; the answer is why it did. The socket is closed then."""
        reader = asyncio.create_task(self._read(received), name=f"{self.peer}: reader")
        writer = asyncio.create_task(self._write(), name=f"{self.peer}: writer")
        self._socket.take = partial(self._take, received, reader)
        try:
            await asyncio.wait((reader, writer, self._ending), return_when=asyncio.FIRST_COMPLETED)
            if not self.open:
                await self._farewell(self._ending.result(), writer)
        finally:
            self._socket.take = None
            for task in (reader, writer):
                task.cancel()
            outcomes = await asyncio.gather(reader, writer, return_exceptions=True)
            self._socket.transport.abort()
        for outcome in (self._fault, *outcomes):
            if isinstance(outcome, Ending):
                self.end(outcome)
            elif isinstance(outcome, Exception):
                raise outcome
        return self._ending.result()

    async def _farewell(self, ending: Ending, writer: asyncio.Task[Ending | None]) -> None:
        self._outbox.close()
        with contextlib.suppress(TimeoutError):
            async with self._context.timeout(self._limits.close_within_s):
                await asyncio.wait((writer,))
                await self._socket.close(ending.code, ending.reason)

    def _take(self, received: Received, reader: asyncio.Task[Ending], frame: bytes) -> bool:
        """Handle a message as it comes, if the peer is within its allowance; else it waits for the reader."""
        if not self._allowance.covers(len(frame)):
            return False
        self._allowance.spend(len(frame), self._context.elapsed())
        try:
            received(frame)
        except Exception as error:  # noqa: BLE001  # whatever one peer's message breaks, the other peers stay
            self._fault, self._socket.take = self._broken(error), None
            reader.cancel()
        return True

    async def _read(self, received: Received) -> Ending:
        allowance, context, count = self._allowance, self._context, 0
        try:
            while True:
                frame = await self._socket.recv(decode=False)
                if (pause_s := allowance.spend(len(frame), context.elapsed())) > 0:
                    if allowance.flooding(context.elapsed()):
                        return self._flooded()
                    await context.sleep(pause_s)
                received(frame)
                self._socket.waiting -= 1
                count += 1
                if count % TURN == 0:
                    await asyncio.sleep(0)
        except ConnectionClosed as closed:
            return _how_it_closed(closed)
        except Exception as error:  # noqa: BLE001  # whatever one peer's message breaks, the other peers stay
            return self._broken(error)

    def _broken(self, error: Exception) -> Ending:
        self._context.log.error(f"{self.peer}: its message could not be handled: {type(error).__name__}: {error}")
        return Ending(
            EndedBy.FAULT,
            f"a message could not be handled: {type(error).__name__}",
            "report it to the plugin's author, with `efpi diagnostics`",
        )

    def _flooded(self) -> Ending:
        limits = self._limits
        return Ending(
            EndedBy.FLOODED,
            f"it sends more than {limits.frames_per_s:g} messages or {limits.bytes_per_s / 1000:g} kB a second, "
            f"for more than {limits.flood_patience_s:g} s",
            "restart the device; if that does not help, ask its maker",
        )

    async def _write(self) -> Ending | None:
        while (frame := await self._outbox.take()) is not None:
            try:
                async with self._context.timeout(self._limits.write_within_s):
                    await self._socket.send(frame, text=True)
            except ConnectionClosed as closed:
                return _how_it_closed(closed)
            except TimeoutError:
                return Ending(
                    EndedBy.SLOW,
                    f"it has read nothing for {self._limits.write_within_s:g} s",
                    "look whether the device and its network are well",
                )
        return None


def _how_it_closed(closed: ConnectionClosed) -> Ending:
    """What ended the connection, by the close frames that were sent and received."""
    sent = None if closed.sent is None else closed.sent.code
    if closed.rcvd is not None and not (sent is not None and closed.rcvd_then_sent is False):
        said = f"with code {closed.rcvd.code}" + (f": {closed.rcvd.reason}" if closed.rcvd.reason else "")
        return Ending(EndedBy.LEFT, f"it closed the connection {said}", "it may come again; look whether it runs")
    match sent:
        case 1009:
            return Ending(EndedBy.TOO_LARGE, "it sent a message beyond the cap", "ask the device's maker")
        case 1011:
            return Ending(EndedBy.SILENT, "it does not answer pings any more", "look whether the device is on")
        case 1002 | 1007:
            return Ending(EndedBy.NO_WEBSOCKET, "what it sent is no WebSocket", "ask the device's maker")
        case _:
            return Ending(EndedBy.LOST, "the connection broke", "look whether the device and its network are well")
