"""Running modes in the interim form: points with their consumptions and cost, and the ways out of each nested in it."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity, PowerRange
from efi.conversion import LossKind
from efi.running_mode import ModeBehaviour, ModeGraph, ModeState, RunningMode, TimerState, Transition
from efi.types import LARGEST, MONEY_PLACES
from efi.xml.interim.leniencies import REPEATED_TIMER, REPEATED_TRANSITION, SELF_TRANSITION, UNKNOWN_MODE
from efi.xml.interim.sheet import UNSAYABLE_TEXT, Sheet, duration, instant, listed, node, number, price
from efi.xml.interim.source import Source, part, parts
from efi.xml.interim.vocabulary import TAG
from efi.xml.leniencies import UNKNOWN_TIMER
from efi.xml.scale import ONE
from efi.xml.tree import Element, children_of

CONSUMPTIONS = {
    "electricityConsumption": CommodityQuantity.ELECTRIC_POWER,
    "gasConsumption": CommodityQuantity.GAS_FLOW,
    "heatConsumption": CommodityQuantity.HEAT_POWER,
}


_CONSUMPTION_TAGS = {TAG + name: quantity for name, quantity in CONSUMPTIONS.items()}
_RUNNING_COST = f"{TAG}runningCostsPerSecond"
_TO, _COST, _LASTING = f"{TAG}toRunningMode", f"{TAG}transitionCosts", f"{TAG}transitionTime"
_STARTS, _BLOCKING = f"{TAG}startTimerIds", f"{TAG}blockingTimerIds"


def _rank(quantity: CommodityQuantity) -> int | None:
    """Where a quantity is told among the others; None where it has no word."""
    told = CommodityQuantity.ELECTRIC_POWER if quantity in ELECTRIC_POWERS else quantity
    return next((rank for rank, each in enumerate(CONSUMPTIONS.values()) if each is told), None)


@dataclass(frozen=True, slots=True)
class BehaviourLosses:
    """What the behaviour of a mode may lose, wherever it stands."""

    range: LossKind
    order: LossKind
    phase: LossKind
    quantity: LossKind
    gas: LossKind
    cost_range: LossKind
    cost_bounds: LossKind
    energy_cost: LossKind


def behaviour_losses(message: str, where: str) -> BehaviourLosses:
    """What a behaviour loses that stands at this path of a message."""

    def kind(field: str, reason: str) -> LossKind:
        return LossKind((message,), f"{where}.{field}", reason)

    return BehaviourLosses(
        range=kind("power.*", "a mode is a point here: what holds at factor 1 is told"),
        order=kind("power", "quantities come back in the order of electricity, gas, heat"),
        phase=kind("power.*", "phases are not told; it is told as a part of their total"),
        quantity=kind("power.*", "there is no word for this quantity; it is left out"),
        gas=kind("power.*", "gas is told in W, and no calorific value is given; it is left out"),
        cost_range=kind("running_cost", "a mode is a point here: what it costs at factor 1 is told"),
        cost_bounds=kind("running_cost_bounds", "between which bounds a cost lies is not told"),
        energy_cost=kind("energy_cost", "a cost of energy is told as cost per second at the mode's power"),
    )


@dataclass(frozen=True, slots=True)
class GraphLosses:
    """What modes and the ways between them may lose, wherever they stand."""

    mode_label: LossKind
    timer_label: LossKind
    emergency_mode: LossKind
    emergency_way: LossKind
    order: LossKind


def graph_losses(message: str, where: str) -> GraphLosses:
    """What a graph loses that stands at this path of a message."""
    return GraphLosses(
        mode_label=LossKind((message,), f"{where}modes.*.label", UNSAYABLE_TEXT),
        timer_label=LossKind((message,), f"{where}timers.*.label", UNSAYABLE_TEXT),
        emergency_mode=LossKind(
            (message,), f"{where}modes.*", "what is kept for an emergency would be on offer always; it is left out"
        ),
        emergency_way=LossKind(
            (message,),
            f"{where}transitions.*",
            "it leads to or from what is kept for an emergency, or is itself; it is left out",
        ),
        order=LossKind((message,), f"{where}transitions", "they are told with the mode that they leave, in that order"),
    )


# Writing --------------------------------------------------------------------------------------------------------------


def behaviour_of(sheet: Sheet, behaviour: ModeBehaviour, losses: BehaviourLosses, *places: int) -> tuple[Element, ...]:
    """The consumptions and the cost of a mode at factor 1."""
    for index, power in enumerate(behaviour.power):
        _note_power(sheet, power, losses, (*places, index))
    told = [rank for power in behaviour.power if (rank := _rank(power.quantity)) is not None]
    if told != sorted(told):
        sheet.lose(losses.order, ", ".join(power.quantity.value for power in behaviour.power), *places)
    _note_costs(sheet, behaviour, losses, places)
    elements = []
    for name, quantity in CONSUMPTIONS.items():
        value = _told(behaviour, quantity)
        if value is None:
            continue
        if quantity is not CommodityQuantity.GAS_FLOW:
            elements.append(number(name, value))
        elif sheet.calorific_value is not None:
            elements.append(number(name, value, 1 / sheet.calorific_value))
        elif value == 0:
            elements.append(number(name, value))
    if behaviour.running_cost is not None or behaviour.energy_cost is not None:
        cost = _cost_at_full(behaviour)
        if abs(cost) < _TOO_MUCH:
            elements.append(price("runningCostsPerSecond", cost, sheet.currency))
    return tuple(elements)


def _cost_at_full(behaviour: ModeBehaviour) -> Decimal:
    """The cost per second at factor 1; as finely as money is told."""
    return behaviour.cost_per_second_at(1.0).quantize(MONEY_PLACES, context=_WIDE)


_WIDE = Context(prec=80)
_TOO_MUCH = Decimal(10) ** 12
"""An amount that the interface cannot tell; a mode's cost of energy may come to more."""


