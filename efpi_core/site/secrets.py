"""Secrets: kept by name in a file that only the gateway's user may read, or given by the service manager.

The site holds names. Values are in no revision, export, environment or log.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from efpi_core.errors import RefusedError, SettingsError, TryAgainError

SECRETS_FILE = "secrets.json"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
LONGEST_SECRET = 16 * 1024
"""Characters that a value may have."""

_LARGEST_FILE = 4 * 1024 * 1024


class SecretStore:
    """The secrets of one gateway: those of the credentials directory, which are read only, before those of its file.

    The directory is systemd's (`LoadCredential=`, `$CREDENTIALS_DIRECTORY`): one file a secret, by its name.
    """

    def __init__(self, home: Path, credentials: Path | None = None) -> None:
        self.path = home / SECRETS_FILE
        self._credentials = credentials

    @classmethod
    def of(cls, home: Path, environment: Mapping[str, str]) -> "SecretStore":
        """The store of a home, with the service manager's credentials if it gives any."""
        given = environment.get("CREDENTIALS_DIRECTORY")
        return cls(home, Path(given) if given else None)

    def names(self) -> tuple[str, ...]:
        """The names of all secrets, in order."""
        return tuple(sorted({*self._read(), *self._credential_names()}))

    def get(self, name: str) -> str | None:
        """A secret's value, or None when there is none of that name."""
        return self._credential(name) if name in self._credential_names() else self._read().get(name)

    def values(self) -> dict[str, str]:
        """All of them, for the instances' start and for redaction."""
        given = ((name, self._credential(name)) for name in self._credential_names())
        return self._read() | {name: value for name, value in given if value is not None}

    def set(self, name: str, value: str) -> None:
        """Keep a secret, in place of the former one of that name."""
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"secrets.{name[:64]}", "no name for a secret", "use up to 64 letters, digits, '-' or '_'"
            )
        if not value or len(value) > LONGEST_SECRET or "\x00" in value:
            raise SettingsError(f"secrets.{name}", "no fit value", f"give 1 to {LONGEST_SECRET} characters without NUL")
        self._refuse_credential(name)
        self._write(self._read() | {name: value})

    def remove(self, name: str) -> None:
        """Forget a secret."""
        self._refuse_credential(name)
        kept = self._read()
        if name not in kept:
            raise RefusedError(f"there is no secret {name!r}", "`efpi site secret list` lists them")
        del kept[name]
        self._write(kept)

    def _refuse_credential(self, name: str) -> None:
        if name in self._credential_names():
            raise RefusedError(f"the service manager gives the secret {name!r}", "change it in the service's unit")

    def _credential_names(self) -> tuple[str, ...]:
        if self._credentials is None:
            return ()
        try:
            found = tuple(entry.name for entry in self._credentials.iterdir() if entry.is_file())
        except OSError as error:
            raise SettingsError(
                str(self._credentials), f"the credentials cannot be read: {error.strerror}", "check the service's unit"
            ) from error
        return tuple(name for name in found if NAME.fullmatch(name))

    def _credential(self, name: str) -> str | None:
        if self._credentials is None:
            return None
        content = (self._credentials / name).read_bytes()[: LONGEST_SECRET * 4]
        return content.decode("utf-8", "replace").removesuffix("\n")

    def _read(self) -> dict[str, str]:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        except OSError as error:
            cure = "it may not be a link" if error.errno == errno.ELOOP else "check who owns it"
            raise SettingsError(str(self.path), f"the secrets cannot be read: {error.strerror}", cure) from error
        with os.fdopen(descriptor, "rb") as file:
            self._refuse_loose(os.fstat(file.fileno()))
            content = file.read(_LARGEST_FILE)
        try:
            kept = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise SettingsError(str(self.path), "it is not the JSON that efpi wrote", "restore or delete it") from error
        if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
            raise SettingsError(str(self.path), "it holds something else than names and values", "restore or delete it")
        return kept

    def _refuse_loose(self, status: os.stat_result) -> None:
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(
                str(self.path),
                f"others may read the secrets (mode {stat.S_IMODE(status.st_mode):04o})",
                f"chmod 600 {self.path}, and change the secrets that others may have read",
            )
        if status.st_uid not in (os.geteuid(), 0):
            raise SettingsError(
                str(self.path), f"user {status.st_uid} owns the secrets", f"chown {os.geteuid()} {self.path}"
            )

    def _write(self, kept: dict[str, str]) -> None:
        """Replace the file as a whole: after a crash it is the old or the new one."""
        draft = self.path.with_name(f"{SECRETS_FILE}.new")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                draft.unlink()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(kept, file, ensure_ascii=False, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise TryAgainError(
                f"the secrets cannot be written to {self.path}: {error.strerror}", "check the disk and its rights"
            ) from error
