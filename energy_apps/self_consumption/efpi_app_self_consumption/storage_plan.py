"""The plan of one storage's coming day: the help it needs, what more is worth, and when a battery gives back."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from efpi_app_self_consumption.battery_plan import Battery, BatteryPolicy, plan_battery
from efpi_app_self_consumption.gears import Chain
from efpi_app_self_consumption.level_bounds import bounds, free_levels, wish_at
from efpi_app_self_consumption.need_plan import NO_FLOOR, NO_PLAN, Need, NeedPlan, plan_need
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.storage_facts import Span, StorageFacts
from efpi_app_self_consumption.storage_model import StorageModel

KEPT_S = 12 * 3600.0
"""For so long, typically, what is stored beyond need waits for its use."""

BEYOND_NEED = 0.9
"""What is stored beyond need is worth this share of what it replaces, since it may turn out to be useless."""

DAY_S = 86_400.0

LITTLE = 0.05
"""A share lost in a day that hardly matters."""

PLENTY = 1.5
"""Sun of so many times a storage's daily need is plenty: what is stored beyond need only replaces other sun."""


class StoragePlan(NamedTuple):
    """What the coming day asks of a storage."""

    first: int
    """The slot in which it was made."""
    upward: NeedPlan
    downward: NeedPlan
    """The same for one whose level must be kept down, as a freezer's."""
    extra_up: float
    """Money that a unit of level is worth beyond all need."""
    extra_down: float
    floors: Sequence[float]
    ceilings: Sequence[float]
    """The bounds at the end of each slot."""
    battery: BatteryPolicy | None
    """Where it can give back."""
    battery_facts: Battery | None
    wished: Span | None
    """The next wish that needs help."""
    needed_by_s: float | None
    """When it would leave its bounds without help, in s since 1970."""
    dear: bool
    """Whether energy is dearer now than usual."""

    @property
    def powers(self) -> list[float]:
        """W that are planned in each slot, to be reckoned with by other plans; empty when none are."""
        if self.upward.powers and self.downward.powers:
            return [up + down for up, down in zip(self.upward.powers, self.downward.powers, strict=True)]
        return self.upward.powers or self.downward.powers


def plan_storage(facts: StorageFacts, outlook: Outlook, *, from_grid: bool) -> StoragePlan:
    """Plan the coming day of one storage. `from_grid`: a battery may be filled from the grid to save later."""
    model, slots = facts.model, outlook.slots
    within = bounds(facts, slots)
    free = free_levels(facts, outlook)
    decay = facts.leakage.decay_per_s(model.lower, model.upper) if facts.leakage is not None else 0.0
    rising = facts.gears.chains(True, facts.level, _goal(facts.level, within.floors, model, upward=True))
    falling = facts.gears.chains(False, facts.level, _goal(facts.level, within.ceilings, model, upward=False))
    upward = plan_need(Need(free, *within, rising, decay), outlook) if rising else NO_PLAN
    downward = NO_PLAN
    if falling:
        mirrored = Need(_mirror(free), _mirror(within.ceilings), _mirror(within.floors), falling, decay)
        downward = plan_need(mirrored, outlook)
    battery = _battery(facts, within.floors, rising)
    # Of a storage that hardly empties by itself, and tells no use, nobody knows how soon it will be wanted.
    used = abs(facts.level - free[-1]) if facts.usage is not None or decay * DAY_S > LITTLE else math.inf
    kept = math.exp(-decay * KEPT_S) * BEYOND_NEED
    short = min((side.needed_at for side in (upward, downward) if side.needed_at is not None), default=None)
    prices = outlook.prices
    return StoragePlan(
        slots.first,
        upward,
        downward,
        extra_up=_beyond_need(rising, used, outlook) * kept,
        extra_down=_beyond_need(falling, used, outlook) * kept,
        floors=within.floors,
        ceilings=within.ceilings,
        battery=None if battery is None else plan_battery(battery, outlook, from_grid=from_grid),
        battery_facts=battery,
        wished=None if short is None else wish_at(facts.wishes, slots.end_s(short)),
        needed_by_s=None if short is None else slots.end_s(short),
        dear=prices[0].bought > 1.001 * sum(price.bought for price in prices) / len(prices),
    )


def _mirror(row: Sequence[float]) -> list[float]:
    """Levels seen upside down."""
    return [-level for level in row]


def _goal(level: float, row: Sequence[float], model: StorageModel, *, upward: bool) -> float:
    """Where help would bring the level: to the strictest bound of the day, or across a third of the range."""
    third = model.width / 3.0
    if upward:
        wished = max(row)
        return min(wished if wished > level else level + third, model.upper)
    wished = min(row)
    return max(wished if wished < level else level - third, model.lower)


def _beyond_need(way: tuple[Chain, ...], used: float, outlook: Outlook) -> float:
    """What a unit of level beyond need replaces: the cheapest purchase or, where there will be plenty of it, sun.

    `used` is by how much the level falls in a day by itself and its users.
    """
    best = min(
        ((chain[0].power_w / chain[0].rate, chain[0].cost / chain[0].rate) for chain in way if chain[0].power_w > 0.0),
        default=None,
    )
    if best is None:
        return 0.0
    energy, money = best
    sun_j = sum(sun * seconds for sun, seconds in zip(outlook.surplus, outlook.lengths, strict=True) if sun > 0.0)
    plenty = min(sun_j / (PLENTY * used * energy), 1.0) if used > 0.0 else 1.0
    sold = max(outlook.prices[0].sold, 0.0)
    return energy * (plenty * sold + (1.0 - plenty) * outlook.cheapest) + money


def _battery(facts: StorageFacts, floors: Sequence[float], rising: tuple[Chain, ...]) -> Battery | None:
    """The storage as one that gives back, or None when it cannot."""
    giver = facts.model.giver
    if giver is None or not rising:
        return None
    given = -giver.low.total
    power = sum(step.power_w for step in rising[0])
    rate = sum(step.rate for step in rising[0])
    cost = sum(step.cost for step in rising[0])
    reserve = max((floor for floor in floors[:4] if floor > NO_FLOOR), default=facts.model.lower)
    return Battery(
        content=facts.level,
        least=max(reserve, facts.model.least_given),
        most=facts.model.upper,
        charge_w=power,
        discharge_w=given,
        charge_gain=rate / power,
        discharge_loss=-giver.low_rate / given,
        charge_wear=cost / power,
        discharge_wear=giver.low_cost / given,
        leakage=max(facts.leakage.rate(facts.level), 0.0) if facts.leakage is not None else 0.0,
    )
