"""What an appliance may say, given what it said before."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from efi.commodity import Commodity, CommodityQuantity
from efi.control_space import AnyDescription, ControlSpace
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenRegistration,
    DemandDrivenStateUpdate,
    DemandDrivenSystemDescription,
)
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleEnergyEnvelope
from efi.measurement import Forecast, ForecastElement, Measurement
from efi.message import ControlSpaceRevoke, Message
from efi.mode_index import ActuatorModes, ModeIndex
from efi.output_adjustable import OutputAdjustableStateUpdate, OutputAdjustableSystemDescription
from efi.refusal import Refusal, listed, refuse
from efi.running_mode import ModeBehaviour, ModeState
from efi.storage import (
    ActuatorBehaviour,
    ActuatorState,
    StorageLeakageUpdate,
    StorageMode,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.succession import MAX_TOLD_AHEAD
from efi.time_shiftable import TimeShiftableStateUpdate, TimeShiftableUpdate

IndexAt = Callable[[datetime], ModeIndex | None]
"""The modes of the description that holds at an instant."""

Rule = Callable[[ControlSpace, Any, datetime, IndexAt], None]
"""Judges a message: raises `Refused` when it breaks a rule."""


# States ---------------------------------------------------------------------------------------------------------------


def check_actuator_states(
    space: ControlSpace, state: StorageStateUpdate | DemandDrivenStateUpdate, now: datetime, index_at: IndexAt
) -> None:
    """A state presumes a description and speaks of its actuators, modes and timers."""
    index = index_at(now) or _refuse_without_description()
    for place, actuator in enumerate(state.actuators):
        modes = index.actuators.get(actuator.actuator_id)
        if modes is None:
            modes = index.refuse_actuator(actuator.actuator_id, f"actuators.{place}.")
        known = modes.modes.get(actuator.mode_id)
        if (
            known is None
            or known.continuous is (actuator.factor is None)
            or actuator.timers
            or actuator.previous_mode_id is not None
        ):
            _check_mode_state(modes, actuator, f"actuators.{place}.")


def check_mode_state(space: ControlSpace, state: OutputAdjustableStateUpdate, now: datetime, index_at: IndexAt) -> None:
    """A state presumes a description and speaks of its modes and timers."""
    index = index_at(now) or _refuse_without_description()
    _check_mode_state(index.actuators[None], state, "")


def _refuse_without_description() -> ModeIndex:
    refuse("description_missing", "", None, "no system description is in force", "send the system description first")


def _check_mode_state(modes: ActuatorModes, state: ModeState | ActuatorState, path: str) -> None:
    modes.refuse_mode(state.mode_id, state.factor, path)
    if state.previous_mode_id is not None and state.previous_mode_id not in modes.modes:
        refuse(
            "unknown_mode",
            f"{path}previous_mode_id",
            state.previous_mode_id,
            "the description has no such mode",
            f"name one of: {listed(modes.modes)}",
        )
    for place, timer in enumerate(state.timers):
        if timer.timer_id not in modes.timers:
            refuse(
                "unknown_timer",
                f"{path}timers.{place}.timer_id",
                timer.timer_id,
                "the description has no such timer",
                f"name one of: {listed(modes.timers)}",
            )


# Descriptions ---------------------------------------------------------------------------------------------------------


def check_description(space: ControlSpace, description: AnyDescription, now: datetime, index_at: IndexAt) -> None:
    """A description covers exactly the registered actuators and speaks of registered commodities only."""
    _require_room(len(space.descriptions), "descriptions")
    if isinstance(description, OutputAdjustableSystemDescription):
        _check_modes(description.modes, space, _registered(space), "modes.")
        return
    registration = space.registration
    if not isinstance(registration, StorageRegistration | DemandDrivenRegistration):
        return
    commodities = {actuator.actuator_id: frozenset(actuator.commodities) for actuator in registration.actuators}
    _require_same_actuators(commodities.keys(), {actuator.actuator_id for actuator in description.actuators})
    actuators: tuple[ActuatorBehaviour | DemandDrivenActuatorBehaviour, ...] = description.actuators
    for place, actuator in enumerate(actuators):
        allowed = commodities[actuator.actuator_id]
        _check_modes(actuator.modes, space, allowed, f"actuators.{place}.modes.")


def _require_same_actuators(registered: Iterable[str], described: set[str]) -> None:
    registered = set(registered)
    for actuator_id in sorted(described - registered):
        refuse(
            "unknown_actuator",
            "actuators",
            actuator_id,
            "no such actuator is registered",
            f"describe those that are: {listed(registered)}",
        )
    for actuator_id in sorted(registered - described):
        refuse(
            "actuator_not_described",
            "actuators",
            actuator_id,
            "this registered actuator is missing",
            "describe every registered actuator",
        )


def _check_modes(modes: Iterable[Any], space: ControlSpace, allowed: frozenset[Commodity], path: str) -> None:
    for place, mode in enumerate(modes):
        if not isinstance(mode, StorageMode):
            if not _is_registered(mode, allowed):
                _check_behaviour(mode, allowed, f"{path}{place}.power")
            continue
        for number, element in enumerate(mode.elements):
            if not _is_registered(element, allowed):
                _check_behaviour(element, allowed, f"{path}{place}.elements.{number}.power")


def _is_registered(behaviour: ModeBehaviour, allowed: frozenset[Commodity]) -> bool:
    return all(power.quantity.commodity in allowed for power in behaviour.power)


def _check_behaviour(behaviour: ModeBehaviour, allowed: frozenset[Commodity], path: str) -> None:
    _require_registered((power.quantity for power in behaviour.power), allowed, path)


# The rest -------------------------------------------------------------------------------------------------------------


def check_leakage(space: ControlSpace, leakage: StorageLeakageUpdate, now: datetime, index_at: IndexAt) -> None:
    """Leakage is told for every fill level that the storage can have."""
    _require_room(len(space.leakages), "leakages")
    description = space.description_at(max(now, leakage.valid_from))
    if not isinstance(description, StorageSystemDescription):
        return
    needed, told = description.fill_level_range, leakage.fill_level_range
    if needed.lower not in told or needed.upper not in told:
        refuse(
            "leakage_incomplete",
            "elements",
            f"told for {told.lower} to {told.upper}",
            f"the storage's fill level runs from {needed.lower} to {needed.upper}",
            "tell the leakage for all of it",
        )


def check_measurement(space: ControlSpace, measurement: Measurement, now: datetime, index_at: IndexAt) -> None:
    """A measurement speaks of registered commodities only."""
    allowed = space.registration.commodities if space.registration is not None else ()
    for place, value in enumerate(measurement.values):
        if value.quantity.commodity not in allowed:
            _require_registered((value.quantity,), frozenset(allowed), f"values.{place}.quantity")
    for place, reading in enumerate(measurement.energy):
        if reading.commodity not in allowed:
            _refuse_commodity(reading.commodity, frozenset(allowed), f"energy.{place}.commodity")


def check_forecast(space: ControlSpace, forecast: Forecast, now: datetime, index_at: IndexAt) -> None:
    """A forecast speaks of registered commodities only."""
    _check_elements(forecast.elements, _registered(space), "elements")


def check_work(space: ControlSpace, work: TimeShiftableUpdate, now: datetime, index_at: IndexAt) -> None:
    """Work takes registered commodities only, and its deadline still lies ahead."""
    for place, sequence in enumerate(work.sequences):
        for number, alternative in enumerate(sequence.alternatives):
            path = f"sequences.{place}.alternatives.{number}.elements"
            _check_elements(alternative.elements, _registered(space), path)
    if work.end_before <= now:
        refuse("deadline_passed", "end_before", work.end_before.isoformat(), "it has passed", "set a later deadline")


def check_work_state(space: ControlSpace, state: TimeShiftableStateUpdate, now: datetime, index_at: IndexAt) -> None:
    """A state of the work presumes the work, and speaks of its steps and ways."""
    if space.work is None:
        refuse("work_missing", "", None, "no work was told", "send the time-shiftable update first")
    for place, told in enumerate(state.sequences):
        sequence = space.work.sequence(told.sequence_id)
        if sequence is None:
            refuse(
                "unknown_sequence",
                f"sequences.{place}.sequence_id",
                told.sequence_id,
                "the work has no such step",
                f"name one of: {listed(step.sequence_id for step in space.work.sequences)}",
            )
        if told.alternative_id is not None and sequence.alternative(told.alternative_id) is None:
            refuse(
                "unknown_alternative",
                f"sequences.{place}.alternative_id",
                told.alternative_id,
                f"step '{told.sequence_id}' has no such way",
                f"name one of: {listed(way.alternative_id for way in sequence.alternatives)}",
            )


def check_curtailment_options(
    space: ControlSpace, options: InflexibleCurtailmentOptions, now: datetime, index_at: IndexAt
) -> None:
    """Only registered commodities can be curtailed."""
    _require_room(len(space.curtailment_options), "curtailment options")
    _require_registered((option.quantity for option in options.options), _registered(space), "options")


def check_energy_envelope(
    space: ControlSpace, envelope: InflexibleEnergyEnvelope, now: datetime, index_at: IndexAt
) -> None:
    """Only a registered commodity's energy can be bounded, and only in an interval that has not passed."""
    _require_room(len(space.energy_envelopes), "energy envelopes")
    _require_registered((envelope.quantity,), _registered(space), "quantity")
    if envelope.valid_until <= now:
        refuse(
            "interval_passed", "valid_until", envelope.valid_until.isoformat(), "it has passed", "name a later interval"
        )


