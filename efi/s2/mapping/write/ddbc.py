"""The interface's demand-driven appliance as DDBC, in both profiles."""

from efi.conversion import LossKind
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenMode,
    DemandDrivenRegistration,
    DemandDrivenSystemDescription,
    DemandForecast,
)
from efi.s2.common import NumberRange
from efi.s2.ddbc import (
    DDBCActuatorDescription,
    DDBCAverageDemandRateForecast,
    DDBCAverageDemandRateForecastElement,
    DDBCOperationMode,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
)
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.costs import running_costs
from efi.s2.mapping.write.frbc import LATER_ACTUATORS, MOST_ACTUATORS
from efi.s2.mapping.write.modes import Mirrors, Powers, graph, kept_modes
from efi.s2.mapping.write.values import Quantities, bands, levels, profile
from efi.s2.mapping.written_names import ACTUATOR, WrittenNames, mode_of
from efi.types import NumberRange as Levels

NO_DEMAND = LossKind(
    ("demand_driven_system_description",),
    "",
    "a description tells the present demand, too, in profile 0.0.2-beta; until one is known it is told as 0",
)


def description(
    message: DemandDrivenSystemDescription,
    registration: DemandDrivenRegistration,
    quantities: Quantities,
    names: WrittenNames,
    mirrors: Mirrors,
    notes: Notes,
) -> DDBCSystemDescription:
    """A description as profile 1.0.0 has it."""
    if len(message.actuators) > MOST_ACTUATORS:
        notes.lost(LATER_ACTUATORS, "actuators", f"{len(message.actuators)} actuators")
    labels = {actuator.actuator_id: actuator.label for actuator in registration.actuators}
    writer = _Writer(quantities, names, mirrors, notes)
    return DDBCSystemDescription(
        message_id=names.write_description(message.message_id),
        valid_from=message.valid_from,
        actuators=tuple(
            writer.actuator(actuator, labels.get(actuator.actuator_id), f"actuators.{place}.")
            for place, actuator in enumerate(message.actuators[:MOST_ACTUATORS])
        ),
        provides_average_demand_rate_forecast=registration.provides_demand_forecast,
    )


def with_demand(told: DDBCSystemDescription, demand: Levels | None, notes: Notes) -> DDBCSystemDescriptionWithDemand:
    """A description as profile 0.0.2-beta has it."""
    if demand is None:
        notes.lost(NO_DEMAND, "", None)
    rate = NumberRange(start_of_range=0.0, end_of_range=0.0) if demand is None else levels(demand)
    fields = {name: getattr(told, name) for name in DDBCSystemDescription.model_fields}
    return DDBCSystemDescriptionWithDemand(**fields, present_demand_rate=rate)


def present_demand(message_id: str, demand: Levels) -> DDBCPresentDemandStatus:
    """What is demanded now; profile 1.0.0 only."""
    return DDBCPresentDemandStatus(message_id=uuid_of(message_id), present_demand_rate=levels(demand))


class _Writer:
    """Writes the actuators of one description."""

    def __init__(self, quantities: Quantities, names: WrittenNames, mirrors: Mirrors, notes: Notes) -> None:
        self._quantities = quantities
        self._names = names
        self._mirrors = mirrors
        self._notes = notes

    def actuator(
        self, actuator: DemandDrivenActuatorBehaviour, label: str | None, path: str
    ) -> DDBCActuatorDescription:
        modes = kept_modes(actuator.modes, path, self._notes)
        powers = Powers(modes)
        kept = [mode.mode_id for mode in modes]
        return DDBCActuatorDescription(
            id=self._names.write(ACTUATOR, actuator.actuator_id),
            diagnostic_label=label or None,
            supported_commodites=powers.commodities(path, self._notes),
            operation_modes=tuple(
                self._mode(actuator.actuator_id, mode, powers, f"{path}modes.{place}.")
                for place, mode in enumerate(modes)
            ),
            **graph(actuator, actuator.actuator_id, kept, self._names, path, self._notes),
        )

    def _mode(self, actuator_id: str, mode: DemandDrivenMode, powers: Powers, path: str) -> DDBCOperationMode:
        turned = self._mirrors.look_at(actuator_id, mode.mode_id, (mode,), path, self._notes)
        supply = (mode.supply.start, mode.supply.end)
        start, end = reversed(supply) if turned else supply
        return DDBCOperationMode(
            id=self._names.write(mode_of(actuator_id), mode.mode_id),
            diagnostic_label=mode.label or None,
            power_ranges=self._quantities.ranges(powers.completed(mode.power, path, self._notes), turned),
            supply_range=NumberRange(start_of_range=start, end_of_range=end),
            running_costs=running_costs(mode, path, self._notes),
            abnormal_condition_only=mode.abnormal_condition_only,
        )


def forecast(message: DemandForecast, notes: Notes) -> DDBCAverageDemandRateForecast:
    """The demand that is expected."""
    return DDBCAverageDemandRateForecast(
        message_id=uuid_of(message.message_id),
        start_time=message.valid_from,
        elements=tuple(
            DDBCAverageDemandRateForecastElement(duration=lasts, **bands(element.rate, "demand_rate"))
            for lasts, element in profile(message.elements, "elements", notes)
        ),
    )
