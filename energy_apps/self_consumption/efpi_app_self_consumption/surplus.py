"""Shares out the power at the connection: sun to where it is worth most, and what is missing from where it is cheapest.

Levers are served one after the other in a fixed order, each on what those before it left, so that no two of them
answer the same surplus.
"""

from collections.abc import Iterable
from typing import NamedTuple

from efpi_app_self_consumption.flow import NO_FLOW
from efpi_app_self_consumption.headroom import Headroom
from efpi_app_self_consumption.lever import ON_W, Choice, Lever
from efpi_app_self_consumption.options import SHORTEST_STAY_S, Option, Row
from efpi_app_self_consumption.segment import UNKNOWN_COST, Segment
from efpi_app_self_consumption.tariff import Price

STAYING = 0.05
"""Share of the grid's price that staying on is worth to what can only run or rest."""

RELIEF = 1000.0
"""How many times the grid's price it is worth to relieve a limit that is broken."""

HARSH_W = 300.0
"""What switches less than this at once needs no patience."""

DEAR = 2.0
"""What has no known price is taken to cost so many times the grid's."""

LEAST_GAIN = 1e-15


class Shares(NamedTuple):
    """Who does what."""

    choices: tuple[Choice, ...]
    sun_w: float
    """What would be fed in if no lever consumed or gave back, W."""


def share_out(levers: Iterable[Lever], headroom: Headroom, price: Price) -> Shares:
    """Decide for every lever. `headroom` holds the power without them, and holds it with them afterwards."""
    sun = max(-headroom.grid.total, 0.0)
    choices: list[Choice] = []
    givers: list[tuple[Lever, Choice | None]] = []
    active = []
    unfed = 0.0
    for lever in levers:
        if _stays_at_rest(lever, price, sun):
            givers.append((lever, _at_rest(lever)))
        else:
            active.append(lever)
    for lever in sorted(active, key=_rank):
        choice = _consume(lever, headroom, price)
        if choice is None or choice.power_w <= lever.resting_w:
            givers.append((lever, choice))
            continue
        headroom.add(choice.flow)
        choices.append(choice)
        if not lever.fed_by_battery:
            unfed += choice.power_w
    # What a resting lever gives instead is decided once all consumption is known, standby power included.
    able = []
    for lever, choice in givers:
        if choice is not None:
            headroom.add(choice.flow)
        if lever.options.gives and lever.may_give:
            able.append((lever, choice))
        elif choice is not None:
            choices.append(choice)
    for lever, choice in sorted(able, key=_price_of_giving):
        given = _produce(lever, choice, headroom, price, unfed)
        if given is not None:
            choices.append(given)
    return Shares(tuple(choices), sun)


def _stays_at_rest(lever: Lever, price: Price, sun: float) -> bool:
    """Whether a lever has nothing to weigh: it can only rest, or there is no sun and nothing is to be bought for it."""
    options = lever.options
    if options.rest is None:
        return False
    if not options.consumes:
        return True
    return sun <= 0.0 and lever.stores and not lever.worth.buys and not lever.on and price.bought > 0.0


def _at_rest(lever: Lever) -> Choice:
    rest = lever.options.rest
    assert rest is not None  # noqa: S101  # the caller looked
    return Choice(lever, rest, 1.0, rest.segment.high, 0.0, 0.0)


def _rank(lever: Lever) -> tuple[bool, float, str, str]:
    """The most urgent first, then those to whom a J is worth most; names settle the rest."""
    best = 0.0
    worth = lever.worth
    for option in lever.options.all:
        segment = option.segment
        power = segment.high.total
        if power > ON_W:
            moved = worth.of(segment.high_rate, False)
            if moved is not None:
                best = max(best, (moved - segment.high_cost) / power)
    # Rounded, so that a worth that creeps does not swap two levers back and forth.
    return (not worth.urgent, -float(f"{best:.2g}"), lever.appliance_id, lever.actuator_id or "")


def _price_of_giving(giver: tuple[Lever, Choice | None]) -> tuple[float, str]:
    """What a J costs that the lever gives back or makes."""
    lever = giver[0]
    least = float("inf")
    for option in lever.options.all:
        segment = option.segment
        if segment.low.total < -ON_W:
            kept = lever.worth.of(segment.low_rate, True)
            if kept is not None:
                least = min(least, (segment.low_cost - kept) / -segment.low.total)
    return (least, lever.appliance_id)


# Consuming ------------------------------------------------------------------------------------------------------------


def _consume(lever: Lever, headroom: Headroom, price: Price) -> Choice | None:
    """The best that a lever can do by consuming, or by resting; None when it can do neither."""
    best = _best_consumption(lever, headroom, price, lever.options.consuming_rows)
    if best is None or lever.worth.urgent or not best.switches or lever.options.step_w < HARSH_W:
        return best
    starts = best.power_w > lever.resting_w
    if lever.patience.may_start if starts else lever.patience.may_stop:
        return best
    rows = tuple(_held(lever, starts))
    held = _best_consumption(lever, headroom, price, rows) if rows else None
    return best if held is None else held._replace(waits=True)


def _held(lever: Lever, starts: bool) -> Iterable[Row]:
    """The options that leave a lever resting, or consuming, as it does now."""
    for row in lever.options.consuming_rows:
        if (row[0].segment.high.total > lever.resting_w) is not starts:
            yield row


