"""Where an endpoint is: the address at which it listens, and the names under which others reach it."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from uuid import UUID, uuid4

import ifaddr

from efpi_core.plugin.context import Context
from efpi_core.s2.connect.endpoint import PAIRING_PATH, SESSION_PATH

NODE_ID = "s2connect.node"

MOST_ADDRESSES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """One endpoint's place in the LAN."""

    name: str
    """For people, as "Gateway in the cellar"."""
    host: str
    """The address at which it listens; 0.0.0.0 or :: for all of this machine's."""
    port: int
    host_name: str
    """Under which others reach it, without a dot at the end."""
    announced_as: str
    """The host's name in multicast DNS: it ends with .local."""

    @classmethod
    def of(cls, name: str, host: str, port: int, host_name: str, instance: str) -> "Place":
        """Without a host name: the address where there is one, else a name of this instance's own on this machine."""
        own = own_host_name(instance)
        host_name = host_name.rstrip(".") or (own if _is_any(host) else host)
        return cls(name, host, port, host_name, host_name if host_name.endswith(".local") else own)

    @property
    def names(self) -> tuple[str, ...]:
        """What its certificate is for."""
        return tuple(dict.fromkeys((self.host_name, *(() if _is_any(self.host) else (self.host,)))))

    @property
    def announced_on(self) -> tuple[str, ...]:
        """The interfaces on which it is announced, by their addresses; empty for all."""
        return () if _is_any(self.host) else (self.host,)

    @property
    def looks_on(self) -> tuple[str, ...]:
        """Those on which others are looked for: all when it listens for this machine alone."""
        return () if _is_loopback(self.host) else self.announced_on

    def addresses(self) -> tuple[str, ...]:
        """The addresses of this machine at which it is reached."""
        return tuple(_machine_addresses())[:MOST_ADDRESSES] if _is_any(self.host) else (self.host,)

    def pairing_url(self, port: int) -> str:
        """Where others pair."""
        return self._url(port, PAIRING_PATH)

    def session_url(self, port: int) -> str:
        """Where paired nodes open sessions."""
        return self._url(port, SESSION_PATH)

    def _url(self, port: int, path: str) -> str:
        host = f"[{self.host_name}]" if ":" in self.host_name else self.host_name
        return f"https://{host}:{port}{path}"


def own_host_name(instance: str) -> str:
    """A name in the LAN for an instance here; not the machine's own, which is another program's to announce."""
    machine = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname().partition(".")[0]).strip("-")
    label = "-".join(part for part in ("efpi", machine[:30].strip("-"), instance.replace("_", "-")[:25]) if part)
    return f"{label.rstrip('-').lower()}.local"


def node_id(context: Context, name: str = "") -> UUID:
    """The id of a node of an instance: made once, and kept for good."""
    key = f"{NODE_ID}.{name}" if name else NODE_ID
    kept = context.storage.get(key)
    if isinstance(kept, str) and re.fullmatch(r"[0-9a-f-]{36}", kept):
        return UUID(kept)
    fresh = uuid4()
    context.storage.put(key, str(fresh), durable=True)
    return fresh


def _machine_addresses() -> Iterator[str]:
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            if isinstance(each.ip, str) and not ip_address(each.ip).is_loopback:
                yield each.ip


def _is_any(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104  # compared, not listened at


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
