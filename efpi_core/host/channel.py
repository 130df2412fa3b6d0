"""One end of the socket between gateway and instance: frames out without ever waiting, frames in by the batch."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import FromInstance, ToInstance
from efpi_core.host.framing import (
    LARGEST_FROM_INSTANCE,
    LARGEST_TO_INSTANCE,
    Decoder,
    Encoder,
    FrameSplitter,
    from_instance_adapter,
    to_instance_adapter,
)
from efpi_core.host.outbox import Outbox
from efpi_core.host.pace import Pace
from efpi_core.host.superseding import superseding_key

READ_SIZE = 8 * 1024
"""Bytes read at once: a few dozen frames, so that no instance makes the others wait long."""

LEFT_IN_SOCKET = 2 * 1024 * 1024
"""More bytes than a socket holds for its reader."""

CROWDED = 256
"""With so many frames waiting, a newer state takes the place of an older one, blocked or not."""

WRITE_SIZE = 128 * 1024
"""Bytes handed to the socket at once."""


class Channel:
    """Sends and receives frames over a connected stream socket, in the event loop that runs when it is made.

    While many frames wait, as when the reader at the other end is slow, a newer state supersedes an older one; all else
    is kept in order, up to a bound. `on_end` is called once: with None when the peer closed, or with what it did wrong.
    """

    def __init__(
        self,
        sock: socket.socket,
        encoder: Encoder,
        decoder: Decoder,
        *,
        largest: int,
        on_frame: Callable[[Any], None],
        on_end: Callable[[FrameError | None], None],
        on_refused: Callable[[FrameError], None] | None = None,
        outbox: Outbox | None = None,
        pace: Pace | None = None,
        superseding: bool = True,
    ) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._encoder = encoder
        self._decoder = decoder
        self._splitter = FrameSplitter(largest)
        self._on_frame = on_frame
        self._on_end = on_end
        self._on_refused = on_refused
        self._outbox = Outbox() if outbox is None else outbox
        self._pace = pace
        self._superseding = superseding
        self._partial = memoryview(b"")
        self._blocked = False
        self._flush_soon: asyncio.Handle | None = None
        self._resume: asyncio.TimerHandle | None = None
        self._ended = False
        self.accepted = 0
        """Frames given to `send`, those that were superseded before they left not counted."""
        self._loop.add_reader(sock, self._readable)

    # --- out

    def send(self, frame: FromInstance | ToInstance) -> None:
        """Send a frame as soon as the socket takes it; FrameError when it has no JSON form. Lost after the end."""
        if self._ended:
            return
        data = self._encoder.encode(frame)
        crowded = self._superseding and (self._blocked or len(self._outbox) >= CROWDED)
        key = superseding_key(frame) if crowded else None
        superseded = self._outbox.superseded
        self._outbox.put(data, key)
        self.accepted += 1 - (self._outbox.superseded - superseded)
        if self._outbox.full:
            problem = f"{len(self._outbox)} frames of {self._outbox.bytes} bytes wait to be read"
            self._end(FrameError("flooded", problem))
        elif not self._blocked and self._flush_soon is None:
            self._flush_soon = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_soon = None
        while self._partial or self._outbox.bytes:
            if not self._partial:
                self._partial = memoryview(self._outbox.take(WRITE_SIZE))
            try:
                count = self._socket.send(self._partial)
            except (BlockingIOError, InterruptedError):
                count = 0
            except OSError:  # the peer has closed: what it sent before can still be read, and reading tells the end
                self._partial = memoryview(b"")
                self._outbox.clear()
                break
            self._partial = self._partial[count:]
            if self._partial:
                self._wait_for_room()
                return
        if self._blocked:
            self._blocked = False
            self._loop.remove_writer(self._socket)

    def _wait_for_room(self) -> None:
        if not self._blocked:
            self._blocked = True
            self._loop.add_writer(self._socket, self._flush)

    @property
    def superseded(self) -> int:
        """How many frames were never sent, since a newer one said the same."""
        return self._outbox.superseded

    @property
    def pressed(self) -> bool:
        """Whether the peer has sent more than its share for so long that it floods; it is read at its share."""
        return self._pace is not None and self._pace.flooding(self._loop.time())

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._partial) + self._outbox.bytes

    def finish(self, deadline_s: float) -> None:
        """Send what waits, and wait for it: the last word of a process that ends. What cannot be sent is lost."""
        if self._ended:
            return
        with contextlib.suppress(OSError):
            self._socket.settimeout(deadline_s)
            self._socket.sendall(self._partial)
            self._socket.sendall(self._outbox.take(self._outbox.bytes))
        self.close()

    # --- in

    def _readable(self) -> None:
        if self._pace is None:
            self._read()
            return
        before = time.thread_time()
        self._read()
        pause = self._pace.spend(time.thread_time() - before, self._loop.time())
        if pause > 0 and not self._ended:
            self._loop.remove_reader(self._socket)
            self._resume = self._loop.call_later(pause, self._go_on)

    def _go_on(self) -> None:
        self._resume = None
        self._loop.add_reader(self._socket, self._readable)

    def _read(self) -> bool:
        """Take in what came; whether there may be more."""
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self._end(None)
            return False
        try:
            for payload in self._splitter.feed(data):
                self._take(payload)
                if self._ended:
                    return False
        except FrameError as error:
            self._end(error)
            return False
        return True

    def _take(self, payload: bytes) -> None:
        try:
            frame = self._decoder.decode(payload)
        except FrameError as error:
            if error.rule != "unknown_type" or not self._decoder.peer_is_newer or self._on_refused is None:
                raise
            self._on_refused(error)
        else:
            self._on_frame(frame)

    def drain(self) -> None:
        """Take in what the peer sent before it was gone; no more than a socket holds, since a fork of it may go on."""
        for _ in range(LEFT_IN_SOCKET // READ_SIZE):
            if self._ended or not self._read():
                break

    # --- end

    def _end(self, error: FrameError | None) -> None:
        if not self._ended:
            self.close()
            self._on_end(error)

    def close(self) -> None:
        """End without a call of `on_end`; harmless when ended."""
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        for handle in (self._flush_soon, self._resume):
            if handle is not None:
                handle.cancel()
        self._outbox.clear()
        self._socket.close()


def gateway_codec() -> tuple[Encoder, Decoder, int]:
    """What the gateway's end of a channel sends and takes, and the longest frame that it takes."""
    decoder = Decoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)
    return Encoder(to_instance_adapter(), LARGEST_TO_INSTANCE), decoder, LARGEST_FROM_INSTANCE


def instance_codec() -> tuple[Encoder, Decoder, int]:
    """What the instance's end of a channel sends and takes, and the longest frame that it takes."""
    decoder = Decoder(to_instance_adapter(), LARGEST_TO_INSTANCE)
    return Encoder(from_instance_adapter(), LARGEST_FROM_INSTANCE), decoder, LARGEST_TO_INSTANCE
