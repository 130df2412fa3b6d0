"""The HTTP application of one gateway: its health from the first moment, everything else once the gateway is there."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router, request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from efpi_core.errors import EfpiError
from efpi_core.http.guarded import Guarded
from efpi_core.http.json_form import to_json
from efpi_core.http.page import page, page_file
from efpi_core.http.problem import on_efpi_error, on_failure, on_gone, on_http_error, problem
from efpi_core.plugin.routes import HttpRoute, Role
from efpi_core.views import HealthView

if TYPE_CHECKING:  # the socket listens before these are loaded; they take most of the start
    from efpi_core.gateway_api import GatewayApi
    from efpi_core.http.parts import Parts

LARGEST_BODY = 1 << 20
"""Bytes of a request's body; a site document of ten thousand lines is smaller."""

NOTHING_WORKS = frozenset({"failed"})
"""States of health that are answered with 503; a degraded gateway works."""


class Surface:
    """All that is reached over HTTP. Each route has a role; what has no route is not there."""

    def __init__(self, health: Callable[[], HealthView]) -> None:
        """`health` tells how the gateway is, and how far the start has come while there is none."""
        self._health = health
        self._parts: Parts | None = None
        self._app = self._application((HttpRoute("/api/{path:path}", _not_yet, Role.VIEWER),))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, by ASGI."""
        scope["app"] = self  # Starlette's routes look for it, and raise what is answered below
        await self._app(scope, receive, send)

    def open(self, gateway: "GatewayApi", parts: "Parts") -> None:
        """The gateway is there: serve its routes, and those of the platform's other parts."""
        self._parts = parts
        self._app = self._application(parts.routes(gateway))

    def close(self) -> None:
        """End what keeps connections open."""
        if self._parts is not None:
            self._parts.close()

    def _application(self, routes: Sequence[HttpRoute]) -> ASGIApp:
        own = (
            HttpRoute("/api/health", request_response(self._show_health), Role.VIEWER),
            HttpRoute("/", request_response(page), Role.VIEWER),
            HttpRoute("/static/{name}", request_response(page_file), Role.VIEWER),
        )
        # Not `Starlette` itself: it would bring pages for debugging, and half a megabyte.
        answered = ExceptionMiddleware(
            Router([_guarded(route) for route in (*own, *routes)]),
            {
                EfpiError: on_efpi_error,
                HTTPException: on_http_error,
                ClientDisconnect: on_gone,
                Exception: on_failure,
            },
        )
        return RequestBodyLimitMiddleware(answered, max_body_size=LARGEST_BODY)

    async def _show_health(self, request: Request) -> Response:
        """GET /api/health: the state of each part; 503 only while nothing works."""
        health = self._health()
        return Response(to_json(health), 503 if health.status in NOTHING_WORKS else 200, media_type="application/json")


def _guarded(route: HttpRoute) -> BaseRoute:
    app: ASGIApp = Guarded(route.app, route.role)
    if route.mount:
        return Mount(route.path, app)
    return Route(route.path, app, methods=route.methods)


async def _not_yet(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(503, "the gateway is starting", "ask again in a moment; /api/health tells how far it is")(
        scope, receive, send
    )
