"""Ends a hosted process whose event loop stands still, even when nobody else is left to do so."""

import asyncio
import faulthandler
from collections.abc import Callable

TURN_S = 2.0
"""How often the event loop shows the watchdog that it turns, at least."""

SILENCE_TURNS = 30
"""After how many turns without a word of the gateway it counts as gone, although its socket is open: about a minute.

Turns and not seconds, so that a machine that was suspended does not count as a gateway that was silent.
"""

LAST_WORDS = "Timeout ("
"""How the first line of a process begins that its watchdog ends; see `faulthandler`."""


def allow(seconds: float) -> None:
    """From now on the process has so many seconds to live, unless this is called again.

    It is a thread of the interpreter's core: it needs neither the event loop nor the interpreter's lock, writes to
    stderr where every thread stands, and ends the process.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=2)


class Watchdog:
    """Kept quiet by the event loop's turning, and by the gateway's words."""

    def __init__(self, patience_s: float, on_silence: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience_s = patience_s
        self._turn_s = min(TURN_S, patience_s / 5)
        self._on_silence = on_silence
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None
        self._turn()

    def _turn(self) -> None:
        allow(self._patience_s)
        self._silent += 1
        self._timer = self._loop.call_later(self._turn_s, self._turn)
        if self._silent == SILENCE_TURNS:
            self._on_silence()

    def heard(self) -> None:
        """The gateway said something."""
        self._silent = 0

    def last(self, seconds: float) -> None:
        """The process ends within so many seconds, come what may."""
        if self._timer is not None:
            self._timer.cancel()
        allow(seconds)
