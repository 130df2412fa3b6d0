"""Offers the appliances of a house to somebody's energy manager, by S2 (EN 50491-12-2)."""

from efpi_app_s2_bridge.app import S2Bridge
from efpi_core.plugin.hookspecs import hookimpl


@hookimpl
def efpi_plugins() -> list[type[S2Bridge]]:
    """Hand over the app."""
    return [S2Bridge]
