"""Plugins of every kind with one fault at one moment, and those that live beside them and count."""

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from matrix_plugin.kinds import FaultyApp, FaultyDemand, FaultyInflexible, FaultyOutput, FaultyShiftable, FaultyStorage
from matrix_plugin.witnesses import Asker, Greeter, Witness


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """All of them."""
    return (
        FaultyInflexible,
        FaultyShiftable,
        FaultyStorage,
        FaultyOutput,
        FaultyDemand,
        FaultyApp,
        Witness,
        Asker,
        Greeter,
    )
