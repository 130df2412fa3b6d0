"""Runs a coroutine on an event loop that can tell when it has run dry."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from efpi_core.host.idle import IdleSelector

Result = TypeVar("Result")


def run_stepped(main: Callable[[IdleSelector], Coroutine[Any, Any, Result]]) -> Result:
    """Run `main(selector)` to its end; the selector is the one of the loop that it runs on."""
    selector = IdleSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(main(selector))
