"""Running modes' flows and costs, the transitions among them, and timers, as every category of EFI 2.0 tells them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from efi.commodity import CommodityQuantity
from efi.conversion import LossKind
from efi.running_mode import ModeBehaviour, ModeGraph, ModeState, RunningMode, Transition
from efi.xml.efi2.flows import FlowLosses, flow_losses, in_order, note_flows, ranges_told
from efi.xml.efi2.leniencies import ONE_SIDED_QUANTITY, REPEATED, SELF_TRANSITION, UNKNOWN_MODE
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source, maybe, parts
from efi.xml.efi2.vocabulary import MODE_FLOWS, TAG
from efi.xml.leniencies import UNKNOWN_TIMER
from efi.xml.lexical import MOST_PLACES, duration_text, instant_text, money_text, number_text
from efi.xml.tree import Element, local_name

_ID, _LABEL, _DURATION = f"{TAG}id", f"{TAG}label", f"{TAG}duration"
_FROM, _TO = f"{TAG}fromRunningModeId", f"{TAG}toRunningModeId"
_COST, _LASTING = f"{TAG}transitionCost", f"{TAG}transitionDuration"
_TIMER = f"{TAG}timerId"
_RUNNING_COST = f"{TAG}runningCost"


@dataclass(frozen=True, slots=True)
class BehaviourLosses:
    """What the behaviour of a mode may lose."""

    flows: FlowLosses
    cost_bounds: LossKind
    energy_cost: LossKind


@dataclass(frozen=True, slots=True)
class GraphLosses:
    """What modes, transitions and timers may lose."""

    abnormal_mode: LossKind
    abnormal_transition: LossKind
    mode_label: LossKind
    timer_label: LossKind


def behaviour_losses(message: str, where: str) -> BehaviourLosses:
    """What the behaviour at this path loses."""
    return BehaviourLosses(
        flow_losses((message,), f"{where}.power.*"),
        LossKind((message,), f"{where}.running_cost_bounds", "bounds of an uncertain cost are not told"),
        LossKind((message,), f"{where}.energy_cost", "a cost by energy is not told"),
    )


def graph_losses(message: str, where: str) -> GraphLosses:
    """What the graph at this path loses."""
    modes = "modes.*" if not where else f"{where}.modes.*"
    transitions = "transitions.*" if not where else f"{where}.transitions.*"
    timers = "timers.*" if not where else f"{where}.timers.*"
    unsayable = "XML cannot hold some of its characters; they are replaced"
    return GraphLosses(
        LossKind(
            (message,),
            f"{modes}.abnormal_condition_only",
            "nothing is reserved for emergencies; the mode is told, and no transition that leads into it",
        ),
        LossKind(
            (message,),
            transitions,
            "nothing is reserved for emergencies; a transition that is, or leads into a mode that is, is left out",
        ),
        LossKind((message,), f"{modes}.label", unsayable),
        LossKind((message,), f"{timers}.label", unsayable),
    )


# Writing --------------------------------------------------------------------------------------------------------------


def note_behaviour(sheet: Sheet, behaviour: ModeBehaviour, losses: BehaviourLosses, *places: int) -> None:
    """Note what of a behaviour is not told."""
    note_flows(sheet, (power.quantity for power in behaviour.power), losses.flows, *places)
    if behaviour.running_cost_bounds is not None:
        bounds = behaviour.running_cost_bounds
        sheet.lose(losses.cost_bounds, f"{bounds.lower} to {bounds.upper}", *places)
    if behaviour.energy_cost is not None:
        cost = behaviour.energy_cost
        sheet.lose(losses.energy_cost, f"{cost.start} to {cost.end}", *places)


def behaviour_ends(behaviour: ModeBehaviour) -> tuple[list[Element], list[Element]]:
    """A behaviour's cost and flows at factor 0 and at factor 1."""
    told = ranges_told(behaviour.power)
    cost = behaviour.running_cost
    ends: tuple[list[Element], list[Element]] = ([], [])
    for number, elements in enumerate(ends):
        if cost is not None:
            amount = cost.end if number else cost.start
            elements.append(leaf("runningCost", money_text(round(amount, MOST_PLACES))))
        for tag in in_order(MODE_FLOWS, told):
            elements.append(leaf(local_name(tag), number_text(told[MODE_FLOWS[tag]][number])))
    return ends


