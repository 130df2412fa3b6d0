"""When to move a storage so that it keeps within its bounds at the least cost: the plan of the coming day.

The level without any help is compared with its floor. Where it would fall below, the cheapest stretches of time
before are taken, one after the other, until it does not: sun that would be fed in first, then the cheapest hours.
What was taken decays by leakage until it is needed, so early help counts less.
"""

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

from efpi_app_self_consumption.gears import Chain
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.slots import SLOT_S

TOLERANCE = 1e-6

NO_FLOOR = -math.inf

LOOK_ON = 24
"""Slots after the first shortage that are planned, beside those of a wish: what comes later will be planned later."""


class Need(NamedTuple):
    """A storage seen so that help raises the level; one that must be kept down is seen upside down."""

    free: Sequence[float]
    """The level at the end of each slot without help."""
    floor: Sequence[float]
    """It must not be lower then."""
    ceiling: Sequence[float]
    """Help must not bring it higher."""
    chains: tuple[Chain, ...]
    decay_per_s: float
    """Share of what was put in that is lost each s."""


class NeedPlan(NamedTuple):
    """What a storage needs from the coming day."""

    powers: list[float]
    """W in each slot, on average; empty when no help is needed."""
    worth: float
    """Money that one unit of level is worth now: what the dearest planned unit costs. 0 when none is planned."""
    needed_at: int | None
    """The first slot at whose end the level would be too low; None when it never is."""
    unmet: float
    """By how much the level will be too low at the worst, whatever is done."""
    costs: list[float]
    """Money that a unit of level costs at most by the help planned in each slot."""


NO_PLAN = NeedPlan([], 0.0, None, 0.0, [])


def plan_need(need: Need, outlook: Outlook) -> NeedPlan:
    """The cheapest help that keeps the level at its floor."""
    free, floor = need.free, need.floor
    first = next((place for place, level in enumerate(free) if level < floor[place] - TOLERANCE), None)
    if first is None:
        return NO_PLAN
    last = max(place for place, level in enumerate(free) if level < floor[place] - TOLERANCE)
    if floor[last] <= min(floor[first], floor[min(first + LOOK_ON, last)]):
        last = min(last, first + LOOK_ON)
    return _Search(need, outlook, last + 1).run(first)


Offer = tuple[float, int, float, float]
"""Help in one slot, taken in this order: money per unit seen from now, slot, W, units that all of it brings."""

HAIR, FINER_HAIR = 1e-7, 1.0 + 1e-9
"""What settles ties."""


class _Search:
    """One planning: offers of the slots so far, and the levels that the accepted ones bring."""

    def __init__(self, need: Need, outlook: Outlook, count: int) -> None:
        self._need = need
        self._outlook = outlook
        self._count = count
        step = math.exp(-need.decay_per_s * SLOT_S)
        self._fade = [step**place for place in range(count)]
        self._levels = list(need.free[:count])
        self._lift = 0.0
        self._offers: list[Offer] = []
        self._powers = [0.0] * len(need.free)
        self._costs = [0.0] * len(need.free)
        self._worth = 0.0
        self._unmet = 0.0

    def run(self, first: int) -> NeedPlan:
        """Go through the slots; at each that is too low take the cheapest help before it."""
        levels, floor, step = self._levels, self._need.floor, self._fade[1] if self._count > 1 else 1.0
        for place in range(first):
            self._offer(place)
        for place in range(first, self._count):
            self._offer(place)
            self._lift *= step
            levels[place] += self._lift
            gap = floor[place] - levels[place]
            while gap > TOLERANCE and self._offers:
                gap -= self._take(heapq.heappop(self._offers), place, gap)
            self._unmet = max(self._unmet, gap)
        unmet = self._unmet if self._unmet > TOLERANCE else 0.0
        return NeedPlan(self._powers, self._worth, first, unmet, self._costs)

    def _offer(self, place: int) -> None:
        """Add what can be had in a slot."""
        outlook, fade, offers = self._outlook, self._fade[place], self._offers
        price, room, seconds = outlook.prices[place], outlook.room_w(place), outlook.lengths[place]
        sun = outlook.surplus[place]
        # Of equal costs, sun is taken early, since it may not last, and purchases late, since there may yet be sun.
        own_fade, bought_fade = fade * (1.0 + HAIR * place), fade * (1.0 + HAIR * (self._count - place))
        for chain in self._need.chains:
            dearest = 0.0
            for before_w, power_w, rate, cost, divisible in chain:
                own = min(max(sun - before_w, 0.0), power_w)
                # The steps of a slot are taken in their order.
                least = dearest * FINER_HAIR
                if not divisible:
                    if before_w + power_w > room:
                        break
                    money = (power_w - own) * price.bought + own * price.sold + cost
                    dearest = max(money / rate * (own_fade if own >= power_w else bought_fade), least)
                    heapq.heappush(offers, (dearest, place, power_w, rate * seconds))
                    continue
                power = min(power_w, room - before_w)
                if own > 0.0:
                    dearest = max((power_w * price.sold + cost) / rate * own_fade, least)
                    heapq.heappush(offers, (dearest, place, own, rate * own / power_w * seconds))
                if power > own:
                    dearest = max((power_w * price.bought + cost) / rate * bought_fade, dearest * FINER_HAIR)
                    heapq.heappush(offers, (dearest, place, power - own, rate * (power - own) / power_w * seconds))

    def _take(self, offer: Offer, place: int, gap: float) -> float:
        """Accept an offer as far as it is needed and the ceiling allows; returns what it brings at `place`."""
        key, slot, power_w, gain = offer
        levels, ceiling, fade = self._levels, self._need.ceiling, self._fade
        effect = gain * fade[place - slot]
        room = min(ceiling[slot] - levels[slot], (ceiling[place] - levels[place]) / fade[place - slot])
        share = min(1.0, room / gain, gap / effect)
        if share <= 0.0:
            return 0.0
        gained = gain * share
        for at in range(slot, place + 1):
            levels[at] += gained * fade[at - slot]
        self._lift += effect * share
        self._powers[slot] += power_w * share
        self._worth = max(self._worth, key)
        self._costs[slot] = max(self._costs[slot], key / fade[slot])
        return effect * share
