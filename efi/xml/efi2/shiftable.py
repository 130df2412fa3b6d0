"""Time-shiftable appliances in EFI 2.0: registration, the work that waits, and its start."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from efi.conversion import LossKind
from efi.time_shiftable import (
    Alternative,
    SequenceAction,
    SequenceAllocation,
    SequentialProfile,
    TimeShiftableAllocation,
    TimeShiftableRegistration,
    TimeShiftableUpdate,
)
from efi.types import CENTURY
from efi.xml.efi2.heads import (
    instruction_document,
    read_instruction,
    read_registration,
    read_supported,
    read_update,
    registration_document,
    supported,
    update_document,
)
from efi.xml.efi2.leniencies import REPEATED
from efi.xml.efi2.profiles import containers_of, profile_losses, read_profiles
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source, part
from efi.xml.efi2.vocabulary import TAG
from efi.xml.leniencies import DEADLINE
from efi.xml.lexical import duration_text, instant_text
from efi.xml.tree import Element, children_of

_UPDATE = ("time_shiftable_update",)
_WAY = "sequences.*.alternatives.*"
START_AFTER = LossKind(_UPDATE, "start_after", "the earliest start is `valid_from` alone")
LONG_INTERVAL = LossKind(
    _UPDATE,
    "sequences.*.maximum_interval_before",
    "a pause as long as all the time there is comes back as one that is free",
)
LABEL = LossKind(_UPDATE, f"{_WAY}.label", "an alternative has no name for people")
WAY_INTERVAL = LossKind(
    _UPDATE, f"{_WAY}.maximum_interval_before", "the longest pause is told of the step alone, whatever the alternative"
)
INTERRUPTIBLE = LossKind(_UPDATE, f"{_WAY}.interruptible", "whether work may be halted is not told: it may not")
INTERRUPTION = LossKind(_UPDATE, f"{_WAY}.maximum_interruption", "whether work may be halted is not told")
ABNORMAL = LossKind(
    _UPDATE, "sequences.*.alternatives", "nothing is reserved for emergencies; those that are, are left out"
)
ALL_ABNORMAL = LossKind(
    _UPDATE, "", "a step can be done in emergencies only, and nothing is reserved for them; it cannot be written"
)
PROFILE = profile_losses(_UPDATE, f"{_WAY}.elements")
NO_PROFILE = LossKind(_UPDATE, "", "nothing that one of the alternatives tells has a word; it cannot be written")

_ALLOCATION = ("time_shiftable_allocation",)
NO_TIME = LossKind(_UPDATE, "", "the alternatives that may be told end after the deadline; it cannot be written")
ACTION = LossKind(_ALLOCATION, "sequences", "work can be started, and neither halted nor resumed; that is left out")
NOTHING_STARTED = LossKind(_ALLOCATION, "", "work can be started, and neither halted nor resumed; it cannot be written")
WHICH_WAY = LossKind(
    _ALLOCATION, "", "which alternative is to run must be told, and the work is not known; it cannot be written"
)
THE_ONE_WAY = LossKind(
    _ALLOCATION, "sequences.*.alternative_id", "which alternative is to run must be told; it is the only one"
)


def _window(start: datetime, end: datetime) -> timedelta:
    """All the time there is for some work, as far as a duration can tell it."""
    return min(end - start, CENTURY)


# Writing --------------------------------------------------------------------------------------------------------------


def time_shiftable_registration_document(sheet: Sheet, message: TimeShiftableRegistration) -> Element:
    """Who the appliance is."""
    return registration_document(sheet, "ShiftableRegistration", message, supported(sheet, message))


def work_document(sheet: Sheet, message: TimeShiftableUpdate) -> Element:
    """The work that waits. A pause that is free is told as long as all the time there is."""
    if message.start_after is not None:
        sheet.lose(START_AFTER, message.start_after)
    steps = [_step(sheet, message, step, place) for place, step in enumerate(message.sequences)]
    told = [[way for way in step.alternatives if not way.abnormal_condition_only] for step in message.sequences]
    if (
        sum((min(way.duration for way in ways) for ways in told), timedelta(0))
        > message.end_before - message.valid_from
    ):
        sheet.give_up(NO_TIME, message.end_before)
    end = leaf("endBefore", instant_text(message.end_before))
    return update_document("ShiftableUpdate", message, end, node("sequentialProfiles", listed=steps))


def _step(sheet: Sheet, message: TimeShiftableUpdate, step: SequentialProfile, place: int) -> Element:
    window = _window(message.valid_from, message.end_before)
    pause = step.maximum_interval_before
    if pause is not None and pause >= window:
        sheet.lose(LONG_INTERVAL, pause, place)
    ways = [
        _alternative(sheet, way, place, number)
        for number, way in enumerate(step.alternatives)
        if not way.abnormal_condition_only
    ]
    if not ways:
        sheet.give_up(ALL_ABNORMAL, step.sequence_id)
    if len(ways) < len(step.alternatives):
        reserved = (way.alternative_id for way in step.alternatives if way.abnormal_condition_only)
        sheet.lose(ABNORMAL, ", ".join(reserved), place)
    return node(
        "sequentialProfile",
        leaf("maxIntervalBefore", duration_text(window if pause is None else pause)),
        node("sequentialProfileAlternatives", listed=ways),
        attributes={"sequenceNr": sheet.numbered(step.sequence_id, f"sequences.{place}.sequence_id")},
    )


def _alternative(sheet: Sheet, way: Alternative, place: int, number: int) -> Element:
    for kind, value in (
        (LABEL, way.label),
        (WAY_INTERVAL, way.maximum_interval_before),
        (INTERRUPTIBLE, way.interruptible),
        (INTERRUPTION, way.maximum_interruption),
    ):
        if value is not None and value not in ("", False):
            sheet.lose(kind, value, place, number)
    profiles = containers_of(sheet, way.elements, PROFILE, place, number)
    if not profiles:
        sheet.give_up(NO_PROFILE, way.alternative_id)
    path = f"sequences.{place}.alternatives.{number}.alternative_id"
    attributes = {"alternativeNr": sheet.numbered(way.alternative_id, path)}
    return node("sequentialProfileAlternative", attributes=attributes, listed=profiles)


def shiftable_instruction_document(
    sheet: Sheet, message: TimeShiftableAllocation, only_ways: Mapping[str, str]
) -> Element:
    """The steps to start; `only_ways` names the alternative of each step that is known to have just one."""
    started = [(place, step) for place, step in enumerate(message.sequences) if step.action is SequenceAction.START]
    if not started:
        sheet.give_up(NOTHING_STARTED)
    if len(started) < len(message.sequences):
        sheet.lose(ACTION, ", ".join(f"{step.action} {step.sequence_id}" for step in message.sequences))
    told = [_start(sheet, step, place, only_ways) for place, step in started]
    return instruction_document(
        sheet, "ShiftableInstruction", message, node("sequentialProfileInstructions", listed=told)
    )


def _start(sheet: Sheet, step: SequenceAllocation, place: int, only_ways: Mapping[str, str]) -> Element:
    way = step.alternative_id
    if way is None:
        way = only_ways.get(step.sequence_id)
        if way is None:
            sheet.give_up(WHICH_WAY, step.sequence_id)
        sheet.lose(THE_ONE_WAY, None, place)
    return node(
        "sequentialProfileInstruction",
        leaf("sequenceNr", sheet.numbered(step.sequence_id, f"sequences.{place}.sequence_id")),
        leaf("alternativeNr", sheet.numbered(way, f"sequences.{place}.alternative_id")),
        leaf("startTime", instant_text(step.start_time)),
    )


# Reading --------------------------------------------------------------------------------------------------------------


def read_time_shiftable_registration(source: Source, root: Element) -> tuple[TimeShiftableRegistration, ...]:
    """Who the appliance is."""
    fields = read_registration(source, root) | {"commodities": read_supported(source, root)}
    return (TimeShiftableRegistration.model_validate(fields),)


def read_work(source: Source, root: Element) -> tuple[TimeShiftableUpdate, ...]:
    """The work that waits. A pause as long as all the time there is, is free."""
    children = children_of(root)
    fields = read_update(source, children)
    listed = source.once(children[f"{TAG}sequentialProfiles"].children, "sequenceNr")
    steps = [_read_step(source, step) for step in listed]
    end = _deadline(source, children[f"{TAG}endBefore"], fields["valid_from"], steps)
    window = _window(fields["valid_from"], end)
    for fields_of, step in zip(steps, listed, strict=True):
        pause = source.duration(part(step, "maxIntervalBefore"))
        fields_of["maximum_interval_before"] = None if pause >= window else pause
    fields |= {"end_before": end, "sequences": tuple(steps)}
    return (TimeShiftableUpdate.model_validate(fields),)


def _read_step(source: Source, step: Element) -> dict[str, Any]:
    ways = [
        {
            "alternative_id": source.numbered(way, f"{TAG}alternativeNr"),
            "elements": tuple(read_profiles(source, way)),
        }
        for way in source.once(part(step, "sequentialProfileAlternatives").children, "alternativeNr")
    ]
    return {"sequence_id": source.numbered(step, f"{TAG}sequenceNr"), "alternatives": tuple(ways)}


def _deadline(source: Source, told: Element, start: datetime, steps: Sequence[dict[str, Any]]) -> datetime:
    """The deadline; one before which the work cannot be done is taken as the earliest at which it can."""
    end = source.instant(told)
    try:
        shortest = sum((min(map(_lasting, step["alternatives"])) for step in steps), timedelta(0))
        earliest = start + shortest
    except OverflowError:
        return end
    if end < earliest:
        source.forgive(DEADLINE, told, told.text)
        return earliest
    return end


def _lasting(way: dict[str, Any]) -> timedelta:
    return sum((element["duration"] for element in way["elements"]), timedelta(0))


def read_shiftable_instruction(source: Source, root: Element) -> tuple[TimeShiftableAllocation, ...]:
    """The steps to start."""
    children = children_of(root)
    fields: dict[str, Any] = read_instruction(source, children)
    steps: dict[tuple[str, datetime], dict[str, Any]] = {}
    for step in children[f"{TAG}sequentialProfileInstructions"].children:
        name = source.numbered(part(step, "sequenceNr"))
        start = source.instant(part(step, "startTime"))
        if (name, start) in steps:
            source.forgive(REPEATED, step, name)
            continue
        way = source.numbered(part(step, "alternativeNr"))
        steps[name, start] = {"sequence_id": name, "alternative_id": way, "start_time": start}
    fields["sequences"] = tuple(steps.values())
    return (TimeShiftableAllocation.model_validate(fields),)
