"""The home directory: where one gateway keeps its things, and the lock that keeps a second one out."""

import errno
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from efpi_core.errors import EfpiError, TryAgainError

LOCK_FILE = "gateway.lock"
DATABASE_FILE = "state.db"


def default_home(environment: Mapping[str, str]) -> Path:
    """Where a gateway lives when no option says: `EFPI_HOME`, or a directory of the service manager's or the user's.

    `STATE_DIRECTORY` comes from systemd's `StateDirectory=`; `XDG_DATA_HOME` from the XDG base directory specification.
    """
    if named := environment.get("EFPI_HOME"):
        return Path(named)
    if given := environment.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    data = environment.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "efpi"


def storage_problem(error: OSError, path: Path) -> EfpiError:
    """The name, the cure and the code of what the file system refused."""
    problem, cure, code = _refused(error, path)
    return EfpiError(problem, cure, detail_code=code)


def _refused(error: OSError, path: Path) -> tuple[str, str, str]:
    match error.errno:
        case errno.EROFS:
            return (
                f"{path} is on a read-only file system",
                "remount it writable, or choose another --home; a disk that was mounted so after an error is worn out",
                "read_only",
            )
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"the disk that holds {path} is full", "free some space; writing resumes by itself", "disk_full"
        case errno.EACCES | errno.EPERM:
            user = os.geteuid()
            return f"user {user} may not write {path}", f"give it to that user: chown -R {user} {path}", "no_rights"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path} is no directory", "move it away, or choose another --home", "no_directory"
        case _:
            told = error.strerror or error
            return f"{path} cannot be written: {told}", "check the disk; see the system log", "not_kept"


class Home:
    """A gateway's directory, only for its user. `problem` says why nothing can be kept there, if so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: EfpiError | None = None
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        """The state database."""
        return self.path / DATABASE_FILE

    def open(self) -> None:
        """Make the directory and take its lock. What cannot be written is told in `problem` and stops nobody.

        May be called again, to try again. Raises TryAgainError when another gateway lives here.
        """
        self.problem = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self.problem = storage_problem(error, self.path)
        if self._lock is not None:
            return
        try:
            self._lock = self._open_lock()
        except OSError as error:
            self.problem = self.problem or storage_problem(error, self.path)
            return
        self._take(self._lock)

    def _open_lock(self) -> int:
        lock = self.path / LOCK_FILE
        try:
            return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            self.problem = self.problem or storage_problem(error, self.path)
            return os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                self.problem = self.problem or storage_problem(error, self.path)
                return
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            self.close()
            raise TryAgainError(
                f"{self.path} is in use by the gateway with process id {holder}",
                "stop that one, or give this one a home of its own with --home",
            ) from error
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            self.problem = self.problem or storage_problem(error, self.path)

    def close(self) -> None:
        """Let another gateway in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