def check_revoke(space: ControlSpace, revoke: ControlSpaceRevoke, now: datetime, index_at: IndexAt) -> None:
    """Only what is live can be taken back."""
    if revoke.object_id is not None and not space.live(revoke.object_id):
        refuse(
            "update_not_live",
            "object_id",
            revoke.object_id,
            "no live update has this name",
            "name a live update, or none to take all back",
        )


def _registered(space: ControlSpace) -> frozenset[Commodity]:
    return frozenset(space.registration.commodities) if space.registration is not None else frozenset()


def _check_elements(elements: tuple[ForecastElement, ...], allowed: frozenset[Commodity], path: str) -> None:
    # Every element of a profile tells the same quantities, so the first speaks for all.
    _require_registered((value.quantity for value in elements[0].values), allowed, path)


def _require_registered(quantities: Iterable[CommodityQuantity], allowed: frozenset[Commodity], path: str) -> None:
    for quantity in quantities:
        if quantity.commodity not in allowed:
            _refuse_commodity(quantity, allowed, path)


def _refuse_commodity(value: Commodity | CommodityQuantity, allowed: frozenset[Commodity], path: str) -> None:
    refuse(
        "commodity_not_registered",
        path,
        value.value,
        "this commodity is not registered",
        f"tell only what is registered ({listed(allowed)}), or register anew",
    )


