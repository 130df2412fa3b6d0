"""What a person sees while something takes its time: on standard error, and only on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting(words: str, *, quiet: bool) -> Iterator[None]:
    """Show that work goes on, for as long as it does."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415  # only when something is drawn

    with Console(stderr=True).status(f"{words} …"):
        yield
