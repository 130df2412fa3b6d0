"""Noticing that an event loop has nothing left to do: the barrier of stepped time, inline and in a hosted process."""

import selectors
from collections.abc import Callable, Mapping
from typing import Any

OnIdle = Callable[[], bool]
"""Called when the loop would otherwise wait. Answers whether it gave the loop new work, so that it need not wait."""

LOOK_OUTSIDE_EVERY = 256
"""A loop that is never idle still looks at its descriptors this often, so that signals and threads are heard."""


def wait() -> bool:
    """Let the loop wait: what an `IdleSelector` does until it is given something better."""
    return False


class IdleSelector(selectors.BaseSelector):
    """A selector for `asyncio.SelectorEventLoop` that tells when the loop has run dry.

    The loop polls while callbacks are ready and asks to wait when none is; so a wish to wait means: nothing is ready.
    Idle is that, and no descriptor that has something to tell either. Timers of the loop itself do not count as work:
    in stepped time nobody uses them.

    With no descriptor registered but the loop's own wake-up socket, polling needs no system call.
    """

    def __init__(self, on_idle: OnIdle = wait) -> None:
        self.on_idle = on_idle
        self._inner = selectors.DefaultSelector()
        self._registered = 0
        self._unlooked = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, after the loop's owner had its say if nothing is."""
        if timeout is not None and timeout <= 0:
            return self._poll()
        events = self._poll()
        if events or self.on_idle():
            return events
        self._unlooked = 0
        return self._inner.select(timeout)

    def _poll(self) -> list[tuple[selectors.SelectorKey, int]]:
        self._unlooked += 1
        if self._registered <= 1 and self._unlooked < LOOK_OUTSIDE_EVERY:
            return []
        self._unlooked = 0
        return self._inner.select(0)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor."""
        key = self._inner.register(fileobj, events, data)
        self._registered += 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch a descriptor no more."""
        key = self._inner.unregister(fileobj)
        self._registered -= 1
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor for something else."""
        return self._inner.modify(fileobj, events, data)

    def close(self) -> None:
        """Watch nothing any more."""
        self._inner.close()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """What is known of a watched descriptor; KeyError when it is not watched."""
        return self._inner.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """All watched descriptors."""
        return self._inner.get_map()
