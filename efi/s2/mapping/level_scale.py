"""Fill levels in another unit than the appliance's own: S2 knows no units, and its peers take fill levels for some."""

from collections.abc import Callable, Mapping
from typing import Any

from efi.commodity import ValueRange
from efi.message import Message
from efi.messages import ApplianceMessage
from efi.storage import (
    LeakageElement,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.types import NumberRange


class LevelScale:
    """Tells a storage's messages with its fill levels in another unit; all other messages stay as they are.

    What it makes is reckoned from checked messages and is not checked again.
    """

    def __init__(self, unit: str, scale: float) -> None:
        self.unit = unit
        """What the fill levels are told in."""
        self.scale = scale
        """How many of it make one of the storage's own unit; above zero."""

    def told(self, message: ApplianceMessage) -> ApplianceMessage:
        """A message with its fill levels in the other unit, rates in that unit per second."""
        tell = _TELL.get(type(message))
        if tell is None:
            return message
        told: ApplianceMessage = message.model_copy(update=tell(self, message))
        return told

    def _range(self, levels: NumberRange) -> NumberRange:
        return NumberRange.model_construct(None, lower=levels.lower * self.scale, upper=levels.upper * self.scale)

    def _behaviour(self, behaviour: StorageBehaviour) -> dict[str, Any]:
        rate = behaviour.fill_rate
        scaled = ValueRange.model_construct(None, start=rate.start * self.scale, end=rate.end * self.scale)
        return {"fill_rate": scaled}

    def _element(self, element: StorageModeElement) -> StorageModeElement:
        upper = element.at_upper
        return element.model_copy(
            update={
                **self._behaviour(element),
                "fill_level_range": self._range(element.fill_level_range),
                "at_upper": None if upper is None else upper.model_copy(update=self._behaviour(upper)),
            }
        )

    def _mode(self, mode: StorageMode) -> StorageMode:
        return mode.model_copy(update={"elements": tuple(map(self._element, mode.elements))})

    def _leak(self, element: LeakageElement) -> LeakageElement:
        upper = element.rate_at_upper
        return element.model_copy(
            update={
                "fill_level_range": self._range(element.fill_level_range),
                "rate": element.rate * self.scale,
                "rate_at_upper": None if upper is None else upper * self.scale,
            }
        )

    def _registration(self, registration: StorageRegistration) -> dict[str, Any]:
        return {"fill_level_unit": self.unit}

    def _description(self, description: StorageSystemDescription) -> dict[str, Any]:
        actuators = (
            actuator.model_copy(update={"modes": tuple(map(self._mode, actuator.modes))})
            for actuator in description.actuators
        )
        return {"fill_level_range": self._range(description.fill_level_range), "actuators": tuple(actuators)}

    def _state(self, state: StorageStateUpdate) -> dict[str, Any]:
        return {"fill_level": state.fill_level * self.scale}

    def _leakage(self, leakage: StorageLeakageUpdate) -> dict[str, Any]:
        return {"elements": tuple(map(self._leak, leakage.elements))}

    def _usage(self, usage: StorageUsageForecast) -> dict[str, Any]:
        elements = (element.model_copy(update={"rate": element.rate.scaled(self.scale)}) for element in usage.elements)
        return {"elements": tuple(elements)}

    def _targets(self, targets: StorageTargetProfileUpdate) -> dict[str, Any]:
        elements = (
            element
            if element.fill_level_range is None
            else element.model_copy(update={"fill_level_range": self._range(element.fill_level_range)})
            for element in targets.elements
        )
        return {"elements": tuple(elements)}


_TELL: Mapping[type[Message], Callable[[LevelScale, Any], dict[str, Any]]] = {
    StorageRegistration: LevelScale._registration,
    StorageSystemDescription: LevelScale._description,
    StorageStateUpdate: LevelScale._state,
    StorageLeakageUpdate: LevelScale._leakage,
    StorageUsageForecast: LevelScale._usage,
    StorageTargetProfileUpdate: LevelScale._targets,
}
