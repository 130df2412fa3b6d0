"""At which prices a battery gives back, and whether it is filled from the grid: a policy tried out on the coming day.

A policy is a price from which on the battery covers what the house draws, and a price up to which it is filled from
the grid. Each sensible pair is tried on the expected day, slot by slot; the cheapest wins. With one price all day
there is nothing to try: whatever is left over is stored, whatever is missing is given back.
"""

from collections.abc import Iterator
from typing import NamedTuple

from efpi_app_self_consumption.outlook import Outlook

MOST_PRICES = 4
"""Prices that are tried at most on either side."""

NEVER = -1.0


class Battery(NamedTuple):
    """A storage that gives back. Its content is told in the unit of its fill level."""

    content: float
    least: float
    """It must not be emptied below."""
    most: float
    charge_w: float
    discharge_w: float
    """Above 0."""
    charge_gain: float
    """Content for each J that is drawn."""
    discharge_loss: float
    """Content for each J that is given back."""
    charge_wear: float
    """Money for each J that is drawn, beside its price."""
    discharge_wear: float
    """Money for each J that is given back."""
    leakage: float = 0.0
    """Content lost each s."""


class BatteryPolicy(NamedTuple):
    """What holds until the next plan."""

    sell_from: float
    """Money per J at the grid from which on the battery gives back."""
    fill_up_to: float
    """Money per J at the grid up to which it is filled from there; below 0 never."""
    fill_until: float
    """Content at which the filling from the grid ends."""
    content_worth: float
    """Money that a unit of content is worth."""
    powers: list[float]
    """W expected in each slot; below 0 it gives back."""


def plan_battery(battery: Battery, outlook: Outlook, *, from_grid: bool) -> BatteryPolicy:
    """The best policy for the coming day."""
    prices = _spread(sorted({price.bought for price in outlook.prices}))
    if len(prices) == 1:
        return BatteryPolicy(prices[0], NEVER, battery.most, _content_worth(battery, outlook, prices[0]), [])
    best: tuple[float, BatteryPolicy] | None = None
    for sell_from in prices:
        for fill_up_to, share in _fillings(battery, prices, from_grid):
            until = battery.most if share == 1.0 else battery.content + (battery.most - battery.content) * share
            worth = _content_worth(battery, outlook, sell_from)
            policy = BatteryPolicy(sell_from, fill_up_to, until, worth, [])
            cost, powers = _try(battery, outlook, policy)
            if best is None or cost < best[0] - 1e-12:
                best = (cost, policy._replace(powers=powers))
    assert best is not None  # noqa: S101  # a day has at least one price
    return best[1]


def _spread(prices: list[float]) -> list[float]:
    """At most so many of the prices, from the lowest to the highest."""
    if len(prices) <= MOST_PRICES:
        return prices
    step = (len(prices) - 1) / (MOST_PRICES - 1)
    return [prices[round(place * step)] for place in range(MOST_PRICES)]


def _fillings(battery: Battery, prices: list[float], from_grid: bool) -> Iterator[tuple[float, float]]:
    yield NEVER, 1.0
    if not from_grid:
        return
    for price in prices[:-1]:
        stored = (price + battery.charge_wear) / battery.charge_gain * battery.discharge_loss + battery.discharge_wear
        if stored < prices[-1]:
            yield price, 1.0
            yield price, 0.5


def _content_worth(battery: Battery, outlook: Outlook, sell_from: float) -> float:
    """What a unit of content saves when it is given back at the prices of the policy."""
    used = [price.bought for price in outlook.prices if price.bought >= sell_from]
    return max(min(used) - battery.discharge_wear, 0.0) / battery.discharge_loss


def _try(battery: Battery, outlook: Outlook, policy: BatteryPolicy) -> tuple[float, list[float]]:
    """What the coming day costs under a policy, less what is left in the battery at its end."""
    content, cost, powers = battery.content, 0.0, []
    for place, (seconds, price, sun) in enumerate(zip(outlook.lengths, outlook.prices, outlook.surplus, strict=True)):
        power = _power(battery, policy, content, price.bought, sun, seconds)
        if power > 0.0:
            power = min(power, outlook.room_w(place))
            content += power * battery.charge_gain * seconds
            cost += power * battery.charge_wear * seconds
        else:
            content += power * battery.discharge_loss * seconds
            cost -= power * battery.discharge_wear * seconds
        content -= battery.leakage * seconds
        grid = power - sun
        cost += grid * (price.bought if grid > 0.0 else price.sold) * seconds
        powers.append(power)
    left_worth = max(outlook.cheapest - battery.discharge_wear, 0.0) / battery.discharge_loss
    return cost - max(content - battery.least, 0.0) * left_worth, powers


def _power(battery: Battery, policy: BatteryPolicy, content: float, bought: float, sun: float, seconds: float) -> float:
    """What the battery does in a slot under a policy, W."""
    power = 0.0
    if sun > 0.0:
        power = min(sun, battery.charge_w, max(battery.most - content, 0.0) / battery.charge_gain / seconds)
    elif bought >= policy.sell_from:
        left_w = max(content - battery.least, 0.0) / battery.discharge_loss / seconds
        power = -min(-sun, battery.discharge_w, left_w)
    if policy.fill_up_to >= bought and power >= 0.0 and content < policy.fill_until:
        filled_w = (policy.fill_until - content) / battery.charge_gain / seconds
        power = max(power, min(battery.charge_w, filled_w))
    return power
