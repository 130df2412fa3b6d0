"""The gate of a server: who may come in, and how often one may knock."""

from collections import OrderedDict
from http import HTTPStatus
from typing import NamedTuple

KNOCKS_AT_ONCE = 10
KNOCKS_PER_S = 0.2
"""Who opens links more often than every five seconds in the long run, or ten at once, is told to wait."""

MOST_REMEMBERED = 1000
"""Of so many who knocked it is remembered how often they did."""


class Knock(NamedTuple):
    """What somebody shows who wants to open a link."""

    path: str
    """The path that is asked for, without what follows a `?`."""
    token: str | None
    """The bearer token, if any is shown."""
    address: str
    """Where it comes from."""


class Admitted(NamedTuple):
    """Somebody who may come in."""

    name: str
    """Whose credentials these are; empty where none are asked for."""


class TurnedAway(NamedTuple):
    """Somebody who may not."""

    status: HTTPStatus
    """What to answer with."""
    text: str
    """Why, for whoever knocked."""


class KnockCounter:
    """How often each one opens links. Bounded: whoever knocked longest ago is forgotten first."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def too_often(self, who: str, now: float, heads: int = 1) -> bool:
        """Note a knock at an instant in s; whether it is one too many. Behind one name there may be several heads."""
        left, at = self._left.pop(who, (float(KNOCKS_AT_ONCE * heads), now))
        left = min(left + (now - at) * KNOCKS_PER_S * heads, KNOCKS_AT_ONCE * heads)
        self._left[who] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > MOST_REMEMBERED:
            self._left.popitem(last=False)
        return left < 1
