"""The rows that the gateway keeps, in memory: reads come from here, and a simulation needs no more."""

import asyncio
from collections.abc import Callable

from efpi_core.errors import EfpiError
from efpi_core.state.database_file import Rows
from efpi_core.state.table import TABLES, Row, SqlValue, Table


class Database:
    """Maps of rows by key. This one forgets all when it ends; `SqliteDatabase` keeps them."""

    def __init__(self, rows: Rows | None = None) -> None:
        self.rows: Rows = {table: {} for table in TABLES} | (rows or {})
        """What is kept, by table and key."""
        self.problem: EfpiError | None = None
        """Why nothing reaches the disk now; all goes on in memory."""
        self.on_problem: Callable[[EfpiError | None], None] | None = None
        """Called when a problem begins, changes, or (None) ends."""
        self.on_rescued: Callable[[str], None] | None = None
        """Called when the file was found damaged and made anew, with what happened, for people."""

    @property
    def kept(self) -> bool:
        """Whether what is written survives the end of the process."""
        return False

    @property
    def standstill_s(self) -> float:
        """For how long the write that is under way has taken, in s; 0 when none is."""
        return 0.0

    def put(self, table: Table, row: Row, *, durable: bool = False) -> None:
        """Set a row. `durable`: it must survive a power cut from its commit on, not only the end of the process."""
        self.rows[table][row[: table.keys]] = row

    def delete(self, table: Table, *key: SqlValue, durable: bool = False) -> None:
        """Delete the row of a key; harmless when there is none."""
        self.rows[table].pop(key, None)

    def mark(self) -> asyncio.Future[bool] | None:
        """Is done when all so far is on disk; None when there is nothing to wait for, see `kept`."""
        return None

    async def committed(self) -> bool:
        """Wait until all so far is on disk. False: it is only in memory, because of `problem`, or by design."""
        mark = self.mark()
        return self.kept if mark is None else await mark

    def fetch(self, table: Table, *key: SqlValue) -> Row | None:
        """The row of a key, from the disk when it is not in memory; may take a while."""
        return self.rows[table].get(key)

    def close(self) -> None:
        """Write what is left and let go of the file."""
