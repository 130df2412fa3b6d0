"""Messages of the interim form that any appliance says: revocations and statuses."""

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.conversion import LossKind
from efi.message import ControlSpaceRevoke
from efi.xml.interim.common import head_of, read_head
from efi.xml.interim.sheet import UNSAYABLE_TEXT, Sheet, leaf, node
from efi.xml.interim.source import Source, maybe, part
from efi.xml.interim.vocabulary import SPOKEN_STATUSES, STATUS_WORDS, STATUSES
from efi.xml.tree import Element

REVOKED_OBJECT = LossKind(
    ("control_space_revoke",), "object_id", "all updates are revoked or none; revoking one alone is not written"
)
REVOKE_REASON = LossKind(("control_space_revoke", "allocation_revoke"), "reason", "there is no room for the reason")
REVOKED_ALLOCATION = LossKind(
    ("allocation_revoke",), "allocation_id", "all allocations are revoked or none; revoking one alone is not written"
)
STATUS = LossKind(
    ("allocation_status_update",),
    "status",
    "there is no word for it; told as REJECTED, with the word in additionalInfo",
)
STATUS_TEXT = LossKind(("allocation_status_update",), "text", UNSAYABLE_TEXT)


def revoke_document(sheet: Sheet, revoke: ControlSpaceRevoke) -> Element:
    """The revocation of all updates."""
    if revoke.reason:
        sheet.lose(REVOKE_REASON, revoke.reason)
    if revoke.object_id is not None:
        sheet.give_up(REVOKED_OBJECT, revoke.object_id)
    return node("controlSpaceRevoke", *head_of(sheet, revoke))


def read_revoke(source: Source, element: Element) -> tuple[ControlSpaceRevoke]:
    """The revocation of all updates."""
    return (ControlSpaceRevoke(**read_head(source, element)),)


def allocation_revoke_document(sheet: Sheet, revoke: AllocationRevoke) -> Element:
    """The revocation of all allocations."""
    if revoke.reason:
        sheet.lose(REVOKE_REASON, revoke.reason)
    if revoke.allocation_id is not None:
        sheet.give_up(REVOKED_ALLOCATION, revoke.allocation_id)
    return node("allocationRevoke", *head_of(sheet, revoke))


def read_allocation_revoke(source: Source, element: Element) -> tuple[AllocationRevoke]:
    """The revocation of all allocations."""
    return (AllocationRevoke(**read_head(source, element)),)


def status_document(sheet: Sheet, update: AllocationStatusUpdate) -> Element:
    """The status of an allocation."""
    head = (*head_of(sheet, update), sheet.identifier("allocationId", update.allocation_id, "allocation_id"))
    word, info = STATUS_WORDS.get(update.status), update.text
    if word is None:
        sheet.lose(STATUS, update.status.value)
        word = STATUS_WORDS[AllocationStatus.REJECTED]
        info = f"{update.status.name}: {info}"
    return node(
        "allocationStatusUpdate",
        *head,
        leaf("status", word),
        sheet.text("additionalInfo", info, STATUS_TEXT) if info else None,
    )


def read_status(source: Source, element: Element) -> tuple[AllocationStatusUpdate]:
    """The status of an allocation."""
    status = STATUSES[source.word(part(element, "status"))]
    info = maybe(element, "additionalInfo")
    text = "" if info is None else info.text
    spoken, separator, rest = text.partition(": ")
    if status is AllocationStatus.REJECTED and separator and spoken in SPOKEN_STATUSES:
        status, text = SPOKEN_STATUSES[spoken], rest
    return (
        AllocationStatusUpdate(
            **read_head(source, element),
            allocation_id=source.identifier(part(element, "allocationId")),
            status=status,
            text="" if info is None else source.words(info, text),
        ),
    )
