"""Devices that speak S2 (EN 50491-12-2) as appliances."""

from collections.abc import Sequence

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from efpi_driver_s2.driver import S2Driver


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """The driver that this package offers."""
    return (S2Driver,)  # type: ignore[return-value]  # a plugin of its own config
