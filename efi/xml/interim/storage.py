"""Storages in the interim form: registration, state, targets, usage, allocation; the description has its own file."""

from datetime import timedelta
from fractions import Fraction

from efi.conversion import LossKind
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorState,
    StorageAllocation,
    StorageRegistration,
    StorageStateUpdate,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
    TargetElement,
    UsageElement,
)
from efi.uncertainty import UncertainValue
from efi.xml.interim.common import (
    allocation_of,
    commodities_of,
    read_allocation,
    read_commodities,
    read_registration,
    read_update,
    registration_of,
    update_of,
)
from efi.xml.interim.profiles import note_uncertainty, read_uncertain, uncertain_of, uncertainty_losses
from efi.xml.interim.running_modes import note_state, read_timer_updates, state_losses, timer_updates_of
from efi.xml.interim.sheet import UNSAYABLE_TEXT, Sheet, duration, instant, leaf, listed, node, number
from efi.xml.interim.source import Source, maybe, once, part, parts
from efi.xml.interim.vocabulary import COMMODITY_WORDS, PLACEHOLDER_TIMER
from efi.xml.leniencies import EMPTY_ELEMENT
from efi.xml.tree import Element

REGISTRATION = "storage_registration"
TARGETS = "storage_target_profile_update"
USAGE = "storage_usage_forecast"
ALLOCATION = "storage_allocation"

REGISTERED_COMMODITIES = LossKind(
    (REGISTRATION,), "commodities", "the commodities are told with each actuator, and come back in that order"
)
ACTUATOR_COMMODITY = LossKind(
    (REGISTRATION,), "actuators.*.commodities.*", "there is no word for this commodity, and no flow of it is told"
)
ACTUATOR_COMMODITIES = LossKind(
    (REGISTRATION,), "actuators.*.commodities", "none has a word, so that the registration cannot be written"
)
FILL_LEVEL_LABEL = LossKind((REGISTRATION,), "fill_level_label", UNSAYABLE_TEXT)
FILL_LEVEL_UNIT = LossKind((REGISTRATION,), "fill_level_unit", UNSAYABLE_TEXT)
ACTUATOR_LABEL = LossKind((REGISTRATION,), "actuators.*.label", UNSAYABLE_TEXT)
STATE_LOSSES = state_losses("storage_state_update", "actuators.*.")
USAGE_LIMITS, USAGE_BANDS = uncertainty_losses(USAGE, "elements.*.rate")
EMPTY_TARGETS = LossKind((TARGETS,), "elements", "a single free instant is how an empty profile is told")
FACTOR = LossKind((ALLOCATION,), "actuators.*.factor", "a mode is a point here, which is what it is at factor 1")
PARTIAL_FACTOR = LossKind(
    (ALLOCATION,), "actuators.*.factor", "a mode is told as it is at factor 1; asked for another, nothing is written"
)

TARGET_PAST = LossKind(
    ("storageTargetProfileUpdate",),
    "targetProfile/startTime",
    "a profile begins as the update begins to hold; what was wished for before is left out",
)

# Registration ---------------------------------------------------------------------------------------------------------


def registration_document(sheet: Sheet, registration: StorageRegistration) -> Element:
    """A registration."""
    head = registration_of(sheet, registration)
    actuators = listed(
        "actuators", (_actuator_of(sheet, each, place) for place, each in enumerate(registration.actuators))
    )
    told = dict.fromkeys(commodity for actuator in registration.actuators for commodity in actuator.commodities)
    if tuple(each for each in told if each in COMMODITY_WORDS) != registration.commodities:
        sheet.lose(REGISTERED_COMMODITIES, ", ".join(each.value for each in registration.commodities))
    label = sheet.text("fillLevelLabel", registration.fill_level_label, FILL_LEVEL_LABEL)
    unit = sheet.text("fillLevelUnit", registration.fill_level_unit, FILL_LEVEL_UNIT)
    return node("storageRegistration", *head, label, unit, actuators)


def _actuator_of(sheet: Sheet, actuator: Actuator, place: int) -> Element:
    return node(
        "actuator",
        sheet.numbered("actuatorId", actuator.actuator_id, f"actuators.{place}.actuator_id"),
        sheet.text("actuatorLabel", actuator.label, ACTUATOR_LABEL, place),
        commodities_of(sheet, actuator.commodities, ACTUATOR_COMMODITY, ACTUATOR_COMMODITIES, place),
    )


