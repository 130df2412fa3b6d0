"""Storages in EFI 2.0: registration, status, usage, targets, allocation; the description has a file of its own."""

import math
from typing import Any

from efi.commodity import Commodity
from efi.conversion import LossKind
from efi.profile import ZERO
from efi.storage import (
    StorageAllocation,
    StorageRegistration,
    StorageStateUpdate,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
    TargetElement,
)
from efi.types import LARGEST
from efi.xml.efi2.graph import read_state, state_parts
from efi.xml.efi2.heads import (
    COMMODITIES_ALL,
    commodity_words,
    instruction_document,
    read_commodities,
    read_instruction,
    read_registration,
    read_update,
    registration_document,
    update_document,
)
from efi.xml.efi2.leniencies import ONE_SIDED_TARGET
from efi.xml.efi2.profiles import (
    band_attributes,
    is_uncertain,
    note_uncertainty,
    read_bands,
    uncertainty_losses,
)
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source
from efi.xml.efi2.vocabulary import COMMODITIES, TAG
from efi.xml.leniencies import EMPTY_ELEMENT, REVERSED_RANGE
from efi.xml.lexical import duration_text, instant_text, number_text
from efi.xml.tree import Element, children_of

_REGISTRATION = ("storage_registration",)
_UNSAYABLE = "XML cannot hold some of its characters; they are replaced"
FILL_LEVEL_LABEL = LossKind(_REGISTRATION, "fill_level_label", _UNSAYABLE)
FILL_LEVEL_UNIT = LossKind(_REGISTRATION, "fill_level_unit", _UNSAYABLE)
ACTUATOR_LABEL = LossKind(_REGISTRATION, "actuators.*.label", _UNSAYABLE)
ACTUATOR_COMMODITY = LossKind(
    _REGISTRATION, "actuators.*.commodities", "there is no word for some of them, and no flow of it is told"
)
COMMODITIES_OF_ACTUATORS = LossKind(
    _REGISTRATION, "commodities", "only the actuators' are told: those that have a word, in the order of the actuators"
)
ALL_FREE = LossKind(
    ("storage_target_profile_update",),
    "elements.*",
    "an instant at which any level will do says nothing; it is left out",
)
USAGE = uncertainty_losses(("storage_usage_forecast",), "elements.*.rate")


_DURATION, _RATE = f"{TAG}duration", f"{TAG}usageRate"
_LOWER, _UPPER = f"{TAG}fillLevelLowerBound", f"{TAG}fillLevelUpperBound"

# Writing --------------------------------------------------------------------------------------------------------------


def storage_registration_document(sheet: Sheet, message: StorageRegistration) -> Element:
    """Who the appliance is, and its actuators."""
    actuators = []
    told: dict[Commodity, None] = {}
    for place, actuator in enumerate(message.actuators):
        words = commodity_words(
            sheet, "supportedCommodity", actuator.commodities, ACTUATOR_COMMODITY, COMMODITIES_ALL, place
        )
        told |= dict.fromkeys(COMMODITIES[word.text] for word in words)
        attributes = {"id": sheet.numbered(actuator.actuator_id, f"actuators.{place}.actuator_id")}
        if actuator.label:
            attributes["label"] = sheet.text(ACTUATOR_LABEL, actuator.label, place)
        actuators.append(node("actuator", attributes=attributes, listed=words))
    if message.commodities != tuple(told):
        sheet.lose(COMMODITIES_OF_ACTUATORS, ", ".join(message.commodities))
    return registration_document(
        sheet,
        "StorageRegistration",
        message,
        leaf("fillLevelLabel", sheet.text(FILL_LEVEL_LABEL, message.fill_level_label)),
        leaf("fillLevelUnit", sheet.text(FILL_LEVEL_UNIT, message.fill_level_unit)),
        node("actuators", listed=actuators),
    )


