"""Time-shiftable appliances in the interim form: registration, work, allocation. There is no state there."""

from datetime import timedelta

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
from efi.xml.interim.common import (
    COMMODITIES_ALL,
    COMMODITY,
    allocation_of,
    commodities_of,
    read_allocation,
    read_commodities,
    read_registration,
    read_update,
    registration_of,
    update_of,
)
from efi.xml.interim.leniencies import REPEATED
from efi.xml.interim.profiles import container_of, profile_losses, read_container
from efi.xml.interim.sheet import Sheet, instant, leaf, listed, node
from efi.xml.interim.source import Source, once, part, parts
from efi.xml.leniencies import DEADLINE
from efi.xml.names import MOST, name_of
from efi.xml.tree import Element

WORK = "time_shiftable_update"
ALLOCATION = "time_shiftable_allocation"

ONLY = name_of(1)
"""The name of the only way of doing a step."""

ALTERNATIVE = LossKind(
    (WORK,), "sequences.*.alternatives.*", "a step is done in one way, the shortest; this one is left out"
)
ALTERNATIVE_ID = LossKind((WORK,), "sequences.*.alternatives.*.alternative_id", f"the only way is called {ONLY}")
ALTERNATIVE_LABEL = LossKind(
    (WORK,), "sequences.*.alternatives.*.label", "a way of doing a step has no name for people"
)
INTERRUPTIBLE = LossKind((WORK,), "sequences.*.alternatives.*.interruptible", "work cannot be halted")
INTERRUPTION = LossKind((WORK,), "sequences.*.alternatives.*.maximum_interruption", "work cannot be halted")
EMERGENCY = LossKind(
    (WORK,),
    "sequences.*",
    "all its ways are kept for an emergency, and would be on offer always; nothing is written",
)
NO_TIME = LossKind((WORK,), "sequences", "the ways that may be told end after the deadline; nothing is written")
START_AFTER = LossKind((WORK,), "start_after", "work may start as soon as it is told")
PAUSE = LossKind((WORK,), "sequences.*.maximum_interval_before", "pauses are told in whole seconds, rounded down")
PAUSE_OF_WAY = LossKind(
    (WORK,),
    "sequences.*.alternatives.*.maximum_interval_before",
    "a pause is told of the step, and of no way of doing it; it is told as the step's where it is the shorter",
)
PAUSE_OF_STEP = LossKind(
    (WORK,), "sequences.*.maximum_interval_before", "that of the way which is told is shorter, and told in its place"
)
STEP_NOTHING = LossKind(
    (WORK,),
    "sequences.*",
    "no quantity of it has a word; without the step the work would be another, so none is written",
)
PROFILE_LOSSES = profile_losses(WORK, "sequences.*.alternatives.*.elements")

ACTION = LossKind((ALLOCATION,), "sequences.*", "work is started, and neither halted nor resumed; it is left out")
CHOSEN = LossKind((ALLOCATION,), "sequences.*.alternative_id", "there is one way of doing a step")
NOTHING_STARTED = LossKind((ALLOCATION,), "sequences", "it starts nothing, so that there is nothing to write")


def registration_document(sheet: Sheet, registration: TimeShiftableRegistration) -> Element:
    """A registration."""
    head = registration_of(sheet, registration)
    commodities = commodities_of(sheet, registration.commodities, COMMODITY, COMMODITIES_ALL)
    return node("timeShiftableRegistration", *head, commodities)


def read_time_shiftable_registration(source: Source, element: Element) -> tuple[TimeShiftableRegistration]:
    """A registration."""
    commodities = read_commodities(source, parts(element, "supportedCommodities"))
    return (TimeShiftableRegistration(**read_registration(source, element), commodities=commodities),)


def work_document(sheet: Sheet, work: TimeShiftableUpdate) -> Element:
    """Work, its steps each in the shortest of its ways."""
    if work.start_after is not None:
        sheet.lose(START_AFTER, work.start_after)
    head = (*update_of(sheet, work), instant("endBefore", work.end_before))
    steps = listed("sequentialProfiles", (_step_of(sheet, step, place) for place, step in enumerate(work.sequences)))
    ways = (_way_of(sheet, step, place) for place, step in enumerate(work.sequences))
    if sum((way.duration for way in ways), timedelta(0)) > work.end_before - work.valid_from:
        sheet.give_up(NO_TIME)
    return node("timeShiftableUpdate", *head, steps)