def _require_room(number: int, what: str) -> None:
    if number >= MAX_TOLD_AHEAD:
        refuse(
            "too_much_told_ahead", "", number, f"so many {what} are live already", "revoke some, or tell fewer ahead"
        )


RULES: dict[type[Message], Rule] = {
    StorageStateUpdate: check_actuator_states,
    DemandDrivenStateUpdate: check_actuator_states,
    OutputAdjustableStateUpdate: check_mode_state,
    StorageSystemDescription: check_description,
    OutputAdjustableSystemDescription: check_description,
    DemandDrivenSystemDescription: check_description,
    StorageLeakageUpdate: check_leakage,
    Measurement: check_measurement,
    Forecast: check_forecast,
    TimeShiftableUpdate: check_work,
    TimeShiftableStateUpdate: check_work_state,
    InflexibleCurtailmentOptions: check_curtailment_options,
    InflexibleEnergyEnvelope: check_energy_envelope,
    ControlSpaceRevoke: check_revoke,
}
"""The rule of each kind of message that has one; the other kinds are right when they are well formed."""


def leakage_left_behind(space: ControlSpace, description: AnyDescription, now: datetime) -> Refusal | None:
    """The warning that a new description reaches beyond the leakage that was told."""
    leakage = space.leakage_at(now)
    if leakage is None or not isinstance(description, StorageSystemDescription):
        return None
    needed, told = description.fill_level_range, leakage.fill_level_range
    if needed.lower in told and needed.upper in told:
        return None
    return Refusal(
        "leakage_incomplete",
        "fill_level_range",
        f"{needed.lower} to {needed.upper}",
        f"the leakage was told for {told.lower} to {told.upper} only",
        "tell the leakage anew, for all of the range",
    )