def mode_attributes(sheet: Sheet, mode: RunningMode, losses: GraphLosses, path: str, *places: int) -> dict[str, str]:
    """What every mode is called; that it is for emergencies is not told."""
    if mode.abnormal_condition_only:
        sheet.lose(losses.abnormal_mode, True, *places)
    return {"id": sheet.numbered(mode.mode_id, path), "label": sheet.text(losses.mode_label, mode.label, *places)}


def timers_of(sheet: Sheet, graph: ModeGraph, losses: GraphLosses, path: str, *places: int) -> Element | None:
    """The timers; None where there is none."""
    if not graph.timers:
        return None
    return node(
        "timers",
        listed=(
            node(
                "timer",
                attributes={
                    "id": sheet.numbered(timer.timer_id, f"{path}timers.{place}.timer_id"),
                    "label": sheet.text(losses.timer_label, timer.label, *places, place),
                    "duration": duration_text(timer.duration),
                },
            )
            for place, timer in enumerate(graph.timers)
        ),
    )


def transitions_of(
    sheet: Sheet, graph: ModeGraph, modes: Sequence[RunningMode], losses: GraphLosses, *places: int
) -> Element:
    """The transitions, of which the schema wants one at least: where there is none, one from a mode to itself.

    That is allowed in any case, so that it says nothing, and no reader can take it for another way.
    """
    reserved = {mode.mode_id for mode in modes if mode.abnormal_condition_only}
    told = []
    for place, way in enumerate(graph.transitions):
        if way.abnormal_condition_only or way.to_mode in reserved:
            sheet.lose(losses.abnormal_transition, f"{way.from_mode} to {way.to_mode}", *places, place)
        else:
            told.append(_transition(sheet, way))
    first = modes[0].mode_id
    return node("transitions", listed=told or [_way(sheet, first, first)])


def _way(sheet: Sheet, start: str, end: str, *timers: Element | None, **attributes: str) -> Element:
    numbers = sheet.names.number
    ends = {"fromRunningModeId": str(numbers(start)), "toRunningModeId": str(numbers(end))}
    return node("transition", *timers, attributes={**ends, **attributes})


def _transition(sheet: Sheet, way: Transition) -> Element:
    attributes = {}
    if way.cost:
        attributes["transitionCost"] = money_text(way.cost)
    if way.duration:
        attributes["transitionDuration"] = duration_text(way.duration)
    started, blocking = (
        _references(sheet, name, timers)
        for name, timers in (("startTimers", way.start_timers), ("blockingTimers", way.blocking_timers))
    )
    return _way(sheet, way.from_mode, way.to_mode, started, blocking, **attributes)


def _references(sheet: Sheet, name: str, timers: Iterable[str]) -> Element | None:
    told = [node("timerReference", attributes={"timerId": str(sheet.names.number(timer))}) for timer in timers]
    return node(name, listed=told) if told else None


def state_parts(sheet: Sheet, state: ModeState, name: str, path: str, *, always_timers: bool = False) -> list[Element]:
    """How an actuator or appliance runs now; `name` is what the present mode is called."""
    made = [leaf(name, sheet.numbered(state.mode_id, f"{path}mode_id"))]
    if state.factor is not None:
        made.append(leaf("runningModeFactor", number_text(state.factor)))
    if state.previous_mode_id is not None:
        made.append(leaf("previousRunningModeId", sheet.numbered(state.previous_mode_id, f"{path}previous_mode_id")))
    if state.transition_started_at is not None:
        made.append(leaf("transitionTimestamp", instant_text(state.transition_started_at)))
    if state.timers or always_timers:
        made.append(
            node(
                "timerUpdates",
                listed=(
                    node(
                        "timerUpdate",
                        leaf("finishedAt", instant_text(timer.finished_at)),
                        attributes={"timerId": sheet.numbered(timer.timer_id, f"{path}timers.{place}.timer_id")},
                    )
                    for place, timer in enumerate(state.timers)
                ),
            )
        )
    return made


# Reading --------------------------------------------------------------------------------------------------------------


def read_mode(source: Source, element: Element) -> dict[str, Any]:
    """What every mode is called."""
    return {"mode_id": source.numbered(element, _ID), "label": source.label(element, _LABEL)}


def read_point(source: Source, element: Element) -> dict[str, Any]:
    """The cost and flows of a mode that is a point."""
    told = _told(source, element)
    return _behaviour(told, told)


