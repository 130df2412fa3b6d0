"""What waits to be sent to a slow reader: bounded, states newest wins, all else kept in order."""

import itertools
from collections.abc import Hashable

MOST_FRAMES = 10_000
"""How many frames may wait."""

MOST_BYTES = 32 * 1024 * 1024
"""How many bytes may wait."""


class Outbox:
    """Encoded frames in the order of their sending. One that supersedes another takes a place at the end."""

    def __init__(self, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._waiting: dict[Hashable, bytes] = {}
        self._serial = itertools.count()
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self.bytes = 0
        """How many bytes wait."""
        self.superseded = 0
        """How many frames were never sent, since a newer one said the same."""

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether more waits than may."""
        return len(self._waiting) > self._most_frames or self.bytes > self._most_bytes

    def put(self, data: bytes, key: Hashable | None = None) -> None:
        """Add a frame; one that waits under the same key is forgotten."""
        if key is None:
            self._waiting[next(self._serial)] = data
        else:
            superseded = self._waiting.pop(key, None)
            if superseded is not None:
                self.bytes -= len(superseded)
                self.superseded += 1
            self._waiting[key] = data
        self.bytes += len(data)

    def take(self, about: int) -> bytes:
        """The oldest frames, as many as make up about so many bytes."""
        if self.bytes <= about:
            chunk = b"".join(self._waiting.values())
            self._waiting.clear()
            self.bytes = 0
            return chunk
        keys, parts, size = [], [], 0
        for key, data in self._waiting.items():
            keys.append(key)
            parts.append(data)
            size += len(data)
            if size >= about:
                break
        for key in keys:
            del self._waiting[key]
        self.bytes -= size
        return b"".join(parts)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self.bytes = 0
