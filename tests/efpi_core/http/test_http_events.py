"""The stream of changes: the present first, then what changes; a reader that was away misses no event."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efpi_core.http import event_stream
from efpi_core.plugin.observation import Quality
from efpi_core.views import BalanceView, EventView, ObservationView
from tests.support.http_world import APPLIANCES, NOON, RecordedGateway, Served, event, served


class Reader:
    """A client of the stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.ids: list[int] = []

    async def next(self) -> tuple[str, Any]:
        """The next frame, as kind and value."""
        async with asyncio.timeout(60):
            return await self._next()

    async def _next(self) -> tuple[str, Any]:
        kind, data = "", ""
        while True:
            line = (await self.reader.readline()).decode().rstrip("\r\n")
            if line.startswith("id: "):
                self.ids.append(int(line[4:]))
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and kind:
                return kind, json.loads(data)

    async def until(self, wanted: str) -> list[tuple[str, Any]]:
        """All frames up to one of a kind."""
        found = []
        while True:
            found.append(await self.next())
            if found[-1][0] == wanted:
                return found


@asynccontextmanager
async def following(house: Served, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    lines = [f"GET /api/events{query} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    writer.write("\r\n".join(lines).replace("_", "-").encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    assert b" 200 " in head
    assert b"text/event-stream" in head
    try:
        yield Reader(reader, writer)
    finally:
        writer.close()


async def tell(house: Served, happened: EventView) -> None:
    house.gateway.happened.append(happened)
    house.gateway.feed.tell("event", str(happened.number), happened)


async def test_a_new_reader_is_told_the_present_and_then_that_it_is_live(tmp_path: Path) -> None:
    async with served(tmp_path) as house, following(house) as reader:
        frames = await reader.until("live")
    kinds = [kind for kind, _ in frames]
    assert kinds[0] == "begin"
    assert kinds.count("appliance") == len(APPLIANCES)
    assert kinds.count("event") == 3
    assert {"health", "instance", "connection", "balance", "observation"} <= set(kinds)
    battery = next(value for kind, value in frames if kind == "appliance" and value["id"] == "battery")
    assert battery["allocations"][0]["status"] == "started"
    assert battery["control_space"] == []


async def test_a_change_is_told_as_it_happens(tmp_path: Path) -> None:
    async with served(tmp_path) as house, following(house, "?kinds=appliance") as reader:
        await reader.until("live")
        house.gateway.feed.tell("appliance", "pv", replace(APPLIANCES[1], power=-2500.0))
        kind, value = await reader.next()
    assert kind == "appliance"
    assert value["power"] == -2500.0


class RestlessGateway(RecordedGateway):
    """A house that changes while it is looked at."""

    def balance(self) -> BalanceView:
        self.feed.tell("appliance", "pv", replace(APPLIANCES[1], power=-1.0))
        return super().balance()


async def test_a_change_that_happens_while_the_present_is_told_is_not_lost(tmp_path: Path) -> None:
    async with served(tmp_path, RestlessGateway()) as house, following(house, "?kinds=appliance,balance") as reader:
        await reader.until("live")
        kind, value = await reader.next()
    assert (kind, value["power"]) == ("appliance", -1.0)


EVIL = (
    "a\ndata: {}\n\nevent: event\nid: 7\n\ndata: x",
    "a\r\nevent: health\r\n\r\n",
    "a\rid: 99\r\r",
    "\u2028\u2029\x85\x0b\x0c\x1c\ufeff",
    "\x00\x1b[2J\ud800",
    ": comment\n\n",
)
"""Texts of devices and names of instances that would end a line, an event or the stream, were they let to."""


@pytest.mark.parametrize("evil", EVIL)
async def test_no_name_and_no_text_of_a_device_breaks_out_of_its_event(tmp_path: Path, evil: str) -> None:
    async with served(tmp_path) as house, following(house) as reader:
        await reader.until("live")
        told = [
            ("observation", ObservationView(evil, evil, evil, Quality.GOOD, NOON, 0.0)),
            ("appliance", replace(APPLIANCES[1], id=evil, name=evil, text=evil)),
            ("event", EventView(4, NOON, "info", evil, evil, evil, evil)),
        ]
        for kind, value in told:
            house.gateway.feed.tell(kind, evil, value)
        house.gateway.feed.tell("appliance", "pv", APPLIANCES[1])
        heard = [await reader.next() for _ in range(4)]
    assert [kind for kind, _ in heard] == ["observation", "appliance", "event", "appliance"]
    observation, shown, happened, last = (value for _, value in heard)
    assert (observation["name"], shown["text"], happened["subject"], last["id"]) == (evil, evil, evil, "pv")
    assert reader.ids == [1, 2, 3, 4]
    for kind, value in told:
        lines = re.split(rb"\r\n|\n|\r", event_stream.frame(kind, value, 8))
        assert [line.partition(b":")[0] for line in lines] == [b"id", b"event", b"data", b"", b""]


async def test_only_the_kinds_that_were_asked_for_are_told(tmp_path: Path) -> None:
    async with served(tmp_path) as house, following(house, "?kinds=balance,event") as reader:
        frames = await reader.until("live")
        house.gateway.feed.tell("appliance", "pv", APPLIANCES[1])
        house.gateway.feed.tell("balance", "", house.gateway.balance())
        after = await reader.next()
    assert {kind for kind, _ in frames} == {"begin", "balance", "event", "live"}
    assert after[0] == "balance"


async def test_an_unknown_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/events?kinds=balance,weather")
    assert answer.status == 400
    assert "weather" in answer.json["detail"]


@pytest.mark.parametrize(("query", "headers"), [("", {"Last_Event_ID": "4"}), ("&after=4", {})])
async def test_a_reader_that_was_away_gets_every_event_it_missed(
    tmp_path: Path, query: str, headers: dict[str, str]
) -> None:
    gateway = RecordedGateway(happened=[event(number) for number in range(1, 301)])
    async with served(tmp_path, gateway) as house, following(house, f"?kinds=event{query}", **headers) as reader:
        await reader.until("live")
    assert reader.ids == list(range(5, 301))


async def test_an_event_that_the_feed_dropped_is_fetched_from_the_journal(tmp_path: Path) -> None:
    async with served(tmp_path) as house, following(house, "?kinds=event") as reader:
        await reader.until("live")
        for number in range(4, 8):
            house.gateway.happened.append(event(number))
        house.gateway.feed.tell("event", "8", event(8))
        house.gateway.happened.append(event(8))
        while reader.ids[-1] < 8:
            await reader.next()
    assert reader.ids == list(range(1, 9))


async def test_a_number_of_a_former_life_begins_anew(tmp_path: Path) -> None:
    async with served(tmp_path) as house, following(house, "?kinds=event", Last_Event_ID="900") as reader:
        await reader.until("live")
        await tell(house, event(4))
        await reader.next()
    assert reader.ids == [1, 2, 3, 4]


async def test_a_last_event_id_that_is_no_number_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        assert (await house.get("/api/events", Last_Event_ID="1; drop")).status == 400


async def test_a_slow_reader_loses_values_and_the_gateway_no_memory(tmp_path: Path) -> None:
    gateway = RecordedGateway()
    async with served(tmp_path, gateway) as house, following(house, "?kinds=appliance") as reader:
        await reader.until("live")
        bulky = replace(APPLIANCES[1], text="x" * 5000)
        for round_number in range(4000):
            gateway.feed.tell("appliance", "pv", replace(bulky, power=float(round_number)))
            if round_number % 50 == 0:
                await asyncio.sleep(0)
        (subscriber,) = gateway.feed._subscribers
        assert len(subscriber._waiting) <= 1
        received, power = 0, 0.0
        while power < 3999.0:
            _, value = await reader.next()
            received, power = received + 1, value["power"]
    assert received < 4000


async def test_a_reader_that_goes_is_forgotten(tmp_path: Path) -> None:
    gateway = RecordedGateway()
    async with served(tmp_path, gateway) as house:
        async with following(house, "?kinds=appliance") as reader:
            await reader.until("live")
        while gateway.feed.watched:
            gateway.feed.tell("appliance", "pv", APPLIANCES[1])
            await asyncio.sleep(0.01)


async def test_readers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST_READERS", 1)
    async with served(tmp_path) as house, following(house) as reader:
        await reader.until("live")
        refused = await house.get("/api/events")
    assert refused.status == 503


@pytest.mark.parametrize("busy", [False, True])
async def test_health_is_told_again_whether_anything_happens_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(event_stream, "HEALTH_EVERY_S", 0.05)
    async with served(tmp_path) as house, following(house, "?kinds=health,balance") as reader:
        await reader.until("live")

        async def chatter() -> None:
            while True:
                house.gateway.feed.tell("balance", "", house.gateway.balance())
                await asyncio.sleep(0.01)

        chatting = asyncio.ensure_future(chatter()) if busy else None
        frames = await reader.until("health")
        assert len(frames) > 1 or not busy
        if chatting is not None:
            chatting.cancel()


async def test_the_server_ends_at_once_though_readers_follow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path) as house, following(house) as reader:
        await reader.until("live")
    # who had to be cut off after the grace would be told as an error
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
