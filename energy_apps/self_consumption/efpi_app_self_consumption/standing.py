"""How the steered appliances stand: their levers with all that can be had from them now."""

from datetime import datetime
from operator import is_
from typing import NamedTuple

from efi.merging import AnyState
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.registration import DeviceClass
from efi.running_mode import ModeState
from efi.storage import StorageStateUpdate
from efpi_app_self_consumption.adjustable_model import AdjustableModel
from efpi_app_self_consumption.asked import JUST_ASKED_S, LeverMemory, Order
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.lever import Lever, Patience, Worth
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.nature import StorageNature
from efpi_app_self_consumption.options import Options, Standpoint
from efpi_app_self_consumption.segment import Segment
from efpi_app_self_consumption.slots import Slots
from efpi_app_self_consumption.storage_facts import StorageFacts
from efpi_app_self_consumption.ways import Ways, running_timers


class Circumstances(NamedTuple):
    """What holds for all appliances at one decision."""

    now: datetime
    now_s: float
    slots: Slots
    abnormal: bool
    """Whether the grid is in an emergency, so that what is kept for it may be used."""
    start_s: float
    """How long it must be worthwhile before a lever is switched on, s."""
    stop_s: float


NEVER_S = float("inf")

LONG_S = 600.0
"""A transition hardly ever takes longer."""

NO_WORTH = Worth()


class Standing(NamedTuple):
    """One steered appliance."""

    member: Member
    storage: StorageFacts | None
    levers: tuple[Lever, ...]
    """Those that may be moved now."""
    fixed: Flow
    """What the others draw."""


