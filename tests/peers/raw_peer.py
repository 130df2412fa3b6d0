"""One end of an S2 conversation on a bare socket, which says whatever a test has it say."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from websockets.asyncio.connection import Connection

PATIENCE_S = 30.0
T = TypeVar("T")


class RawPeer:
    """Sends frames and messages, and looks through what it heard."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []
        """Every message that came, oldest first, acknowledgements too."""
        self.acknowledges = True
        """Whether what comes is acknowledged."""
        self._news = asyncio.Event()

    async def acknowledge(self, message_id: str, status: str = "OK") -> None:
        """Say how a message was received."""
        await self.send({"message_type": "ReceptionStatus", "subject_message_id": message_id, "status": status})

    async def send(self, frame: str | bytes | dict[str, Any]) -> None:
        """Send a frame as it is, or a message as JSON."""
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def say(self, message_type: str, **fields: Any) -> str:
        """Send a message with an id of its own; the answer is that id."""
        message_id = str(uuid.uuid4())
        await self.send({"message_type": message_type, "message_id": message_id, **fields})
        return message_id

    def answer_to(self, message_id: str) -> dict[str, Any] | None:
        """How a message was received, as far as it was said."""
        return next((each for each in self.all("ReceptionStatus") if each["subject_message_id"] == message_id), None)

    def all(self, message_type: str) -> list[dict[str, Any]]:
        """The messages of a type, oldest first."""
        return [message for message in self.heard if message["message_type"] == message_type]

    async def hears(self, message_type: str, count: int = 1) -> dict[str, Any]:
        """The last message of a type, once there are so many."""
        return await self.until(
            lambda: found[-1] if len(found := self.all(message_type)) >= count else None, f"{count} {message_type}"
        )

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """The first answer that is true, looked for with each message."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self._news.clear()
                    if found := look():
                        return found
                    await self._news.wait()
        except TimeoutError:
            kinds = [message["message_type"] for message in self.heard]
            raise AssertionError(f"not within {PATIENCE_S:g} s: {what}; heard {kinds[-20:]}") from None
