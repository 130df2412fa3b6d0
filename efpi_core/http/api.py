"""The small API of the gateway, added to its HTTP interface by the same hook as any other part's routes."""

from collections.abc import Sequence

from starlette.routing import request_response

from efpi_core.gateway_api import GatewayApi
from efpi_core.http.changing import Changing
from efpi_core.http.event_stream import EventStream
from efpi_core.http.history import HistoryRoutes
from efpi_core.http.operating import Operating
from efpi_core.http.reading import Handler, Reading
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.routes import HttpRoute, Role


class Api:
    """The platform's own routes."""

    def __init__(self) -> None:
        self._stream: EventStream | None = None

    @hookimpl
    def efpi_routes(self, gateway: GatewayApi) -> Sequence[HttpRoute]:
        """All routes under /api, and /metrics."""
        self._stream = EventStream(gateway)
        reading, changing = Reading(gateway), Changing(gateway)
        history, operating = HistoryRoutes(gateway), Operating(gateway)
        return (
            _shown("/api/appliances", reading.appliances),
            _shown("/api/appliances/{appliance}", reading.appliance),
            _shown("/api/connections", reading.connections),
            _shown("/api/observations", reading.observations),
            _shown("/api/balance", reading.balance),
            _shown("/api/instances", reading.instances),
            _shown("/api/limits", reading.limits),
            _shown("/api/overrides", reading.overrides),
            _shown("/api/journal", reading.journal),
            _shown("/api/history", history.channels),
            _shown("/api/history/{channel}", history.values),
            _shown("/api/costs", history.costs),
            _shown("/api/events", self._stream.serve),
            _shown("/api/site", reading.site),
            _shown("/api/site/history", reading.site_history),
            _shown("/api/site/history/{number}", reading.site_revision),
            _shown("/api/schema/messages", reading.message_schema),
            _shown("/metrics", reading.metrics),
            _changed("PUT", "/api/connections/{appliance}", changing.connect),
            _changed("PUT", "/api/overrides/{appliance}", changing.override),
            _changed("DELETE", "/api/overrides/{appliance}", changing.end_override),
            _changed("PUT", "/api/limits/{limit}", changing.set_limit),
            _changed("POST", "/api/history/import", history.take_in),
            _changed("POST", "/api/history/rebuild", history.rebuild),
            _changed("DELETE", "/api/limits/{limit}", changing.remove_limit),
            _changed("POST", "/api/instances/{instance}/restart", changing.restart),
            _changed("DELETE", "/api/instances/{instance}/memory", changing.forget_memory),
            _shown("/api/instances/{instance}/operations", operating.listed),
            _changed("POST", "/api/instances/{instance}/operations/{operation}", operating.call),
            _changed("PUT", "/api/site", changing.apply_site),
            _changed("POST", "/api/site/rollback", changing.roll_back),
        )

    def close(self) -> None:
        """End what would keep a connection open."""
        if self._stream is not None:
            self._stream.close()


def _shown(path: str, handler: Handler) -> HttpRoute:
    return HttpRoute(path, request_response(handler), Role.VIEWER)


def _changed(method: str, path: str, handler: Handler) -> HttpRoute:
    return HttpRoute(path, request_response(handler), Role.OWNER, (method,))