def _step_of(sheet: Sheet, step: SequentialProfile, place: int) -> Element:
    way = _way_of(sheet, step, place)
    chosen = step.alternatives.index(way)
    for index, other in enumerate(step.alternatives):
        if index != chosen:
            sheet.lose(ALTERNATIVE, other.alternative_id, place, index)
    _note_losses(sheet, way, place, chosen)
    container = container_of(sheet, "profileContainer", way.elements, PROFILE_LOSSES, place, chosen)
    if container is None:
        sheet.give_up(STEP_NOTHING, step.sequence_id, place)
    return node(
        "sequentialProfile",
        sheet.numbered("sequenceNr", step.sequence_id, f"sequences.{place}.sequence_id"),
        leaf("maxIntervalBefore", str(_pause_of(sheet, step, way, place))),
        container,
    )


def _pause_of(sheet: Sheet, step: SequentialProfile, way: Alternative, place: int) -> int:
    """The longest pause in seconds; the most that can be told where nothing bounds it."""
    pause = step.longest_interval_before(way.alternative_id)
    if way.maximum_interval_before is not None:
        sheet.lose(PAUSE_OF_WAY, way.maximum_interval_before, place, step.alternatives.index(way))
        if pause != step.maximum_interval_before:
            sheet.lose(PAUSE_OF_STEP, step.maximum_interval_before, place)
    if pause is None:
        return MOST
    seconds = min(pause // timedelta(seconds=1), MOST - 1)
    if timedelta(seconds=seconds) != pause:
        sheet.lose(PAUSE, pause, place)
    return seconds


def _way_of(sheet: Sheet, step: SequentialProfile, place: int) -> Alternative:
    """The shortest way that is not kept for an emergency."""
    offered = [way for way in step.alternatives if not way.abnormal_condition_only]
    if not offered:
        sheet.give_up(EMERGENCY, step.sequence_id, place)
    return min(offered, key=lambda way: way.duration)


def _note_losses(sheet: Sheet, way: Alternative, *places: int) -> None:
    if way.alternative_id != ONLY:
        sheet.lose(ALTERNATIVE_ID, way.alternative_id, *places)
    if way.label:
        sheet.lose(ALTERNATIVE_LABEL, way.label, *places)
    if way.interruptible:
        sheet.lose(INTERRUPTIBLE, way.interruptible, *places)
    if way.maximum_interruption is not None:
        sheet.lose(INTERRUPTION, way.maximum_interruption, *places)


def read_work(source: Source, element: Element) -> tuple[TimeShiftableUpdate]:
    """Work."""
    told = once(source, parts(part(element, "sequentialProfiles"), "sequentialProfile"), "sequenceNr")
    steps = tuple(_read_step(source, step) for step in told)
    head = read_update(source, element)
    deadline = part(element, "endBefore")
    end = source.instant(deadline)
    earliest = head["valid_from"] + sum((step.shortest for step in steps), timedelta(0))
    if end < earliest:
        source.forgive(DEADLINE, deadline, deadline.text)
        end = earliest
    return (TimeShiftableUpdate(**head, end_before=end, sequences=steps),)


def _read_step(source: Source, step: Element) -> SequentialProfile:
    pause = part(step, "maxIntervalBefore")
    seconds = source.whole(pause)
    if seconds < 0:
        source.refuse("negative_duration", pause, seconds, "it is below zero", "tell zero seconds or more")
    way = Alternative(alternative_id=ONLY, elements=read_container(source, part(step, "profileContainer")))
    return SequentialProfile(
        sequence_id=source.numbered(part(step, "sequenceNr")),
        maximum_interval_before=None if seconds == MOST else timedelta(seconds=seconds),
        alternatives=(way,),
    )


def allocation_document(sheet: Sheet, allocation: TimeShiftableAllocation) -> Element:
    """An allocation, of which the starts are told."""
    head = allocation_of(sheet, allocation)
    starts = []
    for place, step in enumerate(allocation.sequences):
        if step.action is not SequenceAction.START:
            sheet.lose(ACTION, step.action.value, place)
            continue
        if step.alternative_id is not None:
            sheet.lose(CHOSEN, step.alternative_id, place)
        starts.append(
            node(
                "sequentialProfileAllocation",
                sheet.numbered("sequenceNr", step.sequence_id, f"sequences.{place}.sequence_id"),
                instant("startTime", step.start_time),
            )
        )
    if not starts:
        sheet.give_up(NOTHING_STARTED)
    return node("timeShiftableAllocation", *head, listed("sequentialProfileAllocations", starts))


def read_time_shiftable_allocation(source: Source, element: Element) -> tuple[TimeShiftableAllocation]:
    """An allocation."""
    starts = parts(part(element, "sequentialProfileAllocations"), "sequentialProfileAllocation")
    sequences: dict[SequenceAllocation, None] = {}
    for start in starts:
        told = SequenceAllocation(
            sequence_id=source.numbered(part(start, "sequenceNr")), start_time=source.instant(part(start, "startTime"))
        )
        if told in sequences:
            source.forgive(REPEATED, start, told.sequence_id)
        sequences[told] = None
    return (TimeShiftableAllocation(**read_allocation(source, element), sequences=tuple(sequences)),)
