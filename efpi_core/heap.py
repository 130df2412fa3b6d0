"""The C library's heap, kept small: for processes that live for years on a board with little memory."""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8

TRIM_BYTES = 64 * 1024
"""So much may lie unused at the heap's end before it is given back."""


def keep_small() -> None:
    """Have all threads share one heap, and give back what is free (mallopt(3)); where that is unknown, nothing.

    Each thread of ours that loads or writes would else have a heap of its own, whose holes no other may fill.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc has it
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
