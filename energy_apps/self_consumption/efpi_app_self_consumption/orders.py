"""Turns decisions into allocations: only what differs materially from what holds is asked for."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from efi.inflexible import (
    CurtailmentElement,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
)
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from efi.storage import ActuatorAllocation, StorageAllocation
from efi.time_shiftable import SequenceAction, SequenceAllocation, TimeShiftableAllocation
from efpi_app_self_consumption.asked import Order
from efpi_app_self_consumption.curtailment_policy import Curtailment
from efpi_app_self_consumption.lever import Choice
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.shiftable_policy import Schedule
from efpi_app_self_consumption.slots import instant

STEP_SHARE = 0.03
"""A change smaller than this share of the power is not worth an allocation."""

PACE_S = 5.0
"""A running lever is told a new power at most this often."""


def material(choice: Choice, order: Order | None, step_w: float, now_s: float) -> bool:
    """Whether a decision differs from what holds by so much that it is to be asked for."""
    lever, segment = choice.lever, choice.option.segment
    if choice.option.reach.hop != lever.mode_id:
        return True
    if not segment.continuous:
        return False
    if order is not None and now_s < order.at_s + PACE_S:
        return False
    change = abs(choice.power_w - lever.set_w)
    return change > max(step_w, STEP_SHARE * abs(choice.power_w))


def wanted_mode(choice: Choice) -> tuple[str, float | None]:
    """The mode and factor to ask for: those of the decision, or the first mode on the way there at its least."""
    segment, hop = choice.option.segment, choice.option.reach.hop
    if hop == segment.mode_id:
        return hop, segment.factor(choice.share)
    first = next((option.segment for option in choice.lever.options.all if option.segment.mode_id == hop), None)
    return hop, first.factor(0.0) if first is not None else None


def mode_allocation(
    member: Member, choices: Sequence[Choice], now: datetime, reason: str, *, abnormal: bool
) -> AnyAllocation | None:
    """Ask one appliance to run its levers so; None when its description has gone meanwhile."""
    description = member.space.description_at(now)
    if description is None:
        return None
    wanted = [(choice.lever.actuator_id, *wanted_mode(choice)) for choice in choices]
    if wanted[0][0] is None:
        _, mode_id, factor = wanted[0]
        return OutputAdjustableAllocation(
            **member.appliance.stamp(),
            control_space_update_id=description.message_id,
            abnormal_condition=abnormal,
            reason=reason,
            selectors=(RunningModeSelector(mode_id=mode_id, factor=factor, start_time=now),),
        )
    return StorageAllocation(
        **member.appliance.stamp(),
        control_space_update_id=description.message_id,
        abnormal_condition=abnormal,
        reason=reason,
        actuators=tuple(
            ActuatorAllocation(actuator_id=actuator_id or "", mode_id=mode_id, factor=factor, start_time=now)
            for actuator_id, mode_id, factor in wanted
        ),
    )


def work_allocation(member: Member, schedule: Schedule, reason: str, *, abnormal: bool) -> AnyAllocation | None:
    """Ask for the starts of work; None when the work has gone meanwhile."""
    work = member.space.work
    if work is None:
        return None
    return TimeShiftableAllocation(
        **member.appliance.stamp(),
        control_space_update_id=work.message_id,
        abnormal_condition=abnormal,
        reason=reason,
        sequences=tuple(
            SequenceAllocation(
                sequence_id=start.sequence_id, alternative_id=start.alternative_id, start_time=instant(start.start_s)
            )
            for start in schedule.starts
        ),
    )


def halt_allocation(
    member: Member, sequence_id: str, action: SequenceAction, now: datetime, reason: str
) -> AnyAllocation | None:
    """Ask to halt a step, or to go on with it."""
    work = member.space.work
    if work is None:
        return None
    return TimeShiftableAllocation(
        **member.appliance.stamp(),
        control_space_update_id=work.message_id,
        reason=reason,
        sequences=(SequenceAllocation(sequence_id=sequence_id, start_time=now, action=action),),
    )


def curtailment_allocation(
    member: Member,
    held: Curtailment,
    options: InflexibleCurtailmentOptions,
    now: datetime,
    lasting: timedelta,
    reason: str,
    *,
    abnormal: bool,
) -> AnyAllocation | None:
    """Ask an inflexible appliance to stay within bounds for a while."""
    option = held.appliance.lower if held.lower_w is not None else held.appliance.upper
    if option is None:
        return None
    element = CurtailmentElement(duration=max(lasting, option.minimum_duration), lower=held.lower_w, upper=held.upper_w)
    return InflexibleAllocation(
        **member.appliance.stamp(),
        control_space_update_id=options.message_id,
        abnormal_condition=abnormal or option.abnormal_condition_only,
        reason=reason,
        start_time=now,
        curtailments=(CurtailmentProfile(quantity=option.quantity, elements=(element,)),),
    )


def by_member(choices: Iterable[Choice]) -> dict[str, list[Choice]]:
    """The decisions of each appliance's levers together."""
    grouped: dict[str, list[Choice]] = {}
    for choice in choices:
        grouped.setdefault(choice.lever.appliance_id, []).append(choice)
    return grouped
