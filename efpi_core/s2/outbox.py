"""What waits to be sent to a peer that does not read fast enough."""

import asyncio
from collections.abc import Hashable

from efpi_core.s2.link_limits import LinkLimits


class Outbox:
    """A bounded queue. Of messages that bear the same mark only the newest waits; all others are kept in order."""

    __slots__ = ("_bytes", "_closed", "_count", "_limits", "_taker", "_waiting", "superseded")

    def __init__(self, limits: LinkLimits) -> None:
        self._limits = limits
        self._waiting: dict[Hashable, bytes] = {}
        self._bytes = 0
        self._count = 0
        self._closed = False
        self._taker: asyncio.Future[None] | None = None
        self.superseded = 0
        """How many were never sent, since a newer one of their mark came."""

    def put(self, frame: bytes, newest: Hashable = None) -> bool:
        """Let a message wait; `newest` marks one that a later one of the same mark makes needless. False when full."""
        if newest is None:
            self._count += 1
            mark: Hashable = self._count
        else:
            mark = ("newest", newest)
            if (older := self._waiting.pop(mark, None)) is not None:
                self._bytes -= len(older)
                self.superseded += 1
        if len(self._waiting) >= self._limits.waiting_frames or self._bytes >= self._limits.waiting_bytes:
            return False
        self._waiting[mark] = frame
        self._bytes += len(frame)
        self._wake()
        return True

    def close(self) -> None:
        """Nothing more comes: whoever takes learns it once nothing waits."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def take(self) -> bytes | None:
        """The message that waits longest; waits for one, and None when none will come. For one taker at a time."""
        while not self._waiting:
            if self._closed:
                return None
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        frame = self._waiting.pop(next(iter(self._waiting)))
        self._bytes -= len(frame)
        return frame
