"""The parts of the platform that add routes: the gateway's own API, and the parts that are installed with it."""

import logging
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, distribution

import pluggy

from efpi_core.gateway_api import GatewayApi
from efpi_core.http.api import Api
from efpi_core.log_line import say
from efpi_core.plugin import hookspecs
from efpi_core.plugin.routes import HttpRoute

LOG = logging.getLogger("efpi.http")


class Parts:
    """Asks each part for its routes, by the hook `efpi_routes`."""

    def __init__(self, others: Iterable[object] = ()) -> None:
        self._api = Api()
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for part in (*others, self._api):  # asked last first, so the API's own paths cannot be taken
            self._manager.register(part)

    def routes(self, gateway: GatewayApi) -> Sequence[HttpRoute]:
        """The routes of all parts, the API's first."""
        told: list[Sequence[HttpRoute]] = self._manager.hook.efpi_routes(gateway=gateway)
        return tuple(route for routes in told for route in routes)

    def close(self) -> None:
        """End what would keep a connection open."""
        self._api.close()


def installed_parts() -> tuple[object, ...]:
    """The platform's own parts beside the API, as the distribution `efpi` names them; one that fails is left out."""
    try:
        entry_points = distribution("efpi").entry_points.select(group=hookspecs.PROJECT)
    except PackageNotFoundError:
        return ()
    parts = []
    for entry_point in entry_points:
        try:
            parts.append(entry_point.load())
        except ImportError as error:
            cure = f"install efpi[{entry_point.name}]"
            say(
                LOG,
                logging.WARNING,
                "part_missing",
                entry_point.name,
                f"it cannot be loaded: {error}",
                facts={"cure": cure},
            )
    return tuple(parts)
