"""Backups: a file that only looks like one, or whose list says anything, is refused and leaves nothing behind."""

import hashlib
import io
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from functools import cache
from pathlib import Path

from efpi_core.backup.archive import KNOWN, MANIFEST
from efpi_core.backup.restore import check, unpack
from efpi_core.errors import SettingsError
from efpi_core.state.home import DATABASE_FILE
from tests.fuzz.target import Target
from tests.fuzz.targets.state_db import MEMORY_DISK, sound

LARGEST = 16 << 20
"""What may be unpacked of an input of some kilobytes: deflate makes a thousandth of zeros."""


@cache
def true_digest() -> bytes:
    """The SHA-256 of the database in every archive, as its list writes it."""
    return hashlib.sha256(sound()).hexdigest().encode()


def feed(data: bytes) -> None:
    """An archive as it is when it begins as one; else the list of an archive whose database is whole.

    In a list `SIZE` and `DIGEST` stand for those of that database.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as place:
        source, folder = Path(place) / "house.efpi", Path(place) / "home"
        folder.mkdir()
        source.write_bytes(data if data[:1] == b"P" else archive(data))
        try:
            manifest = unpack(source, folder)
            check(source, folder)
        except SettingsError as error:
            assert error.problem and error.cure
            assert str(source) in str(error)
        else:
            assert DATABASE_FILE in manifest.names
            with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection:
                assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        assert {path.name for path in folder.iterdir()} <= set(KNOWN)
        assert {path.name for path in Path(place).iterdir()} == {"house.efpi", "home"}
        assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST


def archive(listed: bytes) -> bytes:
    """An archive with this list."""
    listed = listed.replace(b"SIZE", str(len(sound())).encode()).replace(b"DIGEST", true_digest())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr(MANIFEST, listed)
        made.writestr(DATABASE_FILE, sound())
        made.writestr("site.yaml", b"efpi: 1\n")
    return file.getvalue()


TARGET = Target(
    "backup_archive",
    feed,
    words=(
        b'{"name":"state.db","size":SIZE,"sha256":"DIGEST"}', b'{"name":"../evil","size":1,"sha256":""}', b"[" * 2000,
        b'{"name":"history.db","size":', b'{"name":"/etc/passwd"', b'"format":1', b'"files":[', b"PK\x03\x04",
        b"PK\x01\x02", b"PK\x05\x06", b"manifest.json", b"state.db", b"site.yaml", b"\\u0000", b"1e999",
    ),
    holds_json=True,
    longest=40_000,
)  # fmt: skip
