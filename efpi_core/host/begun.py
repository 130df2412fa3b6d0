"""A coroutine that has begun elsewhere, to be awaited to its end."""

from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any


class Begun:
    """Awaits a coroutine that was sent its first step already, from what it waited for then."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        """Pass on what it waits for, and what comes back, as `await` does (PEP 380)."""
        waits_for = self._waits_for
        while True:
            try:
                answer = yield waits_for
            except BaseException as error:  # noqa: BLE001  # whatever is thrown in is the coroutine's to handle
                resume = partial(self._coroutine.throw, error)
            else:
                resume = partial(self._coroutine.send, answer)
            try:
                waits_for = resume()
            except StopIteration:
                return
