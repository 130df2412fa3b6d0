"""DDBC as the interface's demand-driven appliance."""

from efi.s2.ddbc import (
    DDBCActuatorDescription,
    DDBCAverageDemandRateForecast,
    DDBCOperationMode,
    DDBCSystemDescription,
)
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.actuators import actuator
from efi.s2.mapping.read.modes import graph
from efi.s2.mapping.read.profiles import lasting
from efi.s2.mapping.read.values import (
    Fields,
    along_factor,
    duration,
    expected_demand,
    label,
    powers,
    running_costs,
)


def description(message: DDBCSystemDescription, notes: Notes) -> Fields:
    """The fields of a DemandDrivenSystemDescription."""
    return {
        "message_id": message.message_id,
        "valid_from": message.valid_from,
        "actuators": [_behaviour(each, f"actuators.{place}.", notes) for place, each in enumerate(message.actuators)],
    }


def actuators(message: DDBCSystemDescription, notes: Notes) -> list[Fields]:
    """The actuators, as a registration names them."""
    return [
        actuator(
            each.id,
            each.diagnostic_label,
            each.supported_commodites,
            (power for mode in each.operation_modes for power in mode.power_ranges),
            f"actuators.{place}.",
            notes,
        )
        for place, each in enumerate(message.actuators)
    ]


def _behaviour(each: DDBCActuatorDescription, path: str, notes: Notes) -> Fields:
    return {
        "actuator_id": each.id,
        "modes": [
            _mode(mode, f"{path}operation_modes.{place}.", notes) for place, mode in enumerate(each.operation_modes)
        ],
        **graph(each.transitions, each.timers, path, notes),
    }


def _mode(mode: DDBCOperationMode, path: str, notes: Notes) -> Fields:
    return {
        "mode_id": mode.id,
        "label": label(mode.diagnostic_label, f"{path}diagnostic_label", notes),
        "abnormal_condition_only": mode.abnormal_condition_only,
        "power": powers(mode.power_ranges),
        "supply": along_factor(mode.supply_range),
        **running_costs(mode.running_costs, f"{path}running_costs", notes),
    }


def forecast(message: DDBCAverageDemandRateForecast, notes: Notes) -> Fields:
    """The fields of a DemandForecast."""
    elements = [
        {
            "duration": duration(element.duration, f"elements.{place}.duration", notes),
            "rate": expected_demand(element),
        }
        for place, element in lasting(message.elements, "elements.", notes)
    ]
    return {"message_id": message.message_id, "valid_from": message.start_time, "elements": elements}
