"""Why a server cannot be reached, in words and with a cure."""

import socket
import ssl
from typing import NamedTuple

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from efpi_core.errors import EfpiError, RefusedError


class WrongCertificateError(OSError):
    """The server presents another certificate than the one that is expected."""


class Trouble(NamedTuple):
    """What stands between this side and a server."""

    detail: str
    """A word for programs, as `refused_token`."""
    text: str
    """A sentence for people."""
    cure: str
    """What they can do."""
    needs_person: bool = False
    """Whether no waiting heals it."""


def trouble_of(error: Exception) -> Trouble:
    """What an attempt to open a link failed of."""
    if isinstance(error, EfpiError):
        person = isinstance(error, RefusedError)
        return Trouble(error.detail_code or "not_reachable", error.problem, error.cure, person)
    if isinstance(error, InvalidStatus):
        return _answered(error.response.status_code)
    for kinds, trouble in _KNOWN:
        if isinstance(error, kinds):
            return trouble
    if isinstance(error, WrongCertificateError | ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or str(error)
        text = f"the server's certificate is not the one to trust: {why}"
        return Trouble("wrong_certificate", text, "give its certificate or fingerprint in the settings", True)
    if isinstance(error, ssl.SSLError):
        text = f"no encrypted connection came about: {error.reason or error}"
        return Trouble("no_tls", text, "use ws:// if the device speaks no TLS, and look at its certificate", True)
    said = str(error) or type(error).__name__
    return Trouble("not_reachable", f"it cannot be reached: {said}", "look whether the device is in the network")


def _answered(status: int) -> Trouble:
    match status:
        case 401 | 403:
            return Trouble(
                "refused_token", f"the server refuses the token (HTTP {status})",
                "give the token that the device expects, by `efpi site secret set`", needs_person=True,
            )  # fmt: skip
        case 404:
            return Trouble(
                "wrong_path", "the server knows no such path (HTTP 404)", "look at the URL", needs_person=True
            )
        case _:
            return Trouble("not_reachable", f"the server answers with HTTP {status}", "look at the server's own log")


_KNOWN: tuple[tuple[tuple[type[Exception], ...], Trouble], ...] = (
    (
        (InvalidHandshake, InvalidMessage, EOFError),
        Trouble("no_websocket", "what answers there is no WebSocket", "look at address, port and path"),
    ),
    (
        (TimeoutError,),
        Trouble("no_answer", "nobody answers in time", "look whether the device is on and in the network"),
    ),
    ((socket.gaierror,), Trouble("unknown_host", "there is no host of that name", "look at the address")),
    (
        (ConnectionRefusedError,),
        Trouble("connection_refused", "nobody listens there", "look at address and port, and at the device"),
    ),
    (
        (ConnectionError,),
        Trouble("connection_lost", "it hangs up at once", "look whether the device expects ws:// or wss://"),
    ),
)
"""What has one sentence whatever the circumstances."""
