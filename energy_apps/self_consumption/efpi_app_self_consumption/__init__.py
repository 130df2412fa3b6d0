"""The self-consumption app: uses the sun of the own roof where it is worth most."""

from collections.abc import Sequence

from efpi_app_self_consumption.app import SelfConsumption
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin


@hookimpl
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:
    """The app that this package offers."""
    return (SelfConsumption,)  # type: ignore[return-value]  # a plugin of its own config
