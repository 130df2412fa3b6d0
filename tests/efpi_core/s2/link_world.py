"""Both ends of links on this machine: a context on the real clock, and peers that are bare sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from efpi_core.clock import RealClock
from efpi_core.identity import MessageIds
from efpi_core.plugin.context import Context, Job
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.s2.ending import Ending
from efpi_core.s2.gate import Admitted, Knock, TurnedAway
from efpi_core.s2.link import Link
from efpi_core.s2.link_limits import LinkLimits
from efpi_core.s2.server import LinkServer

T = TypeVar("T")
PATIENCE_S = 30.0


class Lines:
    """A port that keeps the lines of the log and takes nothing else."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, level: int, text: str) -> None:
        self.lines.append(text)

    def store(self, key: str, value: Any, *, durable: bool) -> None:
        pass


def a_context() -> tuple[Context, Lines]:
    """A context whose jobs run in the event loop's own turns."""
    lines = Lines()
    loop = asyncio.get_running_loop()

    def enqueue(job: Job) -> None:
        loop.call_soon(job)

    port: Any = lines
    context = Context(
        instance="s2", port=port, clock=RealClock(), enqueue=enqueue, site=SiteFacts(),
        storage=InstanceStorage({}, port), secrets={}, ids=MessageIds("s2", "t"), seed="1", resolution_s=1.0,
    )  # fmt: skip
    return context, lines


async def until(what: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """Wait until something is so; returns it."""
    async with asyncio.timeout(patience_s):
        while not (found := what()):  # noqa: ASYNC110  # what is looked for is no event
            await asyncio.sleep(0.002)
        return found


class Served:
    """A server, what came to it, and how each of its links ended."""

    def __init__(self, **settings: Any) -> None:
        self.context, self.lines = a_context()
        self.links: list[Link] = []
        self.names: list[str] = []
        self.received: list[bytes] = []
        self.endings: list[Ending] = []
        self.on_message: Callable[[Link, bytes], None] = lambda link, message: None
        self.knocks: list[Knock] = []
        self.admit: Callable[[Knock], Admitted | TurnedAway] = lambda knock: Admitted("")
        settings.setdefault("most_links", 100)
        self.server = LinkServer(
            self.context, host="127.0.0.1", port=0, admit=self._admit, serve_link=self._serve, **settings
        )

    def _admit(self, knock: Knock) -> Admitted | TurnedAway:
        self.knocks.append(knock)
        return self.admit(knock)

    async def _serve(self, link: Link, name: str) -> None:
        self.links.append(link)
        self.names.append(name)

        def take(message: bytes) -> None:
            self.received.append(message)
            self.on_message(link, message)

        self.endings.append(await link.run(take))

    async def ending(self, number: int = 0) -> Ending:
        """How a link ended."""
        await until(lambda: len(self.endings) > number)
        return self.endings[number]

    def url(self, path: str = "/s2", scheme: str = "ws") -> str:
        return f"{scheme}://127.0.0.1:{self.server.port}{path}"

    def dial(self, path: str = "/s2", token: str | None = None, scheme: str = "ws", **more: Any) -> Any:
        """A bare peer's connection, for `async with`."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return connect(self.url(path, scheme), additional_headers=headers, proxy=None, **more)


@asynccontextmanager
async def served(limits: LinkLimits | None = None, **settings: Any) -> AsyncIterator[Served]:
    """A server that listens."""
    world = Served(limits=limits, **settings)
    await world.server.open()
    try:
        yield world
    finally:
        await world.server.close()
        await world.context.close()


@asynccontextmanager
async def linked(limits: LinkLimits | None = None, **dialling: Any) -> AsyncIterator[tuple[Served, ClientConnection]]:
    """A server with one bare peer."""
    async with served(limits) as world, world.dial(**dialling) as peer:
        await until(lambda: world.links)
        yield world, peer