def _told(behaviour: ModeBehaviour, quantity: CommodityQuantity) -> float | None:
    if quantity is CommodityQuantity.ELECTRIC_POWER:
        electric = [power.end for power in behaviour.power if power.quantity in ELECTRIC_POWERS]
        return sum(electric) if electric and abs(sum(electric)) <= LARGEST else None
    return next((power.end for power in behaviour.power if power.quantity is quantity), None)


def _note_power(sheet: Sheet, power: PowerRange, losses: BehaviourLosses, places: tuple[int, ...]) -> None:
    quantity = power.quantity
    if quantity in ELECTRIC_POWERS:
        if quantity is not CommodityQuantity.ELECTRIC_POWER:
            sheet.lose(losses.phase, quantity.value, *places)
    elif quantity is CommodityQuantity.GAS_FLOW:
        if sheet.calorific_value is None and power.end != 0:
            sheet.lose(losses.gas, f"{power.start} to {power.end}", *places)
    elif quantity is not CommodityQuantity.HEAT_POWER:
        sheet.lose(losses.quantity, quantity.value, *places)
        return
    if power.start != power.end:
        sheet.lose(losses.range, f"{power.start} to {power.end}", *places)


def _note_costs(sheet: Sheet, behaviour: ModeBehaviour, losses: BehaviourLosses, places: tuple[int, ...]) -> None:
    cost = behaviour.running_cost
    if cost is not None and (cost.start != cost.end or behaviour.energy_cost is not None):
        sheet.lose(losses.cost_range, f"{cost.start} to {cost.end}", *places)
    if behaviour.running_cost_bounds is not None:
        bounds = behaviour.running_cost_bounds
        sheet.lose(losses.cost_bounds, f"{bounds.lower} to {bounds.upper}", *places)
    if behaviour.energy_cost is not None:
        sheet.lose(losses.energy_cost, f"{behaviour.energy_cost.start} to {behaviour.energy_cost.end}", *places)
        if cost is None:
            sheet.lose(losses.cost_range, None, *places)


