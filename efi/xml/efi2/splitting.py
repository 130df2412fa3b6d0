"""Messages of the interface that are several in EFI 2.0: each but the first has an id made from the whole one's."""

from zlib import crc32

LONGEST_ID = 64


def part_id(identifier: str, place: int | str) -> str:
    """The id of a part of a message, from the id of the whole and the place of the part."""
    whole = f"{identifier}-{place}"
    return whole if len(whole) <= LONGEST_ID else f"{identifier[:40]}-{crc32(identifier.encode()):08x}-{place}"
