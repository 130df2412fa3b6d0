"""What the system says about a port, as an error with a name and a cure."""

import errno
import os
import socket
from collections.abc import Iterator

from efpi_driver_p1.errors import PortError, PortFault

_BY_NUMBER = {
    errno.ENOENT: PortFault.MISSING,
    errno.ENOTDIR: PortFault.MISSING,
    errno.EISDIR: PortFault.NOT_SERIAL,
    errno.EACCES: PortFault.NO_RIGHTS,
    errno.EPERM: PortFault.NO_RIGHTS,
    errno.EBUSY: PortFault.BUSY,
    errno.EAGAIN: PortFault.BUSY,
    errno.ENOTTY: PortFault.NOT_SERIAL,
    errno.EINVAL: PortFault.NOT_SERIAL,
    errno.ENXIO: PortFault.UNPLUGGED,
    errno.ENODEV: PortFault.UNPLUGGED,
    errno.EIO: PortFault.UNPLUGGED,
    errno.EBADF: PortFault.UNPLUGGED,
    errno.ECONNREFUSED: PortFault.UNREACHABLE,
    errno.EHOSTUNREACH: PortFault.UNREACHABLE,
    errno.ENETUNREACH: PortFault.UNREACHABLE,
    errno.ETIMEDOUT: PortFault.UNREACHABLE,
    errno.ECONNRESET: PortFault.CLOSED,
    errno.EPIPE: PortFault.CLOSED,
}
_DETAILS = {
    PortFault.MISSING: "there is no such port",
    PortFault.NO_RIGHTS: "the gateway's user may not open it",
    PortFault.BUSY: "another program has it open",
    PortFault.NOT_SERIAL: "it is no serial port, or refuses these line settings",
    PortFault.UNPLUGGED: "the adapter was unplugged or has failed",
    PortFault.UNKNOWN_HOST: "no address belongs to this host name",
    PortFault.UNREACHABLE: "the other end does not answer",
    PortFault.CLOSED: "the other end has closed the connection",
}
_CURES = {
    PortFault.BUSY: "end the other program (`fuser -v PORT` names it); one program reads a port",
    PortFault.NOT_SERIAL: "name the adapter's device, as /dev/ttyUSB0",
    PortFault.UNPLUGGED: "plug the P1 cable in again; it is tried until it is back",
    PortFault.UNKNOWN_HOST: "check the host's name in the setting `port`, and the network",
    PortFault.UNREACHABLE: "check address and port number, and that the adapter is powered and in this network",
    PortFault.CLOSED: "allow one connection more at the adapter, or end the other program that reads from it",
    PortFault.FAILED: "check cable and adapter; it is tried again",
}
_PATTERNS = ("/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyAMA*")


def name_port_fault(port: str, error: BaseException, *, opened: bool) -> PortError:
    """The error for what the system said; `opened` when the port had worked before."""
    fault = _fault(error)
    if opened and fault in (PortFault.FAILED, PortFault.MISSING):
        fault = PortFault.CLOSED if "://" in port else PortFault.UNPLUGGED
    elif fault is PortFault.FAILED and "://" in port:
        fault = PortFault.UNREACHABLE
    detail = _DETAILS.get(fault) or str(error) or type(error).__name__
    return PortError(fault, port, detail, _cure(fault, port))


def _fault(error: BaseException) -> PortFault:
    for reason in _chain(error):
        if isinstance(reason, socket.gaierror):
            return PortFault.UNKNOWN_HOST
        if isinstance(reason, TimeoutError):
            return PortFault.UNREACHABLE
        number = getattr(reason, "errno", None) or next(iter(reason.args), None)
        if isinstance(number, int) and number in _BY_NUMBER:
            return _BY_NUMBER[number]
    return PortFault.FAILED


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it; pyserial wraps the system's own error, and termios' is no OSError."""
    seen = 0
    while error is not None and seen < 5:  # deeper than any library nests
        yield error
        error = error.__cause__ or error.__context__
        seen += 1


def _cure(fault: PortFault, port: str) -> str:
    if fault is PortFault.MISSING:
        here = _ports_here()
        known = f"ports here now: {', '.join(here[:6])}" if here else "no serial port is here now"
        return f"plug the P1 cable in, or correct the setting `port`; {known}"
    if fault is PortFault.NO_RIGHTS:
        group = _group(port)
        return f"add the gateway's user to the group {group} (`sudo usermod -aG {group} USER`) and start it again"
    return _CURES[fault].replace("PORT", port)


def _ports_here() -> list[str]:
    import glob  # noqa: PLC0415  # most instances never need it, and it costs each of them memory

    return sorted(path for pattern in _PATTERNS for path in glob.glob(pattern))  # noqa: PTH207  # names, not files


def _group(port: str) -> str:
    """The group that may open the port; `dialout` on most systems."""
    try:
        import grp  # noqa: PLC0415  # not on every system

        return grp.getgrgid(os.stat(port).st_gid).gr_name  # noqa: PTH116
    except (ImportError, OSError, KeyError):
        return "dialout"
