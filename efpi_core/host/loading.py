"""Finding a plugin's classes where it runs: by importing its module and asking its hook."""

import importlib

import pluggy

from efpi_core.errors import PluginFailure
from efpi_core.plugin import hookspecs
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.plugin import Plugin


def plugin_types(module: str) -> dict[str, type[Plugin[PluginConfig]]]:
    """Import a plugin's module and return its drivers and apps by the name of their offer.

    Raises whatever the import raises, and PluginFailure when the module hands over nothing, or one name twice.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(importlib.import_module(module), module)
    types: dict[str, type[Plugin[PluginConfig]]] = {}
    for handed_over in manager.hook.efpi_plugins():
        for plugin_type in handed_over:
            if plugin_type.offer_name in types:
                raise PluginFailure(
                    f"{module} offers '{plugin_type.offer_name}' twice", "give each class an `offer_name` of its own"
                )
            types[plugin_type.offer_name] = plugin_type
    if not types:
        raise PluginFailure(f"{module} offers nothing", "implement the hook `efpi_plugins` in it")
    return types