def storage_status_document(sheet: Sheet, message: StorageStateUpdate) -> Element:
    """The fill level, and how the actuators run."""
    actuators = [
        node(
            "actuatorStatus",
            attributes={"actuatorId": sheet.numbered(actuator.actuator_id, f"actuators.{place}.actuator_id")},
            listed=state_parts(sheet, actuator, "currentRunningMode", f"actuators.{place}."),
        )
        for place, actuator in enumerate(message.actuators)
    ]
    level = leaf("currentFillLevel", number_text(message.fill_level))
    return update_document(
        "StorageStatus", message, level, node("actuatorStatuses", listed=actuators) if actuators else None
    )


def usage_document(sheet: Sheet, message: StorageUsageForecast) -> Element:
    """What users are expected to draw."""
    banded = any(is_uncertain(element.rate) for element in message.elements)
    for place, element in enumerate(message.elements):
        note_uncertainty(sheet, element.rate, USAGE, place, banded=banded)
    steps = [
        node(
            "usageRateElement" if banded else "element",
            attributes={
                "duration": duration_text(element.duration),
                **(band_attributes(element.rate) if banded else {"usageRate": number_text(element.rate.expected)}),
            },
        )
        for element in message.elements
    ]
    profile = node("usageProbabilityProfile" if banded else "usageProfile", listed=steps)
    return update_document("StorageUsageForecast", message, node("usageForecast", profile))


def targets_document(sheet: Sheet, message: StorageTargetProfileUpdate) -> Element:
    """Where the fill level should be. Where any level will do, it is told as between -INF and INF."""
    steps = []
    for place, element in enumerate(message.elements):
        if element.fill_level_range is None and not element.duration:
            sheet.lose(ALL_FREE, None, place)
        else:
            steps.append(_target(element))
    if not steps:
        steps.append(_target(_NOTHING_WISHED))
    return update_document("StorageFillLevelTargetProfile", message, node("targetProfile", listed=steps))


_NOTHING_WISHED = TargetElement.model_construct(duration=ZERO, fill_level_range=None)
"""How a profile that takes all wishes back is told, since the schema wants one element at least."""


def _target(element: TargetElement) -> Element:
    levels = element.fill_level_range
    return node(
        "element",
        attributes={
            "duration": duration_text(element.duration),
            "fillLevelLowerBound": "-INF" if levels is None else number_text(levels.lower),
            "fillLevelUpperBound": "INF" if levels is None else number_text(levels.upper),
        },
    )


def storage_instruction_document(sheet: Sheet, message: StorageAllocation) -> Element:
    """The modes that actuators are asked to run in."""
    steps = [
        node(
            "actuatorInstruction",
            leaf("runningModeId", sheet.numbered(step.mode_id, f"actuators.{place}.mode_id")),
            None if step.factor is None else leaf("runningModeFactor", number_text(step.factor)),
            leaf("startTime", instant_text(step.start_time)),
            attributes={"actuatorId": sheet.numbered(step.actuator_id, f"actuators.{place}.actuator_id")},
        )
        for place, step in enumerate(message.actuators)
    ]
    return instruction_document(sheet, "StorageInstruction", message, node("actuatorInstructions", listed=steps))


# Reading --------------------------------------------------------------------------------------------------------------


def read_storage_registration(source: Source, root: Element) -> tuple[StorageRegistration, ...]:
    """Who the appliance is, and its actuators; it consumes and produces what these do."""
    children = children_of(root)
    actuators = []
    commodities: dict[Commodity, None] = {}
    for actuator in source.once(children[f"{TAG}actuators"].children, "id"):
        label = f"{TAG}label"
        told = read_commodities(source, actuator.children)
        commodities |= dict.fromkeys(told)
        actuators.append(
            {
                "actuator_id": source.numbered(actuator, f"{TAG}id"),
                "label": source.label(actuator, label) if label in actuator.attributes else "",
                "commodities": told,
            }
        )
    fields = read_registration(source, root) | {
        "commodities": tuple(commodities),
        "fill_level_label": source.label(children[f"{TAG}fillLevelLabel"]),
        "fill_level_unit": source.label(children[f"{TAG}fillLevelUnit"]),
        "actuators": tuple(actuators),
    }
    return (StorageRegistration.model_validate(fields),)


