"""Messages that the interim form says within another: curtailment options in a registration, leakage in a description.

Such a message has no id of its own there; it gets one from the message that holds it.
"""

from zlib import crc32

from efi.conversion import LossKind
from efi.message import ControlSpaceUpdate, Message
from efi.xml.interim.sheet import Sheet

LONGEST_ID = 64


def companion_id(identifier: str, what: str) -> str:
    """The id of a message that stands within the one of this id."""
    whole = f"{identifier}-{what}"
    return whole if len(whole) <= LONGEST_ID else f"{what}-{crc32(identifier.encode()):08x}-{identifier[-32:]}"


def companion_losses(message: str, holder: str) -> tuple[LossKind, ...]:
    """What a message loses that is told within another."""
    return (
        LossKind((message,), "message_id", f"told within the {holder}, it has no id of its own"),
        LossKind((message,), "timestamp", f"told within the {holder}, it has that one's time"),
        LossKind((message,), "valid_from", f"told within the {holder}, it holds as soon as that one"),
    )


def note_companion(
    sheet: Sheet, holder: Message, companion: ControlSpaceUpdate, what: str, losses: tuple[LossKind, ...]
) -> None:
    """Note where a companion differs from what will be read of it."""
    valid_from = holder.valid_from if isinstance(holder, ControlSpaceUpdate) else holder.timestamp
    expected = (companion_id(holder.message_id, what), holder.timestamp, valid_from)
    for kind, value in zip(losses, expected, strict=True):
        told = getattr(companion, kind.field)
        if told != value:
            sheet.lose(kind, told)
