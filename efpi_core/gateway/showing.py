"""Shows the house: appliances, connections and balance as views, and the state of an appliance in a few words."""

from dataclasses import replace
from datetime import datetime

from efi.output_adjustable import OutputAdjustableStateUpdate, OutputAdjustableSystemDescription
from efi.running_mode import RunningMode
from efi.storage import StorageRegistration, StorageStateUpdate, StorageSystemDescription
from efi.time_shiftable import SequenceStatus, TimeShiftableUpdate
from efpi_core.gateway.appliances import ApplianceRecord, OpenAllocation
from efpi_core.gateway.doorway import sentence
from efpi_core.gateway.house import House
from efpi_core.local_time import LocalTime
from efpi_core.plugin.categories import Category
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import Quality
from efpi_core.site.revisions import Revision
from efpi_core.views import AllocationView, ApplianceView, InstanceState, InstanceView, RevisionView

DOUBT_CURE = "restart the device and its instance (`efpi restart`); if it goes on, report it to the plugin's author"
"""What to do about a device that says nonsense."""


def appliance_view(house: House, record: ApplianceRecord, now: datetime) -> ApplianceView:
    """One appliance as the outside sees it."""
    registration = record.registration
    doubt = record.doubt(now) if record.condition is ConditionState.OK else ""
    power = house.board.value(f"{record.appliance_id}.power")
    role = record.role
    return ApplianceView(
        id=record.appliance_id,
        instance=record.instance,
        name=sentence(house.names.get(record.appliance_id) or registration.name),
        category=record.category.value,
        device_class=registration.device_class.value,
        state="online" if record.online else "offline",
        role=None if role is None else role.value,
        power=record.power_w,
        power_quality=Quality.UNKNOWN if power is None else power.quality_at(now),
        power_at=record.power_at,
        app=record.app,
        controlled_by=house.precedence.in_control(record, now),
        summary=sentence(summary(record, now, house.place)),
        control_space=record.session.space.messages(),
        allocations=tuple(allocation_view(allocation_id, held) for allocation_id, held in record.allocations.items()),
        steerable=record.steerable,
        safe_fallback=record.safe_fallback,
        condition=ConditionState.DEGRADED if doubt else record.condition,
        detail="nonsense" if doubt else record.detail,
        text=f"it says what cannot be: {doubt}" if doubt else record.text,
        cure=DOUBT_CURE if doubt else record.cure,
    )


def with_condition(house: House, view: InstanceView, now: datetime) -> InstanceView:
    """A running instance as it does by its own word, or by what cannot be that one of its appliances said."""
    if view.state is not InstanceState.RUNNING:
        return view
    told = house.condition_of(view.instance)
    if told is not None and told.state is not ConditionState.OK:
        return replace(view, condition=told.state, detail=told.detail, text=told.text, cure=told.cure)
    for record in house.appliances.of_instance(view.instance):
        if doubt := record.doubt(now):
            text = f"it says what cannot be: {doubt}"
            return replace(view, condition=ConditionState.DEGRADED, detail="nonsense", text=text, cure=DOUBT_CURE)
    return view


def allocation_view(allocation_id: str, held: OpenAllocation) -> AllocationView:
    """One allocation as the outside sees it."""
    return AllocationView(
        allocation_id=allocation_id,
        app=held.holder,
        status="given" if held.status is None else held.status.value,
        text=sentence(held.text),
        reason=sentence(getattr(held.allocation, "reason", "")),
        given_at=held.given_at,
        changed_at=held.changed_at,
        message=held.allocation,
    )


def revision_view(revision: Revision, in_force: int) -> RevisionView:
    """A revision of the site as the outside sees it."""
    return RevisionView(
        number=revision.number,
        at=revision.at,
        by=revision.by,
        why=revision.why,
        origin=revision.origin.value,
        verdict=revision.verdict.value,
        in_force=revision.number == in_force,
        source=revision.source,
        note=revision.note,
    )


def summary(record: ApplianceRecord, now: datetime, place: LocalTime) -> str:
    """The appliance's state in a few words: "62 %, charging"."""
    if not record.online:
        return record.text or "out of reach"
    match record.session.space.state:
        case StorageStateUpdate() as state:
            return _storage_words(record, state, now)
        case OutputAdjustableStateUpdate() as state:
            return _output_words(record, state, now)
        case _:
            return _stateless_words(record, now, place)


def _output_words(record: ApplianceRecord, state: OutputAdjustableStateUpdate, now: datetime) -> str:
    description = record.session.space.description_at(now)
    if isinstance(description, OutputAdjustableSystemDescription):
        return _mode_words(description.mode(state.mode_id), state.factor)
    return state.mode_id


def _stateless_words(record: ApplianceRecord, now: datetime, place: LocalTime) -> str:
    space = record.session.space
    if space.work is not None:
        return _work_words(record, space.work, now, place)
    if record.category is Category.TIME_SHIFTABLE:
        return "nothing to do"
    options = space.curtailment_options_at(now)
    return "can be curtailed" if options is not None and options.options else ""


def _storage_words(record: ApplianceRecord, state: StorageStateUpdate, now: datetime) -> str:
    registration = record.registration
    unit = registration.fill_level_unit if isinstance(registration, StorageRegistration) else ""
    words = [f"{_level(state.fill_level, unit)}"]
    description = record.session.space.description_at(now)
    if isinstance(description, StorageSystemDescription):
        for actuator_state in state.actuators:
            actuator = description.actuator(actuator_state.actuator_id)
            mode = None if actuator is None else actuator.mode(actuator_state.mode_id)
            words.append(_mode_words(mode, actuator_state.factor))
    return ", ".join(word for word in words if word)


def _level(level: float, unit: str) -> str:
    if unit == "J":
        return f"{level / 3.6e6:.1f} kWh"
    return f"{level:.1f} {unit}".strip() if abs(level) < 1000 else f"{level:.0f} {unit}".strip()


def _mode_words(mode: RunningMode | None, factor: float | None) -> str:
    if mode is None:
        return ""
    label = mode.label or mode.mode_id
    return label if factor is None else f"{label} {factor:.0%}"


def _work_words(record: ApplianceRecord, work: TimeShiftableUpdate, now: datetime, place: LocalTime) -> str:
    told = record.session.space.work_state
    states = {} if told is None else {state.sequence_id: state for state in told.sequences}
    running = [state for state in states.values() if state.status is SequenceStatus.EXECUTING]
    if running:
        return "running"
    if states and all(state.status is SequenceStatus.FINISHED for state in states.values()):
        return "finished"
    end = place.told(work.end_before, "%H:%M")
    scheduled = [state.starts_at for state in states.values() if state.starts_at and state.starts_at > now]
    if scheduled:
        return f"starts at {place.told(min(scheduled), '%H:%M')}, ready before {end}"
    return f"waits, ready before {end}"
