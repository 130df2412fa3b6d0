"""Server-sent events: the house as it is now, then every change. A reader that was away gets the events it missed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from efpi_core.gateway_api import GatewayApi
from efpi_core.http.json_form import to_json
from efpi_core.http.problem import problem
from efpi_core.views import ApplianceView, EventView

KINDS = ("health", "instance", "appliance", "connection", "balance", "observation", "event")
"""What can be followed; `?kinds=balance,event` chooses."""

MOST_READERS = 32
"""Streams at a time; each holds a connection and a bounded backlog."""

HEALTH_EVERY_S = 5.0
"""How often the health is told anew; it keeps the line alive, too."""

RECENT = 50
"""Events told to a reader that comes for the first time."""

MOST_MISSED = 2000
"""Events told to a reader that comes back; older ones are in the journal."""


class EventStream:
    """Serves the gateway's changes to many readers, each at its own speed: a slow one misses values, newest wins."""

    def __init__(self, gateway: GatewayApi) -> None:
        self._gateway = gateway
        self._ends: set[asyncio.Event] = set()

    @property
    def readers(self) -> int:
        """How many follow now."""
        return len(self._ends)

    def close(self) -> None:
        """End every stream; their readers come back to whoever serves next."""
        for end in self._ends:
            end.set()

    async def serve(self, request: Request) -> Response:
        """GET /api/events."""
        wanted = request.query_params.get("kinds")
        kinds = frozenset(KINDS if wanted is None else wanted.split(","))
        if not kinds <= set(KINDS):
            unknown = ", ".join(sorted(kinds - set(KINDS)))
            return problem(400, f"`kinds` names '{unknown}'", f"choose from: {', '.join(KINDS)}")
        last = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
        if not (last.isascii() and last.isdigit() and len(last) <= 18):
            return problem(400, "`Last-Event-ID` is not the number of an event", "leave it away to begin anew")
        if len(self._ends) >= MOST_READERS:
            return problem(503, f"{MOST_READERS} readers follow already", "close one of them")
        return StreamingResponse(self._follow(kinds, int(last)), media_type="text/event-stream")

    async def _follow(self, kinds: frozenset[str], after: int) -> AsyncIterator[bytes]:
        end = asyncio.Event()
        self._ends.add(end)
        try:
            async with aclosing(_Changes(self._gateway, end, HEALTH_EVERY_S)) as changes:
                await changes.begin()
                async for chunk in self._tell(kinds, after, changes):
                    yield chunk
        finally:
            self._ends.discard(end)

    async def _tell(self, kinds: frozenset[str], after: int, changes: "_Changes") -> AsyncIterator[bytes]:
        told = [frame("begin", {"kinds": sorted(kinds)}), *self._present(kinds)]
        last = after
        if "event" in kinds:
            for event in self._events_after(last):
                last = event.number
                told.append(frame("event", event, last))
        yield b"".join((*told, frame("live", {"now": self._gateway.health().now})))  # one write, whoever goes meanwhile
        while (change := await changes.next()) is not None:
            kind, value = change
            if isinstance(value, EventView) and "event" in kinds:
                if value.number <= last and value.count > 1:  # told before, and now with a newer count
                    yield frame("event", value)
                    continue
                missed = (value,) if last == 0 or value.number == last + 1 else self._events_after(last)
                for event in missed:
                    last = event.number
                    yield frame("event", event, last)
            elif kind in kinds and not isinstance(value, EventView):
                yield frame(kind, brief(value))
            if "health" in kinds and kind in ("tick", "instance"):
                yield frame("health", self._gateway.health())
            elif kind == "tick":
                yield b": still here\n\n"

    def _present(self, kinds: frozenset[str]) -> Iterator[bytes]:
        """The house as it is now."""
        if "health" in kinds:
            yield frame("health", self._gateway.health())
        if "instance" in kinds:
            yield from (frame("instance", view) for view in self._gateway.instances())
        if "appliance" in kinds:
            yield from (frame("appliance", brief(view)) for view in self._gateway.appliances())
        if "connection" in kinds:
            yield from (frame("connection", view) for view in self._gateway.connections())
        if "balance" in kinds:
            yield frame("balance", self._gateway.balance())
        if "observation" in kinds:
            yield from (frame("observation", view) for view in self._gateway.observations())

    def _events_after(self, last: int) -> tuple[EventView, ...]:
        if last == 0:
            return self._gateway.events(0, RECENT)
        missed = self._gateway.events(last, MOST_MISSED)
        newest = self._gateway.events(0, RECENT)
        if not missed and newest and newest[-1].number < last:
            return newest  # the reader knows a number that this gateway never gave: its state was made anew
        return missed


class _Changes:
    """The changes that one reader follows, with a tick now and then and an end when the server stops."""

    def __init__(self, gateway: GatewayApi, end: asyncio.Event, tick_s: float) -> None:
        self._tick_s = tick_s
        self._loop = asyncio.get_running_loop()
        self._tick_at = self._loop.time() + tick_s
        self._source = gateway.subscribe()
        self._end = asyncio.ensure_future(end.wait())
        self._pending: asyncio.Task[tuple[str, object]] | None = None

    async def begin(self) -> None:
        """Follow from now on, so that nothing is lost while the present is told."""
        self._pending = asyncio.ensure_future(self._take())
        await asyncio.sleep(0)

    async def _take(self) -> tuple[str, object]:
        return await anext(self._source)

    async def next(self) -> tuple[str, object] | None:
        """The next change, or a tick when it is time for one; None when all is over."""
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._take())
        left_s = max(self._tick_at - self._loop.time(), 0)
        done, _ = await asyncio.wait({self._pending, self._end}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if self._end in done:
            return None
        if left_s == 0 or not done:
            self._tick_at = self._loop.time() + self._tick_s
            return "tick", None
        pending, self._pending = self._pending, None
        try:
            return pending.result()
        except StopAsyncIteration:
            return None

    async def aclose(self) -> None:
        """Follow no more."""
        tasks = [task for task in (self._pending, self._end) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


def brief(value: object) -> object:
    """A view without the messages behind it, which `/api/appliances/{id}` has."""
    if isinstance(value, ApplianceView):
        allocations = tuple(replace(allocation, message=None) for allocation in value.allocations)
        return replace(value, control_space=(), allocations=allocations)
    return value


def frame(kind: str, value: object, number: int | None = None) -> bytes:
    """One event as it goes over the line (HTML standard, 9.2); only journal events have an id to come back to."""
    identity = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (identity, kind.encode(), to_json(value))
