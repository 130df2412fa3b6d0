"""What a person says of a connection because S2 does not tell it."""

from dataclasses import dataclass

from efi.commodity import Phase
from efi.registration import DeviceClass


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What S2 does not tell of a device that is to be an appliance here."""

    name: str = ""
    """What people call the appliance; without it the device's own name, or its resource id."""
    device_class: DeviceClass = DeviceClass.MISCELLANEOUS
    """The kind of appliance."""
    phases: tuple[Phase, ...] = ()
    """The phases that it is connected to; empty when not known, then as far as its quantities tell."""
    fill_level_label: str | None = None
    """What its fill level is, for people; None takes the device's own label."""
    fill_level_unit: str | None = None
    """The unit in which its fill level is told here; None takes what the device's label says."""
    fill_level_scale: float = 1.0
    """How many of that unit make one of the device's own: 36000 where it counts % of 1 kWh and J are wanted."""
    demand_label: str = ""
    """What is demanded of a demand-driven device, for people."""
    demand_unit: str = "W"
    """The unit of its demand."""


@dataclass(frozen=True, slots=True)
class CemSettings:
    """What the interface does not tell of an appliance that is offered to an energy manager."""

    resource_id: str | None = None
    """The appliance's name for the energy manager; None derives a UUID from the appliance's own."""
    phases: tuple[Phase, ...] | None = None
    """The phases on which its electrical total is told; None takes the registration's."""
    measured_only: bool = False
    """Whether it is offered as not controllable, whatever it can do."""
