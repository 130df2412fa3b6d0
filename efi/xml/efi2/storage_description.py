"""What a storage can do, in EFI 2.0: running modes over the fill level, the ways between them, and leakage."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from efi.conversion import LossKind
from efi.storage import (
    ActuatorBehaviour,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageSystemDescription,
)
from efi.types import MAX_ELEMENTS, NumberRange
from efi.xml.efi2.graph import (
    behaviour_ends,
    behaviour_losses,
    graph_losses,
    mode_attributes,
    note_behaviour,
    read_graph,
    read_mode,
    read_point,
    read_range,
    timers_of,
    transitions_of,
)
from efi.xml.efi2.heads import read_update, update_document
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source, part
from efi.xml.efi2.splitting import part_id
from efi.xml.efi2.vocabulary import TAG
from efi.xml.leniencies import EMPTY_RANGE, RANGE_GAP, REPEATED_RANGE, REVERSED_RANGE, UNORDERED_RANGES
from efi.xml.lexical import number_text
from efi.xml.tree import Element, children_of

_MESSAGE = "storage_system_description"
_ELEMENT = "actuators.*.modes.*.elements.*"
GRAPH = graph_losses(_MESSAGE, "actuators.*")
BEHAVIOUR = behaviour_losses(_MESSAGE, _ELEMENT)
LABEL = LossKind((_MESSAGE,), "label", "a storage has no name of its own")
RANGE = LossKind((_MESSAGE,), "fill_level_range", "it is not told; it comes back as what its running modes span")
PROVIDES = tuple(
    LossKind((_MESSAGE,), f"provides_{what}", "what will be told is not told beforehand")
    for what in ("leakage", "usage_forecast", "targets")
)
AT_UPPER = LossKind((_MESSAGE,), _ELEMENT, "nothing changes within a range of fill levels; it is told in steps")

STEPS = 10
"""In how many steps a change over a range of fill levels is told."""

_LEAKAGE = ("storage_leakage_update",)
LEAKAGE_ID = LossKind(_LEAKAGE, "message_id", "told within the description, it has no id of its own")
LEAKAGE_TIME = LossKind(_LEAKAGE, "timestamp", "told within the description, it has that one's time")
LEAKAGE_FROM = LossKind(_LEAKAGE, "valid_from", "told within the description, it holds as soon as that one")
LEAKAGE_SLOPE = LossKind(
    _LEAKAGE,
    "elements.*",
    "nothing changes within a range of fill levels; it is told in steps",
)


_LOWER, _UPPER, _RATE = f"{TAG}fillLevelLowerBound", f"{TAG}fillLevelUpperBound", f"{TAG}leakageRate"

# Writing --------------------------------------------------------------------------------------------------------------


def description_document(
    sheet: Sheet, message: StorageSystemDescription, leakage: StorageLeakageUpdate | None = None
) -> Element:
    """What the storage can do, with its leakage where that is known."""
    if message.label:
        sheet.lose(LABEL, message.label)
    for kind in PROVIDES:
        if getattr(message, kind.field):
            sheet.lose(kind, True)
    spanned = _spanned([mode.fill_level_range for actuator in message.actuators for mode in actuator.modes])
    if message.fill_level_range != spanned:
        sheet.lose(RANGE, f"{message.fill_level_range.lower} to {message.fill_level_range.upper}")
    actuators = [_actuator(sheet, actuator, place) for place, actuator in enumerate(message.actuators)]
    leaking = None if leakage is None else node("leakageBehaviour", listed=_leakage(sheet, message, leakage))
    return update_document("StorageSystemDescription", message, node("actuatorBehaviours", listed=actuators), leaking)


def _spanned(ranges: Sequence[NumberRange]) -> NumberRange:
    return NumberRange(lower=min(each.lower for each in ranges), upper=max(each.upper for each in ranges))


def _actuator(sheet: Sheet, actuator: ActuatorBehaviour, place: int) -> Element:
    modes = [_mode(sheet, mode, place, number) for number, mode in enumerate(actuator.modes)]
    path = f"actuators.{place}."
    return node(
        "actuatorBehaviour",
        node("runningModes", listed=modes),
        timers_of(sheet, actuator, GRAPH, path, place),
        transitions_of(sheet, actuator, actuator.modes, GRAPH, place),
        attributes={"actuatorId": sheet.numbered(actuator.actuator_id, f"{path}actuator_id")},
    )


def _mode(sheet: Sheet, mode: StorageMode, *places: int) -> Element:
    told = []
    continuous = mode.continuous
    room = len(mode.elements) * STEPS <= MAX_ELEMENTS
    for number, element in enumerate(mode.elements):
        note_behaviour(sheet, element, BEHAVIOUR, *places, number)
        if element.at_upper is None:
            told.append(_mode_element(element.fill_level_range, element, continuous=continuous))
            continue
        sheet.lose(AT_UPPER, _shown(element.fill_level_range), *places, number)
        note_behaviour(sheet, element.at_upper, BEHAVIOUR, *places, number)
        told += [
            _mode_element(levels, element.at_level(_middle(levels)), continuous=continuous)
            for levels in _steps(element.fill_level_range, STEPS if room else 1)
        ]
    path = f"actuators.{places[0]}.modes.{places[1]}.mode_id"
    attributes = mode_attributes(sheet, mode, GRAPH, path, *places)
    return node("continuousRunningMode" if continuous else "discreteRunningMode", attributes=attributes, listed=told)


def _shown(levels: NumberRange) -> str:
    return f"{levels.lower} to {levels.upper}"


def _steps(levels: NumberRange, number: int) -> list[NumberRange]:
    """A range in so many parts; fewer where numbers are not fine enough to part it."""
    inner = (levels.lower + levels.width * place / number for place in range(1, number))
    bounds = sorted({levels.lower, levels.upper, *(levels.clamp(bound) for bound in inner)})
    return [NumberRange(lower=lower, upper=upper) for lower, upper in pairwise(bounds)] or [levels]


def _middle(levels: NumberRange) -> float:
    return levels.lower + levels.width / 2


def _mode_element(levels: NumberRange, behaviour: StorageBehaviour, *, continuous: bool) -> Element:
    ends = behaviour_ends(behaviour)
    rate = behaviour.fill_rate
    lower = [leaf("fillingRate", number_text(rate.start)), *ends[0]]
    attributes = _level_attributes(levels)
    if not continuous:
        return node("discreteRunningModeElement", attributes=attributes, listed=lower)
    upper = [leaf("fillingRate", number_text(rate.end)), *ends[1]]
    return node(
        "continuousRunningModeElement",
        node("lowerBound", listed=lower),
        node("upperBound", listed=upper),
        attributes=attributes,
    )


def _level_attributes(levels: NumberRange) -> dict[str, str]:
    return {
        "fillLevelLowerBound": number_text(levels.lower),
        "fillLevelUpperBound": number_text(levels.upper),
    }


def _leakage(sheet: Sheet, description: StorageSystemDescription, leakage: StorageLeakageUpdate) -> list[Element]:
    expected = (leakage_id(description.message_id), description.timestamp, description.valid_from)
    for kind, value in zip((LEAKAGE_ID, LEAKAGE_TIME, LEAKAGE_FROM), expected, strict=True):
        if (told := getattr(leakage, kind.field)) != value:
            sheet.lose(kind, told)
    made = []
    room = len(leakage.elements) * STEPS <= MAX_ELEMENTS
    for place, element in enumerate(leakage.elements):
        whole = element.fill_level_range
        slope = element.rate_at_upper is not None
        if slope:
            sheet.lose(LEAKAGE_SLOPE, f"{element.rate} to {element.rate_at_upper}", place)
        for levels in _steps(whole, STEPS) if slope and room else (whole,):
            rate = number_text(element.rate_at(_middle(levels)))
            made.append(node("leakageElement", attributes={**_level_attributes(levels), "leakageRate": rate}))
    return made


def leakage_id(description_id: str) -> str:
    """The id of the leakage that a description tells."""
    return part_id(description_id, "leakage")


# Reading --------------------------------------------------------------------------------------------------------------


def read_description(
    source: Source, root: Element
) -> tuple[StorageSystemDescription] | tuple[StorageSystemDescription, StorageLeakageUpdate]:
    """What the storage can do, and its leakage where that is told."""
    children = children_of(root)
    head = read_update(source, children)
    listed = children[f"{TAG}actuatorBehaviours"].children
    actuators = [_read_actuator(source, each) for each in source.once(listed, "actuatorId")]
    ranges = [
        element["fill_level_range"]
        for actuator in actuators
        for mode in actuator["modes"]
        for element in mode["elements"]
    ]
    leaking = children.get(f"{TAG}leakageBehaviour")
    description = StorageSystemDescription.model_validate(
        {
            **head,
            "fill_level_range": {
                "lower": min(each["lower"] for each in ranges),
                "upper": max(each["upper"] for each in ranges),
            },
            "actuators": tuple(actuators),
        }
    )
    if leaking is None:
        return (description,)
    elements = _contiguous(source, leaking, leaking.children, _read_leakage)
    update = {**head, "message_id": leakage_id(description.message_id), "elements": tuple(elements)}
    return description, StorageLeakageUpdate.model_validate(update)


def _read_actuator(source: Source, element: Element) -> dict[str, Any]:
    modes = []
    for mode in source.once(part(element, "runningModes").children, "id"):
        read = _read_range_element if mode.tag == f"{TAG}continuousRunningMode" else _read_point_element
        modes.append({**read_mode(source, mode), "elements": tuple(_contiguous(source, mode, mode.children, read))})
    return {
        "actuator_id": source.numbered(element, f"{TAG}actuatorId"),
        "modes": tuple(modes),
        **read_graph(source, element, modes),
    }


def _read_point_element(source: Source, element: Element) -> dict[str, Any]:
    rate = source.number(element.children[0])
    return {**read_point(source, element), "fill_rate": {"start": rate, "end": rate}}


def _read_range_element(source: Source, element: Element) -> dict[str, Any]:
    lower, upper = element.children
    rate = {"start": source.number(lower.children[0]), "end": source.number(upper.children[0])}
    return {**read_range(source, element), "fill_rate": rate}


def _read_leakage(source: Source, element: Element) -> dict[str, Any]:
    return {"rate": source.number(element, _RATE)}


def _contiguous(
    source: Source, whole: Element, elements: Sequence[Element], read: Callable[[Source, Element], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Elements over the fill level in rising order, each beginning where the last ends; what was mended is told."""
    told = [{**read(source, element), "fill_level_range": _levels(source, element)} for element in elements]
    if len(told) == 1:
        return told
    filled = [each for each in told if each["fill_level_range"]["lower"] < each["fill_level_range"]["upper"]]
    if len(filled) < len(told):
        source.forgive(EMPTY_RANGE, whole, f"{len(told) - len(filled)} of {len(told)}")
        told = filled or told[:1]
    rising = sorted(told, key=lambda each: each["fill_level_range"]["lower"])
    if rising != told:
        source.forgive(UNORDERED_RANGES, whole, len(told))
    starts: dict[float, dict[str, Any]] = {}
    for each in rising:
        lower = each["fill_level_range"]["lower"]
        if starts.setdefault(lower, each) is not each:
            source.forgive(REPEATED_RANGE, whole, f"{lower} to {each['fill_level_range']['upper']}")
    rising = list(starts.values())
    for before, after in pairwise(rising):
        end, start = before["fill_level_range"]["upper"], after["fill_level_range"]["lower"]
        if end != start:
            source.forgive(RANGE_GAP, whole, f"{end}, then {start}")
            before["fill_level_range"]["upper"] = start
    return rising


def _levels(source: Source, element: Element) -> dict[str, float]:
    lower, upper = source.number(element, _LOWER), source.number(element, _UPPER)
    if lower > upper:
        source.forgive(REVERSED_RANGE, element, f"{lower} to {upper}")
        lower, upper = upper, lower
    return {"lower": lower, "upper": upper}
