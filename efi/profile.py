"""Profiles: what happens in one interval after the other, each half-open, [start, end)."""

import itertools
import operator
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from efi.types import CENTURY, Model, PositiveDuration, violated

ZERO = timedelta(0)


class ProfileElement(Model):
    """One interval of a profile; it holds its first instant and not its last."""

    duration: PositiveDuration
    """How long the element lasts."""


Element = TypeVar("Element", bound=ProfileElement)


class Lasting(Protocol):
    """Anything that lasts a while."""

    @property
    def duration(self) -> timedelta:
        """How long it lasts."""


_Lasting = TypeVar("_Lasting", bound=Lasting)


def require_bounded(elements: tuple[_Lasting, ...]) -> tuple[_Lasting, ...]:
    """Refuse a profile that lasts longer than a century."""
    if (lasting := profile_duration(elements)) > CENTURY:
        raise violated(
            "profile_too_long",
            "the elements last {lasting} together; a profile may last {longest}",
            lasting=str(lasting),
            longest=str(CENTURY),
        )
    return elements


def profile_duration(elements: Sequence[Lasting]) -> timedelta:
    """How long the elements last together."""
    return sum((element.duration for element in elements), ZERO)


def element_at(elements: Sequence[Element], offset: timedelta) -> Element | None:
    """The element that holds the instant `offset` after the start; None before the start, and at and after the end.

    An instant on a boundary belongs to the later element.
    """
    if offset < ZERO:
        return None
    end = ZERO
    for element in elements:
        end += element.duration
        if offset < end:
            return element
    return None


def slice_profile(elements: Sequence[Element], start: timedelta, end: timedelta) -> tuple[Element, ...]:
    """The part of the profile within [start, end) after its start, with the elements at the ends cut to fit."""
    parts = []
    begins = ZERO
    for element in elements:
        ends = begins + element.duration
        kept = min(ends, end) - max(begins, start)
        if kept > ZERO:
            parts.append(element if kept == element.duration else element.model_copy(update={"duration": kept}))
        begins = ends
    return tuple(parts)


def starts_and_ends(elements: Sequence[Lasting], start: datetime) -> tuple[datetime, ...]:
    """The instants at which the elements of a profile that starts at `start` begin, and the end of the last."""
    return tuple(itertools.accumulate((element.duration for element in elements), initial=start, func=operator.add))


def intervals(elements: Sequence[Element], start: datetime) -> Iterator[tuple[datetime, datetime, Element]]:
    """Each element with the instants at which it begins and ends, for a profile that starts at `start`."""
    for element in elements:
        end = start + element.duration
        yield start, end, element
        start = end
