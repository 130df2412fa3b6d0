"""What the doctor looks at on the machine: Python, home, disk, clock, port, serial devices and their rights."""

import contextlib
import errno
import grp
import os
import platform
import pwd
import socket
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from efpi_core.boot import EARLIEST_NOW, synchronised
from efpi_core.cli.findings import Found, ill, note, well
from efpi_core.cli.words import size_words
from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.site.secrets import SecretStore
from efpi_core.state.home import Home, storage_problem

FULL_BYTES = 1024 * 1024
"""Below this nothing can be written that matters."""

LEAST_FREE_BYTES = 200 * 1024 * 1024
"""Below this the state of a year may not fit."""

SERIAL_PATTERNS = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS[0-9]*")


def machine_checks(home: Path, port: int, *, gateway_runs: bool) -> Iterator[Found]:
    """All of them."""
    yield well("python", f"{platform.python_version()} on {platform.machine()}")
    yield home_check(home, gateway_runs=gateway_runs)
    yield disk_check(home)
    yield clock_check(RealClock().now(), synchronised())
    if not gateway_runs:
        yield port_check(port)
    yield budget_check(Path("/proc"))
    yield from serial_checks(Path("/dev"))


def budget_check(proc: Path) -> Found:
    """How the budgets of plugins are enforced on this machine."""
    shares = (proc / "self" / "smaps_rollup").exists()
    memory = "shared memory counted in part" if shares else "shared memory counted in full, the kernel tells no shares"
    return well(
        "budgets",
        f"memory is watched ({memory}) and refused by the kernel far beyond it (RLIMIT_DATA); CPU time is watched, and "
        "beyond it a plugin comes after the others (nice)",
    )


def home_check(home: Path, *, gateway_runs: bool) -> Found:
    """Whether a gateway can live there."""
    if gateway_runs:
        return well("home", f"{home}, a gateway runs in it")
    if not home.exists():
        return note("home", "none", f"{home} is not there yet", "`efpi run --site demo` makes it")
    return _try_home(home)


def _try_home(path: Path) -> Found:
    home = Home(path)
    try:
        home.open()
    except OSError as error:
        return ill("home", "not_kept", f"{path}: {error.strerror}", "choose another --home")
    except TryAgainError as error:
        return ill("home", "in_use", error.problem, "end that process, or choose another --home")
    finally:
        home.close()
    if home.problem is not None:
        return ill("home", home.problem.detail_code, home.problem.problem, home.problem.cure)
    return well("home", f"{path}, no gateway runs in it")


def secrets_check(home: Path, environment: Mapping[str, str]) -> tuple[Found, tuple[str, ...]]:
    """Whether the secrets are the gateway's own; and the names of those that are known."""
    try:
        names = SecretStore.of(home, environment).names()
    except SettingsError as error:
        loose = "others may read" in error.problem
        detail = "secrets_loose" if loose else "secrets_unreadable"
        text = f"{error.path}: {error.problem}"
        return ill("secrets", detail, text, error.cure, ConditionState.MISCONFIGURED), ()
    return well("secrets", f"{len(names)} kept"), names


def disk_check(home: Path) -> Found:
    """Whether there is room, and it may be written."""
    folder = next((parent for parent in (home, *home.parents) if parent.exists()), Path("/"))
    try:
        status = os.statvfs(folder)
    except OSError as error:
        return ill("disk", "not_answering", f"{folder}: {error.strerror}", "check the disk")
    free = status.f_bavail * status.f_frsize
    told = f"{size_words(free)} free at {folder}"
    if status.f_flag & os.ST_RDONLY:
        problem = storage_problem(OSError(errno.EROFS, ""), folder)
        return ill("disk", problem.detail_code, problem.problem, problem.cure)
    if free < FULL_BYTES:
        return ill("disk", "disk_full", told, "free some space; writing resumes by itself")
    if free < LEAST_FREE_BYTES:
        return ill("disk", "disk_low", told, "free some space, before the state and the history of a year need it")
    return well("disk", told)


def clock_check(now: datetime, synchronous: bool | None) -> Found:
    """Whether schedules can be trusted."""
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < EARLIEST_NOW:
        return ill(
            "clock", "clock_not_set", f"it shows {told}", "set it, or turn on a time service: timedatectl set-ntp true"
        )
    if synchronous is False:
        return note(
            "clock",
            "clock_not_kept",
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
                return ill(
                    "port", "port_in_use", f"{port} is in use", f"end what listens there, or run with --port {port + 1}"
                )
            return ill("port", "not_reachable", f"{port}: {error.strerror}", "run with --port 8080")
    return well("port", f"{port} is free")


def serial_checks(devices: Path) -> Iterator[Found]:
    """Every serial device, and whether this user may open it."""
    found = [path for pattern in SERIAL_PATTERNS for path in sorted(devices.glob(pattern)) if _is_device(path)]
    if not found:
        yield note("serial", "none", "no serial device is plugged in", "only a meter or a bus on a cable needs one")
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
        "no_rights",
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
