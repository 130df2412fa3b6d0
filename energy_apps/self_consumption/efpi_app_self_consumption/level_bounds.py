"""Where a storage's level should be in the coming day, and where it would be if nobody did anything."""

from typing import NamedTuple

from efpi_app_self_consumption.need_plan import NO_FLOOR
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.slots import SLOT_S, Slots
from efpi_app_self_consumption.storage_facts import Span, StorageFacts

READY_BEFORE_S = 600.0
"""A wished level is reached so long before it is wished for, since no forecast is exact."""

CUSHION = 0.03
"""Share of its range that a storage which empties by itself is kept away from its end."""

AWAY = 0.05
"""Share of lasting bounds that a storage which moves by itself is kept away from either of them."""


class Bounds(NamedTuple):
    """The least and the most that the level should be at the end of each slot."""

    floors: list[float]
    ceilings: list[float]


def bounds(facts: StorageFacts, slots: Slots) -> Bounds:
    """The bounds that range and wishes set."""
    model = facts.model
    moves = not model.gives and (facts.usage is not None or facts.leakage is not None)
    cushion = CUSHION * model.width if moves else 0.0
    rises = moves and facts.leakage is not None and facts.leakage.rate(facts.level) < 0.0
    floors = [model.lower + cushion if moves else NO_FLOOR] * slots.size
    ceilings = [model.upper - cushion if rises else model.upper] * slots.size
    for wish in facts.wishes:
        lower, upper = min(wish.lower, model.upper), max(wish.upper, model.lower)
        if moves and wish.end_s - wish.start_s > SLOT_S:
            away = AWAY * (upper - lower)
            lower, upper = lower + away, upper - away
        for place in _places(slots, wish.start_s - READY_BEFORE_S, wish.end_s, SLOT_S):
            floors[place] = max(floors[place], lower)
        for place in _places(slots, wish.start_s, wish.end_s, 0.0):
            ceilings[place] = min(ceilings[place], upper)
    return Bounds(floors, ceilings)


def _places(slots: Slots, start_s: float, end_s: float, before_s: float) -> range:
    """The slots that end later than `before_s` before the start, and begin before the end."""
    mark = start_s - before_s
    # A slot's end counts, so the slot that holds the mark is the first; one that ends at the mark is not.
    first = max(int(mark // SLOT_S) - slots.first, 0)
    last = int(-(-end_s // SLOT_S)) - slots.first
    return range(first, min(max(last, 0), slots.size))


def free_levels(facts: StorageFacts, outlook: Outlook) -> list[float]:
    """The level at the end of each slot if nobody did anything."""
    level, levels = facts.level, []
    width = facts.model.width
    lowest, highest = facts.model.lower - width, facts.model.upper + width
    leaks = facts.leakage.rate if facts.leakage is not None else None
    usage = None if facts.usage is None else facts.usage.expected(outlook.slots)
    for place, seconds in enumerate(outlook.lengths):
        fall = 0.0 if leaks is None else leaks(level)
        if usage is not None:
            fall += usage[place]
        level -= fall * seconds
        if not lowest <= level <= highest:
            level = min(max(level, lowest), highest)
        levels.append(level)
    return levels


def present_bounds(facts: StorageFacts, now_s: float) -> tuple[float, float]:
    """The least and the most that the level may be now by our doing."""
    least, most = facts.model.lower, facts.model.upper
    for wish in facts.wishes:
        if wish.start_s <= now_s < wish.end_s:
            least, most = max(least, wish.lower), min(most, wish.upper)
    return least, most


def wish_at(wishes: tuple[Span, ...], ends_s: float) -> Span | None:
    """The wish that holds at the end of a slot, or next."""
    return next((wish for wish in wishes if wish.end_s > ends_s - SLOT_S), None)
