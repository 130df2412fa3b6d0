"""The routes that show the house."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from efi.schema import message_schema
from efpi_core.event_kinds import Level
from efpi_core.gateway_api import GatewayApi
from efpi_core.http.event_filter import EventFilter
from efpi_core.http.json_form import to_json
from efpi_core.http.metrics import METRICS_TYPE, metrics
from efpi_core.http.problem import problem

Handler = Callable[[Request], Awaitable[Response]]

MOST_EVENTS = 2000


def answer(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(to_json(value), status, media_type="application/json")


class Reading:
    """Answers from the gateway's views."""

    def __init__(self, gateway: GatewayApi) -> None:
        self._gateway = gateway

    async def appliances(self, request: Request) -> Response:
        """GET /api/appliances: all of them, each with its last control space."""
        return answer(self._gateway.appliances())

    async def appliance(self, request: Request) -> Response:
        """GET /api/appliances/{appliance}: one."""
        wanted = request.path_params["appliance"]
        for view in self._gateway.appliances():
            if view.id == wanted:
                return answer(view)
        return problem(404, f"there is no appliance '{wanted}'", "GET /api/appliances lists them")

    async def connections(self, request: Request) -> Response:
        """GET /api/connections: which app controls which appliance, or could."""
        return answer(self._gateway.connections())

    async def observations(self, request: Request) -> Response:
        """GET /api/observations?name=battery.*: last values; `*` stands for one part of a name, `**` for all."""
        return answer(self._gateway.observations(request.query_params.get("name", "**")))

    async def balance(self, request: Request) -> Response:
        """GET /api/balance: power by role."""
        return answer(self._gateway.balance())

    async def instances(self, request: Request) -> Response:
        """GET /api/instances: the configured plugins and how they are doing."""
        return answer(self._gateway.instances())

    async def limits(self, request: Request) -> Response:
        """GET /api/limits: all bounds on power."""
        return answer(self._gateway.limits())

    async def overrides(self, request: Request) -> Response:
        """GET /api/overrides: what residents decided, until it ends."""
        return answer(self._gateway.overrides())

    async def journal(self, request: Request) -> Response:
        """GET /api/journal?after=N&count=N: what happened, oldest first; without `after` the newest.

        `level`, `subject` and `since` choose among them; see `EventFilter`.
        """
        after = _number(request.query_params.get("after", "0"))
        count = _number(request.query_params.get("count", "200"))
        if after is None or count is None or not 1 <= count <= MOST_EVENTS:
            return problem(400, f"`after` and `count` are numbers, and `count` at most {MOST_EVENTS}")
        try:
            chosen = _event_filter(request.query_params)
        except ValueError as error:
            return problem(400, str(error), f"levels are {', '.join(Level)}; an instant is 2025-06-01T18:30:00Z")
        found = [event for event in self._gateway.events(after, MOST_EVENTS) if chosen.takes(event)]
        return answer(found[:count] if after else found[-count:])

    async def site(self, request: Request) -> Response:
        """GET /api/site: the document in force, and its revision as ETag."""
        revision, text = self._gateway.site_text()
        response = answer({"revision": revision, "text": text})
        response.headers["ETag"] = f'"{revision}"'
        return response

    async def site_history(self, request: Request) -> Response:
        """GET /api/site/history: all revisions, oldest first."""
        return answer(self._gateway.site_history())

    async def site_revision(self, request: Request) -> Response:
        """GET /api/site/history/{number}: the document of one revision."""
        number = _number(request.path_params["number"])
        if number is None:
            return problem(404, "that is the number of no revision", "GET /api/site/history lists them")
        return answer({"revision": number, "text": await self._gateway.site_revision(number)})

    async def metrics(self, request: Request) -> Response:
        """GET /metrics: in the text format of Prometheus."""
        return Response(metrics(self._gateway), media_type=METRICS_TYPE)

    async def message_schema(self, request: Request) -> Response:
        """GET /api/schema/messages: the JSON Schema of every message of the interface."""
        return Response(to_json(message_schema()), media_type="application/schema+json")


def _event_filter(query: Mapping[str, str]) -> EventFilter:
    """Raises ValueError when it is none."""
    since = query.get("since")
    at = None if since is None else datetime.fromisoformat(since)
    if at is not None and at.tzinfo is None:
        raise ValueError("`since` has no zone")
    return EventFilter(Level(query.get("level", Level.INFO)), query.get("subject", "*"), at)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
