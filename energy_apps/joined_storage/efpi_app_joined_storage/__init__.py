"""Joins storages that share one fill level into one storage with several actuators."""

from efpi_app_joined_storage.app import JoinedStorage
from efpi_core.plugin.hookspecs import hookimpl


@hookimpl
def efpi_plugins() -> list[type[JoinedStorage]]:
    """Hand over the app."""
    return [JoinedStorage]
