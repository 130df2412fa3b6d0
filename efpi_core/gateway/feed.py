"""The feed of changes to whoever watches the gateway live: bounded for each, the newest of a kind wins."""

import asyncio
from collections.abc import AsyncIterator

LARGEST_BACKLOG = 5000
"""Different things that one slow reader may have waiting; beyond it the oldest are dropped."""


class Feed:
    """Passes changes to subscribers. Telling a change costs a dictionary entry a subscriber, and never waits."""

    def __init__(self) -> None:
        self._subscribers: set[_Subscriber] = set()

    @property
    def watched(self) -> bool:
        """Whether anybody listens; what costs work to tell need not be told otherwise."""
        return bool(self._subscribers)

    def tell(self, kind: str, key: str, value: object) -> None:
        """Something changed; an older change of the same kind and key that was not read yet is forgotten."""
        for subscriber in self._subscribers:
            subscriber.put(kind, key, value)

    async def subscribe(self) -> AsyncIterator[tuple[str, object]]:
        """Follow all changes from now on."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            while True:
                for change in await subscriber.take():
                    yield change
        finally:
            self._subscribers.discard(subscriber)


class _Subscriber:
    """One reader's waiting changes."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], object] = {}
        self._arrived = asyncio.Event()

    def put(self, kind: str, key: str, value: object) -> None:
        self._waiting.pop((kind, key), None)
        self._waiting[(kind, key)] = value
        if len(self._waiting) > LARGEST_BACKLOG:
            del self._waiting[next(iter(self._waiting))]
        self._arrived.set()

    async def take(self) -> list[tuple[str, object]]:
        await self._arrived.wait()
        self._arrived.clear()
        changes = [(kind, value) for (kind, _), value in self._waiting.items()]
        self._waiting.clear()
        return changes
