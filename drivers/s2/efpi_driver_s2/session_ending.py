"""Why a session ended, as the ending of its link."""

from efi.s2.outcome import Ending as SessionEnding
from efi.s2.outcome import EndingKind
from efpi_core.s2.ending import EndedBy, Ending

_ENDED_BY = {
    EndingKind.RECONNECT: EndedBy.LEFT,
    EndingKind.TERMINATED: EndedBy.LEFT,
    EndingKind.PERMANENT_ERROR: EndedBy.LEFT,
    EndingKind.NO_COMMON_VERSION: EndedBy.REFUSED,
    EndingKind.NO_HANDSHAKE: EndedBy.REFUSED,
    EndingKind.FLOODED: EndedBy.FLOODED,
    EndingKind.ENDED_HERE: EndedBy.STOPPED,
}

_DETAILS = {
    EndingKind.NO_COMMON_VERSION: "protocol_mismatch",
    EndingKind.NO_HANDSHAKE: "no_handshake",
    EndingKind.PERMANENT_ERROR: "permanent_error",
}
"""What is not told by what ended the link alone."""

_CURES = {
    EndingKind.NO_COMMON_VERSION: "look for an update of the device's software",
    EndingKind.NO_HANDSHAKE: "look whether it is an S2 device that connects, and ask its maker",
    EndingKind.PERMANENT_ERROR: "restart the device; if that does not help, ask its maker",
    EndingKind.FLOODED: "restart the device; if that does not help, ask its maker",
}


def link_ending(ending: SessionEnding) -> Ending:
    """The ending of the link that goes with the ending of its session."""
    kind = ending.kind
    return Ending(_ENDED_BY[kind], ending.reason, _CURES.get(kind, ""), _DETAILS.get(kind, ""))
