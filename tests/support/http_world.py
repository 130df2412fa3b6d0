"""A small house behind the HTTP interface: recorded views, a record of what was asked, and a plain HTTP client."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from efi.registration import DeviceClass
from efi.storage import StorageStateUpdate
from efpi_core.errors import OutdatedError, RefusedError, SettingsError
from efpi_core.gateway.feed import Feed
from efpi_core.http.listener import Listener, tcp_listener, unix_listener
from efpi_core.http.parts import Parts
from efpi_core.http.surface import Surface
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.plugin.observation import Quality
from efpi_core.views import (
    AllocationView,
    ApplianceView,
    BalanceView,
    ConnectionView,
    EventView,
    HealthView,
    InstanceState,
    InstanceView,
    ObservationView,
    OperationView,
    OverrideView,
    RevisionView,
)

NOON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)

HOSTILE = '<img src=x onerror="alert(1)">\u2028</script>'

FILLED = StorageStateUpdate.model_validate(
    {
        "message_id": "battery_1",
        "appliance_id": "battery",
        "timestamp": NOON,
        "valid_from": NOON,
        "fill_level": 0.62,
        "actuators": [{"actuator_id": "main", "mode_id": "charge", "factor": 0.5}],
    }
)


def appliance(appliance_id: str, category: str, role: str, power: float | None, **facts: Any) -> ApplianceView:
    defaults: dict[str, Any] = {
        "instance": appliance_id,
        "name": appliance_id.title(),
        "device_class": DeviceClass.MISCELLANEOUS.value,
        "state": "online",
        "power_quality": Quality.UNKNOWN if power is None else Quality.GOOD,
        "power_at": None if power is None else NOON,
        "app": "planner",
        "controlled_by": "app",
        "summary": "",
        "control_space": (),
        "allocations": (),
    }
    return ApplianceView(id=appliance_id, category=category, role=role, power=power, **(defaults | facts))


CHARGING = AllocationView(
    "planner_9", "planner", "started", "", "Charges from surplus until 14:00", NOON, NOON, message=None
)

APPLIANCES = (
    appliance("meter", "inflexible", "grid", 240.0, app=None, controlled_by="nobody", steerable=False),
    appliance("pv", "inflexible", "producer", -3000.0, summary="can be curtailed"),
    appliance(
        "battery",
        "storage",
        "storage",
        1500.0,
        summary="62 %, charging 50%",
        allocations=(CHARGING,),
        control_space=(FILLED,),
    ),
    appliance("washer", "time_shiftable", "consumer", None, name=HOSTILE, state="offline", cure="plug it in"),
    appliance("generator", "output_adjustable", "producer", 0.0, controlled_by="resident"),
)


PAIR_INPUT: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "title": "Address", "description": "Where it listens.", "examples": ["https://a/"]},
        "code": {"type": "string", "title": "Pairing code", "secret": True},
        "force": {"type": "boolean", "title": "Force", "default": False},
        "wait_s": {"type": "integer", "title": "Wait", "unit": "s", "default": 25},
        "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags", "default": []},
    },
    "required": ["url", "code"],
    "additionalProperties": False,
}


def event(number: int, text: str = "it happened", level: str = "info", cure: str = "") -> EventView:
    return EventView(number, NOON + timedelta(seconds=number), level, "battery", "test", text, cure)


@dataclass
class RecordedGateway:
    """Answers from recorded views and keeps what it was asked to do."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    status: str = "ok"
    time_zone: str = "UTC"
    happened: list[EventView] = field(default_factory=lambda: [event(number) for number in range(1, 4)])
    feed: Feed = field(default_factory=Feed)
    shown: tuple[ApplianceView, ...] = APPLIANCES
    fault: Exception | None = None
    operating: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: asyncio.Event = field(default_factory=asyncio.Event)

    def health(self) -> HealthView:
        return HealthView(
            self.status, (), "0.1.0", "Test house", 7, NOON, 12.5, (), self.instances(), time_zone=self.time_zone
        )

    def instances(self) -> tuple[InstanceView, ...]:
        return (
            InstanceView("battery", "driver", "simulated.battery", InstanceState.RUNNING, ConditionState.OK, pid=42),
            InstanceView("planner", "app", "planner", InstanceState.BACKING_OFF, ConditionState.OFFLINE, restarts=3),
        )

    def appliances(self) -> tuple[ApplianceView, ...]:
        if self.fault is not None:
            raise self.fault
        return self.shown

    def connections(self) -> tuple[ConnectionView, ...]:
        return (ConnectionView("battery", "planner", ("planner",), by_hand=False),)

    def observations(self, pattern: str = "**") -> tuple[ObservationView, ...]:
        self.asked.append(("observations", pattern))
        return (
            ObservationView("battery.fill_level", 0.62, "1", Quality.GOOD, NOON, 0.5),
            ObservationView("battery.mode", 'ch"ar\nge', "", Quality.GOOD, NOON, 0.5),
            ObservationView("meter.power", 240.0, "W", Quality.STALE, NOON, 90.0),
        )

    def balance(self) -> BalanceView:
        return BalanceView(240.0, -3000.0, 1500.0, 1640.0, 100.0, ("washer",))

    def limits(self) -> tuple[Limit, ...]:
        return (Limit("fuse", LimitSource.FUSE, -5750.0, 5750.0),)

    def overrides(self) -> tuple[OverrideView, ...]:
        return (OverrideView("generator", "off", NOON, "anna"),)

    def events(self, after: int = 0, count: int = 200) -> tuple[EventView, ...]:
        newer = [happened for happened in self.happened if happened.number > after]
        return tuple(newer[-count:] if after == 0 else newer[:count])

    @property
    def history(self) -> None:
        return None

    def subscribe(self) -> AsyncIterator[tuple[str, object]]:
        return self.feed.subscribe()

    async def connect(self, appliance: str, app: str | None) -> None:
        if app == "nobody":
            raise RefusedError("there is no energy app 'nobody'", "name one of: planner")
        self.asked.append(("connect", appliance, app))

    async def override(
        self,
        appliance: str,
        action: str,
        until: datetime,
        parameters: dict[str, float | str | None],
        by: str,
        *,
        span: bool = False,
    ) -> OverrideView:
        self.asked.append(("override", appliance, action, until, parameters, by))
        return OverrideView(appliance, action, until, by, parameters)

    async def end_override(self, appliance: str, by: str) -> None:
        self.asked.append(("end_override", appliance, by))

    async def set_limit(self, limit: Limit, by: str) -> None:
        self.asked.append(("set_limit", limit, by))

    async def remove_limit(self, limit_id: str, by: str) -> None:
        self.asked.append(("remove_limit", limit_id, by))

    async def restart_instance(self, instance: str, by: str) -> None:
        self.asked.append(("restart", instance, by))

    async def forget_memory(self, instance: str, by: str) -> None:
        self.asked.append(("forget_memory", instance, by))

    def operations(self, instance: str) -> tuple[OperationView, ...]:
        if instance != "battery":
            raise RefusedError(f"there is no instance '{instance}'", "name one of: battery")
        return (OperationView("pair", "Pair", "Pairs.", 60.0, PAIR_INPUT, {}),)

    async def operate(
        self,
        instance: str,
        operation: str,
        fields: Mapping[str, JsonValue],
        by: str,
        *,
        deadline_s: float | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, JsonValue]:
        self.asked.append(("operate", instance, operation, dict(fields), by, deadline_s))
        if fields.get("code") == "wrong":
            raise SettingsError("code", "the code is wrong", "read it again")
        if progress is not None:
            progress("looking for it")
        if fields.get("code") == "never":
            self.operating.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.given_up.set()
        return {"node": "n1"}

    def site_text(self) -> tuple[int, str]:
        return 7, "efpi: 1\n"

    async def apply_site(self, text: str, by: str, why: str, upon: int | None = None) -> int:
        if upon not in (None, 7):
            raise OutdatedError("revision 7 is in force now", "look at it first")
        if "broken" in text:
            raise SettingsError("appliances.broken", "line 3: no such driver", "see `efpi plugins`")
        self.asked.append(("apply_site", text, by, why))
        return 8

    def site_history(self) -> tuple[RevisionView, ...]:
        return (
            RevisionView(6, NOON, "anna", "first", "import", "confirmed", in_force=False),
            RevisionView(7, NOON, "anna", "a car", "apply", "confirmed", in_force=True),
        )

    async def site_revision(self, number: int) -> str:
        if number not in (6, 7):
            raise RefusedError(f"there is no revision {number}", "see `efpi site history`")
        return f"efpi: 1  # {number}\n"

    async def rollback_site(self, number: int, by: str) -> int:
        self.asked.append(("rollback", number, by))
        return 8


