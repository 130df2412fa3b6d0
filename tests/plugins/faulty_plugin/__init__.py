"""A plugin that does whatever is wrong, at the moment that its settings name."""

import os

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin
from faulty_plugin.faults import commit

commit(os.environ.get("FAULTY_PLUGIN_IMPORT", ""))

from faulty_plugin.driver import FaultyDriver  # noqa: E402  # the fault comes first


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """The one driver."""
    return (FaultyDriver,)
