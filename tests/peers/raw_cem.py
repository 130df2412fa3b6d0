"""An energy manager on a bare socket that does what no library would: whatever a test has it send, or leave unread."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from tests.peers.raw_peer import PATIENCE_S, RawPeer


class RawCaller(RawPeer):
    """One socket of a resource manager."""

    def __init__(self, socket: Connection) -> None:
        super().__init__(socket)
        self.reads = asyncio.Event()
        """While this is not set, nothing is read."""
        self.reads.set()

    async def read(self) -> None:
        """Take in what comes until the other side is gone."""
        with suppress(ConnectionClosed):
            while True:
                await self.reads.wait()
                message = json.loads(await self.socket.recv())
                self.heard.append(message)
                if self.acknowledges and message["message_type"] != "ReceptionStatus":
                    await self.acknowledge(message["message_id"])
                self._news.set()
        self._news.set()

    @property
    def open(self) -> bool:
        """Whether the other side is there."""
        return self.socket.state is State.OPEN

    async def asks(self, message_type: str, **fields: Any) -> str:
        """The same, and the status with which it was received."""
        message_id = await self.say(message_type, **fields)
        answer = await self.until(lambda: self.answer_to(message_id), f"an answer to {message_type}")
        return str(answer["status"])

    async def select(self, control_type: str) -> None:
        """Choose a control type, which must be taken."""
        assert await self.asks("SelectControlType", control_type=control_type) == "OK"

    async def instruct(self, kind: str, **fields: Any) -> str:
        """Give an instruction, which must be taken; the answer is its name."""
        name = str(uuid.uuid4())
        assert await self.asks(kind, id=name, abnormal_condition=False, **fields) == "OK"
        return name

    async def told(self, instruction: str, status: str) -> None:
        """Wait until that was said of an instruction."""
        await self.until(lambda: status in self.statuses(instruction), f"{instruction} is {status}")

    def statuses(self, instruction: str) -> list[str]:
        """All that was said of an instruction."""
        return [
            update["status_type"]
            for update in self.all("InstructionStatusUpdate")
            if update["instruction_id"] == instruction
        ]

    async def gone(self) -> None:
        """Wait until the other side has left."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()


@asynccontextmanager
async def calling(url: str, token: str | None = None) -> AsyncIterator[RawCaller]:
    """An energy manager that calls on a resource manager; it hangs up with the context."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with connect(url, additional_headers=headers, max_size=2**24) as socket:
        caller = RawCaller(socket)
        reading = asyncio.create_task(caller.read())
        try:
            yield caller
        finally:
            await socket.close()
            await reading


class RawCem:
    """Where resource managers call, each by the path of its appliance."""

    def __init__(self) -> None:
        self.callers: dict[str, list[RawCaller]] = {}
        self.port = 0
        self.wanted_token: str | None = None
        """The bearer token without which nobody comes in."""
        self.prepare: Callable[[RawCaller], None] = lambda caller: None
        """Called with each caller before anything is read."""
        self._came = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def listening(cls, port: int = 0) -> AsyncIterator[Self]:
        """An energy manager at `url`."""
        cem = cls()
        async with serve(cem._serve, "127.0.0.1", port, max_size=2**24, process_request=cem._let_in) as server:
            cem.port = next(iter(server.sockets)).getsockname()[1]
            try:
                yield cem
            finally:
                for caller in (each for callers in cem.callers.values() for each in callers):
                    caller.reads.set()

    @property
    def url(self) -> str:
        """Where resource managers call, with the place of their appliance's name."""
        return f"ws://127.0.0.1:{self.port}/rm/{{appliance}}"

    def _let_in(self, socket: ServerConnection, request: Any) -> Any:
        if self.wanted_token is None or request.headers.get("Authorization") == f"Bearer {self.wanted_token}":
            return None
        return socket.respond(401, "no\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        caller = RawCaller(socket)
        self.prepare(caller)
        async with self._came:
            self.callers.setdefault(socket.request.path.rpartition("/")[2], []).append(caller)
            self._came.notify_all()
        await caller.read()

    async def caller(self, appliance: str, count: int = 1) -> RawCaller:
        """The socket that an appliance opened the so-manieth time."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(lambda: len(self.callers.get(appliance, ())) >= count)
        return self.callers[appliance][count - 1]
