"""Why a link ended, in words that a program can compare and a person can act on."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_REASON = 123
"""Bytes of a reason that a close frame can carry (RFC 6455, 5.5)."""


LONGEST_TEXT = 500
"""Characters of a sentence about an ending."""


class EndedBy(StrEnum):
    """What ended a link; each is a detail of the device's condition, too."""

    LEFT = "left"
    """The peer closed it in order."""
    LOST = "connection_lost"
    """It broke: the peer or the network is gone."""
    SILENT = "no_pong"
    """The peer did not answer a ping in time, as when its cable was pulled."""
    SLOW = "slow_reader"
    """The peer does not read what it is sent, and what waits may not be left out."""
    FLOODED = "flood"
    """The peer sent more than it may, for too long."""
    TOO_LARGE = "frame_too_large"
    """The peer sent a frame beyond the cap."""
    NO_WEBSOCKET = "no_websocket"
    """What the peer sent is against the rules of WebSocket."""
    REPLACED = "replaced"
    """The same peer opened a newer link."""
    REFUSED = "refused"
    """This side will not have it."""
    FAULT = "internal_fault"
    """This side failed on what the peer sent."""
    STOPPED = "stopped"
    """This side ends."""


CLOSE_CODES: dict[EndedBy, int] = {
    EndedBy.LEFT: 1000,
    EndedBy.LOST: 1006,
    EndedBy.SILENT: 1011,
    EndedBy.SLOW: 1008,
    EndedBy.FLOODED: 1008,
    EndedBy.TOO_LARGE: 1009,
    EndedBy.NO_WEBSOCKET: 1002,
    EndedBy.REPLACED: 1000,
    EndedBy.REFUSED: 1008,
    EndedBy.FAULT: 1011,
    EndedBy.STOPPED: 1001,
}
"""The close code that goes with each (RFC 6455, 7.4.1); 1006 is never sent."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one link."""

    by: EndedBy
    """What ended it."""
    text: str
    """One sentence for people; what a peer said in it is made one printable line."""
    cure: str = ""
    """What they can do."""
    detail: str = ""
    """A word for programs, where what ended it does not say enough."""

    def __post_init__(self) -> None:
        if not self.text.isprintable() or len(self.text) > LONGEST_TEXT:
            printable = "".join(mark if mark.isprintable() else " " for mark in self.text[:LONGEST_TEXT])
            object.__setattr__(self, "text", printable)

    @property
    def word(self) -> str:
        """A word for programs."""
        return self.detail or self.by.value

    @property
    def code(self) -> int:
        """The close code."""
        return CLOSE_CODES[self.by]

    @property
    def reason(self) -> str:
        """The sentence as a close frame can carry it."""
        return self.text.encode()[:LONGEST_REASON].decode(errors="ignore")
