"""The front door of the HTTP interface: who may speak to it under which name, and the headers of every answer."""

import logging
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from efpi_core.http.problem import problem
from efpi_core.log_line import say
from efpi_core.plugin.routes import Role

LOG = logging.getLogger("efpi.http")

ROLE = "efpi.role"
"""Key of a request's scope: the role of the caller."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names under which a page on this machine may reach the gateway. Any other is a stranger's name made to point here
(DNS rebinding)."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""Set on every answer that does not set them itself."""


class FrontDoor:
    """Stands before the application on one listener and gives its callers their role."""

    def __init__(self, app: ASGIApp, *, role: Role, by_name: bool, now: Callable[[], datetime]) -> None:
        """`by_name`: the listener is reached by an address, so `Host` and `Origin` must be names of this machine."""
        self._app = app
        self._role = role
        self._by_name = by_name
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or turn it away."""
        if scope["type"] != "http":
            return
        scope[ROLE] = self._role
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["Date"] = format_datetime(self._now(), usegmt=True)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(Headers(scope=scope)) if self._by_name else None
        if refusal is not None:
            await problem(*refusal)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  # it was answered and logged within; here it only must not end the connection's task
            if not begun:
                text = f"{scope['method']} {scope['path']} was not answered"
                say(LOG, logging.ERROR, "request_failed", "http", text, exc_info=error)
                await problem(500, "an unexpected error", "see the gateway's log")(scope, receive, send_with_headers)

    def _refusal(self, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if _name(host) not in LOCAL_NAMES:
            return 421, "this gateway is not served under that name", "open it as http://localhost or http://127.0.0.1"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "a page from elsewhere may not use this gateway", "open the gateway's own page"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "a page from elsewhere may not use this gateway", "open the gateway's own page"
        return None


def _name(host: str) -> str:
    """The name in a `Host` header, without the port; empty when it cannot be read."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return parts.hostname or "" if parts.netloc == host and "@" not in host else ""
