"""Remembering what was seen lately, in bounded room."""


class RecentIds:
    """The last ids that were added: at least `size` of them, at most twice as many."""

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
