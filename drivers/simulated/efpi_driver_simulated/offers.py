"""What this package offers to a gateway."""

from collections.abc import Sequence

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from efpi_driver_simulated.appliances.base_load import BaseLoadDriver
from efpi_driver_simulated.appliances.battery import BatteryDriver
from efpi_driver_simulated.appliances.boiler import BoilerDriver
from efpi_driver_simulated.appliances.car import CarDriver
from efpi_driver_simulated.appliances.freezer import FreezerDriver
from efpi_driver_simulated.appliances.generator import GeneratorDriver
from efpi_driver_simulated.appliances.machines import DishwasherDriver, WashingMachineDriver
from efpi_driver_simulated.appliances.meter import MeterDriver
from efpi_driver_simulated.appliances.pv import PvDriver
from efpi_driver_simulated.appliances.trouble import TroubleDriver

DRIVERS = (
    MeterDriver, PvDriver, BaseLoadDriver, WashingMachineDriver, DishwasherDriver, BatteryDriver, CarDriver,
    BoilerDriver, FreezerDriver, GeneratorDriver, TroubleDriver,
)  # fmt: skip


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """The drivers of the simulated house."""
    return DRIVERS  # type: ignore[return-value]  # each is a plugin of its own config
