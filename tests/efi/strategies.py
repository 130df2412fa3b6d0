"""Hypothesis strategies that make legal messages of every type, for the tests of the interface and its wires."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import (
    ELECTRIC_POWERS,
    Commodity,
    CommodityQuantity,
    Phase,
    PowerRange,
    PowerValue,
    ValueRange,
)
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenAllocation,
    DemandDrivenMode,
    DemandDrivenRegistration,
    DemandDrivenStateUpdate,
    DemandDrivenSystemDescription,
    DemandElement,
    DemandForecast,
)
from efi.inflexible import (
    Consequence,
    CurtailmentElement,
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleEnergyEnvelope,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import EnergyReading, Forecast, ForecastElement, Measurement
from efi.message import ControlSpaceRevoke, Message
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
    RunningModeSelector,
)
from efi.registration import DeviceClass, EnergyRole, Role
from efi.running_mode import CostBounds, CostRange, Timer, TimerState, Transition
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    ActuatorState,
    LeakageElement,
    StorageAllocation,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
    TargetElement,
    UsageElement,
)
from efi.time_shiftable import (
    Alternative,
    SequenceAction,
    SequenceAllocation,
    SequenceState,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableAllocation,
    TimeShiftableRegistration,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)
from efi.types import NumberRange
from efi.uncertainty import UncertainPower, UncertainValue

Strategy = st.SearchStrategy

# Ground types ---------------------------------------------------------------------------------------------------------

identifiers = st.text("abcXYZ019_:-", min_size=2, max_size=12)
labels = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n"), max_size=30)
numbers = st.floats(-1e15, 1e15, allow_nan=False)
small_numbers = st.floats(-1e6, 1e6, allow_nan=False)
factors = st.floats(0, 1)
currencies = st.sampled_from(("EUR", "CZK", "USD"))
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # its zone follows
durations = st.timedeltas(timedelta(0), timedelta(days=30))
positive_durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=30))
amounts = st.decimals(Decimal(-(10**6)), Decimal(10**6), places=6) | st.decimals(Decimal(-1), Decimal(1), places=18)
commodities = st.sampled_from(Commodity)
quantities = st.sampled_from(CommodityQuantity)


def some(strategy: Strategy[Any], least: int = 0, most: int = 3) -> Strategy[tuple[Any, ...]]:
    """A few of something."""
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def distinct(
    strategy: Strategy[Any], least: int = 0, most: int = 3, by: Callable[[Any], Any] = lambda each: each
) -> Strategy[tuple[Any, ...]]:
    """A few of something, no two alike."""
    return st.lists(strategy, min_size=least, max_size=most, unique_by=by).map(tuple)


@st.composite
def ordered_pairs(draw: st.DrawFn, of: Strategy[Any] = numbers) -> tuple[Any, Any]:
    """Two values, the lesser first."""
    one, other = draw(of), draw(of)
    return (one, other) if one <= other else (other, one)


number_ranges = ordered_pairs().map(lambda pair: NumberRange(lower=pair[0], upper=pair[1]))
value_ranges = st.builds(ValueRange, start=numbers, end=numbers)


@st.composite
def contiguous_ranges(draw: st.DrawFn, most: int = 3) -> tuple[NumberRange, ...]:
    """Fill level ranges that follow each other."""
    bounds = sorted(draw(st.lists(small_numbers, min_size=2, max_size=most + 1, unique=True)))
    return tuple(NumberRange(lower=lower, upper=upper) for lower, upper in pairwise(bounds))


@st.composite
def quantity_sets(draw: st.DrawFn, least: int = 0, among: frozenset[Commodity] | None = None) -> tuple[Any, ...]:
    """Quantities of which each stands once, and the electric total not beside a phase."""
    possible = [each for each in CommodityQuantity if among is None or each.commodity in among]
    chosen = draw(st.lists(st.sampled_from(possible), min_size=least, max_size=3, unique=True))
    if CommodityQuantity.ELECTRIC_POWER in chosen:
        chosen = [each for each in chosen if each is CommodityQuantity.ELECTRIC_POWER or each not in ELECTRIC_POWERS]
    return tuple(chosen)


@st.composite
def uncertain_values(draw: st.DrawFn) -> dict[str, float]:
    """The fields of an uncertain number."""
    names = ("lower_limit", "lower_95", "lower_68", "expected", "upper_68", "upper_95", "upper_limit")
    values = dict(zip(names, sorted(draw(st.lists(small_numbers, min_size=7, max_size=7))), strict=True))
    told = draw(st.sets(st.sampled_from(names)))
    return {name: value for name, value in values.items() if name in told or name == "expected"}


uncertain = uncertain_values().map(lambda fields: UncertainValue(**fields))


@st.composite
def power_values(draw: st.DrawFn, least: int = 0) -> tuple[PowerValue, ...]:
    """Amounts, one a quantity."""
    return tuple(PowerValue(quantity=each, value=draw(numbers)) for each in draw(quantity_sets(least)))


def _power_ranges(draw: st.DrawFn, told: tuple[CommodityQuantity, ...]) -> tuple[PowerRange, ...]:
    return tuple(PowerRange(quantity=each, start=draw(numbers), end=draw(numbers)) for each in told)


cost_ranges = st.builds(CostRange, start=amounts, end=amounts)
cost_bounds = ordered_pairs(amounts).map(lambda pair: CostBounds(lower=pair[0], upper=pair[1]))

# Headers --------------------------------------------------------------------------------------------------------------


def header(**fields: Any) -> dict[str, Any]:
    """The strategies of every message's own fields."""
    return {"message_id": identifiers, "appliance_id": identifiers, "timestamp": instants, **fields}


