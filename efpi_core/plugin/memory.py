"""The durable memory of one instance: small values by name, which survive restarts."""

from collections.abc import Iterator

from pydantic import JsonValue

from efpi_core.plugin.port import Port

LARGEST_VALUE = 64 * 1024
"""Characters of JSON that one value may take."""


class InstanceStorage:
    """Reads come from memory, writes go to the gateway, which commits them before it acts on what follows."""

    __slots__ = ("_port", "_values")

    def __init__(self, values: dict[str, JsonValue], port: Port) -> None:
        self._values = values
        self._port = port

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        """The value kept under a key."""
        return self._values.get(key, default)

    def put(self, key: str, value: JsonValue) -> None:
        """Keep a value; None forgets it."""
        if self._values.get(key) == value:
            return
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        self._port.store(key, value)

    def __iter__(self) -> Iterator[str]:
        """The keys that hold values, in order."""
        return iter(sorted(self._values))