def _best_consumption(lever: Lever, headroom: Headroom, price: Price, rows: Iterable[Row]) -> Choice | None:
    sun = max(-headroom.grid.total, 0.0)
    overfed = headroom.overfed_w if headroom.bounds else 0.0
    bought, sold, worthless = price.bought, price.sold, min(price.sold, 0.0)
    worth, resting_w, mode_now = lever.worth, lever.resting_w, lever.mode_id
    up = worth.up if worth.room_up else None
    down = worth.down if worth.room_down else None
    best: Option | None = None
    best_share, best_gain = 0.0, -float("inf")
    for option, mode_id, low, high, low_rate, high_rate, low_cost, high_cost, fixed in rows:
        unknown = low_cost == UNKNOWN_COST
        if (unknown and not worth.urgent) or (mode_id != mode_now and worth.ends_at_once(option)):
            continue
        per_level = 0.0 if high_rate == 0.0 else up if high_rate > 0.0 else down
        if per_level is None:
            continue
        most = _most_share(lever, option.segment, headroom)
        if most is None:
            continue
        width = high - low
        stays = STAYING * bought if mode_id == mode_now and width == 0.0 else 0.0
        for share in _tries(low, width, most, sun, overfed):
            power = low + width * share
            own = power if power < sun else sun
            free = own if own < overfed else overfed
            moved = abs(low_rate + (high_rate - low_rate) * share) * per_level
            gain = moved - (own - free) * sold - free * worthless - (power - own) * bought - fixed
            if not unknown:
                gain -= low_cost + (high_cost - low_cost) * share
            if power > resting_w:
                gain += stays * power
            if gain > best_gain + LEAST_GAIN:
                best, best_share, best_gain = option, share, gain
    if best is None:
        return _least(lever, sun)
    flow = best.segment.low.towards(best.segment.high, best_share)
    return Choice(lever, best, best_share, flow, best_gain, min(flow.total, sun), sun)


def _tries(low: float, width: float, most: float, sun: float, overfed: float) -> tuple[float, ...]:
    """The shares that are worth a look: both ends, and where prices change; all is straight between."""
    if width <= 0.0 or most <= 0.0:
        return (0.0,)
    at_sun = (sun - low) / width
    tries: tuple[float, ...] = (0.0, at_sun, most) if 0.0 < at_sun < most else (0.0, most)
    if overfed > 0.0 and 0.0 < (at_limit := (overfed - low) / width) < most:
        tries += (at_limit,)
    return tries


def _least(lever: Lever, sun: float) -> Choice | None:
    """Where the limits, or the level, forbid everything: what draws least."""
    option = min(
        (row[0] for row in lever.options.consuming_rows), key=lambda each: each.segment.low.total, default=None
    )
    if option is None:
        return None
    flow = option.segment.low
    return Choice(lever, option, 0.0, flow, 0.0, min(flow.total, sun), sun)


def _most_share(lever: Lever, segment: Segment, headroom: Headroom) -> float | None:
    most = headroom.most_share(segment) if headroom.bounds else 1.0
    if most is None or lever.upper_w >= segment.high.total:
        return most
    if lever.upper_w < segment.low.total:
        return None
    return min(most, segment.share(lever.upper_w))


def _way_cost(option: Option) -> float:
    return option.reach.cost / max(option.reach.hold_s, SHORTEST_STAY_S) if option.reach.cost else 0.0


# Producing ------------------------------------------------------------------------------------------------------------


def _produce(lever: Lever, resting: Choice | None, headroom: Headroom, price: Price, unfed_w: float) -> Choice | None:
    """The best that a lever can do by giving back, or its resting; None when it can do neither."""
    rest = NO_FLOW if resting is None else resting.flow
    headroom.grid = headroom.grid.minus(rest)
    missing = max(headroom.grid.total - (unfed_w if lever.stores else 0.0), 0.0)
    over = headroom.overdrawn_w if headroom.bounds else 0.0
    fed_in = price.sold if lever.may_export else -price.bought
    best = resting
    for option in lever.options.all:
        segment = option.segment
        if segment.low.total >= -ON_W or (segment.low_cost == UNKNOWN_COST and over <= 0.0 and resting is not None):
            continue
        least = _least_share(lever, segment, headroom)
        if least is None:
            continue
        for share in (least, max(segment.share(-missing), least), max(segment.share(-over), least), 1.0):
            flow = segment.low.towards(segment.high, share)
            given = -flow.total
            moved = lever.worth.of(segment.rate(share), True)
            if moved is None or (given <= ON_W and resting is not None):
                continue
            used = min(given, missing)
            gain = used * price.bought + (given - used) * fed_in + RELIEF * price.bought * min(given, over)
            cost = segment.cost(share)
            gain += moved - _way_cost(option) - (DEAR * price.bought * given if cost == UNKNOWN_COST else cost)
            if best is None or gain > best.gain + LEAST_GAIN:
                best = Choice(lever, option, share, flow, gain, used, missing)
    headroom.add(rest if best is None else best.flow)
    return best


def _least_share(lever: Lever, segment: Segment, headroom: Headroom) -> float | None:
    least = headroom.least_share(segment) if headroom.bounds else 0.0
    if least is None or lever.lower_w <= segment.low.total:
        return least
    if lever.lower_w > segment.high.total:
        return None
    return max(least, segment.share(lever.lower_w))
