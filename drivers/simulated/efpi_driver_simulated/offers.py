"""What this package offers to a gateway. An instance's process imports its own driver only, to stay small."""

import importlib
from collections.abc import Sequence

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin

DRIVERS = {
    "simulated.meter": ("meter", "MeterDriver"),
    "simulated.pv": ("pv", "PvDriver"),
    "simulated.base_load": ("base_load", "BaseLoadDriver"),
    "simulated.washing_machine": ("machines", "WashingMachineDriver"),
    "simulated.dishwasher": ("machines", "DishwasherDriver"),
    "simulated.battery": ("battery", "BatteryDriver"),
    "simulated.car": ("car", "CarDriver"),
    "simulated.boiler": ("boiler", "BoilerDriver"),
    "simulated.freezer": ("freezer", "FreezerDriver"),
    "simulated.generator": ("generator", "GeneratorDriver"),
    "simulated.trouble": ("trouble", "TroubleDriver"),
}
"""Each offer with the module and class of its driver."""


@hookimpl
def efpi_plugin(offer: str) -> type[Plugin[PluginConfig]] | None:
    """The driver of one offer, or None when it is another package's."""
    if offer not in DRIVERS:
        return None
    module, name = DRIVERS[offer]
    driver: type[Plugin[PluginConfig]] = getattr(
        importlib.import_module(f"efpi_driver_simulated.appliances.{module}"), name
    )
    return driver


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """All drivers of the simulated house."""
    return [driver for driver in map(efpi_plugin, DRIVERS) if driver is not None]
