"""The words of EFI 2.0 and what they are called in the interface."""

from efi.allocation import AllocationStatus
from efi.commodity import Commodity, CommodityQuantity
from efi.registration import DeviceClass

NAMESPACE = "http://www.flexiblepower.org/efi-2"
TAG = f"{NAMESPACE}}}"
VERSION = "2.0"

COMMODITIES = {"ELECTRICITY": Commodity.ELECTRICITY, "GAS": Commodity.GAS, "HEAT": Commodity.HEAT}
COMMODITY_WORDS = {commodity: word for word, commodity in COMMODITIES.items()}

QUANTITIES = {
    "ELECTRICITY.POWER": CommodityQuantity.ELECTRIC_POWER,
    "GAS.FLOWRATE": CommodityQuantity.GAS_FLOW,
    "HEAT.TEMPERATURE": CommodityQuantity.HEAT_TEMPERATURE,
    "HEAT.FLOWRATE": CommodityQuantity.HEAT_FLOW,
    "HEAT.THERMALPOWER": CommodityQuantity.HEAT_POWER,
}
QUANTITY_WORDS = {quantity: word for word, quantity in QUANTITIES.items()}

HEAT_ATTRIBUTES = {
    f"{TAG}temperature": CommodityQuantity.HEAT_TEMPERATURE,
    f"{TAG}flowRate": CommodityQuantity.HEAT_FLOW,
    f"{TAG}thermalPower": CommodityQuantity.HEAT_POWER,
}
"""How heat is told in measurements and profiles: up to three quantities side by side."""

MODE_FLOWS = {
    f"{TAG}electricalPower": CommodityQuantity.ELECTRIC_POWER,
    f"{TAG}gasFlowRate": CommodityQuantity.GAS_FLOW,
    f"{TAG}heatTemperature": CommodityQuantity.HEAT_TEMPERATURE,
    f"{TAG}heatFlowRate": CommodityQuantity.HEAT_FLOW,
    f"{TAG}heatThermalPower": CommodityQuantity.HEAT_POWER,
}
"""How a running mode tells its flows, in the schema's order."""

TELLABLE = frozenset(QUANTITIES.values())
"""The quantities that EFI 2.0 can tell; electrical power only as the total of all phases."""

STATUSES = {
    "ACCEPTED": AllocationStatus.ACCEPTED,
    "STARTED": AllocationStatus.STARTED,
    "SUCCEEDED": AllocationStatus.FINISHED,
    "REJECTED": AllocationStatus.REJECTED,
    "ABORTED": AllocationStatus.ABORTED,
}
STATUS_WORDS = {status: word for word, status in STATUSES.items()}

DEVICE_CLASSES = {
    "Refrigerator": DeviceClass.REFRIGERATOR,
    "Freezer": DeviceClass.FREEZER,
    "Water Cooler": DeviceClass.WATER_COOLER,
    "Water Heater": DeviceClass.WATER_HEATER,
    "Washing Machine": DeviceClass.WASHING_MACHINE,
    "Clothes Dryer": DeviceClass.CLOTHES_DRYER,
    "Combo Washer Dryer": DeviceClass.COMBO_WASHER_DRYER,
    "Drying Cabinet": DeviceClass.DRYING_CABINET,
    "Dishwasher": DeviceClass.DISHWASHER,
    "Heatpump": DeviceClass.HEAT_PUMP,
    "Micro-CHP": DeviceClass.MICRO_CHP,
    "Stationary Battery": DeviceClass.STATIONARY_BATTERY,
    "Electrical Vehicle": DeviceClass.ELECTRIC_VEHICLE,
    "PV Panel": DeviceClass.PV_PANEL,
    "Windmill": DeviceClass.WINDMILL,
    "Solar Collector": DeviceClass.SOLAR_COLLECTOR,
    "Air Conditioner": DeviceClass.AIR_CONDITIONER,
    "Ventilation": DeviceClass.VENTILATION,
    "Air Quality Appliance": DeviceClass.AIR_QUALITY_APPLIANCE,
    "Gas Geater": DeviceClass.GAS_HEATER,  # so the schema spells it
    "Floor Heating": DeviceClass.FLOOR_HEATING,
    "Generator": DeviceClass.GENERATOR,
    "Miscellaneous": DeviceClass.MISCELLANEOUS,
}
DEVICE_CLASS_WORDS = {kind: word for word, kind in DEVICE_CLASSES.items()}

DEVICE_CLASS_SPELLINGS = {
    "gasheater": "Gas Geater",
    "heatpump": "Heatpump",
    "electricvehicle": "Electrical Vehicle",
    "electricalvehicle": "Electrical Vehicle",
    "battery": "Stationary Battery",
    "stationarybattery": "Stationary Battery",
    "pvpanel": "PV Panel",
    "pvpanels": "PV Panel",
    "solarpanel": "PV Panel",
    "airconditioner": "Air Conditioner",
    "airconditioning": "Air Conditioner",
    "windturbine": "Windmill",
    "dryer": "Clothes Dryer",
    "fridge": "Refrigerator",
    **{word.lower().replace(" ", "").replace("-", ""): word for word in DEVICE_CLASSES},
}
"""Other spellings of the device classes, in small letters without blanks and dashes."""