class Lookout:
    """Looks how the appliances stand: as before, until they say something new or a time of their own is over."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], float, Standing | None]] = {}

    def look(self, member: Member, at: Circumstances) -> Standing | None:
        """How a steered appliance stands; None when it has not told enough."""
        state = member.space.state
        ground = (state, member.moved.reading, member, member.version, at.abnormal)
        kept = self._kept.get(member.appliance_id)
        if kept is not None and at.now_s < kept[1] and all(map(is_, kept[0], ground)):
            return kept[2]
        standing = standing_of(member, state, at)
        self._kept[member.appliance_id] = (ground, _holds_until_s(member, state, at), standing)
        return standing


def _holds_until_s(member: Member, state: AnyState | None, at: Circumstances) -> float:
    """When something about an appliance changes by time alone, in s since 1970."""
    if state is None:
        return NEVER_S
    marks = [member.forbearance.until_s, member.changes_at_s]
    for memory in member.memories.values():
        marks += memory.marks_s(member.delay_s, at.start_s, at.stop_s)
    for lever in (state,) if isinstance(state, OutputAdjustableStateUpdate) else state.actuators:
        marks += [timer.finished_at.timestamp() for timer in lever.timers]
        if lever.transition_started_at is not None:
            # How long a transition takes is for its own description to say; it is looked at again until it is over.
            marks.append(at.now_s if at.now_s < lever.transition_started_at.timestamp() + LONG_S else 0.0)
    return min((mark for mark in marks if mark >= at.now_s), default=NEVER_S)


def standing_of(member: Member, state: AnyState | None, at: Circumstances) -> Standing | None:
    """How a steered appliance stands; None when it has not told enough."""
    if isinstance(state, StorageStateUpdate):
        return _storage(member, state, at)
    if isinstance(state, OutputAdjustableStateUpdate):
        return _adjustable(member, state, at)
    return None


def _storage(member: Member, state: StorageStateUpdate, at: Circumstances) -> Standing | None:
    nature = member.nature(at.now, at.now_s)
    if not isinstance(nature, StorageNature):
        return None
    model = nature.model
    level = model.within(state.fill_level)
    levers: list[Lever] = []
    fixed, told = NO_FLOW, NO_FLOW
    left_alone = member.forbearance.active(at.now_s)
    for actuator in model.actuators:
        actuator_state = state.actuator(actuator.actuator_id)
        if actuator_state is None:
            continue
        here = actuator.at(level)
        memory = member.memory(actuator.actuator_id)
        mode_id, flow = _present(here.segments, actuator_state, memory, member, at)
        told = told.plus(flow)
        if left_alone or not _free(actuator.ways, actuator_state, memory, member, at):
            fixed = fixed.plus(flow)
            continue
        options = _options(here, mode_id, actuator_state, member, at)
        levers.append(
            Lever(
                member.appliance_id,
                actuator.actuator_id,
                flow,
                mode_id,
                options,
                NO_WORTH,
                idle_w=actuator.idle_w,
                set_w=flow.total,
                takes_w=memory.most_w(at.now_s),
                is_car=member.device_class is DeviceClass.ELECTRIC_VEHICLE,
                patience=memory.patience(at.now_s, at.start_s, at.stop_s),
            )
        )
    member.moved.told = told
    if len(model.actuators) == 1:
        measured = member.moved.flow
        if levers:
            levers[0].power = measured
        elif left_alone:
            # Of one that is on its way to a mode, what it will draw there counts, and not what it draws meanwhile.
            fixed = measured
    facts = StorageFacts(
        member.appliance_id,
        state.fill_level,
        model,
        nature.gears,
        nature.leakage,
        nature.usage,
        nature.wishes,
        tuple(levers),
        runs_for_need=any(memory.for_need for memory in member.memories.values()),
    )
    return Standing(member, facts, tuple(levers), fixed)


def _adjustable(member: Member, state: OutputAdjustableStateUpdate, at: Circumstances) -> Standing | None:
    model = member.nature(at.now, at.now_s)
    if not isinstance(model, AdjustableModel):
        return None
    memory = member.memory("")
    mode_id, flow = _present(model.modes, state, memory, member, at)
    member.moved.told = flow
    measured = member.moved.flow
    if member.forbearance.active(at.now_s):
        return Standing(member, None, (), measured)
    if not _free(model.ways, state, memory, member, at):
        return Standing(member, None, (), flow)
    lever = Lever(
        member.appliance_id,
        None,
        measured,
        mode_id,
        _options(model.standpoint, mode_id, state, member, at),
        NO_WORTH,
        idle_w=model.idle_w,
        set_w=flow.total,
        patience=Patience(),
        stores=False,
    )
    return Standing(member, None, (lever,), NO_FLOW)


def _present(
    here: dict[str, tuple[Segment, ...]], state: ModeState, memory: LeverMemory, member: Member, at: Circumstances
) -> tuple[str, Flow]:
    """The mode in which a lever runs, and what it draws by that; a fresh order counts before what it still says."""
    order = memory.standing(at.now_s)
    if order is not None and order.mode_id in here and _just_asked(order, member, at):
        return order.mode_id, _flow(here[order.mode_id], order.factor)
    return state.mode_id, _flow(here.get(state.mode_id, ()), state.factor)


def _just_asked(order: Order, member: Member, at: Circumstances) -> bool:
    return at.now_s < order.at_s + member.delay_s + JUST_ASKED_S


def _flow(found: tuple[Segment, ...], factor: float | None) -> Flow:
    if factor is None:
        return found[0].low if found else NO_FLOW
    for segment in found:
        width = segment.high_factor - segment.low_factor
        share = (factor - segment.low_factor) / width if width else 0.0
        if 0.0 <= share <= 1.0:
            return segment.low.towards(segment.high, share)
    return NO_FLOW


def _free(ways: Ways, state: ModeState, memory: LeverMemory, member: Member, at: Circumstances) -> bool:
    """Whether a lever may be given an order now."""
    return not memory.waits_for_answer(at.now_s, member.delay_s) and not ways.changing(state, at.now)


def _options(here: Standpoint, mode_id: str, state: ModeState, member: Member, at: Circumstances) -> Options:
    acts_at = at.now + member.delay if member.delay else at.now
    return here.options(mode_id, running_timers(state, acts_at), at.abnormal)
