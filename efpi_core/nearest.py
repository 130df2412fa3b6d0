"""The name that somebody may have meant."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, or None when none is like it."""
    import difflib  # noqa: PLC0415  # only a mistake needs it, and a gateway that runs makes none

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)
