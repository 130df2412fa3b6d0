"""A device under demand driven based control: its actuators meet a demand."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from efi.commodity import Commodity
from efi.demand_driven import (
    DemandDrivenRegistration,
    DemandDrivenStateUpdate,
    DemandDrivenSystemDescription,
    DemandForecast,
)
from efi.refusal import Refused
from efi.s2.common import ControlType, NumberRange
from efi.s2.conversation import RevokableObjects
from efi.s2.ddbc import (
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
    DDBCTimerStatus,
)
from efi.s2.mapping.controls.control import attempt
from efi.s2.mapping.controls.modes import ModeControl
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.read import ddbc
from efi.s2.mapping.read.values import Fields, ordered
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn


class DemandDrivenControl(ModeControl):
    """A demand-driven device, as far as it was told."""

    control_type = ControlType.DEMAND_DRIVEN_BASED_CONTROL
    registers_as = DemandDrivenRegistration
    revocable = (RevokableObjects.DDBC_SYSTEM_DESCRIPTION,)
    description_kind = DemandDrivenSystemDescription
    state_kind = DemandDrivenStateUpdate

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        super().__init__(guard, settings)
        self._demand: Fields | None = None
        self._demand_is_new = False
        self._early: Any = None

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities of its actuators."""
        return self.commodities_told((self._own or {}).get("actuators", ()))

    def description_fields(self, message: DDBCSystemDescription, turn: Turn) -> Fields:
        """The fields of a description."""
        return ddbc.description(message, turn.notes)

    def appliance_fields(self, message: DDBCSystemDescription, turn: Turn) -> Fields:
        """Its actuators, and what is demanded of it."""
        return {
            "actuators": ddbc.actuators(message, turn.notes),
            "provides_demand_forecast": message.provides_average_demand_rate_forecast,
            "demand_label": self.settings.demand_label,
            "demand_unit": self.settings.demand_unit,
        }

    def state_fields(self, actuators: list[Fields]) -> Fields | None:
        """The demand and the actuators."""
        if not actuators and not self._demand_is_new:
            return None
        fields: Fields = {"actuators": actuators}
        if self._demand is not None:
            fields["demand"] = dict(self._demand)
        return fields

    def tell_all(self, turn: Turn) -> None:
        """Tell anew the demand and all that is known of every actuator."""
        self._demand_is_new = self._demand is not None
        super().tell_all(turn)

    def tell_state(self, turn: Turn, message_id: str | None = None) -> None:
        """Tell the state, with the demand where that is new."""
        super().tell_state(turn, message_id)
        if self._in_force is not None:
            self._demand_is_new = False

    def hear_demand(self, demand: NumberRange, message_id: str | None, turn: Turn) -> None:
        """Tell the demand."""
        self.begun(turn)
        before = self._demand
        self._demand, self._demand_is_new = ordered(demand, "present_demand_rate", turn.notes), True
        try:
            self.tell_state(turn, message_id)
        except Refused:
            self._demand = before
            raise

    def hear_description(self, message: DDBCSystemDescription, turn: Turn) -> None:
        """Tell a description, the demand that profile 0.0.2-beta tells with it, and what waited for the first one."""
        super().hear_description(message, turn)
        if isinstance(message, DDBCSystemDescriptionWithDemand):
            self.hear_demand(message.present_demand_rate, None, turn)
        early, self._early = self._early, None
        if early is not None and (refusal := attempt(partial(self.hear, early, turn))) is not None:
            turn.warn((refusal,))

    def hear_forecast(self, message: DDBCAverageDemandRateForecast, turn: Turn) -> None:
        """Tell what demand is expected; before the first description the newest forecast waits for it."""
        if self.known:
            self.guard.tell(DemandForecast, ddbc.forecast(message, turn.notes), turn)
        else:
            self._early = message

    hearing = {  # noqa: RUF012  # read only
        DDBCSystemDescription: hear_description,
        DDBCSystemDescriptionWithDemand: hear_description,
        DDBCPresentDemandStatus: lambda self, message, turn: self.hear_demand(
            message.present_demand_rate, message.message_id, turn
        ),
        DDBCActuatorStatus: lambda self, message, turn: self.hear_mode(message.actuator_id, message, turn),
        DDBCTimerStatus: lambda self, message, turn: self.hear_timer(message.actuator_id, message, turn),
        DDBCAverageDemandRateForecast: hear_forecast,
    }
