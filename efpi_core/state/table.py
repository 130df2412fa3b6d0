"""A table of the state database: a map from keys to rows."""

from functools import lru_cache

SqlValue = str | int | float | bytes | None
"""What SQLite keeps."""

Row = tuple[SqlValue, ...]
"""The values of one row, in the order of the columns; the key comes first."""


class Table:
    """Named columns, the first `keys` of which are the key. Its statements take many rows in one step."""

    def __init__(self, name: str, columns: str, keys: int = 1) -> None:
        self.name = name
        self.columns = tuple(columns.split())
        self.keys = keys
        self.upsert = lru_cache(maxsize=64)(self._upsert)
        self.remove = lru_cache(maxsize=64)(self._remove)

    @property
    def select(self) -> str:
        """Reads all rows, in the order of their keys."""
        return self._select("")

    @property
    def select_backwards(self) -> str:
        """Reads all rows, the last first."""
        return self._select(" DESC")

    def _select(self, direction: str) -> str:
        order = ", ".join(f"{name}{direction}" for name in self.columns[: self.keys])
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY {order}"  # noqa: S608  # own names

    @property
    def select_one(self) -> str:
        """Reads the row of one key."""
        condition = " AND ".join(f"{name} = ?" for name in self.columns[: self.keys])
        return f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE {condition}"  # noqa: S608  # own names

    @property
    def clear(self) -> str:
        """Deletes all rows."""
        return f"DELETE FROM {self.name}"  # noqa: S608  # own names

    def _upsert(self, count: int) -> str:
        row = f"({','.join('?' * len(self.columns))})"
        return f"INSERT OR REPLACE INTO {self.name} ({','.join(self.columns)}) VALUES {','.join([row] * count)}"  # noqa: S608  # own names

    def _remove(self, count: int) -> str:
        key = f"({','.join('?' * self.keys)})"
        names = ",".join(self.columns[: self.keys])
        return f"DELETE FROM {self.name} WHERE ({names}) IN (VALUES {','.join([key] * count)})"  # noqa: S608  # own names


ALLOCATION = Table("allocation", "appliance allocation app status text message given_at changed_at", keys=2)
CONNECTION = Table("connection", "appliance app by_hand changed_at")
ENDED = Table("ended", "slot number appliance allocation app status text ended_at")
OVERRIDE = Table("override", "appliance action until by parameters allocation")
BOUND = Table("bound", "name source lower_w upper_w phase appliance begins ends reason by")
MEMORY = Table("memory", "instance key value", keys=2)
EVENT = Table("event", "slot number at level subject kind text cure detail count last_at")
REVISION = Table("revision", "number at by why origin verdict digest source note")
DOCUMENT = Table("document", "number text data")
NOTE = Table("note", "name value")
DEADLINE = Table("deadline", "name kept")

TABLES = (ALLOCATION, ENDED, CONNECTION, OVERRIDE, BOUND, MEMORY, EVENT, REVISION, DOCUMENT, NOTE, DEADLINE)
"""All tables."""
