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

HOUR_S = 3600.0

LEAST_SAVED = 1e-9
"""Money that a policy must save to be preferred to one that was tried before it."""


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


class _Stretch(NamedTuple):
    """Some slots together."""

    seconds: float
    bought: float
    sold: float
    sun_w: float
    room_w: float


def plan_battery(battery: Battery, outlook: Outlook, *, from_grid: bool) -> BatteryPolicy:
    """The best policy for the coming day."""
    prices = _spread(sorted({price.bought for price in outlook.prices}))
    stretches = _stretches(outlook) if len(prices) > 1 else []
    best: tuple[float, BatteryPolicy] | None = None
    for sell_from in prices:
        worth = _content_worth(battery, outlook, sell_from)
        for fill_up_to, share in _fillings(battery, prices, from_grid):
            until = battery.content + (battery.most - battery.content) * share
            policy = BatteryPolicy(sell_from, fill_up_to, until, worth)
            cost = _try(battery, stretches, policy, outlook.cheapest)
            if best is None or cost < best[0] - LEAST_SAVED:
                best = (cost, policy)
    assert best is not None  # noqa: S101  # a day has at least one price
    return best[1]


def _stretches(outlook: Outlook) -> list[_Stretch]:
    """The coming day in hours, of slots that have one price."""
    found: list[_Stretch] = []
    for place, (seconds, price, sun) in enumerate(zip(outlook.lengths, outlook.prices, outlook.surplus, strict=True)):
        room = outlook.room_w(place)
        last = found[-1] if found else None
        if last is None or last.seconds >= HOUR_S or (last.bought, last.sold) != price:
            found.append(_Stretch(seconds, price.bought, price.sold, sun, room))
            continue
        whole = last.seconds + seconds
        mean = (last.sun_w * last.seconds + sun * seconds) / whole
        found[-1] = _Stretch(whole, price.bought, price.sold, mean, min(last.room_w, room))
    return found


def _spread(prices: list[float]) -> list[float]:
    """At most so many of the prices, from the lowest to the highest."""
    if len(prices) <= MOST_PRICES:
        return prices
    step = (len(prices) - 1) / (MOST_PRICES - 1)
    return [prices[round(place * step)] for place in range(MOST_PRICES)]


def _fillings(battery: Battery, prices: list[float], from_grid: bool) -> Iterator[tuple[float, float]]:
    """The prices up to which filling from the grid could pay, each with the share of the room that is filled."""
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
    used = min(price.bought for price in outlook.prices if price.bought >= sell_from)
    return max(used - battery.discharge_wear, 0.0) / battery.discharge_loss


def _try(battery: Battery, stretches: list[_Stretch], policy: BatteryPolicy, cheapest: float) -> float:
    """What the coming day costs under a policy, less what is left in the battery at its end."""
    content, cost = battery.content, 0.0
    gain, loss = battery.charge_gain, battery.discharge_loss
    for seconds, bought, sold, sun, room in stretches:
        power = 0.0
        if sun > 0.0:
            power = min(sun, battery.charge_w, max(battery.most - content, 0.0) / gain / seconds)
        elif bought >= policy.sell_from:
            power = -min(-sun, battery.discharge_w, max(content - battery.least, 0.0) / loss / seconds)
        if policy.fill_up_to >= bought and power >= 0.0 and content < policy.fill_until:
            filled = (policy.fill_until - content) / gain / seconds
            power = max(power, min(battery.charge_w, filled, room))
        if power > 0.0:
            content += power * gain * seconds
            cost += power * battery.charge_wear * seconds
        else:
            content += power * loss * seconds
            cost -= power * battery.discharge_wear * seconds
        content -= battery.leakage * seconds
        grid = power - sun
        cost += grid * (bought if grid > 0.0 else sold) * seconds
    left_worth = max(cheapest - battery.discharge_wear, 0.0) / loss
    return cost - max(content - battery.least, 0.0) * left_worth
