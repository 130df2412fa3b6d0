"""The durable memory of one instance: small values by name, which survive restarts."""

import asyncio
from collections.abc import Iterator

from pydantic import JsonValue

from efpi_core.errors import TryAgainError
from efpi_core.plugin.port import Port

SECRET_KEY = "secret."  # noqa: S105  # the beginning of a name
"""How the key of a value begins that only a backup with secrets holds."""

LARGEST_VALUE = 64 * 1024
"""Characters of JSON that one value may take."""


class InstanceStorage:
    """Reads come from memory, writes go to the gateway, which commits them before it acts on what follows."""

    __slots__ = ("_port", "_settling", "_values")

    def __init__(self, values: dict[str, JsonValue], port: Port) -> None:
        self._values = values
        self._port = port
        self._settling: dict[int, asyncio.Future[bool]] | None = None

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        """The value kept under a key."""
        return self._values.get(key, default)

    def put(self, key: str, value: JsonValue, *, durable: bool = False) -> None:
        """Keep a value; None forgets it. With `durable` it outlives a power cut, too, once `kept` has returned."""
        if self._values.get(key) == value:
            return
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        self._port.store(key, value, durable=durable)

    async def kept(self) -> None:
        """Wait until all that was put before is on disk, as before a peer is told; TryAgainError when it cannot be."""
        waiting = self._settling = {} if self._settling is None else self._settling
        number = max(waiting, default=0) + 1
        waiting[number] = asyncio.get_running_loop().create_future()
        self._port.settle(number)
        try:
            kept = await waiting[number]
        finally:
            del waiting[number]
        if not kept:
            raise TryAgainError("the disk takes nothing", "see `efpi doctor`, it looks at the disk")

    def settled(self, number: int, *, kept: bool) -> None:
        """The answer to a question of `kept`; for the host."""
        asked = None if self._settling is None else self._settling.get(number)
        if asked is not None and not asked.done():
            asked.set_result(kept)

    def __iter__(self) -> Iterator[str]:
        """The keys that hold values, in order."""
        return iter(sorted(self._values))