def read_storage_registration(source: Source, element: Element) -> tuple[StorageRegistration]:
    """A registration."""
    actuators = tuple(
        Actuator(
            actuator_id=source.numbered(part(each, "actuatorId")),
            label=source.label(part(each, "actuatorLabel")),
            commodities=read_commodities(source, parts(each, "supportedCommodities")),
        )
        for each in once(source, parts(part(element, "actuators"), "actuator"), "actuatorId")
    )
    commodities = dict.fromkeys(commodity for actuator in actuators for commodity in actuator.commodities)
    return (
        StorageRegistration(
            **read_registration(source, element),
            commodities=tuple(commodities),
            fill_level_label=source.label(part(element, "fillLevelLabel")),
            fill_level_unit=source.label(part(element, "fillLevelUnit")),
            actuators=actuators,
        ),
    )


# State ----------------------------------------------------------------------------------------------------------------


def state_document(sheet: Sheet, state: StorageStateUpdate) -> Element:
    """How the storage is."""
    actuators = [_state_of(sheet, each, place) for place, each in enumerate(state.actuators)]
    return node(
        "storageStateUpdate",
        *update_of(sheet, state),
        number("currentFillLevel", state.fill_level),
        listed("actuatorUpdates", actuators) if actuators else None,
    )


def _state_of(sheet: Sheet, state: ActuatorState, place: int) -> Element:
    note_state(sheet, state, STATE_LOSSES, place)
    timers = timer_updates_of(sheet, state.timers, f"actuators.{place}.")
    return node(
        "actuatorUpdate",
        sheet.numbered("actuatorId", state.actuator_id, f"actuators.{place}.actuator_id"),
        sheet.numbered("currentRunningMode", state.mode_id, f"actuators.{place}.mode_id"),
        listed("timerUpdates", timers) if timers else None,
    )


def read_state(source: Source, element: Element) -> tuple[StorageStateUpdate]:
    """How the storage is."""
    actuators = tuple(
        ActuatorState(
            actuator_id=source.numbered(part(each, "actuatorId")),
            mode_id=source.numbered(part(each, "currentRunningMode")),
            timers=read_timer_updates(source, maybe(each, "timerUpdates"), PLACEHOLDER_TIMER),
        )
        for each in once(source, parts(maybe(element, "actuatorUpdates"), "actuatorUpdate"), "actuatorId")
    )
    level = source.number(part(element, "currentFillLevel"))
    return (StorageStateUpdate(**read_update(source, element), fill_level=level, actuators=actuators),)


# Targets --------------------------------------------------------------------------------------------------------------

_NOTHING = TargetElement(duration=timedelta(0))


def targets_document(sheet: Sheet, targets: StorageTargetProfileUpdate) -> Element:
    """Where the fill level should be. A free interval is one between the infinities; a first one puts off the start."""
    start = targets.valid_from
    elements = list(targets.elements)
    if elements == [_NOTHING]:
        sheet.lose(EMPTY_TARGETS, None)
    if len(elements) > 1 and elements[0].fill_level_range is None and elements[0].duration:
        start += elements.pop(0).duration
    steps = [_target_of(each) for each in elements or [_NOTHING]]
    profile = node("targetProfile", instant("startTime", start), *steps)
    return node("storageTargetProfileUpdate", *update_of(sheet, targets), profile)


def _target_of(target: TargetElement) -> Element:
    within = target.fill_level_range
    return node(
        "targetProfileElement",
        duration("duration", target.duration),
        leaf("fillLevelLowerBound", "-INF") if within is None else number("fillLevelLowerBound", within.lower),
        leaf("fillLevelUpperBound", "INF") if within is None else number("fillLevelUpperBound", within.upper),
    )


