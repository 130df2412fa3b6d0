"""Registration: who an appliance is, said first and once."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from efi.commodity import Commodity, CommodityQuantity, Phase, PowerRanges
from efi.message import Message
from efi.types import CurrencyCode, Duration, Label, Model, refuse_repeated, violated


class Category(StrEnum):
    """What kind of freedom an appliance has."""

    INFLEXIBLE = "inflexible"
    """None, or that of being curtailed."""
    TIME_SHIFTABLE = "time_shiftable"
    """When to do a fixed piece of work."""
    STORAGE = "storage"
    """When to fill and empty, within the bounds of a fill level."""
    OUTPUT_ADJUSTABLE = "output_adjustable"
    """What to give or take, at any time."""


class DeviceClass(StrEnum):
    """What kind of appliance it is: EFI 2.0's device classes, and what homes have beside them."""

    REFRIGERATOR = "refrigerator"
    FREEZER = "freezer"
    WATER_COOLER = "water_cooler"
    WATER_HEATER = "water_heater"
    WASHING_MACHINE = "washing_machine"
    CLOTHES_DRYER = "clothes_dryer"
    COMBO_WASHER_DRYER = "combo_washer_dryer"
    DRYING_CABINET = "drying_cabinet"
    DISHWASHER = "dishwasher"
    HEAT_PUMP = "heat_pump"
    MICRO_CHP = "micro_chp"
    STATIONARY_BATTERY = "stationary_battery"
    ELECTRIC_VEHICLE = "electric_vehicle"
    PV_PANEL = "pv_panel"
    WINDMILL = "windmill"
    SOLAR_COLLECTOR = "solar_collector"
    AIR_CONDITIONER = "air_conditioner"
    VENTILATION = "ventilation"
    AIR_QUALITY_APPLIANCE = "air_quality_appliance"
    GAS_HEATER = "gas_heater"
    FLOOR_HEATING = "floor_heating"
    HOT_WATER_STORAGE = "hot_water_storage"
    GENERATOR = "generator"
    SMART_METER = "smart_meter"
    BASE_LOAD = "base_load"
    AGGREGATE = "aggregate"
    MISCELLANEOUS = "miscellaneous"


class EnergyRole(StrEnum):
    """The part an appliance plays in the flow of a commodity."""

    GRID = "grid"
    """The connection to the public grid: its meter."""
    PRODUCER = "producer"
    """Produces only."""
    CONSUMER = "consumer"
    """Consumes only."""
    STORAGE = "storage"
    """Takes in and gives back."""


class Role(Model):
    """The part that the appliance plays for one commodity."""

    commodity: Commodity
    """The commodity."""
    role: EnergyRole
    """The part."""


class ControlSpaceRegistration(Message):
    """Who an appliance is; opens the conversation, and opened anew it replaces all that was said before."""

    category: ClassVar[Category]
    """The kind of freedom that a registration of this type announces."""

    name: Label
    """What people call the appliance."""
    device_class: DeviceClass = DeviceClass.MISCELLANEOUS
    """The kind of appliance."""
    manufacturer: Label | None = None
    """The maker."""
    model: Label | None = None
    """The maker's name for the type."""
    serial_number: Label | None = None
    """The maker's number of this very unit."""
    firmware_version: Label | None = None
    """The version of the software within."""
    commodities: Annotated[tuple[Commodity, ...], Field(min_length=1)]
    """What it consumes or produces."""
    roles: tuple[Role, ...] = ()
    """Its part in the flow of each commodity, as far as known."""
    phases: tuple[Phase, ...] = ()
    """The phases it is connected to; empty when not known."""
    power_limits: PowerRanges = ()
    """What it can consume and produce at most, by quantity: from `start`, the lowest (negative produces), to `end`."""
    currency: CurrencyCode | None = None
    """The currency of every cost that it tells."""
    processing_delay: Duration = timedelta(0)
    """How long it takes from receiving an allocation to acting on it (EFI: allocationDelay)."""
    measures: tuple[CommodityQuantity, ...] = ()
    """The quantities that it measures, and tells in measurements."""
    provides_forecast: bool = False
    """Whether it tells forecasts."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeated(self.commodities, "commodities")
        refuse_repeated(self.roles, "roles", "commodity")
        refuse_repeated(self.phases, "phases")
        refuse_repeated(self.measures, "measured quantities")
        for role in self.roles:
            self.require_supported(role.commodity, "a role")
        for quantity in (*self.measures, *(limit.quantity for limit in self.power_limits)):
            self.require_supported(quantity.commodity, str(quantity.value))
        return self

    def require_supported(self, commodity: Commodity, what: str) -> None:
        """Refuse a part of the registration that speaks of a commodity which is not registered."""
        if commodity not in self.commodities:
            raise violated(
                "commodity_not_registered",
                "{what} speaks of {commodity}, which is not among the registered commodities; add it there",
                what=what,
                commodity=commodity.value,
            )

    def role_for(self, commodity: Commodity) -> EnergyRole | None:
        """The appliance's part in the flow of a commodity, or None when it did not say."""
        return next((role.role for role in self.roles if role.commodity is commodity), None)
