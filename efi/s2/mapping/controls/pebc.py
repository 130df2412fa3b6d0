"""A device that cannot be controlled, and one under power envelope based control: inflexible ones."""

from collections.abc import Iterable

from efi.commodity import Commodity
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleEnergyEnvelope, InflexibleRegistration
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects
from efi.s2.mapping.controls.control import Control
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.read import pebc
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn
from efi.s2.pebc import PEBCEnergyConstraint, PEBCPowerConstraints


class NotControllable(Control):
    """A device that measures and forecasts, and no more."""

    control_type = ControlType.NOT_CONTROLABLE
    registers_as = InflexibleRegistration


class PowerEnvelopeControl(Control):
    """A device whose power can be limited."""

    control_type = ControlType.POWER_ENVELOPE_BASED_CONTROL
    registers_as = InflexibleRegistration
    revocable = (RevokableObjects.PEBC_POWER_CONSTRAINTS, RevokableObjects.PEBC_ENERGY_CONSTRAINT)

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        super().__init__(guard, settings)
        self._commodities: dict[Commodity, None] = {}

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities of its constraints."""
        return tuple(self._commodities)

    def hear_constraints(self, message: PEBCPowerConstraints, turn: Turn) -> None:
        """Tell which limits can be chosen."""
        fields = pebc.options(message, turn.notes)
        fields["message_id"] = self.guard.object_name(message.id)
        options = self.guard.made(InflexibleCurtailmentOptions, fields, turn)
        self._use((option.quantity.commodity for option in options.options), turn)
        self.guard.say(options, turn)

    def hear_energy(self, message: PEBCEnergyConstraint, turn: Turn) -> None:
        """Tell how much energy must flow."""
        fields = pebc.envelope(message, turn.notes)
        fields["message_id"] = self.guard.object_name(message.id)
        envelope = self.guard.made(InflexibleEnergyEnvelope, fields, turn)
        self._use((envelope.quantity.commodity,), turn)
        self.guard.say(envelope, turn)

    def _use(self, commodities: Iterable[Commodity], turn: Turn) -> None:
        new = [each for each in commodities if each not in self._commodities]
        if new:
            self._commodities |= dict.fromkeys(new)
            self.register(turn)

    hearing = {PEBCPowerConstraints: hear_constraints, PEBCEnergyConstraint: hear_energy}  # noqa: RUF012  # read only
