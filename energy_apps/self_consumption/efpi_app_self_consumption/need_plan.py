"""When to move a storage so that it keeps within its bounds at the least cost: the plan of the coming day.

The level without any help is compared with its floor. Where it would fall below, the cheapest stretches of time
before are taken, one after the other, until it does not: sun that would be fed in first, then the cheapest hours.
What was taken decays by leakage until it is needed, so early help counts less.
"""

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

from efpi_app_self_consumption.gears import Chain, Step
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.slots import SLOT_S

TOLERANCE = 1e-6

NO_FLOOR = -math.inf


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
    """W in each slot, on average."""
    worth: float
    """Money that one unit of level is worth now: what the dearest planned unit costs. 0 when none is planned."""
    needed_at: int | None
    """The first slot at whose end the level would be too low; None when it never is."""
    unmet: float
    """By how much the level will be too low at the worst, whatever is done."""

    @property
    def now(self) -> bool:
        """Whether help is planned for the present slot."""
        return bool(self.powers) and self.powers[0] > 0.0


class _Offer(NamedTuple):
    """A stretch of help in one slot; they are taken in the order of these fields."""

    key: float
    """Money per unit of level, seen from now."""
    tie: int
    slot: int
    chain: int
    number: int
    power_w: float
    gain: float
    """By how much the level rises, if the whole of it is taken."""


def plan_need(need: Need, outlook: Outlook) -> NeedPlan:
    """The cheapest help that keeps the level at its floor."""
    short = [place for place, level in enumerate(need.free) if level < need.floor[place] - TOLERANCE]
    if not short:
        return NeedPlan([], 0.0, None, 0.0)
    bound = [place for place, floor in enumerate(need.floor) if floor > NO_FLOOR]
    return _Search(need, outlook, bound[-1] + 1).run(short[0])


class _Search:
    """One planning: offers of the slots so far, and the levels that the accepted ones bring."""

    def __init__(self, need: Need, outlook: Outlook, count: int) -> None:
        self._need = need
        self._outlook = outlook
        self._count = count
        self._fade = [math.exp(-need.decay_per_s * SLOT_S * place) for place in range(count + 1)]
        self._levels = list(need.free[:count])
        self._offers: list[_Offer] = []
        self._powers = [0.0] * len(need.free)
        self._worth = 0.0
        self._unmet = 0.0

    def run(self, first: int) -> NeedPlan:
        """Go through the slots; at each that is too low take the cheapest help before it."""
        for place in range(first + 1):
            self._offer(place)
        for place in range(first, self._count):
            if place > first:
                self._offer(place)
            gap = self._need.floor[place] - self._levels[place]
            while gap > TOLERANCE and self._offers:
                gap -= self._take(heapq.heappop(self._offers), place, gap)
            self._unmet = max(self._unmet, gap)
        return NeedPlan(self._powers, self._worth, first, self._unmet if self._unmet > TOLERANCE else 0.0)

    def _offer(self, place: int) -> None:
        """Add what can be had in a slot."""
        outlook, fade = self._outlook, self._fade[place]
        sun, price, room = max(outlook.surplus[place], 0.0), outlook.prices[place], outlook.room_w(place)
        seconds = outlook.lengths[place]
        for number, chain in enumerate(self._need.chains):
            dearest = 0.0
            for order, step in enumerate(chain):
                if step.rate <= 0.0 or step.before_w + (0.0 if step.divisible else step.power_w) > room + TOLERANCE:
                    break
                for part, from_grid in _parts(step, sun, room - step.before_w):
                    share = part / step.power_w if step.power_w > 0.0 else 1.0
                    bought = part if from_grid else 0.0
                    if not step.divisible:
                        bought = max(step.before_w + step.power_w - max(sun, step.before_w), 0.0)
                    money = bought * price.bought + (part - bought) * price.sold + step.cost * share
                    # A hair dearer than the step below it, so that the steps of a slot are taken in their order.
                    key = dearest = max(money / (step.rate * share) * fade, dearest * (1.0 + 1e-9))
                    tie = -place if bought > 0.0 else place
                    heapq.heappush(
                        self._offers,
                        _Offer(key, tie, place, number, order, part, step.rate * share * seconds),
                    )

    def _take(self, offer: _Offer, place: int, gap: float) -> float:
        """Accept an offer as far as it is needed and the ceiling allows; returns what it brings at `place`."""
        levels, ceiling, fade = self._levels, self._need.ceiling, self._fade
        room = min((ceiling[at] - levels[at]) / fade[at - offer.slot] for at in range(offer.slot, place + 1))
        effect = offer.gain * fade[place - offer.slot]
        share = min(1.0, room / offer.gain, gap / effect)
        if share <= 0.0:
            return 0.0
        for at in range(offer.slot, self._count):
            levels[at] += offer.gain * share * fade[at - offer.slot]
        self._powers[offer.slot] += offer.power_w * share
        self._worth = max(self._worth, offer.key)
        return effect * share


def _parts(step: Step, sun: float, room: float) -> list[tuple[float, bool]]:
    """The pieces of a step that cost alike: what the sun covers, and what is bought."""
    if not step.divisible:
        return [(step.power_w, False)]
    power = min(step.power_w, room)
    own = min(max(sun - step.before_w, 0.0), power)
    parts = []
    if own > 0.0:
        parts.append((own, False))
    if power - own > 0.0:
        parts.append((power - own, True))
    return parts
