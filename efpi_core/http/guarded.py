"""A route behind its role."""

from starlette.types import ASGIApp, Receive, Scope, Send

from efpi_core.http.front_door import ROLE
from efpi_core.http.problem import problem
from efpi_core.plugin.routes import Role

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""


class Guarded:
    """An application that answers callers of a role, and tells the others how to become one."""

    def __init__(self, app: ASGIApp, role: Role) -> None:
        self._app = app
        self._role = role

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, if the caller may ask."""
        needed = self._role if scope["method"] in HARMLESS else Role.OWNER
        if scope.get(ROLE, 0) >= needed:
            await self._app(scope, receive, send)
            return
        refusal = problem(
            403,
            f"this needs the role '{needed.name.lower()}'",
            "use the command `efpi` on this machine, as the user whom the gateway belongs to",
        )
        await refusal(scope, receive, send)
