"""An energy manager written with s2-python: resource managers call on it, or it calls on them.

s2-python brings messages, connection and acknowledgement; of the CEM's own part it has nothing, so that is here: the
handshake, choosing a control type, instructing, and remembering what was said.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, get_args

from s2python.common import (
    ControlType,
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    InstructionStatusUpdate,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from s2python.connection import ConnectionStarted, ConnectionStopped, RoleHandler
from s2python.connection.async_ import S2AsyncConnection
from s2python.message import S2MessageWithID
from s2python.version import S2_VERSION
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve

from tests.peers.socket_medium import SocketMedium

PATIENCE_S = 30.0
T = TypeVar("T")


class Managed(RoleHandler):
    """One conversation with a resource manager."""

    def __init__(self, path: str, socket: Connection) -> None:
        self.path = path
        self.socket = socket
        self.connection = S2AsyncConnection(SocketMedium(socket))
        self.messages: list[Any] = []
        """All that it said, oldest first; acknowledgements apart."""
        self.statuses: dict[str, list[str]] = {}
        """What it said of each instruction."""
        self._news = asyncio.Event()
        self.register_handlers(self.connection)

    def get_s2_role(self) -> EnergyManagementRole:
        """The part that is played."""
        return EnergyManagementRole.CEM

    def register_handlers(self, connection: S2AsyncConnection) -> None:
        """Every message is acknowledged and noted; a handshake is answered."""
        connection.register_handler(ConnectionStarted, self._greet)
        connection.register_handler(ConnectionStopped, self._part)
        for kind in get_args(S2MessageWithID):
            connection.register_handler(kind, self._note)

    async def _greet(self, connection: S2AsyncConnection, event: Any, send_okay: Any) -> None:
        await connection.send_and_forget(
            Handshake(message_id=uuid.uuid4(), role=EnergyManagementRole.CEM, supported_protocol_versions=[S2_VERSION])
        )

    async def _part(self, connection: S2AsyncConnection, event: Any, send_okay: Any) -> None:
        self._news.set()

    async def _note(self, connection: S2AsyncConnection, message: Any, send_okay: Any) -> None:
        await send_okay()
        self.messages.append(message)
        if isinstance(message, Handshake):
            await connection.send_and_forget(
                HandshakeResponse(message_id=uuid.uuid4(), selected_protocol_version=S2_VERSION)
            )
        elif isinstance(message, InstructionStatusUpdate):
            self.statuses.setdefault(str(message.instruction_id), []).append(message.status_type.value)
        self._news.set()

    # --- what a test asks

    def all(self, kind: type[T]) -> list[T]:
        """The messages of a kind, oldest first."""
        return [message for message in self.messages if isinstance(message, kind)]

    def last(self, kind: type[T]) -> T | None:
        """The last message of a kind."""
        return next(iter(reversed(self.all(kind))), None)

    @property
    def details(self) -> ResourceManagerDetails | None:
        """Who it is."""
        return self.last(ResourceManagerDetails)

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """The first answer that is true, looked for with each message."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._news.clear()
                if found := look():
                    return found
                await self._news.wait()
        raise AssertionError(what)

    async def hears(self, kind: type[T]) -> T:
        """The last message of a kind, once there is one."""
        return await self.until(lambda: self.last(kind), kind.__name__)

    # --- what a test does

    async def say(self, message: S2MessageWithID) -> ReceptionStatus:
        """Send a message; the answer is how it was received."""
        return await self.connection.send_msg_and_await_reception_status(
            message, timeout_reception_status=PATIENCE_S, raise_on_error=False
        )

    async def select(self, control_type: ControlType) -> None:
        """Choose a control type, which must be taken."""
        answer = await self.say(SelectControlType(message_id=uuid.uuid4(), control_type=control_type))
        assert answer.status is ReceptionStatusValues.OK, answer

    async def instruct(self, kind: Callable[..., Any], **fields: Any) -> str:
        """Give an instruction; the answer is its name, under which `statuses` has what becomes of it."""
        name = uuid.uuid4()
        await self.say(kind(message_id=uuid.uuid4(), id=name, abnormal_condition=False, **fields))
        return str(name)

    async def revoke(self, kind: RevokableObjects, name: str) -> ReceptionStatus:
        """Take an instruction back."""
        return await self.say(RevokeObject(message_id=uuid.uuid4(), object_type=kind, object_id=uuid.UUID(name)))

    async def told(self, instruction: str, status: str) -> list[str]:
        """All that was said of an instruction, once that status is among it."""
        return await self.until(
            lambda: said if status in (said := self.statuses.get(instruction, [])) else None, f"{instruction} {status}"
        )

    async def hang_up(self) -> None:
        """End the connection."""
        await self.socket.close()


class S2PythonCem:
    """The energy manager as a whole: one conversation a resource manager, by the path of its socket."""

    def __init__(self) -> None:
        self.managed: dict[str, Managed] = {}
        self.tokens: list[str | None] = []
        self.port = 0
        self._came = asyncio.Condition()
        self._server: Server | None = None

    @classmethod
    @asynccontextmanager
    async def listening(cls, port: int = 0) -> AsyncIterator[Self]:
        """Resource managers call on it at `url`."""
        cem = cls()
        async with serve(cem._serve, "127.0.0.1", port, max_size=2**24) as server:
            cem._server = server
            cem.port = next(iter(server.sockets)).getsockname()[1]
            yield cem

    @classmethod
    @asynccontextmanager
    async def calling(cls, url: str, token: str | None = None) -> AsyncIterator[Managed]:
        """It calls on one resource manager, whose conversation lasts as long as the context."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with connect(url, additional_headers=headers, max_size=2**24) as socket:
            managed = Managed(url, socket)
            conversation = asyncio.create_task(managed.connection.run())
            try:
                yield managed
            finally:
                await managed.connection.stop()
                await conversation

    @property
    def url(self) -> str:
        """Where resource managers call, with the place of their appliance's name."""
        return f"ws://127.0.0.1:{self.port}/rm/{{appliance}}"

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        managed = Managed(socket.request.path.rpartition("/")[2], socket)
        self.tokens.append(socket.request.headers.get("Authorization"))
        async with self._came:
            self.managed[managed.path] = managed
            self._came.notify_all()
        await managed.connection.run()

    async def manager(self, appliance: str, *, after: Managed | None = None) -> Managed:
        """The conversation of an appliance, once it has told who it is; a newer one than `after`."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(lambda: self.managed.get(appliance) not in (None, after))
        managed = self.managed[appliance]
        await managed.hears(ResourceManagerDetails)
        return managed