def graph_of(
    sheet: Sheet,
    graph: ModeGraph,
    modes: Sequence[RunningMode],
    behaviours: Callable[[int], Element],
    losses: GraphLosses,
    path: str,
    *places: int,
) -> tuple[Element, Element]:
    """The modes with the ways out of each, and the timers. A mode without a way out is told with one to itself."""
    offered = [mode.mode_id for mode in modes if not mode.abnormal_condition_only]
    ways: dict[str, list[Element]] = {mode_id: [] for mode_id in offered}
    told = []
    for place, way in enumerate(graph.transitions):
        if way.abnormal_condition_only or way.from_mode not in ways or way.to_mode not in ways:
            sheet.lose(losses.emergency_way, f"{way.from_mode} to {way.to_mode}", *places, place)
            continue
        told.append(offered.index(way.from_mode))
        ways[way.from_mode].append(_way_of(sheet, way, f"{path}transitions.{place}"))
    if told != sorted(told):
        sheet.lose(losses.order, len(told), *places)
    elements = []
    for place, mode in enumerate(modes):
        if mode.abnormal_condition_only:
            sheet.lose(losses.emergency_mode, mode.mode_id, *places, place)
            continue
        here = sheet.numbered("runningModeId", mode.mode_id, f"{path}modes.{place}.mode_id")
        out = ways[mode.mode_id] or [_staying(sheet, mode.mode_id)]
        elements.append(
            node(
                "runningMode",
                here,
                sheet.text("runningModeName", mode.label, losses.mode_label, *places, place),
                behaviours(place),
                listed("possibleTransitions", out),
            )
        )
    timers = [
        node(
            "timer",
            sheet.numbered("timerId", timer.timer_id, f"{path}timers.{place}.timer_id"),
            sheet.text("timerLabel", timer.label, losses.timer_label, *places, place),
            duration("duration", timer.duration),
        )
        for place, timer in enumerate(graph.timers)
    ]
    return listed("runningModes", elements), listed("timers", timers)


def _way_of(sheet: Sheet, way: Transition, path: str) -> Element:
    def timers(name: str, named: Iterable[str]) -> Element:
        return listed(name, (sheet.numbered("timerId", each, path) for each in named))

    return node(
        "possibleTransition",
        sheet.numbered("toRunningMode", way.to_mode, path),
        timers("startTimerIds", way.start_timers),
        timers("blockingTimerIds", way.blocking_timers),
        duration("transitionTime", way.duration) if way.duration else None,
        price("transitionCosts", way.cost, sheet.currency),
    )


def _staying(sheet: Sheet, mode_id: str) -> Element:
    """The way that stands for none, since the schema demands one."""
    return _way_of(sheet, Transition.model_construct(None, from_mode=mode_id, to_mode=mode_id), "")


@dataclass(frozen=True, slots=True)
class StateLosses:
    """What the state of a mode may lose, wherever it stands."""

    factor: LossKind
    previous_mode_id: LossKind
    transition_started_at: LossKind


def state_losses(message: str, where: str) -> StateLosses:
    """What a state loses that stands at this path of a message."""
    return StateLosses(
        factor=LossKind((message,), f"{where}factor", "a mode is a point here, without a factor"),
        previous_mode_id=LossKind((message,), f"{where}previous_mode_id", "the mode before is not told"),
        transition_started_at=LossKind(
            (message,), f"{where}transition_started_at", "when a change of mode began is not told"
        ),
    )


def note_state(sheet: Sheet, state: ModeState, losses: StateLosses, *places: int) -> None:
    """Note what is not told of a state."""
    for each in fields(losses):
        value = getattr(state, each.name)
        if value is not None:
            sheet.lose(getattr(losses, each.name), value, *places)


def timer_updates_of(sheet: Sheet, timers: Iterable[TimerState], path: str) -> list[Element]:
    """When timers end."""
    return [
        timer_update(sheet.numbered("timerId", timer.timer_id, f"{path}timers.{place}.timer_id"), timer.finished_at)
        for place, timer in enumerate(timers)
    ]


def timer_update(number_of: Element, finished_at: datetime) -> Element:
    """When one timer ends."""
    return node("timerUpdate", number_of, instant("finishedAt", finished_at))


# Reading --------------------------------------------------------------------------------------------------------------


