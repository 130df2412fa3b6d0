"""Turns a plain wish ("charge at half power", "start now", "at most 2 kW") into an allocation of the right category."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    LimitKind,
)
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription, RunningModeSelector
from efi.running_mode import RunningMode
from efi.storage import ActuatorAllocation, StorageAllocation, StorageSystemDescription
from efi.time_shiftable import SequenceAllocation, SequenceStatus, TimeShiftableAllocation
from efpi_core.errors import RefusedError
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.plugin.appliance import Stamp

Mode = TypeVar("Mode", bound=RunningMode)


def run_mode(
    record: ApplianceRecord, stamp: Stamp, wish: str, factor: float | None, reason: str, *, emergency: bool = False
) -> AnyAllocation:
    """Run a mode of a storage (its actuator that has it) or an output-adjustable appliance from now on.

    The wish names the mode by its id, or by its label where no other mode has it.
    """
    now = stamp["timestamp"]
    description = record.session.space.description_at(now)
    if isinstance(description, OutputAdjustableSystemDescription):
        mode = _named(record, wish, description.modes)
        selector = RunningModeSelector(mode_id=mode.mode_id, factor=_factor(mode.continuous, factor), start_time=now)
        return OutputAdjustableAllocation(
            **stamp,
            control_space_update_id=description.message_id,
            selectors=(selector,),
            reason=reason,
            abnormal_condition=emergency,
        )
    if isinstance(description, StorageSystemDescription):
        modes = [mode for actuator in description.actuators for mode in actuator.modes]
        storage_mode = _named(record, wish, modes)
        actuator = next(each for each in description.actuators if storage_mode in each.modes)
        step = ActuatorAllocation(
            actuator_id=actuator.actuator_id,
            mode_id=storage_mode.mode_id,
            factor=_factor(storage_mode.continuous, factor),
            start_time=now,
        )
        return StorageAllocation(
            **stamp,
            control_space_update_id=description.message_id,
            actuators=(step,),
            reason=reason,
            abnormal_condition=emergency,
        )
    raise RefusedError(f"'{record.appliance_id}' has no running modes now", "see its control space")


def _factor(continuous: bool, factor: float | None) -> float | None:
    if not continuous:
        return None
    return 1.0 if factor is None else factor


def _named(record: ApplianceRecord, wish: str, modes: Sequence[Mode]) -> Mode:
    """The mode of that id, or the only one of that label."""
    found = next((mode for mode in modes if mode.mode_id == wish), None)
    if found is not None:
        return found
    labels = Counter(mode.label.casefold() for mode in modes)
    for mode in modes:
        if mode.label.casefold() == wish.casefold() and labels[wish.casefold()] == 1:
            return mode
    known = (mode.label if mode.label and labels[mode.label.casefold()] == 1 else mode.mode_id for mode in modes)
    raise RefusedError(f"'{record.appliance_id}' has no running mode '{wish}'", f"name one of: {', '.join(known)}")


def hold_within(
    record: ApplianceRecord,
    stamp: Stamp,
    lower_w: float | None,
    upper_w: float | None,
    until: datetime,
    reason: str,
    *,
    emergency: bool = False,
) -> AnyAllocation:
    """Keep a curtailable appliance within bounds until an instant, at the levels on offer that are closest."""
    now = stamp["timestamp"]
    options = record.session.space.curtailment_options_at(now)
    quantity = _electric_quantity(options)
    if options is None or quantity is None:
        raise RefusedError(f"'{record.appliance_id}' cannot be curtailed", "see its curtailment options")
    bounds = {}
    for kind, bound in ((LimitKind.LOWER, lower_w), (LimitKind.UPPER, upper_w)):
        option = options.option_for(quantity, kind, emergency)
        if bound is not None and option is None:
            raise RefusedError(f"'{record.appliance_id}' offers no {kind.value} limit")
        bounds[kind.value] = None if bound is None or option is None else option.closest(bound)
    duration = max(until - now, timedelta(seconds=1))
    profile = CurtailmentProfile(quantity=quantity, elements=(CurtailmentElement(duration=duration, **bounds),))
    return InflexibleAllocation(
        **stamp,
        control_space_update_id=options.message_id,
        start_time=now,
        curtailments=(profile,),
        reason=reason,
        abnormal_condition=emergency,
    )


def _electric_quantity(options: InflexibleCurtailmentOptions | None) -> CommodityQuantity | None:
    if options is None:
        return None
    return next((option.quantity for option in options.options if option.quantity in ELECTRIC_POWERS), None)


def start_work(record: ApplianceRecord, stamp: Stamp, reason: str) -> AnyAllocation:
    """Start the work that waits now: its steps one after the other, each in its shortest way."""
    space = record.session.space
    if space.work is None:
        raise RefusedError(f"'{record.appliance_id}' has no work that waits")
    begun = {
        state.sequence_id
        for state in (space.work_state.sequences if space.work_state is not None else ())
        if state.status not in (SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED)
    }
    start = max(stamp["timestamp"], space.work.earliest_start)
    steps = []
    for step in space.work.sequences:
        if step.sequence_id in begun:
            continue
        way = min(step.alternatives, key=lambda alternative: alternative.duration)
        steps.append(
            SequenceAllocation(sequence_id=step.sequence_id, alternative_id=way.alternative_id, start_time=start)
        )
        start += way.duration
    if not steps:
        raise RefusedError(f"the work of '{record.appliance_id}' has begun already")
    return TimeShiftableAllocation(
        **stamp, control_space_update_id=space.work.message_id, sequences=tuple(steps), reason=reason
    )
