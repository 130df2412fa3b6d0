"""S2 Connect endpoints on loopback: real TLS and HTTP; waits of the protocol pass at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

from pydantic import JsonValue

from efpi_core.clock import RealClock
from efpi_core.host.worker import Worker
from efpi_core.identity import MessageIds
from efpi_core.plugin.context import Context
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.port import Port
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.s2.connect.code import PairingCode, TokenDesk
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairings import Pairing
from efpi_core.s2.connect.place import Place
from efpi_core.s2.connect.service import ConnectService
from efpi_core.s2.connect.wire import NodeDescription, Role


class Disk:
    """What is kept for certain, and what is only on its way; `fails` refuses, `dies_before_kept` loses the way."""

    def __init__(self) -> None:
        self.kept: dict[str, JsonValue] = {}
        self.fails = False
        self.commits = 0


class DiskPort:
    """The wall between a service and its disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._waiting: dict[str, JsonValue] = {}
        self.storage: InstanceStorage | None = None
        self.dead = False

    def store(self, key: str, value: JsonValue, *, durable: bool) -> None:
        self._waiting[key] = value

    def settle(self, number: int) -> None:
        asyncio.get_running_loop().call_soon(self._settle, number)

    def _settle(self, number: int) -> None:
        if self.dead:
            return
        assert self.storage is not None
        if self._disk.fails:
            self.storage.settled(number, kept=False)
            return
        self.flush()
        self.storage.settled(number, kept=True)

    def flush(self) -> None:
        """What is on its way arrives."""
        self._disk.commits += 1
        for key, value in self._waiting.items():
            if value is None:
                self._disk.kept.pop(key, None)
            else:
                self._disk.kept[key] = value
        self._waiting.clear()

    def log(self, level: int, text: str) -> None:
        """Nobody reads it."""


class QuickContext(Context):
    """A context whose sleeps pass at once, and count."""

    skipped = 0.0

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        await asyncio.sleep(0)

    def elapsed(self) -> float:
        return super().elapsed() + self.skipped


class Box:
    """One device: an endpoint with one node, which can be switched off and on."""

    def __init__(self, role: Role, *, listens: bool = True, name: str = "Box") -> None:
        self.role = role
        self.listens = listens
        self.name = name
        self.id = uuid4()
        self.disk = Disk()
        self.port = 0
        self.paired: list[Pairing] = []
        self.ended: list[Pairing] = []
        self.context: QuickContext
        self.service: ConnectService
        self.node: LocalNode
        self._disk_port: DiskPort
        self._working: asyncio.Task[None]

    async def on(self) -> None:
        self._disk_port = DiskPort(self.disk)
        clock = RealClock()
        worker = Worker(clock)
        storage = InstanceStorage(dict(self.disk.kept), cast(Port, self._disk_port))
        self._disk_port.storage = storage
        self.context = QuickContext(
            instance="s2",
            port=cast(Port, self._disk_port),
            clock=clock,
            enqueue=worker.enqueue,
            site=SiteFacts(),
            storage=storage,
            secrets={},
            ids=MessageIds("s2", "t"),
            seed="1",
            resolution_s=5.0,
        )
        self._working = asyncio.create_task(worker.run())
        place = Place.of(self.name, "127.0.0.1", self.port, "localhost", "s2")
        self.service = ConnectService(self.context, place, lambda: f"wss://localhost:{self.service.port}/s2")
        self.service.on_paired = self.paired.append
        self.service.on_ended = self.ended.append
        description = NodeDescription(id=self.id, brand="efpi", type="test", model_name=self.name, role=self.role)
        self.node = LocalNode(description, tokens=TokenDesk())
        self.service.offer(self.node)
        if self.listens:
            await self.service.start()
            self.port = self.service.port
        self._disk_port.flush()

    async def off(self, *, killed: bool = False) -> None:
        """Switch it off; `killed`: what was not on disk is lost."""
        self._disk_port.dead = killed
        await self.service.close()
        await self.context.close()
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)
        if not killed:
            self._disk_port.flush()

    async def settle(self) -> None:
        """Let what was put off be done."""
        async with asyncio.timeout(30):
            done = asyncio.Event()
            self.context.soon(done.set)
            await done.wait()

    def only(self) -> Pairing:
        (pairing,) = self.service.book
        return pairing


@asynccontextmanager
async def boxes(*wanted: Box) -> AsyncIterator[tuple[Box, ...]]:
    for box in wanted:
        await box.on()
    try:
        yield wanted
    finally:
        for box in wanted:
            await box.off()


async def join(client: Box, server: Box, **more: Any) -> Pairing:
    """Pair a client with a server by the code that the server shows."""
    issued = server.service.issue(server.node)
    return await client.service.pair(client.node, server.service.pairing_url, code_of(issued.code), **more)


def code_of(text: str) -> PairingCode:
    return PairingCode.parse(text)
