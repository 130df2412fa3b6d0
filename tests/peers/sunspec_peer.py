"""Starts and commands `sunspec_server.py` from a test or a benchmark."""

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

SERVER = Path(__file__).with_name("sunspec_server.py")
ANSWER_WITHIN_S = 20.0


class SunSpecPeer:
    """A running server process and its command line."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self._lock = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def running(cls, units: Mapping[int, Mapping[str, Any]], **scenario: Any) -> AsyncIterator[Self]:
        """A server with these units; it ends with the context."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(SERVER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"units": units, **scenario}).encode() + b"\n")
        peer = cls(process, 0)
        try:
            peer.port = (await peer._line())["port"]
            yield peer
        finally:
            await peer.stop()

    async def stop(self) -> None:
        """End the server; harmless when it ended."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined]  # else its pipes are closed at collection

    async def tell(self, do: str, unit: int = 1, **what: Any) -> dict[str, Any]:
        """One command, and its answer."""
        async with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"do": do, "unit": unit, **what}).encode() + b"\n")
            answer = await self._line()
        assert "error" not in answer, answer["error"]
        return answer

    async def value(self, name: str, unit: int = 1) -> float:
        """The scaled value of a point, as the device has it."""
        answer = await self.tell("get", unit, name=name)
        return math.nan if answer["value"] is None else float(answer["value"])

    async def behave(self, behaviour: str, unit: int = 1, *, once: bool = False) -> None:
        """Misbehave from now on, or with the next answer only; or be well."""
        await self.tell("behave", unit, how=behaviour, once=once)

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_WITHIN_S):
            line = await self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line)
        return answer