@dataclass
class Answer:
    """What came back over the line."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """The gateway behind its two listeners."""

    gateway: RecordedGateway
    surface: Surface
    home: Path
    port: int

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, **headers)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Over TCP, as a browser would."""
        return await exchange(await asyncio.open_connection("127.0.0.1", self.port), method, path, body, headers)

    async def own(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Over the Unix socket, as the command line would."""
        opened = await asyncio.open_unix_connection(str(self.home / "gateway.sock"))
        return await exchange(opened, method, path, body, headers)


async def exchange(
    opened: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    method: str,
    path: str,
    body: object,
    headers: dict[str, str],
) -> Answer:
    reader, writer = opened
    payload = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    told = {"Host": "127.0.0.1", "Connection": "close"} | {name.replace("_", "-"): to for name, to in headers.items()}
    if payload and "Transfer-Encoding" not in told:
        told = {"Content-Length": str(len(payload)), "Content-Type": "application/json"} | told
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + payload)
    head, _, rest = (await asyncio.wait_for(reader.read(-1), 60)).partition(b"\r\n\r\n")
    writer.close()
    first, *others = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, value in (line.split(": ", 1) for line in others)}
    return Answer(int(first.split()[1]), found, rest)


@asynccontextmanager
async def served(
    home: Path, gateway: RecordedGateway | None = None, parts: Parts | None = None
) -> AsyncIterator[Served]:
    house = gateway or RecordedGateway()
    surface = Surface(house.health)
    surface.open(house, parts or Parts())
    listeners: list[Listener] = [
        tcp_listener(surface, "127.0.0.1", 0, lambda: NOON),
        unix_listener(surface, home, lambda: NOON),
    ]
    for listener in listeners:
        await listener.start()
    try:
        yield Served(house, surface, home, listeners[0].port)
    finally:
        surface.close()
        await asyncio.gather(*(listener.stop() for listener in listeners))


class Beside:
    """A served house in a thread of its own."""

    def __init__(self, gateway: RecordedGateway, home: Path) -> None:
        self.gateway = gateway
        self.home = home
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with served(self.home, self.gateway) as house:
            self.port = house.port
            self._ready.set()
            await self._over.wait()

    def tell(self, kind: str, key: str, value: object) -> None:
        self._loop.call_soon_threadsafe(self.gateway.feed.tell, kind, key, value)

    def tell_when_followed(self, *changes: tuple[str, str, object], then_end_after: float) -> None:
        """As soon as somebody follows: tell changes, and end a moment later."""

        def look() -> None:
            if not self.gateway.feed.watched:
                self._loop.call_later(0.05, look)
                return
            for change in changes:
                self.gateway.feed.tell(*change)
            self._loop.call_later(then_end_after, self._over.set)

        self._loop.call_soon_threadsafe(look)

    def begin(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def end_after(self, seconds: float) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._over.set)

    def end(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
