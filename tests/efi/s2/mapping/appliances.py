"""Hypothesis strategies of whole appliances: a registration, and all that may be said after it."""

from datetime import timedelta
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from efi.commodity import Commodity
from efi.demand_driven import DemandDrivenRegistration, DemandDrivenStateUpdate, DemandDrivenSystemDescription
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleEnergyEnvelope, InflexibleRegistration
from efi.measurement import Forecast, Measurement
from efi.messages import ApplianceMessage
from efi.output_adjustable import (
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.running_mode import TimerState
from efi.storage import (
    Actuator,
    ActuatorState,
    LeakageElement,
    StorageLeakageUpdate,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.time_shiftable import (
    SequenceState,
    TimeShiftableRegistration,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)
from tests.efi.house import NOON
from tests.efi.s2.mapping.house import new_id
from tests.efi.strategies import MESSAGES, small_numbers

ALL = tuple(Commodity)


def said(message: Any, **fields: Any) -> Any:
    """A message as this appliance says it now."""
    stamp = {"message_id": new_id(), "appliance_id": "appliance", "timestamp": NOON}
    if "valid_from" in type(message).model_fields:
        stamp["valid_from"] = NOON
    return type(message).model_validate({**dict(message), **stamp, **fields})


def _registration(draw: st.DrawFn, kind: type[Any], **fields: Any) -> Any:
    stamp = {"message_id": new_id(), "appliance_id": "appliance", "timestamp": NOON}
    currency = draw(st.sampled_from((None, "EUR", "CZK")))
    return kind(**stamp, name="Appliance", commodities=ALL, currency=currency, **fields)


def _mode_state(draw: st.DrawFn, graph: Any) -> dict[str, Any]:
    mode = draw(st.sampled_from(graph.modes))
    return {
        "mode_id": mode.mode_id,
        "factor": draw(st.floats(0, 1)) if mode.continuous else None,
        "previous_mode_id": draw(st.none() | st.sampled_from(graph.mode_ids)),
        "timers": tuple(TimerState(timer_id=timer.timer_id, finished_at=NOON) for timer in graph.timers),
    }


def _actuators(draw: st.DrawFn, description: Any) -> tuple[ActuatorState, ...]:
    return tuple(
        ActuatorState(actuator_id=behaviour.actuator_id, **_mode_state(draw, behaviour))
        for behaviour in description.actuators
    )


def _parts(description: Any) -> tuple[Actuator, ...]:
    return tuple(Actuator(actuator_id=each.actuator_id, commodities=ALL) for each in description.actuators)


@st.composite
def storages(draw: st.DrawFn) -> list[ApplianceMessage]:
    """A storage, with all that it can say."""
    description: StorageSystemDescription = said(draw(MESSAGES[StorageSystemDescription]))
    whole = description.fill_level_range
    rate = draw(small_numbers)
    leak = LeakageElement(fill_level_range=whole, rate=rate, rate_at_upper=draw(st.none() | small_numbers))
    stamp = {"message_id": "aa", "appliance_id": "appliance", "timestamp": NOON, "valid_from": NOON}
    return [
        _registration(draw, StorageRegistration, actuators=_parts(description)),
        description,
        said(StorageStateUpdate(**stamp, fill_level=draw(small_numbers)), actuators=_actuators(draw, description)),
        said(StorageLeakageUpdate(**stamp, elements=(leak,))),
        said(draw(MESSAGES[StorageUsageForecast])),
        said(draw(MESSAGES[StorageTargetProfileUpdate])),
    ]


@st.composite
def output_adjustables(draw: st.DrawFn) -> list[ApplianceMessage]:
    """An output-adjustable appliance."""
    description: OutputAdjustableSystemDescription = said(draw(MESSAGES[OutputAdjustableSystemDescription]))
    stamp = {"message_id": new_id(), "appliance_id": "appliance", "timestamp": NOON, "valid_from": NOON}
    return [
        _registration(draw, OutputAdjustableRegistration),
        description,
        OutputAdjustableStateUpdate(**stamp, **_mode_state(draw, description)),
    ]


@st.composite
def demand_drivens(draw: st.DrawFn) -> list[ApplianceMessage]:
    """A demand-driven appliance."""
    description: DemandDrivenSystemDescription = said(draw(MESSAGES[DemandDrivenSystemDescription]))
    state = said(draw(MESSAGES[DemandDrivenStateUpdate]), actuators=_actuators(draw, description))
    return [_registration(draw, DemandDrivenRegistration, actuators=_parts(description)), description, state]


@st.composite
def inflexibles(draw: st.DrawFn) -> list[ApplianceMessage]:
    """An inflexible appliance that can be curtailed."""
    options = said(draw(MESSAGES[InflexibleCurtailmentOptions]), valid_until=None)
    envelope = draw(MESSAGES[InflexibleEnergyEnvelope])
    length = envelope.valid_until - envelope.valid_from
    return [
        _registration(draw, InflexibleRegistration),
        options,
        said(envelope, valid_until=NOON + length),
        said(draw(MESSAGES[Forecast])),
        said(draw(MESSAGES[Measurement]), measured_at=NOON),
    ]


@st.composite
def time_shiftables(draw: st.DrawFn) -> list[ApplianceMessage]:
    """A time-shiftable appliance."""
    drawn: TimeShiftableUpdate = draw(MESSAGES[TimeShiftableUpdate])
    ways = [way for step in drawn.sequences for way in step.alternatives]
    assume(all(way.duration >= timedelta(milliseconds=1) for way in ways))
    slack = drawn.end_before - drawn.earliest_start
    work = said(drawn, start_after=None, end_before=NOON + slack)
    steps = []
    for step in work.sequences:
        state: SequenceState = draw(MESSAGES[TimeShiftableStateUpdate]).sequences[0]
        way = draw(st.none() | st.sampled_from([each.alternative_id for each in step.alternatives]))
        steps.append(state.model_copy(update={"sequence_id": step.sequence_id, "alternative_id": way}))
    stamp = {"message_id": new_id(), "appliance_id": "appliance", "timestamp": NOON, "valid_from": NOON}
    return [
        _registration(draw, TimeShiftableRegistration),
        work,
        TimeShiftableStateUpdate(**stamp, sequences=tuple(steps)),
    ]
