"""The appliances of the house: each with its session, its last values, and who is in control."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from efi.allocation import AllocationStatus
from efi.commodity import Commodity
from efi.measurement import Measurement
from efi.messages import AnyAllocation, AnyRegistration
from efi.registration import DeviceClass, EnergyRole
from efi.session import Session
from efpi_core.gateway.belief import DOUBTED_FOR, most_believed_w
from efpi_core.plugin.categories import Category, category_of
from efpi_core.plugin.condition import ConditionState

RESIDENT = "resident"
LIMIT = "limit"


@dataclass(slots=True)
class OpenAllocation:
    """An allocation on its way, and the last word on it."""

    allocation: AnyAllocation
    holder: str
    """Who gave it: an app's instance, "resident" or "limit"."""
    status: AllocationStatus | None
    """The appliance's last word; None before the first."""
    text: str
    given_at: datetime
    changed_at: datetime
    taken_up_at_s: float | None = None
    """When it was last taken up after its driver, or its gateway, began anew; by the clock's `elapsed`."""


@dataclass(slots=True)
class ApplianceRecord:
    """One appliance as the gateway keeps it."""

    appliance_id: str
    instance: str
    key: str
    session: Session
    steerable: bool
    safe_fallback: bool
    online: bool = True
    app: str | None = None
    awaited: str | None = None
    """The app that is away for a moment and whose allocations stand meanwhile; `app` is None then."""
    resuming: bool = False
    """Whether something of a former life waits until the appliance has described itself."""
    listeners: tuple[str, ...] = ()
    """Apps that hear what a measured appliance says, though nobody controls it."""
    condition: ConditionState = ConditionState.OK
    detail: str = ""
    text: str = ""
    cure: str = ""
    power_w: float | None = None
    power_at: datetime | None = None
    committing: "asyncio.Future[bool] | None" = None
    """Done when the journal holds the last allocation; what follows waits for it, so that order is kept."""
    parting: str = ""
    """Why its app went while the gateway itself decided; its driver is told when that is over."""
    allocations: dict[str, OpenAllocation] = field(default_factory=dict)
    """Open ones, and the last one that ended."""

    nonsense: str = ""
    """What it said last that cannot be."""
    nonsense_at: datetime | None = None
    """When."""

    _channels: dict[str, str] = field(default_factory=dict)
    _role: EnergyRole | None = None
    _most_w: float = 0.0
    _as_registered: AnyRegistration | None = None

    def channel(self, quantity: str) -> str:
        """The full name of one of its observations."""
        name = self._channels.get(quantity)
        if name is None:
            name = self._channels[quantity] = f"{self.appliance_id}.{quantity}"
        return name

    @property
    def registration(self) -> AnyRegistration:
        """Who the appliance is."""
        registration = self.session.space.registration
        assert registration is not None, "a record is made from a registration"  # noqa: S101  # told to the type checker
        return registration

    @property
    def category(self) -> Category:
        """The kind of freedom it has."""
        return category_of(self.registration)

    @property
    def role(self) -> EnergyRole | None:
        """Its part in the flow of electricity: as it says, else as its kind suggests.

        None without electricity, and for an aggregate, since the power of its parts is counted already.
        """
        if self._as_registered is not self.session.space.registration:
            self._read_registration()
        return self._role

    def disbelief(self, measurement: Measurement) -> str | None:
        """Why a measurement cannot be true, or None."""
        power = measurement.electric_power_w
        if power is None:
            return None
        if self._as_registered is not self.session.space.registration:
            self._read_registration()
        if -self._most_w <= power <= self._most_w:
            return None
        return f"it measured {power:.0f} W, and {self._most_w:.0f} W is the most that is believed of it"

    def _read_registration(self) -> None:
        self._as_registered = registration = self.registration
        self._role, self._most_w = _role(registration), most_believed_w(registration)

    def note_nonsense(self, text: str, now: datetime) -> None:
        """Remember what it said that cannot be."""
        self.nonsense, self.nonsense_at = text, now

    def doubt(self, now: datetime) -> str:
        """What it said lately that cannot be, empty when nothing."""
        return self.nonsense if self.nonsense_at is not None and now - self.nonsense_at < DOUBTED_FOR else ""

    def note_measurement(self, measurement: Measurement, at: datetime) -> None:
        """Keep the power that was measured at an instant."""
        power = measurement.electric_power_w
        if power is not None:
            self.power_w = power
            self.power_at = at


def _role(registration: AnyRegistration) -> EnergyRole | None:
    aggregate = registration.device_class is DeviceClass.AGGREGATE
    if aggregate or Commodity.ELECTRICITY not in registration.commodities:
        return None
    told = registration.role_for(Commodity.ELECTRICITY)
    return _ROLE_OF_CLASS.get(registration.device_class, EnergyRole.CONSUMER) if told is None else told


_ROLE_OF_CLASS = {
    DeviceClass.SMART_METER: EnergyRole.GRID,
    DeviceClass.PV_PANEL: EnergyRole.PRODUCER,
    DeviceClass.WINDMILL: EnergyRole.PRODUCER,
    DeviceClass.GENERATOR: EnergyRole.PRODUCER,
    DeviceClass.MICRO_CHP: EnergyRole.PRODUCER,
    DeviceClass.STATIONARY_BATTERY: EnergyRole.STORAGE,
}


class ApplianceRegistry:
    """All appliances by name, in the order of their coming."""

    def __init__(self) -> None:
        self._records: dict[str, ApplianceRecord] = {}
        self._by_instance: dict[str, tuple[ApplianceRecord, ...]] = {}

    def __iter__(self) -> Iterator[ApplianceRecord]:
        """The appliances in the order of their coming."""
        return iter(self._records.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._records)

    def get(self, appliance_id: str) -> ApplianceRecord | None:
        """The appliance of that name, or None."""
        return self._records.get(appliance_id)

    def add(self, record: ApplianceRecord) -> None:
        """Take in an appliance."""
        self._records[record.appliance_id] = record
        self._by_instance[record.instance] = (*self._by_instance.get(record.instance, ()), record)

    def remove(self, appliance_id: str) -> ApplianceRecord | None:
        """Forget an appliance."""
        record = self._records.pop(appliance_id, None)
        if record is not None:
            left = tuple(other for other in self._by_instance.pop(record.instance) if other is not record)
            if left:
                self._by_instance[record.instance] = left
        return record

    def of_instance(self, instance: str) -> tuple[ApplianceRecord, ...]:
        """The appliances that an instance brought."""
        return self._by_instance.get(instance, ())

    def count_of_instance(self, instance: str) -> int:
        """How many appliances an instance brought."""
        return len(self._by_instance.get(instance, ()))