def update(**fields: Any) -> dict[str, Any]:
    """The strategies of every update's own fields."""
    return header(valid_from=instants, **fields)


def allocation(**fields: Any) -> dict[str, Any]:
    """The strategies of every allocation's own fields."""
    return header(control_space_update_id=identifiers, abnormal_condition=st.booleans(), reason=texts, **fields)


# Registrations --------------------------------------------------------------------------------------------------------


@st.composite
def registration_fields(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of a registration of any category."""
    registered = draw(st.lists(commodities, min_size=1, max_size=3, unique=True))
    fields = {name: draw(strategy) for name, strategy in header(name=labels).items()}
    optional = st.none() | labels
    roles = draw(st.lists(st.sampled_from(registered), unique=True))
    return fields | {
        "device_class": draw(st.sampled_from(DeviceClass)),
        "manufacturer": draw(optional),
        "model": draw(optional),
        "serial_number": draw(optional),
        "firmware_version": draw(optional),
        "commodities": tuple(registered),
        "roles": tuple(Role(commodity=each, role=draw(st.sampled_from(EnergyRole))) for each in roles),
        "phases": draw(distinct(st.sampled_from(Phase))),
        "power_limits": _power_ranges(draw, draw(quantity_sets(among=frozenset(registered)))),
        "currency": draw(st.none() | currencies),
        "processing_delay": draw(durations),
        "measures": draw(quantity_sets(among=frozenset(registered))),
        "provides_forecast": draw(st.booleans()),
    }


@st.composite
def actuators_of(draw: st.DrawFn, registered: tuple[Commodity, ...]) -> tuple[Actuator, ...]:
    """Actuators of registered commodities."""
    commodity = st.lists(st.sampled_from(registered), min_size=1, unique=True).map(tuple)
    actuator = st.builds(Actuator, actuator_id=identifiers, label=labels, commodities=commodity)
    return draw(distinct(actuator, 1, 3, by=lambda each: each.actuator_id))


@st.composite
def storage_registrations(draw: st.DrawFn) -> StorageRegistration:
    """Registrations of storages."""
    fields = draw(registration_fields())
    parts = draw(actuators_of(fields["commodities"]))
    return StorageRegistration(**fields, actuators=parts, fill_level_label=draw(labels), fill_level_unit=draw(labels))


@st.composite
def demand_driven_registrations(draw: st.DrawFn) -> DemandDrivenRegistration:
    """Registrations of demand-driven appliances."""
    fields = draw(registration_fields())
    parts = draw(actuators_of(fields["commodities"]))
    return DemandDrivenRegistration(
        **fields, actuators=parts, demand_unit=draw(labels), provides_demand_forecast=draw(st.booleans())
    )


# Forecasts and measurement --------------------------------------------------------------------------------------------


@st.composite
def forecast_elements(draw: st.DrawFn) -> tuple[ForecastElement, ...]:
    """Elements that tell the same quantities."""
    told = draw(quantity_sets(1))
    return tuple(
        ForecastElement(
            duration=draw(positive_durations),
            values=tuple(UncertainPower(quantity=each, **draw(uncertain_values())) for each in told),
        )
        for _ in range(draw(st.integers(1, 3)))
    )


def _reading(fields: dict[str, Any]) -> EnergyReading:
    if fields["consumed"] is None and fields["produced"] is None:
        fields["consumed"] = 0.0
    return EnergyReading(**fields)


readings = st.fixed_dictionaries(
    {
        "commodity": commodities,
        "consumed": st.none() | numbers,
        "produced": st.none() | numbers,
        "since": st.none() | instants,
    }
).map(_reading)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    """Measurements of values, counters or both."""
    energy = draw(distinct(readings, by=lambda each: (each.commodity, each.since)))
    values = draw(power_values(0 if energy else 1))
    fields = {name: draw(strategy) for name, strategy in header(measured_at=instants).items()}
    return Measurement(**fields, values=values, energy=energy)


# Inflexible -----------------------------------------------------------------------------------------------------------

options = st.builds(
    CurtailmentOption,
    quantity=quantities,
    limit=st.sampled_from(LimitKind),
    ranges=some(number_ranges, 1),
    minimum_duration=durations,
    consequence=st.sampled_from(Consequence),
    abnormal_condition_only=st.booleans(),
)


def _later(fields: dict[str, Any]) -> dict[str, Any]:
    """Make the end of an interval lie after its start."""
    until = fields["valid_until"]
    if until is not None and until <= fields["valid_from"]:
        fields["valid_until"] = fields["valid_from"] + timedelta(hours=1)
    return fields


curtailment_options = (
    st.fixed_dictionaries(
        update(
            valid_until=st.none() | instants,
            options=distinct(options, by=lambda each: (each.quantity, each.limit, each.abnormal_condition_only)),
        )
    )
    .map(_later)
    .map(lambda fields: InflexibleCurtailmentOptions(**fields))
)
energy_envelopes = (
    st.fixed_dictionaries(update(valid_until=instants, quantity=quantities, average=number_ranges))
    .map(_later)
    .map(lambda fields: InflexibleEnergyEnvelope(**fields))
)


@st.composite
def curtailment_elements(draw: st.DrawFn) -> CurtailmentElement:
    """Bounds on one side, both or none."""
    lower, upper = draw(ordered_pairs())
    return CurtailmentElement(
        duration=draw(positive_durations),
        lower=lower if draw(st.booleans()) else None,
        upper=upper if draw(st.booleans()) else None,
    )


curtailments = st.builds(CurtailmentProfile, quantity=quantities, elements=some(curtailment_elements(), 1))

# Time-shiftable -------------------------------------------------------------------------------------------------------


@st.composite
def alternatives(draw: st.DrawFn) -> Alternative:
    """Ways of doing a step."""
    interruptible = draw(st.booleans())
    return Alternative(
        alternative_id=draw(identifiers),
        label=draw(labels),
        elements=draw(forecast_elements()),
        maximum_interval_before=draw(st.none() | durations),
        interruptible=interruptible,
        maximum_interruption=draw(st.none() | durations) if interruptible else None,
        abnormal_condition_only=draw(st.booleans()),
    )


sequences = st.builds(
    SequentialProfile,
    sequence_id=identifiers,
    maximum_interval_before=st.none() | durations,
    alternatives=distinct(alternatives(), 1, 2, by=lambda each: each.alternative_id),
)


@st.composite
def works(draw: st.DrawFn) -> TimeShiftableUpdate:
    """Work that can be done before its deadline."""
    fields = {name: draw(strategy) for name, strategy in update().items()}
    steps = draw(distinct(sequences, 1, 2, by=lambda each: each.sequence_id))
    after = draw(st.none() | instants)
    earliest = fields["valid_from"] if after is None else max(after, fields["valid_from"])
    deadline = earliest + sum((step.shortest for step in steps), draw(durations))
    return TimeShiftableUpdate(**fields, start_after=after, end_before=deadline, sequences=steps)


sequence_states = st.builds(
    SequenceState,
    sequence_id=identifiers,
    status=st.sampled_from(SequenceStatus),
    alternative_id=st.none() | identifiers,
    progress=st.none() | durations,
    starts_at=st.none() | instants,
)
sequence_allocations = st.builds(
    SequenceAllocation,
    sequence_id=identifiers,
    alternative_id=st.none() | identifiers,
    start_time=instants,
    action=st.sampled_from(SequenceAction),
)

# Running modes --------------------------------------------------------------------------------------------------------

timers = st.builds(Timer, timer_id=identifiers, label=labels, duration=durations)
mode_labels: Strategy[dict[str, Any]] = st.fixed_dictionaries(
    {"label": labels, "abnormal_condition_only": st.booleans()}
)


@st.composite
def graph_fields(draw: st.DrawFn, mode_ids: tuple[str, ...]) -> dict[str, Any]:
    """Transitions among the modes, and the timers that they name."""
    known = draw(distinct(timers, by=lambda each: each.timer_id))
    named = distinct(st.sampled_from([timer.timer_id for timer in known])) if known else st.just(())
    pairs = [(one, other) for one in mode_ids for other in mode_ids if one != other]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4)) if pairs else []
    ways = tuple(
        Transition(
            from_mode=one,
            to_mode=other,
            start_timers=draw(named),
            blocking_timers=draw(named),
            cost=draw(amounts),
            duration=draw(durations),
            abnormal_condition_only=draw(st.booleans()),
        )
        for one, other in chosen
    )
    return {"transitions": ways, "timers": known}


def _behaviour(draw: st.DrawFn, told: tuple[CommodityQuantity, ...]) -> dict[str, Any]:
    return {
        "power": _power_ranges(draw, told),
        "running_cost": draw(st.none() | cost_ranges),
        "running_cost_bounds": draw(st.none() | cost_bounds),
        "energy_cost": draw(st.none() | cost_ranges),
    }


@st.composite
def storage_modes(draw: st.DrawFn, mode_id: str, levels: tuple[NumberRange, ...]) -> StorageMode:
    """A mode that is described for these fill levels."""
    elements = []
    for within in levels:
        told = draw(quantity_sets())
        upper = StorageBehaviour(**_behaviour(draw, told), fill_rate=draw(value_ranges))
        elements.append(
            StorageModeElement(
                **_behaviour(draw, told),
                fill_rate=draw(value_ranges),
                fill_level_range=within,
                at_upper=upper if draw(st.booleans()) else None,
            )
        )
    return StorageMode(mode_id=mode_id, **draw(mode_labels), elements=tuple(elements))


mode_names = distinct(identifiers, 1, 3)


@st.composite
def storage_descriptions(draw: st.DrawFn) -> StorageSystemDescription:
    """Descriptions of storages."""
    levels = draw(contiguous_ranges())
    behaviours = []
    for actuator_id in draw(distinct(identifiers, 1, 2)):
        names = draw(mode_names)
        modes = tuple(draw(storage_modes(name, levels[: draw(st.integers(1, len(levels)))])) for name in names)
        behaviours.append(ActuatorBehaviour(actuator_id=actuator_id, modes=modes, **draw(graph_fields(names))))
    fields = {name: draw(strategy) for name, strategy in update(label=labels, provides_targets=st.booleans()).items()}
    within = NumberRange(lower=levels[0].lower, upper=levels[-1].upper)
    return StorageSystemDescription(**fields, fill_level_range=within, actuators=tuple(behaviours))


@st.composite
def output_adjustable_descriptions(draw: st.DrawFn) -> OutputAdjustableSystemDescription:
    """Descriptions of output-adjustable appliances."""
    names = draw(mode_names)
    modes = tuple(
        OutputAdjustableMode(mode_id=name, **draw(mode_labels), **_behaviour(draw, draw(quantity_sets())))
        for name in names
    )
    fields = {name: draw(strategy) for name, strategy in update().items()}
    return OutputAdjustableSystemDescription(**fields, modes=modes, **draw(graph_fields(names)))


@st.composite
def demand_driven_descriptions(draw: st.DrawFn) -> DemandDrivenSystemDescription:
    """Descriptions of demand-driven appliances."""
    behaviours = []
    for actuator_id in draw(distinct(identifiers, 1, 2)):
        names = draw(mode_names)
        modes = tuple(
            DemandDrivenMode(
                mode_id=name,
                **draw(mode_labels),
                **_behaviour(draw, draw(quantity_sets())),
                supply=draw(value_ranges),
            )
            for name in names
        )
        graph = draw(graph_fields(names))
        behaviours.append(DemandDrivenActuatorBehaviour(actuator_id=actuator_id, modes=modes, **graph))
    fields = {name: draw(strategy) for name, strategy in update().items()}
    return DemandDrivenSystemDescription(**fields, actuators=tuple(behaviours))


timer_states = st.builds(TimerState, timer_id=identifiers, finished_at=instants)
mode_state = {
    "mode_id": identifiers,
    "factor": st.none() | factors,
    "previous_mode_id": st.none() | identifiers,
    "transition_started_at": st.none() | instants,
    "timers": distinct(timer_states, by=lambda each: each.timer_id),
}
actuator_states = distinct(
    st.builds(ActuatorState, actuator_id=identifiers, **mode_state), by=lambda each: each.actuator_id
)
selector = {"mode_id": identifiers, "factor": st.none() | factors, "start_time": instants}
actuator_allocations = some(st.builds(ActuatorAllocation, actuator_id=identifiers, **selector), 1)

# Storage --------------------------------------------------------------------------------------------------------------

leakages = contiguous_ranges().flatmap(
    lambda levels: st.tuples(
        *(
            st.builds(LeakageElement, fill_level_range=st.just(within), rate=numbers, rate_at_upper=st.none() | numbers)
            for within in levels
        )
    )
)
target_elements = st.builds(TargetElement, duration=durations, fill_level_range=st.none() | number_ranges)

MESSAGES: dict[type[Message], Strategy[Any]] = {
    InflexibleRegistration: registration_fields().map(lambda fields: InflexibleRegistration(**fields)),
    TimeShiftableRegistration: registration_fields().map(lambda fields: TimeShiftableRegistration(**fields)),
    StorageRegistration: storage_registrations(),
    OutputAdjustableRegistration: registration_fields().map(lambda fields: OutputAdjustableRegistration(**fields)),
    DemandDrivenRegistration: demand_driven_registrations(),
    Forecast: st.builds(Forecast, **update(elements=forecast_elements())),
    Measurement: measurements(),
    InflexibleCurtailmentOptions: curtailment_options,
    InflexibleEnergyEnvelope: energy_envelopes,
    InflexibleAllocation: st.builds(
        InflexibleAllocation,
        **allocation(start_time=instants, curtailments=distinct(curtailments, 1, 2, by=lambda each: each.quantity)),
    ),
    TimeShiftableUpdate: works(),
    TimeShiftableStateUpdate: st.builds(
        TimeShiftableStateUpdate,
        **update(sequences=distinct(sequence_states, 1, by=lambda each: each.sequence_id)),
    ),
    TimeShiftableAllocation: st.builds(
        TimeShiftableAllocation,
        **allocation(
            sequences=distinct(
                sequence_allocations, 1, by=lambda each: (each.sequence_id, each.action, each.start_time)
            )
        ),
    ),
    StorageSystemDescription: storage_descriptions(),
    StorageStateUpdate: st.builds(StorageStateUpdate, **update(fill_level=numbers, actuators=actuator_states)),
    StorageLeakageUpdate: st.builds(StorageLeakageUpdate, **update(elements=leakages)),
    StorageUsageForecast: st.builds(
        StorageUsageForecast,
        **update(elements=some(st.builds(UsageElement, duration=positive_durations, rate=uncertain), 1)),
    ),
    StorageTargetProfileUpdate: st.builds(StorageTargetProfileUpdate, **update(elements=some(target_elements))),
    StorageAllocation: st.builds(StorageAllocation, **allocation(actuators=actuator_allocations)),
    OutputAdjustableSystemDescription: output_adjustable_descriptions(),
    OutputAdjustableStateUpdate: st.builds(OutputAdjustableStateUpdate, **update(**mode_state)),
    OutputAdjustableAllocation: st.builds(
        OutputAdjustableAllocation, **allocation(selectors=some(st.builds(RunningModeSelector, **selector), 1))
    ),
    DemandDrivenSystemDescription: demand_driven_descriptions(),
    DemandDrivenStateUpdate: st.builds(
        DemandDrivenStateUpdate, **update(demand=st.none() | number_ranges, actuators=actuator_states)
    ),
    DemandForecast: st.builds(
        DemandForecast,
        **update(elements=some(st.builds(DemandElement, duration=positive_durations, rate=uncertain), 1)),
    ),
    DemandDrivenAllocation: st.builds(DemandDrivenAllocation, **allocation(actuators=actuator_allocations)),
    ControlSpaceRevoke: st.builds(ControlSpaceRevoke, **header(object_id=st.none() | identifiers, reason=texts)),
    AllocationRevoke: st.builds(AllocationRevoke, **header(allocation_id=st.none() | identifiers, reason=texts)),
    AllocationStatusUpdate: st.builds(
        AllocationStatusUpdate,
        **header(allocation_id=identifiers, status=st.sampled_from(AllocationStatus), text=texts),
    ),
}
"""Legal messages of each type, each sound in itself; that one fits the next is the session's to judge."""

messages = st.one_of(*MESSAGES.values())
"""Any legal message."""
