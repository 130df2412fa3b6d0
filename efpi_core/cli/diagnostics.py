"""`efpi diagnostics`: all that helps to find out what ails a gateway, in one file that can be given away."""

import json
import os
import platform
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from functools import partial
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import JsonValue

from efpi_core.boot import boot_id, synchronised
from efpi_core.cli.config_check import scanned
from efpi_core.cli.doctor import examine
from efpi_core.cli.events import as_json as event_as_json
from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.cli.kept_checks import look_into
from efpi_core.cli.known_secrets import KnownSecrets
from efpi_core.cli.options import Caller, HomeOption
from efpi_core.cli.waiting import waiting
from efpi_core.cli.words import size_words
from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError, SettingsError, TryAgainError
from efpi_core.history.checking import check_history
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.host.catalogue import Catalogue
from efpi_core.logbook.logbook import log_path
from efpi_core.site.loader import load_site
from efpi_core.site.redaction import Redactor
from efpi_core.state.database_file import connect
from efpi_core.state.home import DATABASE_FILE
from efpi_core.state.look import Look

LARGEST_LOG = 16 * 1024 * 1024
"""Of one log file; the gateway's own are smaller."""

SHOWN = {
    "health.json": "/api/health",
    "instances.json": "/api/instances",
    "appliances.json": "/api/appliances",
    "connections.json": "/api/connections",
    "limits.json": "/api/limits",
    "overrides.json": "/api/overrides",
    "observations.json": "/api/observations",
    "site-history.json": "/api/site/history",
    "events.json": "/api/journal?count=2000",
}
"""What a running gateway tells, by file."""

_MACHINE_FILES = ("/proc/loadavg", "/proc/meminfo", "/proc/uptime", "/etc/os-release")


def diagnostics(
    file: Annotated[Path, typer.Argument(help="The file to make, as efpi-diagnostics.zip.", show_default=False)],
    home: HomeOption = None,
) -> None:
    """Gather what helps to find out what ails the gateway, running or not, without any secret, into a ZIP file."""
    caller = Caller(home, as_json=False)
    with waiting("Gathering", quiet=False):
        bundle = Bundle(caller)
        bundle.gather()
        _write(file, bundle.files())
    caller.screen.show(None, (f"{file}: {len(bundle.names)} files, {size_words(file.stat().st_size)}",))
    caller.screen.show(None, (f"  left out: {name}: {why}" for name, why in bundle.left_out.items()))


