"""Remembering the names of what was seen lately, in bounded room."""

from array import array


class RecentIds:
    """The last ids that were added: at least `size` of them, at most twice as many. Quick to ask, for every message."""

    __slots__ = ("_newer", "_older", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._newer: set[str] = set()
        self._older: set[str] = set()

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._newer or identifier in self._older

    def add(self, identifier: str) -> None:
        """Remember an id, and forget the oldest ones when there are too many."""
        newer = self._newer
        newer.add(identifier)
        if len(newer) >= self._size:
            self._older = newer
            self._newer = set()


class IdRing:
    """The last `size` ids that were added, as their 64-bit hashes: 8 bytes each, where there are thousands of rings."""

    __slots__ = ("_hashes", "_next")

    def __init__(self, size: int) -> None:
        self._hashes = array("q", bytes(8 * size))
        self._next = 0

    def __contains__(self, identifier: str) -> bool:
        return hash(identifier) in self._hashes

    def add(self, identifier: str) -> None:
        """Remember an id in the place of the oldest."""
        place = self._next
        self._hashes[place] = hash(identifier)
        self._next = (place + 1) % len(self._hashes)

    def discard(self, identifier: str) -> bool:
        """Forget an id; whether it was known."""
        if identifier not in self:
            return False
        self._hashes[self._hashes.index(hash(identifier))] = 0
        return True
