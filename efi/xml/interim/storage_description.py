"""The system description of a storage in the interim form, the leakage within it."""

from collections.abc import Sequence
from typing import Any

from efi.conversion import LossKind
from efi.storage import (
    ActuatorBehaviour,
    LeakageElement,
    StorageLeakageUpdate,
    StorageModeElement,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efi.xml.interim.common import read_update, update_of
from efi.xml.interim.companion import companion_id, companion_losses, note_companion
from efi.xml.interim.running_modes import (
    behaviour_losses,
    behaviour_of,
    graph_losses,
    graph_of,
    read_behaviour,
    read_graph,
)
from efi.xml.interim.sheet import Sheet, listed, node, number
from efi.xml.interim.source import Source, maybe, once, part, parts
from efi.xml.leniencies import EMPTY_RANGE, RANGE_GAP, REPEATED_RANGE, UNORDERED_RANGES
from efi.xml.tree import Element

DESCRIPTION = "storage_system_description"
LEAKAGE = "leakage"
"""What the id of a leakage ends with that stood in a description."""

_ELEMENT = "actuators.*.modes.*.elements.*"

LABEL = LossKind((DESCRIPTION,), "label", "the storage has no name for people")
FILL_LEVEL_RANGE = LossKind(
    (DESCRIPTION,), "fill_level_range", "it is not told; it comes back as what modes and leakage reach"
)
PROVIDES_LEAKAGE = LossKind((DESCRIPTION,), "provides_leakage", "a leakage is told with the description or not at all")
PROVIDES_USAGE = LossKind((DESCRIPTION,), "provides_usage_forecast", "what is forecast is not told beforehand")
PROVIDES_TARGETS = LossKind((DESCRIPTION,), "provides_targets", "whether there are targets is not told beforehand")
FILL_RATE = LossKind(
    (DESCRIPTION,), f"{_ELEMENT}.fill_rate", "a mode is a point here: how fast it fills at factor 1 is told"
)
AT_UPPER = LossKind(
    (DESCRIPTION,), f"{_ELEMENT}", "nothing changes within a range of levels; what holds in its middle is told"
)
ALL_EMERGENCY = LossKind(
    (DESCRIPTION,), "actuators.*.modes", "all modes are kept for an emergency, so that nothing can be written"
)
BEHAVIOUR_LOSSES = behaviour_losses(DESCRIPTION, _ELEMENT)
GRAPH_LOSSES = graph_losses(DESCRIPTION, "actuators.*.")

LEAKAGE_LOSSES = companion_losses("storage_leakage_update", "description")
RATE_AT_UPPER = LossKind(
    ("storage_leakage_update",),
    "elements.*",
    "nothing changes within a range of levels; the rate in its middle is told",
)

# Writing --------------------------------------------------------------------------------------------------------------


def description_document(
    sheet: Sheet, description: StorageSystemDescription, leakage: StorageLeakageUpdate | None = None
) -> Element:
    """A description with the leakage."""
    behaviours = listed(
        "actuatorBehaviours",
        (_behaviour_of(sheet, actuator, place) for place, actuator in enumerate(description.actuators)),
    )
    if description.label:
        sheet.lose(LABEL, description.label)
    if description.provides_leakage != (leakage is not None):
        sheet.lose(PROVIDES_LEAKAGE, description.provides_leakage)
    if description.provides_usage_forecast:
        sheet.lose(PROVIDES_USAGE, description.provides_usage_forecast)
    if description.provides_targets:
        sheet.lose(PROVIDES_TARGETS, description.provides_targets)
    offered = [mode for each in description.actuators for mode in each.modes if not mode.abnormal_condition_only]
    ranges = [mode.fill_level_range for mode in offered]
    if leakage is not None:
        ranges.append(leakage.fill_level_range)
    if _reach(ranges) != description.fill_level_range:
        within = description.fill_level_range
        sheet.lose(FILL_LEVEL_RANGE, f"{within.lower} to {within.upper}")
    leaking = None if leakage is None else _leakage_of(sheet, description, leakage)
    return node("storageSystemDescription", *update_of(sheet, description), behaviours, leaking)


def _reach(ranges: Sequence[NumberRange]) -> NumberRange:
    return NumberRange(lower=min(each.lower for each in ranges), upper=max(each.upper for each in ranges))


def _behaviour_of(sheet: Sheet, actuator: ActuatorBehaviour, place: int) -> Element:
    if all(mode.abnormal_condition_only for mode in actuator.modes):
        sheet.give_up(ALL_EMERGENCY, actuator.actuator_id, place)
    path = f"actuators.{place}."
    here = sheet.numbered("actuatorId", actuator.actuator_id, f"{path}actuator_id")

    def behaviour(mode: int) -> Element:
        elements = actuator.modes[mode].elements
        return listed(
            "runningModeBehaviour",
            (_element_of(sheet, element, place, mode, index) for index, element in enumerate(elements)),
        )

    return node(
        "actuatorBehaviour", here, *graph_of(sheet, actuator, actuator.modes, behaviour, GRAPH_LOSSES, path, place)
    )


def _element_of(sheet: Sheet, element: StorageModeElement, *places: int) -> Element:
    within = element.fill_level_range
    told = element.at_level((within.lower + within.upper) / 2)
    if element.at_upper is not None:
        sheet.lose(AT_UPPER, "changes over the range", *places)
    if told.fill_rate.start != told.fill_rate.end:
        sheet.lose(FILL_RATE, f"{told.fill_rate.start} to {told.fill_rate.end}", *places)
    return node(
        "runningModeElement",
        number("lowerBound", within.lower),
        number("upperBound", within.upper),
        number("fillingRatePerSecond", told.fill_rate.end),
        *behaviour_of(sheet, told, BEHAVIOUR_LOSSES, *places),
    )


def _leakage_of(sheet: Sheet, description: StorageSystemDescription, leakage: StorageLeakageUpdate) -> Element:
    note_companion(sheet, description, leakage, LEAKAGE, LEAKAGE_LOSSES)
    elements = []
    for place, element in enumerate(leakage.elements):
        within = element.fill_level_range
        if element.rate_at_upper is not None:
            sheet.lose(RATE_AT_UPPER, f"{element.rate} to {element.rate_at_upper}", place)
        elements.append(
            node(
                "leakageElement",
                number("lowerBound", within.lower),
                number("upperBound", within.upper),
                number("leakageRatePerSecond", element.rate_at((within.lower + within.upper) / 2)),
            )
        )
    return listed("leakageBehaviour", elements)


# Reading --------------------------------------------------------------------------------------------------------------


def read_description(
    source: Source, element: Element
) -> tuple[StorageSystemDescription] | tuple[StorageSystemDescription, StorageLeakageUpdate]:
    """A description, and the leakage that it holds."""
    head = read_update(source, element)
    actuators = tuple(
        _read_actuator(source, each)
        for each in once(source, parts(part(element, "actuatorBehaviours"), "actuatorBehaviour"), "actuatorId")
    )
    if not actuators:
        source.refuse("no_actuator", element, None, "it describes no actuator", "describe every one that is registered")
    ranges = [
        element["fill_level_range"]
        for actuator in actuators
        for mode in actuator["modes"]
        for element in mode["elements"]
    ]
    leaking = maybe(element, "leakageBehaviour")
    if leaking is None:
        fields = {**head, "fill_level_range": _reach(ranges), "actuators": actuators}
        return (StorageSystemDescription.model_validate(fields),)
    leakage = StorageLeakageUpdate(
        **{**head, "message_id": companion_id(head["message_id"], LEAKAGE)}, elements=_read_leakage(source, leaking)
    )
    fields = {
        **head,
        "fill_level_range": _reach([*ranges, leakage.fill_level_range]),
        "provides_leakage": True,
        "actuators": actuators,
    }
    return (StorageSystemDescription.model_validate(fields), leakage)


def _read_actuator(source: Source, element: Element) -> dict[str, Any]:
    modes = part(element, "runningModes")
    return {
        "actuator_id": source.numbered_text(part(element, "actuatorId")),
        "modes": tuple(_read_mode(source, mode) for mode in once(source, parts(modes, "runningMode"), "runningModeId")),
        **read_graph(source, modes, part(element, "timers")),
    }


def _read_mode(source: Source, mode: Element) -> dict[str, Any]:
    behaviour = part(mode, "runningModeBehaviour")
    told = list(parts(behaviour, "runningModeElement"))
    ranges = read_ranges(source, behaviour, told)
    return {
        "mode_id": source.numbered(part(mode, "runningModeId")),
        "label": source.label(part(mode, "runningModeName")),
        "elements": tuple(
            {**_read_element(source, each), "fill_level_range": within, "at_upper": _read_upper(source, each)}
            for within, each in ranges
        ),
    }


def _read_element(source: Source, element: Element) -> dict[str, Any]:
    rate = source.number(part(element, "fillingRatePerSecond"))
    return {"fill_rate": {"start": rate, "end": rate}, **read_behaviour(source, element)}


def _read_upper(source: Source, element: Element) -> dict[str, Any] | None:
    """What holds towards the upper end of a range, where a document of the branch's head tells that."""
    above = source.upper.get(id(element))
    return None if above is None else _read_element(source, above)


def _read_leakage(source: Source, element: Element) -> tuple[LeakageElement, ...]:
    ranges = read_ranges(source, element, list(parts(element, "leakageElement")))
    return tuple(
        LeakageElement(fill_level_range=within, rate=source.number(part(each, "leakageRatePerSecond")))
        for within, each in ranges
    )


def read_ranges(source: Source, holder: Element, elements: Sequence[Element]) -> list[tuple[NumberRange, Element]]:
    """Elements with their ranges of fill levels, in rising order and without gaps; what was not so is told."""
    ranges = [
        (
            source.number_range(each, source.number(part(each, "lowerBound")), source.number(part(each, "upperBound"))),
            each,
        )
        for each in elements
    ]
    if len(ranges) > 1 and (filled := [pair for pair in ranges if pair[0].width > 0]) != ranges:
        source.forgive(EMPTY_RANGE, holder, f"{len(ranges) - len(filled)} of {len(ranges)}")
        ranges = filled or ranges[:1]
    rising = sorted(ranges, key=lambda pair: pair[0].lower)
    if [each for _, each in rising] != [each for _, each in ranges]:
        source.forgive(UNORDERED_RANGES, holder, ", ".join(f"{each.lower} to {each.upper}" for each, _ in ranges))
    starts: dict[float, tuple[NumberRange, Element]] = {}
    for pair in rising:
        if starts.setdefault(pair[0].lower, pair) is not pair:
            source.forgive(REPEATED_RANGE, pair[1], f"{pair[0].lower} to {pair[0].upper}")
    rising = list(starts.values())
    for place in range(len(rising) - 1):
        (within, element), (above, _) = rising[place], rising[place + 1]
        if within.upper != above.lower:
            source.forgive(RANGE_GAP, element, f"{within.upper} to {above.lower}")
            rising[place] = (NumberRange(lower=within.lower, upper=above.lower), element)
    return rising