class Bundle:
    """The files of one bundle; each is gathered by itself, so that what fails takes nothing else with it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._home = caller.home
        self._plugins: Catalogue = scanned()
        self._secrets = KnownSecrets.of(caller.home, os.environ)
        self._texts: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        """What could not be gathered, and why."""

    @property
    def names(self) -> tuple[str, ...]:
        """The files so far."""
        return tuple(self._texts)

    def gather(self) -> None:
        """Gather all of them. The site comes first, since what is secret in it must be known before the rest."""
        runs = self._runs()
        look = None if runs else look_into(self._home)
        self._take("site.json", lambda: self._site(look))
        self._take("doctor.json", lambda: [found.as_json() for found in examine(self._caller)])
        self._take("machine.json", self._machine)
        self._take("plugins.json", self._plugin_list)
        self._take("database.json", lambda: self._database(look))
        if runs:
            for name, path in SHOWN.items():
                self._take(name, partial(self._caller.gateway.get, path))
            self._take_text("metrics.txt", lambda: self._caller.gateway.text("/metrics"))
        elif look is not None:
            self._take("events.json", lambda: [event_as_json(event) for event in look.events()])
        for log in sorted(log_path(self._home).parent.glob(f"{log_path(self._home).name}*")):
            self._take_text(f"log/{log.name}", partial(_log_text, log))

    def files(self) -> Iterator[tuple[str, str]]:
        """Each file's name and its text, in which every secret that is known is masked."""
        if self._secrets.trouble:
            why = f"the secrets cannot be read, so that they cannot be masked: {self._secrets.trouble}"
            for name in [name for name in self._texts if name not in ("machine.json", "plugins.json")]:
                del self._texts[name]
                self.left_out[name] = why
        redactor = self._secrets.redactor()
        for name, text in self._texts.items():
            yield name, _masked(name, text, redactor)
        self.left_out = {name: redactor.text(why) for name, why in self.left_out.items()}
        yield "manifest.json", _json(self._manifest())

    def _manifest(self) -> dict[str, Any]:
        return {
            "efpi": version("efpi"),
            "made_at": RealClock().now().isoformat(),
            "home": str(self._home),
            "files": sorted(self._texts),
            "left_out": self.left_out,
        }

    def _take(self, name: str, gather: Callable[[], object]) -> None:
        self._take_text(name, lambda: _json(gather()))

    def _take_text(self, name: str, gather: Callable[[], str]) -> None:
        try:
            self._texts[name] = gather()
        except EfpiError as error:
            self.left_out[name] = error.problem
        except Exception as error:  # noqa: BLE001  # a bundle is made where things are broken: the rest still helps
            self.left_out[name] = f"{type(error).__name__}: {error}"

    def _runs(self) -> bool:
        try:
            return bool(self._caller.gateway.get("/api/health")["version"])
        except NoGatewayError:
            return False
        except EfpiError as error:
            self.left_out["the running gateway"] = error.problem
            return False

    def _site(self, look: Look | None) -> JsonValue:
        if look is not None:
            kept = look.site()
            if kept is None:
                raise TryAgainError("the home has no site, or it cannot be read")
            return self._secrets.site(*kept, self._plugins)
        text = self._caller.gateway.get("/api/site")["text"]
        try:
            return self._secrets.site(text, load_site(text).data, self._plugins)
        except SettingsError as error:
            raise TryAgainError("the site cannot be read by this version") from error

    def _plugin_list(self) -> list[dict[str, Any]]:
        return [
            {
                "distribution": plugin.distribution,
                "version": plugin.version,
                "problem": plugin.problem,
                "offers": [] if plugin.description is None else [offer.name for offer in plugin.description.offers],
            }
            for plugin in self._plugins.plugins
        ]

    def _database(self, look: Look | None) -> dict[str, Any]:
        """Sizes of all files of the home, what SQLite says of the databases, and how many rows they have."""
        files = {}
        for path in sorted(self._home.rglob("*")):
            with suppress(OSError):
                status = path.lstat()
                files[str(path.relative_to(self._home))] = {"bytes": status.st_size, "mode": f"{status.st_mode:o}"}
        if look is not None:
            rows = {table.name: len(kept) for table, kept in look.rows.items()}
            told = {"files": files, "trouble": look.trouble, "integrity": look.integrity, "rows": rows}
        else:
            told = {"files": files, "integrity": {DATABASE_FILE: _check(self._home / DATABASE_FILE)}}
        history = self._home / HISTORY_FILE
        return told | ({"history": asdict(check_history(history))} if history.is_file() else {})

    def _machine(self) -> dict[str, Any]:
        packages = {found.metadata["Name"]: found.version for found in distributions()}
        status = os.statvfs(self._home if self._home.exists() else "/")
        return {
            "python": sys.version,
            "platform": platform.platform(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "user": os.geteuid(),
            "groups": os.getgroups(),
            "boot": boot_id(),
            "clock_synchronised": synchronised(),
            "sqlite": sqlite3.sqlite_version,
            "disk_free_bytes": status.f_bavail * status.f_frsize,
            "disk_files_free": status.f_favail,
            "files": {name: _first(Path(name)) for name in _MACHINE_FILES},
            "packages": dict(sorted(packages.items(), key=str)),
        }


def _check(path: Path) -> list[str]:
    """What SQLite says of a database that a gateway has open."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            return [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    except sqlite3.Error as error:
        return [str(error)]


def _first(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()[:60]
    except OSError as error:
        return [str(error)]


def _log_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST_LOG).decode("utf-8", "replace")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _masked(name: str, text: str, redactor: Redactor) -> str:
    """A file's text without secrets; JSON is masked value by value first, so that it stays JSON."""
    if name.endswith(".json"):
        text = _json(redactor.data(json.loads(text)))
    return "\n".join(map(redactor.text, text.split("\n")))


def _write(path: Path, files: Iterator[tuple[str, str]]) -> None:
    """Make the file, for its user only; one that is there is not touched."""
    if path.suffix != ".zip":
        raise SettingsError("FILE", f"'{path.name}' does not end with .zip", f"name it {path.with_suffix('.zip')}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise SettingsError("FILE", f"{path} is there already", "choose another name") from error
    except OSError as error:
        raise TryAgainError(f"{path} cannot be made: {error.strerror}", "choose another folder") from error
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(name, text.encode("utf-8", "replace"))
