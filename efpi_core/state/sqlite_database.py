"""Rows kept on disk: everything is in memory, and every change goes to the file in group commits."""

import asyncio
import sqlite3
from contextlib import closing, suppress

from efpi_core.clock import Clock, TimerHandle
from efpi_core.errors import EfpiError, TryAgainError
from efpi_core.state.batch import Batch
from efpi_core.state.database import Database
from efpi_core.state.database_file import connect, open_file
from efpi_core.state.home import Home
from efpi_core.state.table import DOCUMENT, Row, SqlValue, Table
from efpi_core.state.writer import Outcome, Writer

RETRY_S = 5.0
"""How often a disk that refused is tried again."""

STUCK_S = 5.0
"""A commit that takes longer holds nobody up any more."""

CLOSE_S = 1.0
"""How long the end of the gateway waits for the last commit."""


class SqliteDatabase(Database):
    """What is put within one turn of the event loop, or while a commit runs, is committed together.

    One transaction is under way at a time. On kill -9 nothing that was committed is lost. On a power cut, at most what
    the system had not yet written back (about half a minute), but nothing `durable`, and never the file. While the disk
    refuses, changes are held in memory (the last of each key, so they are bounded) and `committed` does not wait.
    """

    def __init__(self, home: Home, clock: Clock) -> None:
        opened = open_file(home.database)
        super().__init__(opened.rows)
        self.problem = home.problem or opened.problem
        self.rescued = opened.rescued
        """What happened when the file was found damaged, for people; empty when it was whole."""
        self._home = home
        self._clock = clock
        self._copy = opened.copy
        self._writer = Writer(home, opened)
        self._pending = Batch()
        self._under_way: Batch | None = None
        self._begun_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handing_over = False
        self._retry: TimerHandle | None = None
        self._watch: TimerHandle | None = None
        self._closed = False

    @property
    def kept(self) -> bool:
        """Whether what is written survives the end of the process."""
        return self.problem is None

    @property
    def standstill_s(self) -> float:
        """For how long the write that is under way has taken, in s; 0 when none is."""
        return 0.0 if self._under_way is None else self._clock.elapsed() - self._begun_s

    @property
    def commits(self) -> int:
        """Transactions so far."""
        return self._writer.commits

    def put(self, table: Table, row: Row, *, durable: bool = False) -> None:
        """Set a row."""
        self.rows[table][row[: table.keys]] = row
        self._pending.set(table, row)
        if durable:
            self._pending.durable = True
        if not self._handing_over:
            self._hand_over_soon()

    def delete(self, table: Table, *key: SqlValue, durable: bool = False) -> None:
        """Delete the row of a key."""
        if self.rows[table].pop(key, None) is None and table is not DOCUMENT:
            return
        self._pending.delete(table, key)
        if durable:
            self._pending.durable = True
        if not self._handing_over:
            self._hand_over_soon()

    def mark(self) -> asyncio.Future[bool] | None:
        """Is done when all so far is on disk; None when it is so already, or will not be, see `kept`."""
        if self.problem is not None or self._closed:
            return None
        batch = self._pending if self._pending else self._under_way
        if batch is None:
            return None
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        batch.waiters.append(future)
        return future

    def fetch(self, table: Table, *key: SqlValue) -> Row | None:
        """The row of a key, from the disk when it is not in memory."""
        found = self.rows[table].get(key)
        if found is not None:
            return found
        if self._copy is not None:
            return self._select(self._copy, table, key)
        with suppress(sqlite3.Error), closing(connect(self._home.database, read_only=True)) as connection:
            return self._select(connection, table, key)
        return None

    @staticmethod
    def _select(connection: sqlite3.Connection, table: Table, key: Row) -> Row | None:
        row: Row | None = connection.execute(table.select_one, key).fetchone()
        return row

    def close(self) -> None:
        """Write what is left and let go of the file."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._retry, self._watch):
            if timer is not None:
                timer.cancel()
        batch, self._pending = self._pending, Batch()
        self._release(batch)
        self._writer.end(batch, CLOSE_S)
        if self._copy is not None:
            self._copy.close()

    # --- the way to the writer and back, all in the event loop

    def _hand_over_soon(self) -> None:
        """Hand over at the end of this turn of the loop; what runs without a loop is written at the end."""
        if self._loop is None:
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self._writer.begin(self._report)
            if self.problem is not None:
                self._try_again_later()
        if self._loop.is_closed() or self._closed:
            return
        self._handing_over = True
        if self._under_way is None and self.problem is None:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._closed or self._under_way is not None:
            return
        self._handing_over = False
        batch, self._pending = self._pending, Batch()
        self._under_way = batch
        self._begun_s = self._clock.elapsed()
        if self._watch is None:
            self._watch = self._clock.call_later(STUCK_S, lambda: self._look(batch))
        self._writer.take(batch)

    def _look(self, batch: Batch) -> None:
        """Called now and then while there is work: the same batch under way for so long means that the disk hangs."""
        self._watch = None
        if self._under_way is batch:
            self._set_problem(
                TryAgainError(
                    f"the disk of {self._home.path} does not answer",
                    "check the disk; see the system log",
                    detail_code="not_answering",
                )
            )
            self._release(batch, self._pending)
        elif (current := self._under_way) is not None:
            self._watch = self._clock.call_later(STUCK_S, lambda: self._look(current))

    def _report(self, batch: Batch, outcome: Outcome) -> None:
        """From the writer's thread: tell the loop."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._written, batch, outcome)

    def _written(self, batch: Batch, outcome: Outcome) -> None:
        self._under_way = None
        if outcome.rescued:
            self._write_all_again()
            if self.on_rescued is not None:
                self.on_rescued(outcome.rescued)
        if outcome.problem is not None:
            self._release(batch, self._pending)
            self._set_problem(outcome.problem)
            self._try_again_later()
            return
        for future in batch.waiters:
            if not future.done():
                future.set_result(True)
        if self.problem is not None:
            self._set_problem(None)
        if self._pending:
            self._hand_over()
        else:
            self._handing_over = False

    def _write_all_again(self) -> None:
        everything = Batch()
        everything.replaces = True
        for table, rows in self.rows.items():
            for row in rows.values():
                everything.set(table, row)
        everything.absorb(self._pending)
        everything.waiters = self._pending.waiters
        self._pending = everything

    def _try_again_later(self) -> None:
        if not self._closed:
            self._retry = self._clock.call_later(RETRY_S, self._hand_over)

    def _set_problem(self, problem: EfpiError | None) -> None:
        changed = str(problem) != str(self.problem)
        self.problem = problem
        if changed and self.on_problem is not None:
            self.on_problem(problem)

    def _release(self, *batches: Batch) -> None:
        """Let those who wait go on: it is in memory, and not on disk."""
        for batch in batches:
            for future in batch.waiters:
                if not future.done():
                    future.set_result(False)
            batch.waiters.clear()