def read_targets(source: Source, element: Element) -> tuple[StorageTargetProfileUpdate]:
    """Where the fill level should be."""
    profile = part(element, "targetProfile")
    head = read_update(source, element)
    elements = [_read_target(source, each) for each in parts(profile, "targetProfileElement")]
    start = part(profile, "startTime")
    wait = source.instant(start) - head["valid_from"]
    if elements == [_NOTHING]:
        elements = []
    if wait > timedelta(0) and elements:
        elements.insert(0, TargetElement(duration=wait))
    elif wait < timedelta(0):
        source.lose(TARGET_PAST, start, source.word(start))
        elements = _without_past(elements, -wait)
    return (StorageTargetProfileUpdate(**head, elements=tuple(elements)),)


def _read_target(source: Source, element: Element) -> TargetElement:
    lower, upper = part(element, "fillLevelLowerBound"), part(element, "fillLevelUpperBound")
    lasting = source.duration(part(element, "duration"))
    if (source.word(lower), source.word(upper)) == ("-INF", "INF"):
        return TargetElement(duration=lasting)
    within = source.number_range(element, source.number(lower), source.number(upper))
    return TargetElement(duration=lasting, fill_level_range=within)


def _without_past(elements: list[TargetElement], past: timedelta) -> list[TargetElement]:
    """What is left of a profile when its beginning has passed."""
    for place, element in enumerate(elements):
        if element.duration > past:
            return [element.model_copy(update={"duration": element.duration - past}), *elements[place + 1 :]]
        past -= element.duration
    return []


# Usage ----------------------------------------------------------------------------------------------------------------


def usage_document(sheet: Sheet, usage: StorageUsageForecast) -> Element:
    """What users draw: by how much the level changes during each element, negative where it falls."""
    steps = []
    for place, element in enumerate(usage.elements):
        note_uncertainty(sheet, element.rate, USAGE_LIMITS, USAGE_BANDS, place)
        factor = _per_second(element.duration)
        change = uncertain_of("deltaFillLevel", element.rate, factor)
        steps.append(node("storageUsageForecastElement", duration("duration", element.duration), change))
    return node("storageUsageForecastUpdate", *update_of(sheet, usage), listed("storageUsageForecastElements", steps))


def _per_second(lasting: timedelta) -> Fraction:
    """What turns a change of the level over a time into a rate of draining."""
    return -1 / Fraction(lasting // timedelta(microseconds=1), 10**6)


def read_usage(source: Source, element: Element) -> tuple[StorageUsageForecast]:
    """What users draw."""
    elements = []
    for each in parts(part(element, "storageUsageForecastElements"), "storageUsageForecastElement"):
        lasting = part(each, "duration")
        length = source.duration(lasting)
        if not length:
            source.forgive(EMPTY_ELEMENT, lasting, source.word(lasting))
            continue
        rate = read_uncertain(source, part(each, "deltaFillLevel"), _per_second(length))
        elements.append(UsageElement(duration=length, rate=UncertainValue(**rate)))
    return (StorageUsageForecast(**read_update(source, element), elements=tuple(elements)),)


# Allocation -----------------------------------------------------------------------------------------------------------


def allocation_document(sheet: Sheet, allocation: StorageAllocation) -> Element:
    """Which modes to run; as a whole or not at all."""
    head = allocation_of(sheet, allocation)
    chosen = []
    for place, each in enumerate(allocation.actuators):
        if each.factor is not None and each.factor != 1:
            sheet.give_up(PARTIAL_FACTOR, each.factor, place)
        if each.factor is not None:
            sheet.lose(FACTOR, each.factor, place)
        chosen.append(
            node(
                "actuatorAllocation",
                sheet.numbered("actuatorId", each.actuator_id, f"actuators.{place}.actuator_id"),
                sheet.numbered("runningModeId", each.mode_id, f"actuators.{place}.mode_id"),
                instant("startTime", each.start_time),
            )
        )
    return node("storageAllocation", *head, listed("actuatorAllocations", chosen))


def read_storage_allocation(source: Source, element: Element) -> tuple[StorageAllocation]:
    """Which modes to run."""
    actuators = tuple(
        ActuatorAllocation(
            actuator_id=source.numbered(part(each, "actuatorId")),
            mode_id=source.numbered(part(each, "runningModeId")),
            start_time=source.instant(part(each, "startTime")),
        )
        for each in parts(part(element, "actuatorAllocations"), "actuatorAllocation")
    )
    return (StorageAllocation(**read_allocation(source, element), actuators=actuators),)