def read_behaviour(source: Source, element: Element) -> dict[str, Any]:
    """The consumptions and the cost of a mode, as the fields of its behaviour."""
    children = children_of(element)
    powers = []
    for tag, quantity in _CONSUMPTION_TAGS.items():
        told = children.get(tag)
        if told is not None:
            factor = source.gas_factor(told) if quantity is CommodityQuantity.GAS_FLOW else ONE
            value = source.measure(told, factor)
            powers.append({"quantity": quantity, "start": value, "end": value})
    fields: dict[str, Any] = {"power": tuple(powers)}
    told_cost = children.get(_RUNNING_COST)
    if told_cost is not None:
        cost = source.price(told_cost)
        fields["running_cost"] = {"start": cost, "end": cost}
    return fields


def read_graph(source: Source, modes: Element, timers: Element) -> dict[str, Any]:
    """The ways between modes, and the timers, as the fields of a graph."""
    found = _read_timers(source, timers)
    ways_out = [
        (part(mode, "runningModeId"), part(mode, "possibleTransitions").children)
        for mode in parts(modes, "runningMode")
    ]
    known_modes = {source.whole(here) for here, _ in ways_out}
    ways: dict[tuple[str, str], dict[str, Any]] = {}
    for here, out in ways_out:
        for way in out:
            _read_way(source, here, children_of(way), known_modes, found, ways)
    return {"transitions": tuple(ways.values()), "timers": tuple(found.values())}


def _read_timers(source: Source, timers: Element) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for timer in parts(timers, "timer"):
        timer_id = source.numbered(part(timer, "timerId"))
        if timer_id in found:
            source.forgive(REPEATED_TIMER, timer, source.whole(part(timer, "timerId")))
        found[timer_id] = {
            "timer_id": timer_id,
            "label": source.label(part(timer, "timerLabel")),
            "duration": source.duration(part(timer, "duration")),
        }
    return found


def _read_way(
    source: Source,
    here: Element,
    way: dict[str, Element],
    known_modes: set[int],
    timers: Container[str],
    ways: dict[tuple[str, str], dict[str, Any]],
) -> None:
    there = way[_TO]
    to_mode = source.whole(there)
    if to_mode == source.whole(here):
        if _says_something(way):
            source.forgive(SELF_TRANSITION, there, to_mode)
        return
    if to_mode not in known_modes:
        source.forgive(UNKNOWN_MODE, there, to_mode)
        return
    modes = source.numbered(here), source.numbered(there)
    if modes in ways:
        source.forgive(REPEATED_TRANSITION, there, to_mode)
        return
    lasting = way.get(_LASTING)
    ways[modes] = {
        "from_mode": modes[0],
        "to_mode": modes[1],
        "start_timers": _read_timer_ids(source, way[_STARTS], timers),
        "blocking_timers": _read_timer_ids(source, way[_BLOCKING], timers),
        "cost": source.price(way[_COST]),
        "duration": timedelta(0) if lasting is None else source.duration(lasting),
    }


def _says_something(way: dict[str, Element]) -> bool:
    """Whether a way from a mode to itself has a cost, a duration or timers; if not, it stands where there is no way."""
    return bool(Decimal(way[_COST].text) or _LASTING in way or way[_STARTS].children or way[_BLOCKING].children)


def _read_timer_ids(source: Source, listed_ids: Element, timers: Container[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in listed_ids.children:
        timer_id = source.numbered(each)
        if timer_id not in timers:
            source.forgive(UNKNOWN_TIMER, each, source.whole(each))
        elif timer_id in found:
            source.forgive(REPEATED_TIMER, each, source.whole(each))
        else:
            found[timer_id] = None
    return tuple(found)


def read_timer_updates(source: Source, updates: Element | None, placeholder: int) -> tuple[TimerState, ...]:
    """When timers end; one that stands for none is left out."""
    found: dict[str, TimerState] = {}
    for update in parts(updates, "timerUpdate"):
        number_of = part(update, "timerId")
        if source.whole(number_of) == placeholder:
            continue
        told = TimerState(timer_id=source.numbered(number_of), finished_at=source.instant(part(update, "finishedAt")))
        if told.timer_id in found:
            source.forgive(REPEATED_TIMER, number_of, source.whole(number_of))
        found[told.timer_id] = told
    return tuple(found.values())
