"""Makes a home of a backup: all of it is checked beside the old home before that is set aside."""

import os
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from efpi_core.backup.archive import UNREADABLE, Manifest, Member, digest, not_a_backup, read_manifest
from efpi_core.errors import SettingsError
from efpi_core.history import history_file
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.plugin.memory import SECRET_KEY
from efpi_core.site.secrets import SECRETS_FILE
from efpi_core.state import database_file
from efpi_core.state.home import DATABASE_FILE, Home, storage_problem

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to."""

    manifest: Manifest
    aside: Path | None
    """Where the old home lies now; None when there was none."""
    secrets_kept: bool
    """Whether the secrets are those of the old home, since the backup has none."""


def restore_backup(source: Path, home: Path) -> Restored:
    """Put a backup in the place of a home. Nothing is changed unless all of the backup is whole.

    Raises TryAgainError while a gateway runs there, SettingsError for what is no whole backup.
    """
    home = home.absolute()
    there = Home(home)
    existed = home.exists()
    there.open()
    try:
        if there.problem is not None:
            raise there.problem
        with tempfile.TemporaryDirectory(prefix=f".{home.name}.restore-", dir=home.parent) as folder:
            fresh = Path(folder) / "home"
            fresh.mkdir(mode=0o700)
            manifest = unpack(source, fresh)
            check(source, fresh)
            secrets_kept = _keep_secrets(home, fresh, manifest)
            if SECRETS_FILE not in manifest.names:
                _keep_plugins_secrets(home / DATABASE_FILE, fresh / DATABASE_FILE)
            aside = _exchange(home, fresh, existed=existed)
        return Restored(manifest, aside, secrets_kept)
    except OSError as error:
        raise storage_problem(error, home) from error
    finally:
        there.close()


def unpack(source: Path, folder: Path) -> Manifest:
    """The files of a backup, each checked against its list. Raises SettingsError."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = read_manifest(archive, source)
            for member in manifest.members:
                _unpack(archive, member, folder, source)
            return manifest
    except FileNotFoundError as error:
        raise SettingsError(str(source), "there is no such file", "name a file that `efpi backup` wrote") from error
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's own
            raise
        raise not_a_backup(source, str(error)) from error


def _unpack(archive: zipfile.ZipFile, member: Member, folder: Path, source: Path) -> None:
    target = folder / member.name
    left = member.size
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            with archive.open(member.name) as packed:
                while block := packed.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise not_a_backup(source, f"{member.name} is longer than its list says")
                    file.write(block)
        except UNREADABLE as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's own
                raise
            raise not_a_backup(source, f"{member.name}: {error}") from error
        file.flush()
        os.fsync(file.fileno())
    if left or digest(target) != member.sha256:
        raise not_a_backup(source, f"{member.name} is not what its list says")


def check(source: Path, folder: Path) -> None:
    """Whether the databases are whole, and of this efpi or an older one. Raises SettingsError."""
    newest = max(database_file.migration_files())
    _check(source, folder / DATABASE_FILE, database_file.APPLICATION_ID, newest)
    if (folder / HISTORY_FILE).exists():
        _check(source, folder / HISTORY_FILE, history_file.APPLICATION_ID, history_file.SCHEMA_VERSION)


def _check(source: Path, path: Path, application: int, newest: int) -> None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            told, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            verdict = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
    except sqlite3.Error as error:
        raise not_a_backup(source, f"{path.name}: {error}") from error
    if told != application or verdict != ["ok"]:
        raise not_a_backup(source, f"{path.name} is damaged: {'; '.join(map(str, verdict))[:200]}")
    if version > newest:
        raise SettingsError(str(source), f"a newer efpi wrote its {path.name}", "update efpi, then restore it")


def _keep_secrets(home: Path, fresh: Path, manifest: Manifest) -> bool:
    """A backup without secrets leaves those of the old home."""
    kept = home / SECRETS_FILE
    if SECRETS_FILE in manifest.names or not kept.exists():
        return False
    shutil.copyfile(kept, fresh / SECRETS_FILE)
    (fresh / SECRETS_FILE).chmod(0o600)
    return True


def _keep_plugins_secrets(old: Path, fresh: Path) -> None:
    """Likewise what plugins keep as secrets; a damaged old home has none."""
    if not old.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(fresh.as_uri(), uri=True)) as connection:
        connection.execute("ATTACH DATABASE ? AS old", (f"{old.as_uri()}?mode=ro",))
        connection.execute(
            "INSERT OR IGNORE INTO main.memory (instance, key, value) "
            "SELECT instance, key, value FROM old.memory WHERE substr(key, 1, ?) = ?",
            (len(SECRET_KEY), SECRET_KEY),
        )
        connection.commit()


def _exchange(home: Path, fresh: Path, *, existed: bool) -> Path | None:
    """Set the old home aside and put the fresh one in its place; when that fails the old one is back."""
    number = 1
    while (aside := home.with_name(f"{home.name}.before-restore-{number}")).exists():
        number += 1
    home.rename(aside)
    try:
        fresh.rename(home)
    except BaseException:
        aside.rename(home)
        raise
    directory = os.open(home.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    if existed:
        return aside
    with suppress(OSError):
        shutil.rmtree(aside)  # it held the lock of this restore and nothing else
    return None
