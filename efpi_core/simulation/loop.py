"""Runs a coroutine on an event loop that can tell when it has run dry."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from efpi_core.host.idle import IdleSelector

Result = TypeVar("Result")

SELDOM = (50_000, 20, 100)
"""Thresholds of the garbage collector: messages make no circles, and looking for some took a tenth of the time."""


def run_stepped(main: Callable[[IdleSelector], Coroutine[Any, Any, Result]]) -> Result:
    """Run `main(selector)` to its end; the selector is the one of the loop that it runs on."""
    selector = IdleSelector()
    with _seldom_collected(), asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(main(selector))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
