"""Devices that live on in files whatever becomes of their drivers, each noting every deed with the time since boot."""

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from lasting_plugin.app import RestlessApp
from lasting_plugin.cell import BlindCellDriver, CellDriver
from lasting_plugin.washer import WasherDriver


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """Two storages, a machine with work, and an app that never leaves them alone."""
    return (CellDriver, BlindCellDriver, WasherDriver, RestlessApp)  # type: ignore[return-value]  # any config will do
