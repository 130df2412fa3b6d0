"""The routes that show the past."""

import asyncio
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.gateway_api import GatewayApi, HistoryApi
from efpi_core.history_views import Resolution
from efpi_core.http.changing import read_body
from efpi_core.http.json_form import to_json


class ImportBody(BaseModel):
    """Body of POST /api/history/import."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    file: str
    """The name of a file of staged values in the home."""


SPAN = timedelta(days=1)
"""The span of a question that names none: up to now."""


class HistoryRoutes:
    """Answers about the past. The answers are made and written down off the event loop."""

    def __init__(self, gateway: GatewayApi) -> None:
        self._gateway = gateway

    async def channels(self, request: Request) -> Response:
        """GET /api/history: all channels, and the span of their raw values."""
        return await _answered(await self._history().channels())

    async def values(self, request: Request) -> Response:
        """GET /api/history/{channel}?from=…&to=…&resolution=…: values of one channel, in columns."""
        since, until, resolution = self._question(request)
        return await _answered(await self._history().values(request.path_params["channel"], since, until, resolution))

    async def costs(self, request: Request) -> Response:
        """GET /api/costs?from=…&to=…&resolution=…: energy at the grid meter and what it cost."""
        return await _answered(await self._history().costs(*self._question(request)))

    async def take_in(self, request: Request) -> Response:
        """POST /api/history/import: values that the caller staged in a file in the home."""
        body = await read_body(request, ImportBody)
        return await _answered(await self._history().import_staged(body.file))

    async def rebuild(self, request: Request) -> Response:
        """POST /api/history/rebuild: make all quarter hours and days anew."""
        return await _answered(await self._history().rebuild())

    def _history(self) -> HistoryApi:
        history = self._gateway.history
        if history is None:
            raise TryAgainError("this gateway keeps no history", "run it with a home")
        return history

    def _question(self, request: Request) -> tuple[datetime, datetime, Resolution]:
        asked = request.query_params
        until = _instant(asked.get("to"), "to") or self._gateway.health().now
        since = _instant(asked.get("from"), "from") or until - SPAN
        wanted = asked.get("resolution", Resolution.AUTO.value)
        if wanted not in set(Resolution):
            raise SettingsError("resolution", f"'{wanted[:40]}' is none", f"choose from: {', '.join(Resolution)}")
        return since, until, Resolution(wanted)


async def _answered(view: object) -> Response:
    return Response(await asyncio.to_thread(to_json, view), media_type="application/json")


def _instant(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that was not escaped
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise SettingsError(name, f"'{text[:40]}' is no instant with a zone", "write it as 2026-06-01T12:00:00Z")
    return at
