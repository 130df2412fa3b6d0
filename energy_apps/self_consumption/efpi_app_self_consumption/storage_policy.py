"""What a storage's level is worth: from its bounds, its leakage and use, its targets, and the prices of the day."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from efpi_app_self_consumption.battery_plan import Battery, BatteryPolicy, plan_battery
from efpi_app_self_consumption.gears import Chain, chains
from efpi_app_self_consumption.lever import Lever, Worth
from efpi_app_self_consumption.need_plan import NO_FLOOR, Need, NeedPlan, plan_need
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.profile_row import UsageRow
from efpi_app_self_consumption.slots import SLOT_S, Slots
from efpi_app_self_consumption.storage_model import Leakage, StorageModel
from efpi_app_self_consumption.tariff import Price

READY_BEFORE_S = 600.0
"""A wished level is reached so long before it is wished for, since no forecast is exact."""

CUSHION = 0.03
"""Share of its range that a storage which empties by itself is kept away from its end."""

CYCLE = 0.35
"""A storage that can only run or rest is moved on by this share of its range once it runs, to spare its compressor."""

SHORT_CYCLE = 0.1
"""The same while energy is dearer than usual."""

KEPT_S = 12 * 3600.0
"""For so long, typically, what is stored beyond need waits for its use."""

BEYOND_NEED = 0.9
"""What is stored beyond need is worth this share of the cheapest purchase, since it may turn out to be useless."""

URGENT_SLOTS = 1
"""A need within so many slots cannot wait for calm."""

CALM, CALMER = 0.02, 0.05
"""Share of its range by which a full storage must empty before it is filled again; more for a compressor."""


class Span(NamedTuple):
    """A wish for the level; an instant lasts one second."""

    start_s: float
    end_s: float
    lower: float
    upper: float


@dataclass(slots=True)
class StorageFacts:
    """A storage as it stands."""

    appliance_id: str
    level: float
    model: StorageModel
    leakage: Leakage | None
    usage: UsageRow | None
    """By how much the level is expected to fall by its users' doing."""
    wishes: tuple[Span, ...]
    levers: tuple[Lever, ...]


class StoragePlan(NamedTuple):
    """What the coming day asks of a storage."""

    upward: NeedPlan
    downward: NeedPlan
    """The same for one whose level must be kept down, as a freezer's."""
    extra_up: float
    """Money that a unit of level is worth beyond all need."""
    extra_down: float
    battery: BatteryPolicy | None
    """Where it can give back."""
    battery_facts: Battery | None
    wished: Span | None
    """The next wish that needs help."""
    needed_by_s: float | None = None
    """When it would leave its bounds without help, in s since 1970."""

    @property
    def powers(self) -> list[float]:
        """W that are planned in each slot, to be reckoned with by other plans; empty when none are."""
        if self.upward.powers and self.downward.powers:
            return [up + down for up, down in zip(self.upward.powers, self.downward.powers, strict=True)]
        return self.upward.powers or self.downward.powers


def plan_storage(facts: StorageFacts, outlook: Outlook, *, from_grid: bool) -> StoragePlan:
    """Plan the coming day of one storage. `from_grid`: a battery may be filled from the grid to save later."""
    model, slots = facts.model, outlook.slots
    floors, ceilings = bounds(facts, slots)
    free = _free_levels(facts, outlook)
    middle = model.lower + model.width / 2.0
    decay = facts.leakage.decay_per_s(model.lower, model.upper) if facts.leakage is not None else 0.0
    rising = chains(model, True, facts.level, _goal(facts.level, floors, model, upward=True))
    falling = chains(model, False, facts.level, _goal(facts.level, ceilings, model, upward=False))
    upward = _plan_side(facts, free, floors, ceilings, rising, decay, outlook)
    downward = _plan_side(facts, _mirror(free), _mirror(ceilings), _mirror(floors), falling, decay, outlook)
    battery = battery_of(facts, floors, rising, middle)
    policy = plan_battery(battery, outlook, from_grid=from_grid) if battery is not None else None
    kept = math.exp(-decay * KEPT_S) * BEYOND_NEED
    short = min((side.needed_at for side in (upward, downward) if side.needed_at is not None), default=None)
    return StoragePlan(
        upward,
        downward,
        extra_up=_unit_cost(rising, outlook.cheapest) * kept,
        extra_down=_unit_cost(falling, outlook.cheapest) * kept,
        battery=policy,
        battery_facts=battery,
        wished=_wish_at(facts, short, slots),
        needed_by_s=None if short is None else slots.end_s(short),
    )


