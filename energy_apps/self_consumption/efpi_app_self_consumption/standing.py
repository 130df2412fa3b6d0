"""How the steered appliances stand: their levers with all that can be had from them now."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.registration import DeviceClass
from efi.running_mode import ModeState
from efi.storage import StorageStateUpdate
from efpi_app_self_consumption.asked import LeverMemory, Order
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.lever import Lever, Patience, Worth
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.options import Options, Standpoint
from efpi_app_self_consumption.segment import Segment
from efpi_app_self_consumption.slots import Slots
from efpi_app_self_consumption.storage_facts import StorageFacts
from efpi_app_self_consumption.ways import Ways, running_timers

JUST_ASKED_S = 10.0
"""So long after an order, beyond the processing delay, its mode is believed rather than what the appliance says."""


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


class Standing(NamedTuple):
    """One steered appliance."""

    member: Member
    storage: StorageFacts | None
    levers: tuple[Lever, ...]
    """Those that may be moved now."""
    fixed: Flow
    """What the others draw."""


def standing_of(member: Member, at: Circumstances) -> Standing | None:
    """How a steered appliance stands; None when it has not told enough."""
    state = member.space.state
    if isinstance(state, StorageStateUpdate):
        return _storage(member, state, at)
    if isinstance(state, OutputAdjustableStateUpdate):
        return _adjustable(member, state, at)
    return None


def _storage(member: Member, state: StorageStateUpdate, at: Circumstances) -> Standing | None:
    model = member.model(at.now)
    if model is None:
        return None
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
                Worth(),
                idle_w=actuator.idle_w,
                set_w=flow.total,
                upper_w=memory.most_w(at.now_s),
                fed_by_battery=member.device_class is not DeviceClass.ELECTRIC_VEHICLE,
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
        member.leakage(at.now),
        member.usage(),
        member.wishes(),
        tuple(levers),
        runs_for_need=any(memory.for_need for memory in member.memories.values()),
    )
    return Standing(member, facts, tuple(levers), fixed)


def _adjustable(member: Member, state: OutputAdjustableStateUpdate, at: Circumstances) -> Standing | None:
    model = member.adjustable(at.now)
    if model is None:
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
        Worth(),
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
    return at.now_s < order.at_s + member.delay.total_seconds() + JUST_ASKED_S


def _flow(found: Iterable[Segment], factor: float | None) -> Flow:
    for segment in found:
        if factor is None:
            return segment.low
        least, most = sorted((segment.low_factor, segment.high_factor))
        if least <= factor <= most:
            width = segment.high_factor - segment.low_factor
            return segment.low.towards(segment.high, (factor - segment.low_factor) / width if width else 0.0)
    return NO_FLOW


def _free(ways: Ways, state: ModeState, memory: LeverMemory, member: Member, at: Circumstances) -> bool:
    """Whether a lever may be given an order now."""
    return not memory.waits_for_answer(at.now_s, member.delay.total_seconds()) and not ways.changing(state, at.now)


def _options(here: Standpoint, mode_id: str, state: ModeState, member: Member, at: Circumstances) -> Options:
    acts_at = at.now + member.delay if member.delay else at.now
    return here.options(mode_id, running_timers(state, acts_at), at.abnormal)
