"""What an endpoint says of itself by DNS-SD: the TXT record of `_s2connect._tcp`, read and written.

Nothing of it is to be trusted: anybody in the network can announce anything. It makes a list to choose from; whether it
is the right one, the proof of the pairing tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from efpi_core.s2.connect.wire import Deployment, Role, Url

SERVICE = "_s2connect._tcp.local."
SUBTYPES = {Role.CEM: "_cem", Role.RM: "_rm"}

TXT_VERSION = "1"

MOST_ENTRIES = 64
LONGEST_ENTRY = 255
"""Bytes of one entry of a TXT record (RFC 6763, 6.1)."""

_URL = TypeAdapter(Url)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One endpoint that announces itself."""

    deployment: Deployment
    name: str = ""
    logo_url: str = ""
    pairing_url: str = ""
    """Ends with a slash, without the version; to be called instead of the host and port of the service."""
    longpolling_url: str = ""
    """Where clients without a server wait to be told to pair; only in the LAN."""

    def entries(self) -> dict[str, str]:
        """The TXT record."""
        told = {
            "txtver": TXT_VERSION,
            "deployment": self.deployment.value,
            "e_name": self.name,
            "e_logoUrl": self.logo_url,
            "pairingUrl": self.pairing_url,
            "longpollingUrl": self.longpolling_url,
        }
        longest = {key: LONGEST_ENTRY - len(key) - 1 for key in told}
        return {key: _cut(value, longest[key]) for key, value in told.items() if value}

    @classmethod
    def of(cls, txt: Mapping[bytes, bytes | None]) -> "Announcement | None":
        """What a TXT record says; None when it is none of this version, or leads nowhere."""
        told: dict[str, str] = {}
        for key, value in list(txt.items())[:MOST_ENTRIES]:
            name = key.decode("ascii", "replace").lower()
            if value is not None and len(value) <= LONGEST_ENTRY:
                told.setdefault(name, value.decode("utf-8", "replace"))
        version = told.get("txtver", told.get("txtvers"))  # the specification's own example has the other spelling
        if version != TXT_VERSION:
            return None
        try:
            deployment = Deployment(told.get("deployment", Deployment.LAN))
        except ValueError:
            return None
        pairing, longpolling = _base(told.get("pairingurl")), _base(told.get("longpollingurl"))
        if deployment is Deployment.WAN:
            longpolling = ""
        if not pairing and not longpolling:
            return None
        return cls(deployment, _shown(told.get("e_name", "")), _shown(told.get("e_logourl", "")), pairing, longpolling)


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint that was found."""

    instance: str
    """Its name in DNS-SD: the host's."""
    announcement: Announcement
    roles: frozenset[Role]
    """What its nodes are; empty when it did not say."""
    addresses: tuple[str, ...]


def _base(url: str | None) -> str:
    """A base URL, with its slash at the end; empty when it is none."""
    if url is None:
        return ""
    try:
        checked = _URL.validate_python(url)
    except ValidationError:
        return ""
    if not checked.startswith("https:") or "?" in checked or "#" in checked:
        return ""
    return checked if checked.endswith("/") else f"{checked}/"


def _shown(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)


def _cut(text: str, longest: int) -> str:
    return text.encode()[:longest].decode(errors="ignore")
