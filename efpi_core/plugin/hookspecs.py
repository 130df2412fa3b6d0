"""Every hook of the platform, on one page.

A plugin's module implements hooks with `@hookimpl` and is named in the entry-point group `efpi`. The hooks of the
first part are called where the plugin runs: in a process of its own. Those of the second part are called inside the
gateway, and only the platform's own parts are asked.
"""

from collections.abc import Sequence

import pluggy

from efpi_core.gateway_api import GatewayApi
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.plugin import Plugin
from efpi_core.plugin.routes import HttpRoute

PROJECT = "efpi"
"""The name of the entry-point group, too."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def efpi_plugins() -> Sequence[type[Plugin[PluginConfig]]]:  # type: ignore[empty-body]  # a specification has no body
    """Called when the plugin is described and when one of its instances starts: the drivers and apps on offer."""


@hookspec(firstresult=True)
def efpi_plugin(offer: str) -> type[Plugin[PluginConfig]] | None:
    """Called when an instance starts, before `efpi_plugins`: the class of this one offer.

    For packages with many offers, whose processes need not import them all; the others leave it out.
    """


# --- second part: called inside the gateway, of the platform's own parts only -------------------------------------


@hookspec
def efpi_routes(gateway: GatewayApi) -> Sequence[HttpRoute]:  # type: ignore[empty-body]  # a specification has no body
    """Called once, when the gateway has begun: the paths that the part adds to the gateway's HTTP interface."""