NO_PLAN = NeedPlan([], 0.0, None, 0.0)


def _plan_side(
    facts: StorageFacts,
    free: Sequence[float],
    floors: Sequence[float],
    ceilings: Sequence[float],
    way: tuple[Chain, ...],
    decay: float,
    outlook: Outlook,
) -> NeedPlan:
    if not way:
        return NO_PLAN
    floors = list(floors)
    if not facts.model.divisible and floors[0] > NO_FLOOR and any(lever.on for lever in facts.levers):
        average = sum(price.bought for price in outlook.prices) / len(outlook.prices)
        cycle = CYCLE if outlook.prices[0].bought <= average * 1.001 else SHORT_CYCLE
        floors[0] += cycle * max(ceilings[0] - floors[0], 0.0)
    return plan_need(Need(free, floors, ceilings, way, decay), outlook)


def _mirror(row: Sequence[float]) -> list[float]:
    """Levels seen upside down."""
    return [-level for level in row]


def bounds(facts: StorageFacts, slots: Slots) -> tuple[list[float], list[float]]:
    """The least and the most that the level should be at the end of each slot."""
    model = facts.model
    moves = not facts.model.gives and (facts.usage is not None or facts.leakage is not None)
    cushion = CUSHION * model.width if moves else 0.0
    floors = [model.lower + cushion if moves else NO_FLOOR] * slots.size
    ceilings = [model.upper - cushion if moves and _rises(facts) else model.upper] * slots.size
    for wish in facts.wishes:
        ready = wish.start_s - READY_BEFORE_S
        first = max(slots.place_of(ready - 1.0), 0) if ready - 1.0 >= slots.end_s(0) - SLOT_S else 0
        for place in range(first, slots.size):
            begins, ends = slots.begin_s(place), slots.end_s(place)
            if begins >= wish.end_s:
                break
            if ends > ready - SLOT_S:
                floors[place] = max(floors[place], min(wish.lower, model.upper))
            if ends > wish.start_s:
                ceilings[place] = min(ceilings[place], max(wish.upper, model.lower))
    return floors, ceilings


def _rises(facts: StorageFacts) -> bool:
    """Whether the level rises by itself, as a freezer's temperature does."""
    return facts.leakage is not None and facts.leakage.rate(facts.level) < 0.0


def _free_levels(facts: StorageFacts, outlook: Outlook) -> list[float]:
    """The level at the end of each slot if nobody did anything."""
    level, levels = facts.level, []
    lowest, highest = facts.model.lower - facts.model.width, facts.model.upper + facts.model.width
    leakage = facts.leakage
    usage = None if facts.usage is None else facts.usage.expected(outlook.slots)
    for place, seconds in enumerate(outlook.lengths):
        fall = leakage.rate(level) if leakage is not None else 0.0
        if usage is not None:
            fall += usage[place]
        level = min(max(level - fall * seconds, lowest), highest)
        levels.append(level)
    return levels


def _goal(level: float, row: Sequence[float], model: StorageModel, *, upward: bool) -> float:
    """Where help would bring the level: to the strictest bound of the day, or across a third of the range."""
    third = model.width / 3.0
    if upward:
        wished = max(row)
        return min(wished if wished > level else level + third, model.upper)
    wished = min(row)
    return max(wished if wished < level else level - third, model.lower)


def _unit_cost(way: tuple[Chain, ...], price: float) -> float:
    """What a unit of level costs with the most useful actuator, at a price."""
    costs = [
        (chain[0].power_w * price + chain[0].cost) / chain[0].rate
        for chain in way
        if chain[0].rate > 0.0 and chain[0].power_w > 0.0
    ]
    return min(costs, default=0.0)


