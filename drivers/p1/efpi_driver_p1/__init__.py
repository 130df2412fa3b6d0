"""Smart meters with a P1 port: DSMR 2.2 to 5 and the variants of other countries."""

from collections.abc import Sequence

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from efpi_driver_p1.driver import P1Driver


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """The driver that this package offers."""
    return (P1Driver,)  # type: ignore[return-value]  # a plugin of its own config
