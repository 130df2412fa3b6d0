"""The one thread that writes to disk, so that a slow card never holds up the event loop."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue

from efpi_core.errors import EfpiError, SettingsError, TryAgainError
from efpi_core.state.batch import Batch
from efpi_core.state.database_file import OpenedFile, connect, database_problem, open_file, primary_code
from efpi_core.state.home import Home, storage_problem

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""A write-ahead log of this size is moved into the database: seldom, since each move writes the changed pages again."""

CHECKPOINT_LOOK = 64
"""Commits after which the size of the log is looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch fared."""

    problem: EfpiError | None = None
    """Why it was not written; it is held and goes with the next."""
    rescued: str = ""
    """The file was found damaged and made anew: what is known must be written again."""


class Writer:
    """Writes batches, one transaction each. What cannot be written is held, and goes with what follows."""

    def __init__(self, home: Home, opened: OpenedFile) -> None:
        self._home = home
        self._connection = opened.connection
        self._may_resume = opened.may_resume
        self._held = Batch()
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._report: Callable[[Batch, Outcome], None] | None = None
        self._thread: threading.Thread | None = None
        self._checkpoint: threading.Thread | None = None
        self._nearly_moved = threading.Event()
        self.commits = 0
        """Transactions so far."""

    def begin(self, report: Callable[[Batch, Outcome], None]) -> None:
        """Start the thread; `report` is called in it, after each batch."""
        self._report = report
        self._thread = threading.Thread(target=self._run, name="efpi state", daemon=True)
        self._thread.start()

    def take(self, batch: Batch) -> None:
        """Write a batch when those before it are done."""
        self._queue.put(batch)

    def end(self, last: Batch, deadline_s: float) -> None:
        """Write the rest and close the file; what is not done within the deadline is lost."""
        if self._thread is None:
            self.write(last)
            self._close()
            return
        self._queue.put(last)
        self._queue.put(None)
        self._thread.join(deadline_s)

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            outcome = self.write(batch)
            if self._report is not None:
                self._report(batch, outcome)
        self._close()

    def write(self, batch: Batch) -> Outcome:
        """Write a batch, and what is held, now."""
        self._held.absorb(batch)
        rescued = ""
        try:
            if self._connection is None:
                rescued = self._reopen()
            self._commit()
        except sqlite3.Error as error:
            self._give_up_connection(error)
            return Outcome(database_problem(error, self._home.database))
        except OSError as error:
            return Outcome(storage_problem(error, self._home.path))
        except EfpiError as error:
            return Outcome(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, the waiting ones must hear of it
            return Outcome(EfpiError(f"the state cannot be written: {error!r}", "report this with the log"))
        return Outcome(rescued=rescued)

    def _commit(self) -> None:
        if not self._held or self._connection is None:
            return
        if self._held.durable:
            self._connection.execute("PRAGMA synchronous=FULL")
        try:
            self._held.write(self._connection)
        finally:
            if self._held.durable:
                self._connection.execute("PRAGMA synchronous=NORMAL")
        self._held = Batch()
        self.commits += 1
        if self._nearly_moved.is_set():
            self._nearly_moved.clear()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        elif self.commits % CHECKPOINT_LOOK == 0:
            self._begin_checkpoint()

    def _give_up_connection(self, error: sqlite3.Error) -> None:
        """A full or busy disk leaves the connection usable; after anything else it is opened anew."""
        if self._connection is not None and primary_code(error) not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _reopen(self) -> str:
        if not self._may_resume:
            raise SettingsError(
                str(self._home.database), "what it holds could not be read", "mend it, then start the gateway again"
            )
        self._home.open()
        if self._home.problem is not None:
            raise self._home.problem
        opened = open_file(self._home.database)
        if opened.connection is None:
            raise opened.problem or TryAgainError(f"{self._home.database} cannot be written")
        self._connection = opened.connection
        return opened.rescued

    def _begin_checkpoint(self) -> None:
        log = self._home.database.with_name(self._home.database.name + "-wal")
        with suppress(OSError):
            if log.stat().st_size >= CHECKPOINT_BYTES and (self._checkpoint is None or not self._checkpoint.is_alive()):
                self._checkpoint = threading.Thread(target=self._run_checkpoint, name="efpi checkpoint", daemon=True)
                self._checkpoint.start()

    def _run_checkpoint(self) -> None:
        """Move most of the log into the database, beside the running commits; a failure shows in the next commit, too.

        What was committed meanwhile is little, and the writer moves it between two commits: then the log begins anew.
        """
        with suppress(sqlite3.Error):
            connection = connect(self._home.database)
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._nearly_moved.set()
            finally:
                connection.close()

    def _close(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.join()
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
