"""Finding a plugin's classes where it runs: by importing its module and asking its hook."""

import importlib
from collections.abc import Callable
from itertools import chain
from typing import Any

import pluggy

from efpi_core.errors import EfpiError, PluginFailure
from efpi_core.plugin import hookspecs
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.plugin import Plugin

PluginType = type[Plugin[PluginConfig]]


def plugin_types(module: str) -> dict[str, PluginType]:
    """Import a plugin's module and return its drivers and apps by the name of their offer.

    Raises PluginFailure, with the cure, when the import fails, or when what is handed over is not fit for use.
    """
    types: dict[str, PluginType] = {}
    for handed_over in _asked(module, lambda manager: tuple(chain.from_iterable(manager.hook.efpi_plugins()))):
        offered = _fit(module, handed_over)
        if offered.offer_name in types:
            raise PluginFailure(
                f"{module} offers '{offered.offer_name}' twice", "give each class an `offer_name` of its own"
            )
        types[offered.offer_name] = offered
    if not types:
        raise PluginFailure(f"{module} offers nothing", "implement the hook `efpi_plugins` in it")
    return types


def plugin_type(module: str, offer: str) -> PluginType:
    """The class of one offer; PluginFailure when there is none."""
    one = _asked(module, lambda manager: manager.hook.efpi_plugin(offer=offer))
    if one is not None and _fit(module, one).offer_name == offer:
        return _fit(module, one)
    types = plugin_types(module)
    if offer not in types:
        problem = f"{module} offers {', '.join(types)}, but not '{offer}'"
        raise PluginFailure(problem, "install a release of the plugin that has it, or correct the site")
    return types[offer]


def _asked(module: str, ask: Callable[[pluggy.PluginManager], Any]) -> Any:
    """What the hooks of a plugin's module answer."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(importlib.import_module(module), module)
        return ask(manager)
    except (Exception, SystemExit) as error:  # importing is running: whatever a plugin raises there is its failure
        raise PluginFailure(f"{module} cannot be imported: {_in_words(error)}", _cure(error, module)) from error


def _fit(module: str, offered: object) -> PluginType:
    if not (isinstance(offered, type) and issubclass(offered, Plugin)):
        problem = f"{module} hands over {offered!r:.80}, which is not a driver's or an app's class"
        raise PluginFailure(problem, "let its `efpi_plugins` return classes")
    for needed in ("offer_name", "title"):
        if not isinstance(getattr(offered, needed, None), str):
            raise PluginFailure(f"{module}: the class {offered.__name__} has no `{needed}`", "give it one")
    return offered


def _in_words(error: BaseException) -> str:
    if isinstance(error, EfpiError):
        return error.problem
    if isinstance(error, SystemExit):
        return f"it calls for an exit with {error.code!r}"
    return f"{type(error).__name__}: {error}"


def _cure(error: BaseException, module: str) -> str:
    if isinstance(error, EfpiError) and error.cure:
        return error.cure
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        wanted = "the plugin" if missing == module.partition(".")[0] else f"the package that brings '{missing}'"
        return f"install {wanted} where efpi is installed"
    return "install a release of the plugin that fits this gateway, or report this to its author"
