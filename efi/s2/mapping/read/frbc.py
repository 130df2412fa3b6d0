"""FRBC as the interface's storage."""

from collections.abc import Sequence
from typing import NamedTuple

from efi.conversion import Leniency, LeniencyKind, Loss
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCFillLevelTargetProfile,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCSystemDescription,
    FRBCUsageForecast,
)
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.actuators import actuator
from efi.s2.mapping.read.levels import over_levels
from efi.s2.mapping.read.modes import graph
from efi.s2.mapping.read.profiles import lasting
from efi.s2.mapping.read.values import (
    Fields,
    along_factor,
    duration,
    expected_usage,
    label,
    ordered,
    powers,
    running_costs,
)
from efi.storage import ActuatorBehaviour, StorageSystemDescription

LEAKAGE_STRETCHED = LeniencyKind(
    "leakage_incomplete",
    "a leakage that is not told for all of the storage's fill levels",
    "beyond what is told it leaks as at the nearest level that is",
)


class Understood(NamedTuple):
    """An actuator that was described before, and what was understood; a device often says the same again."""

    actuator: FRBCActuatorDescription
    within: Fields
    behaviour: ActuatorBehaviour
    losses: tuple[Loss, ...]
    leniencies: tuple[Leniency, ...]

    def repeats(self, each: FRBCActuatorDescription, within: Fields) -> bool:
        """Whether an actuator is described as before."""
        return self.within == within and self.actuator == each


def understood(
    message: FRBCSystemDescription, within: Fields, description: StorageSystemDescription, notes: Notes
) -> tuple[Understood, ...]:
    """What was understood of each actuator, for the next description."""
    found = []
    for place, (described, behaviour) in enumerate(zip(message.actuators, description.actuators, strict=True)):
        path = f"actuators.{place}."
        losses = tuple(loss for loss in notes.losses if loss.path.startswith(path))
        leniencies = tuple(each for each in notes.leniencies if each.path.startswith(path))
        found.append(Understood(described, within, behaviour, losses, leniencies))
    return tuple(found)


def description(message: FRBCSystemDescription, notes: Notes, known: Sequence[Understood] = ()) -> Fields:
    """The fields of a StorageSystemDescription; `known` are its actuators as they were understood the last time."""
    storage = message.storage
    within = ordered(storage.fill_level_range, "storage.fill_level_range", notes)
    return {
        "message_id": message.message_id,
        "valid_from": message.valid_from,
        "label": label(storage.diagnostic_label, "storage.diagnostic_label", notes),
        "fill_level_range": within,
        "provides_leakage": storage.provides_leakage_behaviour,
        "provides_usage_forecast": storage.provides_usage_forecast,
        "provides_targets": storage.provides_fill_level_target_profile,
        "actuators": [
            _again(known[place], notes)
            if place < len(known) and known[place].repeats(each, within)
            else _behaviour(each, within, f"actuators.{place}.", notes)
            for place, each in enumerate(message.actuators)
        ],
    }


def _again(known: Understood, notes: Notes) -> ActuatorBehaviour:
    notes.losses.extend(known.losses)
    notes.leniencies.extend(known.leniencies)
    return known.behaviour


def actuators(message: FRBCSystemDescription, notes: Notes) -> list[Fields]:
    """The actuators, as a registration names them."""
    return [
        actuator(
            each.id,
            each.diagnostic_label,
            each.supported_commodities,
            (power for mode in each.operation_modes for element in mode.elements for power in element.power_ranges),
            f"actuators.{place}.",
            notes,
        )
        for place, each in enumerate(message.actuators)
    ]


def _behaviour(each: FRBCActuatorDescription, within: Fields, path: str, notes: Notes) -> Fields:
    return {
        "actuator_id": each.id,
        "modes": [
            _mode(mode, within, f"{path}operation_modes.{place}.", notes)
            for place, mode in enumerate(each.operation_modes)
        ],
        **graph(each.transitions, each.timers, path, notes),
    }


def _mode(mode: FRBCOperationMode, within: Fields, path: str, notes: Notes) -> Fields:
    fields: Fields = {
        "mode_id": mode.id,
        "elements": over_levels(mode.elements, _element, within, f"{path}elements.", notes),
    }
    if mode.diagnostic_label:
        fields["label"] = label(mode.diagnostic_label, f"{path}diagnostic_label", notes)
    if mode.abnormal_condition_only:
        fields["abnormal_condition_only"] = True
    return fields


def _element(element: FRBCOperationModeElement, path: str, place: int, notes: Notes) -> Fields:
    fields = {"fill_rate": along_factor(element.fill_rate), "power": powers(element.power_ranges)}
    if element.running_costs is not None:
        fields |= running_costs(element.running_costs, f"{path}{place}.running_costs", notes)
    return fields


def leakage(message: FRBCLeakageBehaviour, within: tuple[float, float] | None, notes: Notes) -> Fields:
    """The fields of a StorageLeakageUpdate; `within` are the ends of the storage's fill levels, where known."""
    elements = over_levels(message.elements, _leak, None, "elements.", notes)
    if within is not None:
        _stretch(elements, within, notes)
    return {"message_id": message.message_id, "valid_from": message.valid_from, "elements": elements}


def _leak(element: FRBCLeakageBehaviourElement, path: str, place: int, notes: Notes) -> Fields:
    return {"rate": element.leakage_rate}


def _stretch(elements: list[Fields], within: tuple[float, float], notes: Notes) -> None:
    first, last = elements[0]["fill_level_range"], elements[-1]["fill_level_range"]
    lower, upper = within
    if first["lower"] <= lower <= upper <= last["upper"]:
        return
    notes.forgiven(LEAKAGE_STRETCHED, "elements", f"{first['lower']} to {last['upper']}")
    first["lower"] = min(first["lower"], lower)
    last["upper"] = max(last["upper"], upper)


def usage(message: FRBCUsageForecast, notes: Notes) -> Fields:
    """The fields of a StorageUsageForecast."""
    elements = [
        {
            "duration": duration(element.duration, f"elements.{place}.duration", notes),
            "rate": expected_usage(element),
        }
        for place, element in lasting(message.elements, "elements.", notes)
    ]
    return {"message_id": message.message_id, "valid_from": message.start_time, "elements": elements}


def targets(message: FRBCFillLevelTargetProfile, notes: Notes) -> Fields:
    """The fields of a StorageTargetProfileUpdate."""
    elements = [
        {
            "duration": duration(element.duration, f"elements.{place}.duration", notes),
            "fill_level_range": ordered(element.fill_level_range, f"elements.{place}.fill_level_range", notes),
        }
        for place, element in enumerate(message.elements)
    ]
    return {"message_id": message.message_id, "valid_from": message.start_time, "elements": elements}
