"""The routes by which an instance is asked for one of its operations."""

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from pydantic import JsonValue, RootModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from efpi_core.errors import EfpiError, SettingsError
from efpi_core.gateway_api import GatewayApi
from efpi_core.http.changing import caller, read_body
from efpi_core.http.event_stream import frame
from efpi_core.http.problem import on_efpi_error, problem
from efpi_core.http.reading import answer

STREAM = "text/event-stream"

MOST_LINES = 200
"""Sentences that wait for a slow reader; what is beyond is left out."""

STILL_HERE_S = 15.0
"""How often the line is kept alive while the instance says nothing."""


class OperationBody(RootModel[dict[str, JsonValue]]):
    """Body of POST /api/instances/{instance}/operations/{operation}: its fields."""


AnswerT = TypeVar("AnswerT")


class Operating:
    """Passes the owner's calls to the gateway; who hangs up has the operation cancelled."""

    def __init__(self, gateway: GatewayApi) -> None:
        self._gateway = gateway

    async def listed(self, request: Request) -> Response:
        """GET /api/instances/{instance}/operations: what it can be asked for, with the schemas of fields and answer."""
        return answer(self._gateway.operations(request.path_params["instance"]))

    async def call(self, request: Request) -> Response:
        """POST /api/instances/{instance}/operations/{operation}?deadline_s=N: its output.

        With `Accept: text/event-stream` each sentence of progress comes as it is said, the output as the last event.
        """
        fields = (await read_body(request, OperationBody)).root if await request.body() else {}
        deadline_s = _deadline(request)
        if request.headers.get("accept") == STREAM:
            return StreamingResponse(self._streamed(request, fields, deadline_s), media_type=STREAM)
        output = await _unless_left(request, self._asked(request, fields, deadline_s))
        return problem(400, "the caller has left") if output is None else answer(output)

    def _asked(
        self, request: Request, fields: dict[str, JsonValue], deadline_s: float | None, lines: "_Lines | None" = None
    ) -> Coroutine[Any, Any, dict[str, JsonValue]]:
        return self._gateway.operate(
            request.path_params["instance"],
            request.path_params["operation"],
            fields,
            caller(request),
            deadline_s=deadline_s,
            progress=None if lines is None else lines.put,
        )

    async def _streamed(
        self, request: Request, fields: dict[str, JsonValue], deadline_s: float | None
    ) -> AsyncIterator[bytes]:
        lines = _Lines()
        work = asyncio.ensure_future(self._asked(request, fields, deadline_s, lines))
        work.add_done_callback(lambda _: lines.end())
        try:
            yield b": begun\n\n"
            while (line := await lines.next()) is not None:
                yield frame("progress", {"text": line}) if line else b": still here\n\n"
            try:
                yield frame("output", work.result())
            except EfpiError as error:
                refused = await on_efpi_error(request, error)
                yield b"event: problem\ndata: %s\n\n" % bytes(refused.body)
        finally:
            work.cancel()


class _Lines:
    """The sentences of a call on their way to its reader."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(MOST_LINES + 1)

    def put(self, text: str) -> None:
        if text and self._lines.qsize() < MOST_LINES:
            self._lines.put_nowait(text)

    def end(self) -> None:
        """No more will come."""
        self._lines.put_nowait(None)

    async def next(self) -> str | None:
        """The next sentence; an empty one when none came for a while, None after the last."""
        try:
            async with asyncio.timeout(STILL_HERE_S):
                return await self._lines.get()
        except TimeoutError:
            return ""


def _deadline(request: Request) -> float | None:
    text = request.query_params.get("deadline_s")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError("deadline_s", f"{text!r:.40} is no span", "give a number of seconds, as 30")
    return seconds


async def _unless_left(request: Request, work: Coroutine[Any, Any, AnswerT]) -> AnswerT | None:
    """What the work comes to; None, and the work is cancelled, when the caller hangs up before."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Wait until the caller has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
