"""Names that every S2 peer takes: many want UUIDs where the schema allows any identifier."""

from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:efpi:s2")
"""The namespace of the UUIDs that stand for names."""


def is_uuid(name: str) -> bool:
    """Whether a name is a UUID in its usual form."""
    if len(name) != 36:
        return False
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False


def uuid_of(name: str) -> str:
    """A name as a UUID: itself where it is one, else the one derived from it, always the same (RFC 9562, version 5)."""
    return name if is_uuid(name) else str(uuid5(NAMESPACE, name))
