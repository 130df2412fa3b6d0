"""Listeners: the sockets at which the HTTP interface is reached, and the server behind each."""

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.http.connection import BoundedConnection
from efpi_core.http.front_door import FrontDoor
from efpi_core.http.unix_socket import SOCKET_FILE, reachable
from efpi_core.plugin.routes import Role

MOST_CONNECTIONS = 128
"""At one listener; more are answered with 503."""

LARGEST_HEAD = 16 * 1024
"""Bytes of a request's first line and headers."""

GRACE_S = 1
"""Answers under way have this long when the server ends."""


class Listener:
    """One socket and its server, which runs in the event loop of the gateway."""

    def __init__(self, listening: socket.socket, app: ASGIApp) -> None:
        self._socket = listening
        config = Config(
            app,
            lifespan="off",
            loop="none",
            http=BoundedConnection,
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_S,
        )
        config.load()
        self._server = Server(config)
        self._server.lifespan = config.lifespan_class(config)

    @property
    def port(self) -> int:
        """The port, of a TCP listener."""
        address = self._socket.getsockname()
        return int(address[1])

    async def start(self) -> None:
        """Answer from now on. Signals stay with the gateway, and no tick wakes an idle machine."""
        await self._server.startup([self._socket])

    async def stop(self) -> None:
        """Take no more, and end what is under way within the grace."""
        await self._server.shutdown([self._socket])


def tcp_listener(app: ASGIApp, host: str, port: int, now: Callable[[], datetime]) -> Listener:
    """Listen on an address of this machine only; whoever comes there may look, and change nothing.

    Raises SettingsError for another address, TryAgainError when the port is in use.
    """
    address = _loopback(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((str(address), port))
        listening.listen(MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise _port_problem(error, port) from error
    listening.setblocking(False)
    return Listener(listening, FrontDoor(app, role=Role.VIEWER, by_name=True, now=now))


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise SettingsError(
            "--host",
            f"'{host}' is not an address of this machine alone, and the gateway has no accounts yet",
            "listen on 127.0.0.1, and come from elsewhere through ssh: ssh -L 8080:127.0.0.1:8080 <this machine>",
        )
    return address


def _port_problem(error: OSError, port: int) -> TryAgainError:
    if error.errno == errno.EADDRINUSE:
        cure = f"end what listens there, or choose another: --port {port + 1}"
        return TryAgainError(f"port {port} is in use", cure, detail_code="port_in_use")
    if error.errno == errno.EACCES:
        return TryAgainError(
            f"this user may not listen on port {port}", "choose one above 1023: --port 8080", detail_code="no_rights"
        )
    return TryAgainError(f"port {port}: {error.strerror}", "choose another port with --port")


def unix_listener(app: ASGIApp, home: Path, now: Callable[[], datetime]) -> Listener:
    """Listen at the socket in the gateway's home, which only its user can open. The home's lock must be held.

    Raises TryAgainError when the file cannot be made.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(home) as path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108  # the path leads through a descriptor
            listening.bind(path)
            os.chmod(path, 0o600)  # noqa: PTH101  # before `listen`, so nobody else comes in between
        listening.listen(MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise TryAgainError(
            f"{home / SOCKET_FILE} cannot be made: {error.strerror}",
            "the commands need it; give --home a writable folder",
        ) from error
    listening.setblocking(False)
    return Listener(listening, FrontDoor(app, role=Role.OWNER, by_name=False, now=now))