def battery_of(
    facts: StorageFacts, floors: Sequence[float], rising: tuple[Chain, ...], middle: float
) -> Battery | None:
    """The storage as one that gives back, or None when it cannot."""
    model = facts.model
    givers = [
        segment
        for actuator in model.actuators
        for mode in actuator.modes.values()
        if not mode.abnormal_only
        for segment in mode.at(middle)
        if segment.low.total < 0.0 and segment.low_rate < 0.0
    ]
    if not givers or not rising:
        return None
    giver = min(givers, key=lambda segment: segment.low.total)
    given = -giver.low.total
    power = sum(step.power_w for step in rising[0])
    rate = sum(step.rate for step in rising[0])
    cost = sum(step.cost for step in rising[0])
    reserve = max((floor for floor in floors[:4] if floor > NO_FLOOR), default=model.lower)
    return Battery(
        content=facts.level,
        least=max(reserve, model.lower),
        most=model.upper,
        charge_w=power,
        discharge_w=given,
        charge_gain=rate / power,
        discharge_loss=-giver.low_rate / given,
        charge_wear=cost / power,
        discharge_wear=giver.low_cost / given,
        leakage=max(facts.leakage.rate(facts.level), 0.0) if facts.leakage is not None else 0.0,
    )


def _wish_at(facts: StorageFacts, place: int | None, slots: Slots) -> Span | None:
    """The wish that is not met at the end of a slot without help."""
    if place is None:
        return None
    ends = slots.end_s(place)
    return next((wish for wish in facts.wishes if wish.end_s > ends - SLOT_S), None)


# Now ------------------------------------------------------------------------------------------------------------------


def worth_now(facts: StorageFacts, plan: StoragePlan, price: Price, now_s: float) -> Worth:
    """What the level is worth at this instant, by the plan and the present price."""
    most, least = _present_bounds(facts, now_s)
    running = any(lever.on for lever in facts.levers)
    calm = 0.0 if running else (CALM if facts.model.divisible else CALMER) * facts.model.width
    room_up, room_down = facts.level < most - calm, facts.level > least + calm
    up = _side_worth(facts, plan.upward, plan.extra_up, price, upward=True)
    down = _side_worth(facts, plan.downward, plan.extra_down, price, upward=False)
    worth = Worth(up=up, down=down, room_up=room_up, room_down=room_down)
    worth.urgent = any(
        side.now and (side.unmet > 0.0 or (side.needed_at or 0) <= URGENT_SLOTS)
        for side in (plan.upward, plan.downward)
    )
    if plan.battery is not None and plan.battery_facts is not None:
        _value_battery(facts, plan, plan.battery, plan.battery_facts, price, worth)
    return worth


def _present_bounds(facts: StorageFacts, now_s: float) -> tuple[float, float]:
    most, least = facts.model.upper, facts.model.lower
    for wish in facts.wishes:
        if wish.start_s <= now_s < wish.end_s:
            most, least = min(most, wish.upper), max(least, wish.lower)
    return most, least


def _side_worth(facts: StorageFacts, plan: NeedPlan, extra: float, price: Price, *, upward: bool) -> float:
    """Money per unit of level on one side. Unless help is planned now, never so much that buying would pay."""
    if plan.now:
        return max(plan.worth * (UNMET if plan.unmet > 0.0 else PLANNED), extra)
    from_grid = min(
        (
            (segment.high.total * price.bought + segment.high_cost) / abs(segment.high_rate)
            for lever in facts.levers
            for segment, _ in lever.options
            if segment.high.total > 0.0 and (segment.high_rate > 0.0 if upward else segment.high_rate < 0.0)
        ),
        default=math.inf,
    )
    return min(max(plan.worth, extra), from_grid * NOT_BOUGHT)


PLANNED = 1.25
"""Help that is planned for now may cost this much more than planned, since plans reckon with averages."""

UNMET = 1000.0
"""A need that cannot be met in full is met as far as can be, at any price."""

NOT_BOUGHT = 0.98
"""Just below what buying costs."""


def _value_battery(
    facts: StorageFacts, plan: StoragePlan, policy: BatteryPolicy, battery: Battery, price: Price, worth: Worth
) -> None:
    """A battery's content is worth what it saves later; it gives back from the policy's price on."""
    filling = price.bought <= policy.fill_up_to and facts.level < policy.fill_until
    dearest = (price.bought + battery.charge_wear) / battery.charge_gain
    worth.up = max(worth.up, dearest * PLANNED if filling else min(policy.content_worth, dearest * NOT_BOUGHT))
    worth.keep = max(policy.sell_from * NOT_BOUGHT - battery.discharge_wear, 0.0) / battery.discharge_loss
    if plan.upward.needed_at is not None or facts.level <= battery.least or filling:
        worth.room_down = False
