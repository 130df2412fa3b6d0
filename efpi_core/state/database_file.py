"""The database file: opened, brought to the present schema, and rescued when it is damaged."""

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from efpi_core.errors import EfpiError, SettingsError
from efpi_core.state.home import storage_problem
from efpi_core.state.rescue import move_aside, salvage
from efpi_core.state.table import DOCUMENT, TABLES, Row, Table

APPLICATION_ID = 0x65667069
"""Marks the file as ours: "efpi"."""

MIGRATIONS = Path(__file__).parent / "migrations"

PAGE_SIZE = 1024
"""Small pages: a commit writes whole pages, and most change a few hundred bytes."""

_NO_TEXT = "Could not decode to UTF-8"
"""What Python's sqlite3 says of a damaged text, without a code."""

_FULL = (sqlite3.SQLITE_FULL,)
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OTHER_TABLES = "its tables are others than those that were made"


Rows = dict[Table, dict[Row, Row]]
"""What tables hold: by table and key, the row."""


@dataclass(slots=True)
class OpenedFile:
    """What opening came to."""

    rows: Rows
    """What was kept; without the documents, which are read when asked for."""
    connection: sqlite3.Connection | None = None
    """For writing; None when the file cannot be written now."""
    copy: sqlite3.Connection | None = None
    """For reading, in memory, when the file cannot be written."""
    problem: EfpiError | None = None
    """Why it cannot be written."""
    may_resume: bool = True
    """Whether it may be written later: all that it holds is known."""
    rescued: str = ""
    """What happened when the file was found damaged, for people."""


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 when it has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def database_problem(error: sqlite3.Error, path: Path) -> EfpiError:
    """The name and the cure of what SQLite reports."""
    code = primary_code(error)
    if code in _UNWRITABLE and (refused := _refusal(path)) is not None:
        return storage_problem(refused, path)
    if code in _FULL or (code in _UNWRITABLE and _no_space(path.parent)):
        return storage_problem(OSError(errno.ENOSPC, ""), path)
    if code in _DAMAGED:
        return EfpiError(
            f"{path} is damaged: {error}", "restore a backup, or move the file away", detail_code="damaged"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return EfpiError(
            f"{path} is locked by another program",
            "close that program; writing resumes by itself",
            detail_code="locked",
        )
    return EfpiError(f"{path}: {error}", "check the disk; see the system log", detail_code="not_kept")


def _refusal(path: Path) -> OSError | None:
    """What the system says when the file is opened for writing."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        os.close(os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as refused:
        return refused
    return None


def _no_space(directory: Path) -> bool:
    try:
        return os.statvfs(directory).f_bavail == 0
    except OSError:
        return False


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the file with the settings that all connections share."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=1.0,
        cached_statements=400,
    )
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA temp_store=MEMORY")
        if not read_only:
            connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("PRAGMA journal_size_limit=0")
    except BaseException:
        connection.close()
        raise
    return connection


def migration_files() -> dict[int, Path]:
    """The numbered migrations, by number."""
    return {int(path.name[:4]): path for path in sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))}


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring a database to the present schema, each step in a transaction of its own.

    A file is copied beside itself first. Raises SettingsError when it belongs to a newer efpi, or is not ours.
    """
    version, application = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
    )
    steps = migration_files()
    where = str(path or "the database")
    if (version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]) and (
        application != APPLICATION_ID
    ):
        raise SettingsError(where, "it is a database of another program", "choose another --home, or move it away")
    if version > max(steps):
        raise SettingsError(
            where,
            f"a newer efpi wrote it (schema {version}, this one knows {max(steps)})",
            f"run the newer efpi, or put back the copy that it made, {_copy_name(path, max(steps))}",
        )
    for number, step in steps.items():
        if number > version:
            if version and path is not None:
                _copy(connection, path, version)
            _migrate_step(connection, number, step.read_text("utf-8"))


def _copy_name(path: Path | None, version: int) -> str:
    return f"{path or 'state.db'}.schema-{version}"


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    copy = Path(_copy_name(path, version))
    if not copy.exists():
        connection.execute("VACUUM INTO ?", (str(copy),))
        copy.chmod(0o600)


def _migrate_step(connection: sqlite3.Connection, number: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                connection.execute(statement)
                statement = ""
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def open_file(path: Path) -> OpenedFile:
    """Open the state database: for writing if that can be, else a copy in memory of what it holds.

    A damaged file is moved aside and what is readable goes into a new one. Raises SettingsError as `migrate` does.
    """
    try:
        connection, rows = open_writable(path)
    except UnicodeDecodeError as error:  # SQLite's own words about a damaged schema may quote it
        return _rescue(path, sqlite3.DatabaseError(f"its schema is no text: {error}"))
    except sqlite3.Error as error:
        if primary_code(error) in _DAMAGED or str(error).startswith((_NO_TEXT, _OTHER_TABLES)):
            return _rescue(path, error)
        return _open_unwritable(path, database_problem(error, path))
    except OSError as error:
        return _open_unwritable(path, storage_problem(error, path))
    return OpenedFile(rows, connection)


def open_writable(path: Path) -> tuple[sqlite3.Connection, Rows]:
    """Open the file for writing and read what it holds. Raises OSError, sqlite3.Error and SettingsError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path)
    try:
        migrate(connection, path)
        return connection, _read_all(connection)
    except BaseException:
        connection.close()
        raise


def _read_all(connection: sqlite3.Connection) -> Rows:
    try:
        return _read(connection)
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_ERROR:
            raise
        raise sqlite3.DatabaseError(f"{_OTHER_TABLES}: {error}") from error


def _read(connection: sqlite3.Connection) -> Rows:
    return {
        table: {row[: table.keys]: row for row in connection.execute(table.select)}
        for table in TABLES
        if table is not DOCUMENT
    }


def _open_unwritable(path: Path, problem: EfpiError) -> OpenedFile:
    memory = None if _absent(path) else _read_only_copy(path)
    copy = memory or sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(copy, None)
    try:
        rows = _read(copy)
    except (sqlite3.Error, UnicodeDecodeError):  # damaged, and not ours to mend where nothing can be written
        copy.close()
        return OpenedFile({}, None, None, problem, may_resume=False)
    return OpenedFile(rows, None, copy, problem, may_resume=memory is not None or _absent(path))


def _read_only_copy(path: Path) -> sqlite3.Connection | None:
    """A copy in memory; a log on a read-only disk can be read with its index, and a file without a log as it is."""
    for query in ("mode=ro", "mode=ro&immutable=1"):
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{query}", uri=True)) as source:
                source.backup(memory)
            memory.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            memory.close()
            continue
        return memory
    return None


def _absent(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _rescue(path: Path, error: sqlite3.Error) -> OpenedFile:
    try:
        aside = move_aside(path)
        connection, _ = open_writable(path)
    except (OSError, sqlite3.Error):
        problem = database_problem(error, path)
        return OpenedFile({}, None, None, problem, may_resume=False)
    saved = salvage(aside, connection)
    rescued = f"the state database was damaged ({error}); it lies in {aside}, and {saved} rows of it were saved"
    return OpenedFile(_read(connection), connection, rescued=rescued)
