"""The interface's values as S2's: lengths of time, in whole milliseconds, and profiles that are not too long."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

_MILLISECOND = timedelta(milliseconds=1)

MOST_ELEMENTS = 288
"""The longest profile that S2 has: a day in pieces of five minutes."""


def milliseconds(length: timedelta) -> int:
    """A length of time, rounded to whole milliseconds."""
    return round(length / _MILLISECOND)


class Lasting(Protocol):
    """Anything that lasts a while."""

    @property
    def duration(self) -> timedelta: ...  # noqa: D102


_Lasting = TypeVar("_Lasting", bound=Lasting)


def in_milliseconds(elements: Iterable[_Lasting]) -> Iterator[tuple[int, _Lasting]]:
    """Elements with how long they last, rounded so that the profile as a whole strays by no more than one of them."""
    ends, told = timedelta(0), 0
    for element in elements:
        ends += element.duration
        until = milliseconds(ends)
        yield until - told, element
        told = until


def whole_milliseconds(elements: Sequence[Lasting]) -> bool:
    """Whether S2 can tell how long each element lasts."""
    return all(not element.duration.microseconds % 1000 for element in elements)
