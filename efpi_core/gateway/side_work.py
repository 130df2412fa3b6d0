"""What the gateway does beside, as long as it lives."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class SideWork:
    """Owns tasks, and cancels what is left of them at the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do some work until it is done or the end comes."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Cancel what is not done."""
        for task in tuple(self._tasks):
            task.cancel()
