"""The routes that change the house; for its owner, over the Unix socket."""

import re
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from efi.commodity import Phase
from efi.repeated_key import repeated_key
from efi.types import Instant
from efpi_core.errors import SettingsError
from efpi_core.gateway_api import GatewayApi
from efpi_core.http.problem import problem
from efpi_core.http.reading import answer
from efpi_core.plugin.limits import Limit, LimitSource

_ENTITY_TAG = re.compile(r'"\d{1,15}"', re.ASCII)
"""A revision as HTTP names it (RFC 9110, 8.8.3)."""

BY_HEADER = "Efpi-By"
"""Who asks, for the journal; the role comes from the socket, not from here."""


LONGEST_SPAN_S = 3650 * 86400
"""No wish reaches further than ten years."""


NEWEST_REVISION = 10**9
"""No site was changed more often."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class ConnectionBody(_Body):
    """Body of PUT /api/connections/{appliance}."""

    app: str | None
    """The app that is to control it; null for none."""


class OverrideBody(_Body):
    """Body of PUT /api/overrides/{appliance}; says its end as an instant or as a span."""

    action: str
    until: Instant | None = None
    for_s: float | None = Field(None, gt=0, le=LONGEST_SPAN_S)
    parameters: dict[str, float | str | None] = Field(default_factory=dict, max_length=20)


class LimitBody(_Body):
    """Body of PUT /api/limits/{limit}."""

    source: LimitSource = LimitSource.CONTRACT
    lower_w: float | None = None
    upper_w: float | None = None
    phase: Phase | None = None
    appliance_id: str | None = None
    start: Instant | None = None
    end: Instant | None = None
    reason: str = Field("", max_length=500)


class SiteBody(_Body):
    """Body of PUT /api/site."""

    text: str
    why: str = Field("", max_length=500)


class RollbackBody(_Body):
    """Body of POST /api/site/rollback."""

    revision: int = Field(ge=1, le=NEWEST_REVISION)


BodyT = TypeVar("BodyT", bound=BaseModel)


async def read_body(request: Request, kind: type[BodyT]) -> BodyT:
    """The JSON body of a request; raises SettingsError that names what is wrong with it."""
    if request.headers.get("content-type", "application/json").split(";")[0].strip() != "application/json":
        raise SettingsError("", "the body is not JSON", "send it as application/json")
    content = await request.body()
    try:
        body = kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise SettingsError(path, first["msg"], "see docs/http.md for the body of this request") from error
    if (repeated := repeated_key(content)) is not None:
        raise SettingsError(repeated, "it stands twice", "say it once")
    return body


def caller(request: Request) -> str:
    """Who asks, in printable characters."""
    name = request.headers.get(BY_HEADER, "owner")
    return "".join(character for character in name if character.isprintable())[:64] or "owner"


class Changing:
    """Passes the owner's requests to the gateway."""

    def __init__(self, gateway: GatewayApi) -> None:
        self._gateway = gateway

    async def connect(self, request: Request) -> Response:
        """PUT /api/connections/{appliance}: give an appliance to an app, or to none."""
        body = await read_body(request, ConnectionBody)
        appliance = request.path_params["appliance"]
        await self._gateway.connect(appliance, body.app)
        return answer(next((view for view in self._gateway.connections() if view.appliance == appliance), None))

    async def override(self, request: Request) -> Response:
        """PUT /api/overrides/{appliance}: the resident decides, until it ends."""
        body = await read_body(request, OverrideBody)
        if (body.until is None) is (body.for_s is None):
            raise SettingsError("until", "say when it ends: `until` an instant, or `for_s` seconds")
        until = body.until or self._gateway.health().now + timedelta(seconds=body.for_s or 0)
        view = await self._gateway.override(
            request.path_params["appliance"],
            body.action,
            until,
            body.parameters,
            caller(request),
            span=body.until is None,
        )
        return answer(view)

    async def end_override(self, request: Request) -> Response:
        """DELETE /api/overrides/{appliance}: give it back."""
        await self._gateway.end_override(request.path_params["appliance"], caller(request))
        return Response(status_code=204)

    async def set_limit(self, request: Request) -> Response:
        """PUT /api/limits/{limit}: set a bound on power."""
        body = await read_body(request, LimitBody)
        limit = Limit(limit_id=request.path_params["limit"], **body.model_dump())
        await self._gateway.set_limit(limit, caller(request))
        return answer(limit)

    async def remove_limit(self, request: Request) -> Response:
        """DELETE /api/limits/{limit}: lift it."""
        await self._gateway.remove_limit(request.path_params["limit"], caller(request))
        return Response(status_code=204)

    async def restart(self, request: Request) -> Response:
        """POST /api/instances/{instance}/restart: end it and start it again."""
        instance = request.path_params["instance"]
        await self._gateway.restart_instance(instance, caller(request))
        return answer(next((view for view in self._gateway.instances() if view.instance == instance), None))

    async def forget_memory(self, request: Request) -> Response:
        """DELETE /api/instances/{instance}/memory: forget what it kept; it must not be in the site any more."""
        await self._gateway.forget_memory(request.path_params["instance"], caller(request))
        return Response(status_code=204)

    async def apply_site(self, request: Request) -> Response:
        """PUT /api/site: apply a document. With `If-Match`, only upon that revision."""
        body = await read_body(request, SiteBody)
        upon = request.headers.get("if-match")
        if upon is not None and _ENTITY_TAG.fullmatch(upon) is None:
            return problem(412, f"If-Match: {upon!r:.40} is no revision", 'send the number in quotes, as "7"')
        number = None if upon is None else int(upon.strip('"'))
        applied = await self._gateway.apply_site(body.text, caller(request), body.why, number)
        return answer({"revision": applied})

    async def roll_back(self, request: Request) -> Response:
        """POST /api/site/rollback: apply an older revision's document again."""
        body = await read_body(request, RollbackBody)
        return answer({"revision": await self._gateway.rollback_site(body.revision, caller(request))})
