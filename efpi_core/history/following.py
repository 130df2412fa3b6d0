"""What follows a channel's values to say how much energy they mean: a counter's readings, or power that is held."""

from typing import Protocol, cast

from efpi_core.history.channels import Channel
from efpi_core.history.counter import Counted, Counter, CounterRule, Reading, Turn
from efpi_core.history.held_power import HeldPower
from efpi_core.history.micro import micro
from efpi_core.history.series import Series, Span


class Follower(Protocol):
    """Sums energy by quarter hours, keyed by their begins in s since 1970, from values as they come."""

    last: Reading | None
    quarters: dict[int, Counted]
    turns: list[tuple[Turn, Reading, Reading]]

    def take(self, came: Series, span: Span | None = None) -> None:
        """Take in values as they came; `span` is what is known of all of them."""

    def step(self, after: Reading) -> None:
        """Take in one good reading."""


def follower_of(channel: Channel, most_w: float, last: Reading | None) -> Follower | None:
    """What follows a channel from its last reading on; None where there is nothing to sum but the values themselves.

    `most_w`: what the connection to the grid can carry.
    """
    if channel.counts:
        return Counter(CounterRule.of(channel.unit, channel.modulus, most_w), last)
    return HeldPower(last) if channel.holds else None


def first_reading(came: Series) -> Reading | None:
    """The first value that can be trusted; None when there is none."""
    good = came.good_numbers()
    return Reading(good.stamps[0], micro(cast(float, good.values[0]))) if len(good) else None
