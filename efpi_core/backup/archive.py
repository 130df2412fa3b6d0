"""The backup of a home: one zip file with the databases as of one instant, the site as text, and a list of all.

It is taken beside a running gateway: SQLite's own snapshot of each database, which holds up nobody. Secrets are only in
it when that is asked for.
"""

import hashlib
import json
import lzma
import os
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from efpi_core.errors import EfpiError, RefusedError, SettingsError
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.plugin.memory import SECRET_KEY
from efpi_core.site.secrets import SECRETS_FILE
from efpi_core.state.database_file import connect, database_problem
from efpi_core.state.home import DATABASE_FILE, storage_problem

FORMAT = 1

MANIFEST = "manifest.json"
SITE = "site.yaml"
"""The site in force, for people; the restore takes it from the state."""

KNOWN = (DATABASE_FILE, HISTORY_FILE, SITE, SECRETS_FILE)

_LARGEST_MANIFEST = 1 << 20
_BLOCK = 1 << 20

UNREADABLE = (
    LookupError, ValueError, TypeError, OverflowError, RuntimeError, OSError, EOFError, struct.error, zlib.error,
    lzma.LZMAError, zipfile.BadZipFile, zipfile.LargeZipFile,
)  # fmt: skip
"""What an archive that was made to harm makes the library raise."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    efpi: str
    """The version that wrote it."""
    at: str
    """When, in UTC."""
    site: str
    """What people call the building."""
    revision: int
    members: tuple[Member, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(member.name for member in self.members)

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": FORMAT,
            "efpi": self.efpi,
            "at": self.at,
            "site": self.site,
            "revision": self.revision,
            "files": [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in self.members],
        }


def write_backup(
    home: Path,
    target: Path,
    *,
    version: str,
    now: datetime,
    with_secrets: bool,
    site: tuple[str, int, str] = ("", 0, ""),
) -> Manifest:
    """Write a home into a new file of mode 0600; `site` is its name, revision and document.

    The file appears when it is whole. Raises EfpiError with the cure.
    """
    if not (home / DATABASE_FILE).exists():
        raise RefusedError(f"{home} holds nothing to back up", "name another home with --home")
    if target.exists():
        raise RefusedError(f"{target} is there already", "name a file that is not")
    name, revision, text = site
    draft = target.with_name(f"{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="efpi-backup-", dir=target.parent) as folder:
            files = dict(_snapshots(home, Path(folder)))
            if not with_secrets:
                _forget_secrets(files[DATABASE_FILE])
            if text:
                (Path(folder) / SITE).write_text(text, encoding="utf-8")
                files[SITE] = Path(folder) / SITE
            if with_secrets and (home / SECRETS_FILE).exists():
                files[SECRETS_FILE] = home / SECRETS_FILE
            members = tuple(Member(name, path.stat().st_size, digest(path)) for name, path in files.items())
            manifest = Manifest(version, now.isoformat(), name, revision, members)
            _write(draft, manifest, files)
        draft.rename(target)
    except OSError as error:
        raise storage_problem(error, target) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return manifest


def _snapshots(home: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each database as it is at one instant, without its log."""
    for name in (DATABASE_FILE, HISTORY_FILE):
        if not (home / name).exists():
            continue
        copy = folder / name
        try:
            with closing(connect(home / name, read_only=True)) as connection:
                connection.execute("VACUUM INTO ?", (str(copy),))
        except sqlite3.Error as error:
            raise _refused(error, home / name) from error
        copy.chmod(0o600)
        yield name, copy


def _forget_secrets(database: Path) -> None:
    """Take out of a copy what plugins keep as secrets, and overwrite where it stood."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("DELETE FROM memory WHERE substr(key, 1, ?) = ?", (len(SECRET_KEY), SECRET_KEY))
            connection.commit()
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise _refused(error, database) from error


def _refused(error: sqlite3.Error, path: Path) -> EfpiError:
    problem = database_problem(error, path)
    return EfpiError(f"no backup was made: {problem.problem}", problem.cure)


def _write(draft: Path, manifest: Manifest, files: dict[str, Path]) -> None:
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(MANIFEST, json.dumps(manifest.as_json(), indent=1))
            for name, path in files.items():
                archive.write(path, name)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """The list of a backup. Raises SettingsError when it is none of ours."""
    try:
        with archive.open(MANIFEST) as file:
            told = json.loads(file.read(_LARGEST_MANIFEST))
        members = tuple(Member(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in told["files"])
        manifest = Manifest(str(told["efpi"]), str(told["at"]), str(told["site"]), int(told["revision"]), members)
        written_format = told["format"]
    except UNREADABLE as error:
        raise not_a_backup(path, f"its list cannot be read: {error}") from error
    if written_format != FORMAT:
        raise SettingsError(str(path), f"its format is {written_format!r}, this efpi reads {FORMAT}", "update efpi")
    unknown = [name for name in manifest.names if name not in KNOWN]
    if unknown or len(set(manifest.names)) != len(members) or DATABASE_FILE not in manifest.names:
        raise not_a_backup(path, "its list names other files than a backup has")
    return manifest


def not_a_backup(path: Path, why: str) -> SettingsError:
    """What is said of a file that is no whole backup."""
    return SettingsError(str(path), f"it is no whole backup: {why}", "name a file that `efpi backup` wrote")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
