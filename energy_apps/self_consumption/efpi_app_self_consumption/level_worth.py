"""What a storage's level is worth at this instant: by its plan, the present price, and where the level stands."""

from typing import NamedTuple

from efpi_app_self_consumption.battery_plan import Battery, BatteryPolicy
from efpi_app_self_consumption.level_bounds import present_bounds
from efpi_app_self_consumption.lever import Worth
from efpi_app_self_consumption.need_plan import NO_FLOOR, NeedPlan
from efpi_app_self_consumption.storage_facts import StorageFacts
from efpi_app_self_consumption.storage_plan import StoragePlan
from efpi_app_self_consumption.tariff import Price

CYCLE, SHORT_CYCLE = 0.35, 0.1
"""A storage that can only run or rest, and runs since it must, is moved on by this share of its bounds, to spare its
compressor; by less while energy is dearer than usual."""

URGENT_SLOTS = 1
"""A need within so many slots cannot wait for calm."""

CALM = 0.02
"""Share of its range by which a full storage must empty before it is filled again."""

SHORTEST_RUN_S = 1200.0
"""What can only run or rest is not started for less than this."""

PLANNED = 1.25
"""Help that is planned for now may cost this much more than planned, since plans reckon with averages."""

UNMET = 1000.0
"""A need that cannot be met in full is met as far as can be, at any price."""

NOT_BOUGHT = 0.95
"""Just below what buying costs."""

MEANT_TO_BUY = 0.9
"""A plan whose help costs this share of what buying costs meant to buy."""


def worth_now(facts: StorageFacts, plan: StoragePlan, price: Price, now_s: float, slot: int) -> Worth:
    """What the level is worth at this instant, in the slot of that number."""
    least, most = present_bounds(facts, now_s)
    level, divisible = facts.level, facts.model.divisible
    calm = CALM * facts.model.width
    within = 0.0 if facts.running else calm
    place = min(max(slot - plan.first, 0), len(plan.floors) - 1)
    goes_on = facts.runs_for_need and not divisible and facts.running
    up = _side(facts, plan, plan.upward, plan.extra_up, price, place, goes_on, upward=True)
    down = _side(facts, plan, plan.downward, plan.extra_down, price, place, goes_on, upward=False)
    worth = Worth(
        up=up.worth,
        down=down.worth,
        room_up=level < most - within,
        room_down=level > least + within,
        level=level,
        calm=calm if divisible else 0.0,
        shortest_run_s=0.0 if divisible else SHORTEST_RUN_S,
        needed=up.buys or down.buys,
        buys=up.buys or down.buys,
        urgent=up.urgent or down.urgent,
    )
    if worth.urgent:
        worth.calm = worth.shortest_run_s = 0.0
    if plan.battery is not None and plan.battery_facts is not None:
        _value_battery(facts, plan, plan.battery, plan.battery_facts, price, worth)
    return worth


class _Side(NamedTuple):
    """What moving the level one way is worth, and why."""

    worth: float
    buys: bool = False
    urgent: bool = False


NOTHING = _Side(0.0)


def _side(
    facts: StorageFacts,
    plan: StoragePlan,
    side: NeedPlan,
    extra: float,
    price: Price,
    place: int,
    goes_on: bool,
    *,
    upward: bool,
) -> _Side:
    """Unless help is planned to be bought now, a unit is never worth so much that buying would pay."""
    if not side.powers and extra == 0.0 and not goes_on:
        return NOTHING
    from_grid = min([lever.options.unit_cost(price.bought, upward=upward) for lever in facts.levers], default=0.0)
    worth = max(side.worth, extra)
    if side.powers and side.powers[place] > 0.0:
        urgent = side.unmet > 0.0 or side.needed_at is None or side.needed_at - place <= URGENT_SLOTS
        planned = side.costs[place]
        if urgent or planned >= from_grid * MEANT_TO_BUY:
            most = max(planned, from_grid if urgent else 0.0)
            return _Side(max(worth, most * (UNMET if side.unmet > 0.0 else PLANNED)), True, urgent)
    if goes_on and side.worth > 0.0 and _cycles_on(facts, plan, place, upward=upward):
        return _Side(max(worth, from_grid * PLANNED), True, False)
    return _Side(min(worth, from_grid * NOT_BOUGHT))


def _cycles_on(facts: StorageFacts, plan: StoragePlan, place: int, *, upward: bool) -> bool:
    """A run that was needed goes on until it has brought the level some way from its bound."""
    floor, ceiling = plan.floors[place], plan.ceilings[place]
    if floor == NO_FLOOR:
        return False
    moved = (SHORT_CYCLE if plan.dear else CYCLE) * (ceiling - floor)
    return facts.level < floor + moved if upward else facts.level > ceiling - moved


def outdated(facts: StorageFacts, plan: StoragePlan, slot: int) -> bool:
    """Whether a level is beyond its bounds that the plan thought it could keep."""
    place = min(max(slot - plan.first, 0), len(plan.floors) - 1)
    short = plan.floors[place] > NO_FLOOR and facts.level < plan.floors[place] and not _now(plan.upward, place)
    high = facts.level > plan.ceilings[place] and bool(plan.downward.powers) and not _now(plan.downward, place)
    return place > 0 and (short or high)


def _now(plan: NeedPlan, place: int) -> bool:
    """Whether help is planned for a slot."""
    return bool(plan.powers) and plan.powers[place] > 0.0


def _value_battery(
    facts: StorageFacts, plan: StoragePlan, policy: BatteryPolicy, battery: Battery, price: Price, worth: Worth
) -> None:
    """A battery's content is worth what it saves later; it gives back from the policy's price on."""
    filling = price.bought <= policy.fill_up_to and facts.level < policy.fill_until
    dearest = (price.bought + battery.charge_wear) / battery.charge_gain
    worth.buys = worth.buys or filling
    worth.up = max(worth.up, dearest * PLANNED if filling else min(policy.content_worth, dearest * NOT_BOUGHT))
    worth.keep = max(policy.sell_from * NOT_BOUGHT - battery.discharge_wear, 0.0) / battery.discharge_loss
    if plan.upward.needed_at is not None or facts.level <= battery.least or filling:
        worth.room_down = False
