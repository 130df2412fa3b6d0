"""The interim form's words beside ours: messages, commodities, quantities, statuses, currencies, prefixes, devices."""

from efi.allocation import AllocationStatus
from efi.commodity import Commodity, CommodityQuantity
from efi.registration import DeviceClass

NAMESPACE = "http://www.flexiblepower.org/efi"
TAG = f"{NAMESPACE}}}"

ROOT = "efiMessage"

COMMODITIES = {
    "ELECTRICITY": Commodity.ELECTRICITY,
    "GAS": Commodity.GAS,
    "HEAT": Commodity.HEAT,
}
"""The commodities that have a word."""

COMMODITY_WORDS = {commodity: word for word, commodity in COMMODITIES.items()}

QUANTITIES = {
    "ELECTRICITY": CommodityQuantity.ELECTRIC_POWER,
    "GAS": CommodityQuantity.GAS_FLOW,
    "HEAT": CommodityQuantity.HEAT_POWER,
}
"""The one quantity that is told of each commodity; all are told in W."""

STATUSES = {
    "ACCEPTED": AllocationStatus.ACCEPTED,
    "REJECTED": AllocationStatus.REJECTED,
    "PROCESSING": AllocationStatus.PROCESSING,
    "STARTED": AllocationStatus.STARTED,
    "FINISHED": AllocationStatus.FINISHED,
}

STATUS_WORDS = {status: word for word, status in STATUSES.items()}

SPOKEN_STATUSES = {"ABORTED": AllocationStatus.ABORTED, "REVOKED": AllocationStatus.REVOKED}
"""Statuses without a word: told as REJECTED, and named at the head of `additionalInfo`."""

CURRENCIES = {"euro": "EUR", "pound": "GBP", "dollar": "USD"}

CURRENCY_WORDS = {code: word for word, code in CURRENCIES.items()}

MULTIPLIERS = {
    "yocto": -24,
    "zepto": -21,
    "atto": -18,
    "femto": -15,
    "pico": -12,
    "nano": -9,
    "micro": -6,
    "milli": -3,
    "centi": -2,
    "deci": -1,
    "deca": 1,
    "hecto": 2,
    "kilo": 3,
    "mega": 6,
    "giga": 9,
    "tera": 12,
    "peta": 15,
    "exa": 18,
    "zetta": 21,
    "yotta": 24,
}
"""The powers of ten that the SI prefixes stand for."""

DEVICE_CLASSES = {
    "refrigerator": DeviceClass.REFRIGERATOR,
    "washing machine": DeviceClass.WASHING_MACHINE,
    "heatpump": DeviceClass.HEAT_PUMP,
    "battery": DeviceClass.STATIONARY_BATTERY,
    "electrical vehicle": DeviceClass.ELECTRIC_VEHICLE,
    "pv panel": DeviceClass.PV_PANEL,
    "solar collector": DeviceClass.SOLAR_COLLECTOR,
    "dishwasher": DeviceClass.DISHWASHER,
    "airconditioner": DeviceClass.AIR_CONDITIONER,
    "smart meter": DeviceClass.SMART_METER,
    "gas heater": DeviceClass.GAS_HEATER,
    "hot water storage": DeviceClass.HOT_WATER_STORAGE,
    "floor heating": DeviceClass.FLOOR_HEATING,
}
"""The device classes of the branch's head, in small letters; the revision that is written knows none."""

J_PER_WH = 3600

PLACEHOLDER_TIMER = -(2**31)
"""The number of the timer that is told where none is known and the schema wants one; readers leave it out."""

NO_UNIT = "ToBeDone"
"""The only word that the schema has for a unit of flow."""
