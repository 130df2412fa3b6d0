"""S2 messages in files: in which profiles each is valid."""

import json

from efi.command.documents import Document
from efi.command.reading import Reading
from efi.s2.codec import MessageRefused, parse
from efi.s2.conversation import ReceptionStatusValues
from efi.s2.profile import Profile

S2 = "s2"


def speaks_s2(data: bytes) -> bool:
    """Whether a JSON document is meant as an S2 message: it says its `message_type`."""
    if b'"message_type"' not in data:
        return False
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "message_type" in told


def read_s2(document: Document) -> Reading:
    """Check a message against both profiles; it is valid where one of them takes it."""
    refused: list[MessageRefused] = []
    names: list[str] = []
    name = ""
    for profile in reversed(Profile):
        try:
            name = parse(document.data, profile).message_type
            names.append(profile.value)
        except MessageRefused as error:
            refused.append(error)
    if names:
        return Reading(document, S2, f"{name} ({', '.join(names)})")
    worst = refused[0]
    unreadable = worst.status is ReceptionStatusValues.INVALID_DATA
    return Reading(document, S2, worst.message_type or "", refusals=(worst.refusal,), unreadable=unreadable)
