"""What an appliance could draw instead of what it draws now: the choices that a limit can force."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription
from efi.running_mode import ModeBehaviour, ModeGraph, ModeState
from efi.storage import StorageAllocation, StorageStateUpdate, StorageSystemDescription
from efi.time_shiftable import TimeShiftableAllocation
from efpi_core.gateway.appliances import ApplianceRecord


@dataclass(frozen=True, slots=True)
class Choice:
    """A mode that can be entered now, and the electrical power it covers, in W."""

    mode_id: str
    at_zero_w: float
    """Power at factor 0."""
    at_one_w: float
    """Power at factor 1."""
    continuous: bool

    @property
    def least_w(self) -> float:
        """The lowest power of the mode."""
        return min(self.at_zero_w, self.at_one_w)

    @property
    def most_w(self) -> float:
        """The highest power of the mode."""
        return max(self.at_zero_w, self.at_one_w)

    def factor_for(self, power_w: float) -> float | None:
        """The factor whose power is closest to the wanted one."""
        if not self.continuous:
            return None
        if self.at_one_w == self.at_zero_w:
            return 1.0
        return max(0.0, min((power_w - self.at_zero_w) / (self.at_one_w - self.at_zero_w), 1.0))


def choices(record: ApplianceRecord, now: datetime, *, emergency: bool) -> Iterator[Choice]:
    """The modes that the appliance could run now, timers heeded; of a storage, those of its first actuator.

    Modes that are kept for emergencies are among them in an emergency only.
    """
    space = record.session.space
    description = space.description_at(now)
    if isinstance(description, OutputAdjustableSystemDescription):
        reachable = _reachable(description, space.mode_state(), now, emergency=emergency)
        for mode in description.modes:
            if mode.mode_id in reachable and (emergency or not mode.abnormal_condition_only):
                yield _choice(mode.mode_id, mode)
    elif isinstance(description, StorageSystemDescription) and isinstance(space.state, StorageStateUpdate):
        actuator = description.actuators[0]
        reachable = _reachable(actuator, space.mode_state(actuator.actuator_id), now, emergency=emergency)
        for storage_mode in actuator.modes:
            behaviour = storage_mode.behaviour_at(storage_mode.fill_level_range.clamp(space.state.fill_level))
            kept = storage_mode.abnormal_condition_only and not emergency
            if storage_mode.mode_id in reachable and behaviour is not None and not kept:
                yield _choice(storage_mode.mode_id, behaviour)


def _reachable(graph: ModeGraph, state: ModeState | None, now: datetime, *, emergency: bool) -> frozenset[str]:
    if state is None:
        return frozenset(graph.mode_ids)
    return frozenset(graph.reachable(state.mode_id, state.timer_ends, now, abnormal_condition=emergency))


def _choice(mode_id: str, behaviour: ModeBehaviour) -> Choice:
    return Choice(mode_id, behaviour.electric_power_at(0.0), behaviour.electric_power_at(1.0), behaviour.continuous)


def asked_power_w(record: ApplianceRecord, allocation: AnyAllocation, now: datetime) -> tuple[float, float] | None:
    """The least and the most electrical power in W that an allocation asks for; None when it cannot be told."""
    powers = tuple(_asked(record, allocation, now))
    return (min(powers), max(powers)) if powers else None


def _asked(record: ApplianceRecord, allocation: AnyAllocation, now: datetime) -> Iterator[float]:
    space = record.session.space
    description = space.description_at(now)
    match allocation:
        case OutputAdjustableAllocation() if isinstance(description, OutputAdjustableSystemDescription):
            for selector in allocation.selectors:
                mode = description.mode(selector.mode_id)
                if mode is not None:
                    yield mode.electric_power_at(1.0 if selector.factor is None else selector.factor)
        case StorageAllocation() if isinstance(description, StorageSystemDescription):
            level = space.state.fill_level if isinstance(space.state, StorageStateUpdate) else None
            for step in allocation.actuators:
                actuator = description.actuator(step.actuator_id)
                storage_mode = None if actuator is None else actuator.mode(step.mode_id)
                if storage_mode is None:
                    continue
                within = storage_mode.fill_level_range
                behaviour = storage_mode.behaviour_at(within.upper if level is None else within.clamp(level))
                if behaviour is not None:
                    yield behaviour.electric_power_at(1.0 if step.factor is None else step.factor)
        case TimeShiftableAllocation() if space.work is not None:
            for asked in allocation.sequences:
                sequence = space.work.sequence(asked.sequence_id)
                way = None if sequence is None else sequence.alternative(asked.alternative_id)
                for element in way.elements if way is not None else ():
                    power = element.electric_power
                    if power is not None:
                        yield power.expected
        case _:
            return
