"""Keeps an input from hanging: a generous bound on the processor time that one may take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LONGEST_S = 10.0
"""Processor seconds for one input of a few thousand bytes; on an idle machine the slowest takes a hundredth of it."""


class HangError(AssertionError):
    """An input took longer than any may."""


@contextmanager
def no_hang(longest_s: float = LONGEST_S) -> Iterator[None]:
    """Raises HangError when the body takes too much processor time; only in the main thread."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise HangError(f"one input took more than {longest_s:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, longest_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