def read_range(source: Source, element: Element) -> dict[str, Any]:
    """The cost and flows of a mode that is a range, from its lower to its upper bound."""
    bounds = element.children
    lower, upper = _told(source, bounds[0]), _told(source, bounds[1])
    if lower.keys() != upper.keys():
        for bound, one, other in ((bounds[0], lower, upper), (bounds[1], upper, lower)):
            for quantity in one.keys() - other.keys():
                source.forgive(ONE_SIDED_QUANTITY, bound, str(quantity))
                other[quantity] = one[quantity]
    return _behaviour(lower, upper)


Told = dict[CommodityQuantity | None, Any]
"""Amounts by quantity; under None the running cost."""


def _told(source: Source, element: Element) -> Told:
    told: Told = {}
    for child in element.children:
        quantity = MODE_FLOWS.get(child.tag)
        if quantity is not None:
            value = source.number_if_told(child)
            if value is not None:
                told[quantity] = value
        elif child.tag == _RUNNING_COST:
            told[None] = source.money(child)
    return told


def _behaviour(lower: Told, upper: Told) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "power": tuple(
            {"quantity": quantity, "start": lower[quantity], "end": upper[quantity]}
            for quantity in MODE_FLOWS.values()
            if quantity in lower
        )
    }
    if None in lower:
        fields["running_cost"] = {"start": lower[None], "end": upper[None]}
    return fields


def read_graph(source: Source, element: Element, modes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The timers, and the transitions among modes; what leads nowhere is left out, and told."""
    known_modes = {mode["mode_id"] for mode in modes}
    timers = _timers(source, maybe(element, "timers"))
    ways: dict[tuple[str, str], dict[str, Any]] = {}
    for way in parts(maybe(element, "transitions"), "transition"):
        fields = _way_fields(source, way, {timer["timer_id"] for timer in timers})
        ends = (fields["from_mode"], fields["to_mode"])
        told = " to ".join(ends)
        if not known_modes.issuperset(ends):
            source.forgive(UNKNOWN_MODE, way, told)
        elif ends[0] == ends[1]:
            if len(fields) > len(ends):
                source.forgive(SELF_TRANSITION, way, told)
        elif ends in ways:
            source.forgive(REPEATED, way, told)
        else:
            ways[ends] = fields
    return {"timers": tuple(timers), "transitions": tuple(ways.values())}


def _timers(source: Source, element: Element | None) -> list[dict[str, Any]]:
    return [
        {
            "timer_id": source.numbered(timer, _ID),
            "label": source.label(timer, _LABEL),
            "duration": source.duration(timer, _DURATION),
        }
        for timer in ([] if element is None else source.once(element.children, "id"))
    ]


def _way_fields(source: Source, way: Element, known_timers: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"from_mode": source.numbered(way, _FROM), "to_mode": source.numbered(way, _TO)}
    if _COST in way.attributes:
        fields["cost"] = source.money(way, _COST)
    if _LASTING in way.attributes:
        fields["duration"] = source.duration(way, _LASTING)
    for child in way.children:
        named: dict[str, None] = {}
        for reference in child.children:
            timer = source.numbered(reference, _TIMER)
            if timer not in known_timers:
                source.forgive(UNKNOWN_TIMER, reference, timer)
            elif timer in named:
                source.forgive(REPEATED, reference, timer)
            else:
                named[timer] = None
        fields["start_timers" if child.tag == f"{TAG}startTimers" else "blocking_timers"] = tuple(named)
    return fields


def read_state(source: Source, children: dict[str, Element], name: str) -> dict[str, Any]:
    """How an actuator or appliance runs now; `name` is what the present mode is called."""
    fields: dict[str, Any] = {"mode_id": source.numbered(children[TAG + name])}
    if (factor := children.get(f"{TAG}runningModeFactor")) is not None:
        fields["factor"] = source.number(factor)
    if (previous := children.get(f"{TAG}previousRunningModeId")) is not None:
        fields["previous_mode_id"] = source.numbered(previous)
    if (started := children.get(f"{TAG}transitionTimestamp")) is not None:
        fields["transition_started_at"] = source.instant(started)
    if (timers := children.get(f"{TAG}timerUpdates")) is not None:
        ends: dict[str, Any] = {}
        for update in timers.children:
            timer = source.numbered(update, _TIMER)
            if timer in ends:
                source.forgive(REPEATED, update, timer)
            ends[timer] = source.instant(update.children[0])
        fields["timers"] = tuple({"timer_id": timer, "finished_at": end} for timer, end in ends.items())
    return fields
