"""The interface's storage as FRBC."""

from efi.conversion import LossKind
from efi.s2.common import NumberRange
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCFillLevelTargetProfile,
    FRBCFillLevelTargetProfileElement,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCSystemDescription,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
)
from efi.s2.mapping.level_words import UNITS, level_words
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.costs import running_costs
from efi.s2.mapping.write.modes import Mirrors, Powers, graph, kept_modes
from efi.s2.mapping.write.steps import stepped_leakage, stepped_mode
from efi.s2.mapping.write.values import Quantities, bands, levels, profile
from efi.s2.mapping.written_names import ACTUATOR, WrittenNames, mode_of
from efi.storage import (
    ActuatorBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageRegistration,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.types import NumberRange as Levels

MOST_ACTUATORS = 10
"""How many actuators a device may have in S2."""

LATER_ACTUATORS = LossKind(
    ("storage_system_description", "demand_driven_system_description"),
    "actuators",
    f"a device has at most {MOST_ACTUATORS} actuators in S2; the later ones are left out",
)
ODD_LEVEL_LABEL = LossKind(
    ("storage_registration",),
    "fill_level_label",
    "S2 has one label for what the fill level is and for its unit: `state of charge [%]`; this one is read otherwise",
)
NO_TARGETS = LossKind(
    ("storage_target_profile_update",),
    "elements",
    "S2 cannot take targets back; a profile follows that leaves the fill level free",
)


def level_label(registration: StorageRegistration, notes: Notes) -> str | None:
    """What the fill level is, with its unit, in S2's one label."""
    label, unit = registration.fill_level_label, registration.fill_level_unit
    text = label
    if unit:
        text = f"{label} [{unit}]" if label else unit if unit in UNITS else f"[{unit}]"
    if level_words(text) != (label, unit):
        notes.lost(ODD_LEVEL_LABEL, "fill_level_label", text)
    return text or None


def description(
    message: StorageSystemDescription,
    registration: StorageRegistration,
    quantities: Quantities,
    names: WrittenNames,
    mirrors: Mirrors,
    notes: Notes,
) -> FRBCSystemDescription:
    """A description."""
    if len(message.actuators) > MOST_ACTUATORS:
        notes.lost(LATER_ACTUATORS, "actuators", f"{len(message.actuators)} actuators")
    labels = {actuator.actuator_id: actuator.label for actuator in registration.actuators}
    writer = _Writer(quantities, names, mirrors, notes)
    return FRBCSystemDescription(
        message_id=names.write_description(message.message_id),
        valid_from=message.valid_from,
        actuators=tuple(
            writer.actuator(actuator, labels.get(actuator.actuator_id), f"actuators.{place}.")
            for place, actuator in enumerate(message.actuators[:MOST_ACTUATORS])
        ),
        storage=FRBCStorageDescription(
            diagnostic_label=message.label or None,
            fill_level_label=level_label(registration, notes),
            provides_leakage_behaviour=message.provides_leakage,
            provides_fill_level_target_profile=message.provides_targets,
            provides_usage_forecast=message.provides_usage_forecast,
            fill_level_range=levels(message.fill_level_range),
        ),
    )


class _Writer:
    """Writes the actuators of one description."""

    def __init__(self, quantities: Quantities, names: WrittenNames, mirrors: Mirrors, notes: Notes) -> None:
        self._quantities = quantities
        self._names = names
        self._mirrors = mirrors
        self._notes = notes

    def actuator(self, actuator: ActuatorBehaviour, label: str | None, path: str) -> FRBCActuatorDescription:
        modes = kept_modes(actuator.modes, path, self._notes)
        powers = Powers(element for mode in modes for element in mode.elements)
        kept = [mode.mode_id for mode in modes]
        return FRBCActuatorDescription(
            id=self._names.write(ACTUATOR, actuator.actuator_id),
            diagnostic_label=label or None,
            supported_commodities=powers.commodities(path, self._notes),
            operation_modes=tuple(
                self._mode(actuator.actuator_id, mode, powers, f"{path}modes.{place}.")
                for place, mode in enumerate(modes)
            ),
            **graph(actuator, actuator.actuator_id, kept, self._names, path, self._notes),
        )

    def _mode(self, actuator_id: str, mode: StorageMode, powers: Powers, path: str) -> FRBCOperationMode:
        elements = stepped_mode(mode, f"{path}elements", self._notes)
        behaviours = [behaviour for _, _, behaviour in elements]
        turned = self._mirrors.look_at(actuator_id, mode.mode_id, behaviours, path, self._notes)
        made = []
        for place, within, behaviour in elements:
            here = f"{path}elements.{place}."
            rate = (behaviour.fill_rate.start, behaviour.fill_rate.end)
            start, end = reversed(rate) if turned else rate
            made.append(
                FRBCOperationModeElement(
                    fill_level_range=levels(within),
                    fill_rate=NumberRange(start_of_range=start, end_of_range=end),
                    power_ranges=self._quantities.ranges(powers.completed(behaviour.power, here, self._notes), turned),
                    running_costs=running_costs(behaviour, here, self._notes),
                )
            )
        return FRBCOperationMode(
            id=self._names.write(mode_of(actuator_id), mode.mode_id),
            diagnostic_label=mode.label or None,
            elements=tuple(made),
            abnormal_condition_only=mode.abnormal_condition_only,
        )


def leakage(message: StorageLeakageUpdate, notes: Notes) -> FRBCLeakageBehaviour:
    """A leakage."""
    return FRBCLeakageBehaviour(
        message_id=uuid_of(message.message_id),
        valid_from=message.valid_from,
        elements=tuple(
            FRBCLeakageBehaviourElement(fill_level_range=levels(within), leakage_rate=rate)
            for within, rate in stepped_leakage(message.elements, notes)
        ),
    )


def usage(message: StorageUsageForecast, notes: Notes) -> FRBCUsageForecast:
    """What users are expected to draw."""
    return FRBCUsageForecast(
        message_id=uuid_of(message.message_id),
        start_time=message.valid_from,
        elements=tuple(
            FRBCUsageForecastElement(duration=lasts, **bands(element.rate, "usage_rate"))
            for lasts, element in profile(message.elements, "elements", notes)
        ),
    )


def targets(message: StorageTargetProfileUpdate, whole: Levels, notes: Notes) -> FRBCFillLevelTargetProfile:
    """Where the fill level is wanted; what is left free is told as `whole`, all the levels that the storage has."""
    if not message.elements:
        notes.lost(NO_TARGETS, "elements", "none")
    elements = tuple(
        FRBCFillLevelTargetProfileElement(duration=lasts, fill_level_range=levels(element.fill_level_range or whole))
        for lasts, element in (profile(message.elements, "elements", notes) if message.elements else ())
    )
    free = FRBCFillLevelTargetProfileElement(duration=0, fill_level_range=levels(whole))
    return FRBCFillLevelTargetProfile(
        message_id=uuid_of(message.message_id), start_time=message.valid_from, elements=elements or (free,)
    )
