"""What a storage's level is worth at this instant: by its plan, the present price, and where the level stands."""

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

CALM, CALMER = 0.02, 0.05
"""Share of its range by which a full storage must empty before it is filled again; more for a compressor."""

PLANNED = 1.25
"""Help that is planned for now may cost this much more than planned, since plans reckon with averages."""

UNMET = 1000.0
"""A need that cannot be met in full is met as far as can be, at any price."""

NOT_BOUGHT = 0.95
"""Just below what buying costs."""


def worth_now(facts: StorageFacts, plan: StoragePlan, price: Price, now_s: float, slot: int) -> Worth:
    """What the level is worth at this instant, in the slot of that number."""
    least, most = present_bounds(facts, now_s)
    model, level = facts.model, facts.level
    calm = (CALM if model.divisible else CALMER) * model.width
    within = 0.0 if facts.running else calm
    place = min(max(slot - plan.first, 0), len(plan.floors) - 1)
    up_now, down_now = _now(plan.upward, place), _now(plan.downward, place)
    if facts.runs_for_need and not model.divisible and facts.running:
        up_now, down_now = _goes_on(facts, plan, place, up_now, down_now)
    worth = Worth(
        up=_side_worth(facts, plan.upward, plan.extra_up, price, up_now, upward=True),
        down=_side_worth(facts, plan.downward, plan.extra_down, price, down_now, upward=False),
        room_up=level < most - within,
        room_down=level > least + within,
        level=level,
        calm=calm,
        needed=up_now or down_now,
    )
    worth.urgent = (up_now and _urgent(plan.upward, place)) or (down_now and _urgent(plan.downward, place))
    if worth.urgent:
        worth.calm = 0.0
    if plan.battery is not None and plan.battery_facts is not None:
        _value_battery(facts, plan, plan.battery, plan.battery_facts, price, worth)
    return worth


def outdated(facts: StorageFacts, plan: StoragePlan, slot: int) -> bool:
    """Whether a level is beyond its bounds that the plan thought it could keep."""
    place = min(max(slot - plan.first, 0), len(plan.floors) - 1)
    short = plan.floors[place] > NO_FLOOR and facts.level < plan.floors[place] and not _now(plan.upward, place)
    high = facts.level > plan.ceilings[place] and bool(plan.downward.powers) and not _now(plan.downward, place)
    return place > 0 and (short or high)


def _now(plan: NeedPlan, place: int) -> bool:
    """Whether help is planned for a slot."""
    return bool(plan.powers) and plan.powers[place] > 0.0


def _urgent(plan: NeedPlan, place: int) -> bool:
    return plan.unmet > 0.0 or plan.needed_at is None or plan.needed_at - place <= URGENT_SLOTS


def _goes_on(facts: StorageFacts, plan: StoragePlan, place: int, up_now: bool, down_now: bool) -> tuple[bool, bool]:
    """A run that was needed goes on until it has brought the level some way from its bound."""
    floor, ceiling = plan.floors[place], plan.ceilings[place]
    share = SHORT_CYCLE if plan.dear else CYCLE
    if floor == NO_FLOOR:
        return up_now, down_now
    moved = share * (ceiling - floor)
    if plan.downward.powers:
        return up_now, down_now or facts.level > ceiling - moved
    return up_now or facts.level < floor + moved, down_now


def _side_worth(
    facts: StorageFacts, plan: NeedPlan, extra: float, price: Price, needed: bool, *, upward: bool
) -> float:
    """Money per unit of level on one side. Unless help is planned now, never so much that buying would pay."""
    from_grid = min((lever.options.unit_cost(price.bought, upward=upward) for lever in facts.levers), default=0.0)
    if needed:
        least = from_grid * PLANNED if plan.worth == 0.0 else 0.0
        return max(plan.worth * (UNMET if plan.unmet > 0.0 else PLANNED), extra, least)
    return min(max(plan.worth, extra), from_grid * NOT_BOUGHT)


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
