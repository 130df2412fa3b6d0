"""What the appliances of this driver share: who they are, and how a flow becomes messages and observations."""

from typing import TypedDict

from efi.commodity import PHASE_POWER, Commodity, CommodityQuantity, Phase, PowerValue
from efi.measurement import EnergyReading
from efi.registration import DeviceClass, EnergyRole, Role
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.observation import ObservationSpec
from efpi_driver_sunspec.counter import Counter
from efpi_driver_sunspec.flow import Energy, Fact, Flow
from efpi_driver_sunspec.section import Identity

WH_J = 3600.0
LONGEST_NAME = 80
MOST_ENERGY_WH = 1e15 / WH_J
"""No message of the interface takes more than 1e15 J, and no building's counter stands there."""


class Who(TypedDict):
    """The fields of a registration that a device's introduction fills."""

    name: str
    device_class: DeviceClass
    manufacturer: str | None
    model: str | None
    serial_number: str | None
    firmware_version: str | None
    commodities: tuple[Commodity, ...]
    roles: tuple[Role, ...]


def who(identity: Identity, name: str, part: str, device_class: DeviceClass, role: EnergyRole) -> Who:
    """The fields of a registration; people see the `name`, or maker and model, and which part of the device it is."""
    known = name or " ".join(word for word in (identity.maker, identity.product) if word) or "SunSpec device"
    return {
        "name": f"{known[:LONGEST_NAME]} ({part})" if part else known[:LONGEST_NAME],
        "device_class": device_class,
        "manufacturer": identity.maker,
        "model": identity.product,
        "serial_number": identity.serial,
        "firmware_version": identity.version,
        "commodities": (Commodity.ELECTRICITY,),
        "roles": (Role(commodity=Commodity.ELECTRICITY, role=role),),
    }


PHASES = {"a": Phase.L1, "b": Phase.L2, "c": Phase.L3}
"""SunSpec's names of the phases."""


def power_values(flow: Flow, on: Phase | None = None) -> tuple[PowerValue, ...]:
    """The power by phase where the device tells it, on the one phase that it is connected to, or in total."""
    if flow.phases_w:
        return tuple(
            PowerValue(quantity=PHASE_POWER[phase], value=power)
            for phase, power in zip(Phase, flow.phases_w, strict=True)
        )
    if flow.power_w is None:
        return ()
    quantity = CommodityQuantity.ELECTRIC_POWER if on is None else PHASE_POWER[on]
    return (PowerValue(quantity=quantity, value=flow.power_w),)


class Teller:
    """Tells the flows of one appliance; keeps its counters rising and its observations declared."""

    def __init__(self, appliance: Appliance, every_s: float) -> None:
        self._appliance = appliance
        self._every_s = every_s
        self._declared: set[str] = set()
        self._counters: dict[str, Counter] = {}

    def measure(self, flow: Flow, on: Phase | None = None) -> None:
        """Tell power and energy as far as the device tells them."""
        consumed, produced = self._joules("consumed", flow.consumed), self._joules("produced", flow.produced)
        readings: tuple[EnergyReading, ...] = ()
        if consumed is not None or produced is not None:
            readings = (EnergyReading(commodity=Commodity.ELECTRICITY, consumed=consumed, produced=produced),)
        values = power_values(flow, on)
        if values or readings:
            self._appliance.measure(values, readings)

    def facts(self, *facts: Fact) -> None:
        """Report what is beyond power and energy, under the appliance's name."""
        for fact in facts:
            name = f"{self._appliance.appliance_id}.{fact.quantity}"
            if name not in self._declared:
                self._declared.add(name)
                spec = ObservationSpec(name, fact.unit, fact.kind, expected_every_s=self._every_s)
                self._appliance.context.declare(spec)
            self._appliance.context.publish(name, fact.value)

    def _joules(self, which: str, energy: Energy | None) -> float | None:
        if energy is None or energy.reading_wh > MOST_ENERGY_WH:
            return None
        storage, key = self._appliance.context.storage, f"{self._appliance.key}-{which}-base_wh"
        counter = self._counters.get(which)
        if counter is None:
            kept = storage.get(key)
            counter = self._counters[which] = Counter(float(kept) if isinstance(kept, int | float) else 0.0)
        before = counter.base
        total = counter.update(energy.reading_wh, energy.modulus_wh)
        if counter.base != before:
            storage.put(key, counter.base)
        return total * WH_J if total <= MOST_ENERGY_WH else None
