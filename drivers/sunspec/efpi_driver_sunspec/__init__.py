"""SunSpec inverters, batteries and meters over Modbus TCP and RTU."""

from collections.abc import Sequence

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from efpi_driver_sunspec.driver import SunSpecDriver


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """The driver that this package offers."""
    return (SunSpecDriver,)  # type: ignore[return-value]  # a plugin of its own config