def read_storage_status(source: Source, root: Element) -> tuple[StorageStateUpdate, ...]:
    """The fill level, and how the actuators run."""
    children = children_of(root)
    fields = read_update(source, children)
    fields["fill_level"] = source.number(children[f"{TAG}currentFillLevel"])
    listed = children.get(f"{TAG}actuatorStatuses")
    if listed is not None:
        fields["actuators"] = tuple(
            {
                "actuator_id": source.numbered(actuator, f"{TAG}actuatorId"),
                **read_state(source, children_of(actuator), "currentRunningMode"),
            }
            for actuator in source.once(listed.children, "actuatorId")
        )
    return (StorageStateUpdate.model_validate(fields),)


def read_usage(source: Source, root: Element) -> tuple[StorageUsageForecast, ...]:
    """What users are expected to draw."""
    children = children_of(root)
    fields = read_update(source, children)
    steps = []
    for element in children[f"{TAG}usageForecast"].children[0].children:
        length = source.duration(element, _DURATION)
        if not length:
            source.forgive(EMPTY_ELEMENT, element, element.attributes[_DURATION])
            continue
        plain = _RATE in element.attributes
        rate = {"expected": source.number(element, _RATE)} if plain else read_bands(source, element)
        steps.append({"duration": length, "rate": rate})
    fields["elements"] = tuple(steps)
    return (StorageUsageForecast.model_validate(fields),)


def read_targets(source: Source, root: Element) -> tuple[StorageTargetProfileUpdate, ...]:
    """Where the fill level should be."""
    children = children_of(root)
    fields = read_update(source, children)
    profile = children[f"{TAG}targetProfile"]
    steps: list[dict[str, Any]] = []
    for start in ("startTime", f"{TAG}startTime"):
        if start in profile.attributes:
            ahead = source.instant(profile, start) - fields["valid_from"]
            if ahead < ZERO:
                told = profile.attributes[start]
                cure = "let the profile begin when it is valid"
                source.refuse("profile_before_validity", profile, told, "it begins before `validFrom`", cure, start)
            steps += [{"duration": ahead}] if ahead else []
    for element in profile.children:
        length = source.duration(element, _DURATION)
        levels = _levels(source, element)
        if length or levels is not None:
            steps.append({"duration": length, "fill_level_range": levels})
    fields["elements"] = tuple(steps)
    return (StorageTargetProfileUpdate.model_validate(fields),)


def _levels(source: Source, element: Element) -> dict[str, float] | None:
    bounds = [_bound(source, element, tag) for tag in (_LOWER, _UPPER)]
    lower, upper = bounds
    if math.isinf(lower) and math.isinf(upper) and lower < upper:
        return None
    if lower > upper:
        source.forgive(REVERSED_RANGE, element, f"{lower} to {upper}")
        lower, upper = upper, lower
    if math.isinf(lower) or math.isinf(upper):
        source.forgive(ONE_SIDED_TARGET, element, f"{lower} to {upper}")
        lower, upper = max(lower, -LARGEST), min(upper, LARGEST)
    return {"lower": lower, "upper": upper}


def _bound(source: Source, element: Element, tag: str) -> float:
    value = float(element.attributes[tag])
    return value if math.isinf(value) else source.number(element, tag)


def read_storage_instruction(source: Source, root: Element) -> tuple[StorageAllocation, ...]:
    """The modes that actuators are asked to run in."""
    children = children_of(root)
    fields = read_instruction(source, children)
    steps = []
    for step in children[f"{TAG}actuatorInstructions"].children:
        told = children_of(step)
        factor = told.get(f"{TAG}runningModeFactor")
        steps.append(
            {
                "actuator_id": source.numbered(step, f"{TAG}actuatorId"),
                "mode_id": source.numbered(told[f"{TAG}runningModeId"]),
                "factor": None if factor is None else source.number(factor),
                "start_time": source.instant(told[f"{TAG}startTime"]),
            }
        )
    fields["actuators"] = tuple(steps)
    return (StorageAllocation.model_validate(fields),)
