"""Finding endpoints in the LAN, and being found (DNS-SD, RFC 6763, over multicast DNS, RFC 6762)."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address

from zeroconf import BadTypeInNameException, InterfaceChoice, NonUniqueNameException, ServiceStateChange, Zeroconf
from zeroconf._services.info import AddressResolver  # the package has it, and does not list it
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from efpi_core.errors import TryAgainError
from efpi_core.s2.connect.announcement import SERVICE, SUBTYPES, Announcement, Found
from efpi_core.s2.connect.wire import Role

ANSWER_MS = 3000
"""How long a device may take to tell of itself."""

MOST_FOUND = 200
"""Endpoints that are listed; whoever announces more is a nuisance."""


class Neighbourhood:
    """The multicast DNS of this machine, or of some of its interfaces."""

    def __init__(self, interfaces: tuple[str, ...] = ()) -> None:
        """`interfaces` by their addresses; empty for all."""
        self._interfaces = interfaces
        self._zeroconf: AsyncZeroconf | None = None

    def _open(self) -> AsyncZeroconf:
        if self._zeroconf is None:
            try:
                self._zeroconf = AsyncZeroconf(interfaces=list(self._interfaces) or InterfaceChoice.All)
            except OSError as error:
                raise TryAgainError(
                    f"multicast DNS does not work here: {error.strerror or error}",
                    "give the address of the other side by hand, or mend the network",
                ) from error
        return self._zeroconf

    async def close(self) -> None:
        """Take the announcement back, and listen no more."""
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()

    async def announce(
        self, host: str, port: int, addresses: Iterable[str], announcement: Announcement, role: Role
    ) -> None:
        """Tell the LAN of this endpoint, under the host's name; what was told before is taken back."""
        whole = _service(SERVICE, host, port, addresses, announcement)
        by_role = _service(f"{SUBTYPES[role]}._sub.{SERVICE}", host, port, addresses, announcement)
        by_role.key = f"{whole.key}{SUBTYPES[role]}"  # the library knows a service by one type only
        zeroconf = self._open()
        try:
            await zeroconf.async_unregister_all_services()
            await (await zeroconf.async_register_service(whole))
            await (await zeroconf.async_register_service(by_role, cooperating_responders=True))
        except (NonUniqueNameException, BadTypeInNameException) as error:
            raise TryAgainError(
                f"'{host}' cannot be announced: {error}", "give this gateway another host name"
            ) from error

    async def browse(self, seconds: float, role: Role | None = None) -> tuple[Found, ...]:
        """The endpoints that are heard of within some seconds, with nodes of a role."""
        zeroconf = self._open()
        names: dict[str, set[Role]] = {}
        asked = {SERVICE: None} | {f"{subtype}._sub.{SERVICE}": each for each, subtype in SUBTYPES.items()}

        def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            if state_change is not ServiceStateChange.Removed and (name in names or len(names) < MOST_FOUND):
                about = asked.get(service_type)
                names.setdefault(name, set()).update(() if about is None else (about,))

        browsers = [AsyncServiceBrowser(zeroconf.zeroconf, kind, handlers=[changed]) for kind in asked]
        try:
            await asyncio.sleep(seconds)
        finally:
            for browser in browsers:
                await browser.async_cancel()
        told = await asyncio.gather(*(self._ask(zeroconf, name, frozenset(roles)) for name, roles in names.items()))
        found = (each for each in told if each is not None)
        return tuple(each for each in found if role is None or not each.roles or role in each.roles)

    async def _ask(self, zeroconf: AsyncZeroconf, name: str, roles: frozenset[Role]) -> Found | None:
        info = AsyncServiceInfo(SERVICE, name)
        with suppress(BadTypeInNameException):
            if await info.async_request(zeroconf.zeroconf, ANSWER_MS):
                announcement = Announcement.of(info.properties)
                if announcement is not None:
                    instance = name.removesuffix(f".{SERVICE}")
                    shown = "".join(mark if mark.isprintable() else " " for mark in instance)[:63]
                    return Found(shown, announcement, roles, tuple(info.parsed_addresses()[:8]))
        return None

    async def resolve(self, host: str) -> str:
        """The address of a `.local` name; any other name is left to the system."""
        if not host.rstrip(".").endswith(".local"):
            return host
        asked = AddressResolver(f"{host.rstrip('.')}.")
        await asked.async_request(self._open().zeroconf, ANSWER_MS)
        return next(iter(asked.parsed_addresses()), host)


def _service(kind: str, host: str, port: int, addresses: Iterable[str], announcement: Announcement) -> AsyncServiceInfo:
    """A service of the host's name, of a type or a subtype."""
    return AsyncServiceInfo(
        kind,
        f"{host.partition('.')[0]}.{SERVICE}",
        addresses=[socket.inet_pton(_family(each), each) for each in addresses],
        port=port,
        properties=announcement.entries(),
        server=f"{host}.",
    )


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6
