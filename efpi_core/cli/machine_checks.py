"""What the doctor looks at on the machine: Python, home, disk, clock, port, serial devices and their rights."""

import contextlib
import errno
import grp
import os
import platform
import pwd
import shutil
import socket
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from efpi_core.boot import EARLIEST_NOW, synchronised
from efpi_core.cli.findings import Found, ill, note, well
from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError
from efpi_core.site.secrets import SecretStore
from efpi_core.state.home import Home

LEAST_FREE_BYTES = 200 * 1024 * 1024
"""Below this the state of a year may not fit."""

SERIAL_PATTERNS = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS[0-9]*")


def machine_checks(home: Path, port: int, *, gateway_runs: bool) -> Iterator[Found]:
    """All of them."""
    yield well("python", f"{platform.python_version()} on {platform.machine()}")
    yield from home_checks(home, gateway_runs=gateway_runs)
    yield disk_check(home)
    yield clock_check(RealClock().now(), synchronised())
    if not gateway_runs:
        yield port_check(port)
    yield from serial_checks(Path("/dev"))


def home_checks(home: Path, *, gateway_runs: bool) -> Iterator[Found]:
    """Whether a gateway can live there, and its secrets are its own."""
    if gateway_runs:
        yield well("home", f"{home}, a gateway runs in it")
    elif not home.exists():
        yield note("home", f"{home} is not there yet", "`efpi run --site demo` makes it")
        return
    else:
        yield _try_home(home)
    try:
        names = SecretStore.of(home, os.environ).names()
    except SettingsError as error:
        yield ill("secrets", f"{error.path}: {error.problem}", error.cure)
    else:
        yield well("secrets", f"{len(names)} kept")


def _try_home(path: Path) -> Found:
    home = Home(path)
    try:
        home.open()
    except OSError as error:
        return ill("home", f"{path}: {error.strerror}", "choose another --home")
    except Exception as error:  # noqa: BLE001  # another gateway in it that does not answer is named as it names itself
        return ill("home", str(error), "end that process, or choose another --home")
    finally:
        home.close()
    if home.problem is not None:
        return ill("home", home.problem.problem, home.problem.cure)
    return well("home", f"{path}, no gateway runs in it")


def disk_check(home: Path) -> Found:
    """Whether there is room."""
    folder = next((parent for parent in (home, *home.parents) if parent.exists()), Path("/"))
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return ill("disk", f"{folder}: {error.strerror}", "check the disk")
    told = f"{free / 1e9:.1f} GB free at {folder}"
    return well("disk", told) if free >= LEAST_FREE_BYTES else ill("disk", told, "free some space")


def clock_check(now: datetime, synchronous: bool | None) -> Found:
    """Whether schedules can be trusted."""
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < EARLIEST_NOW:
        return ill("clock", f"it shows {told}", "set it, or turn on a time service: timedatectl set-ntp true")
    if synchronous is False:
        return note(
            "clock",
            f"{told}; the kernel says that no time server keeps it",
            "turn on a time service: timedatectl set-ntp true",
        )
    return well("clock", f"{told}{', kept by a time server' if synchronous else ''}")


def port_check(port: int) -> Found:
    """Whether the page can be served."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return ill("port", f"{port} is in use", f"end what listens there, or run with --port {port + 1}")
            return ill("port", f"{port}: {error.strerror}", "run with --port 8080")
    return well("port", f"{port} is free")


def serial_checks(devices: Path) -> Iterator[Found]:
    """Every serial device, and whether this user may open it."""
    found = [path for pattern in SERIAL_PATTERNS for path in sorted(devices.glob(pattern)) if _is_device(path)]
    if not found:
        yield note("serial", "no serial device is plugged in", "only a meter or a bus on a cable needs one")
    for path in found:
        yield serial_check(path)


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return False


def serial_check(path: Path) -> Found:
    """Whether this user may open a serial device."""
    if os.access(path, os.R_OK | os.W_OK):
        return well("serial", f"{path} can be opened")
    status = path.stat()
    group = _group_name(status.st_gid)
    user = _user_name(os.geteuid())
    return ill(
        "serial",
        f"{path} belongs to the group '{group}', and user '{user}' is not in it",
        f"sudo usermod -aG {group} {user}, then log in again (a service starts anew)",
    )


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
