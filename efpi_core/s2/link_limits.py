"""How much of this side one peer may take: sizes, rates and waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """The bounds of one link. S2 sets none; these leave room for the largest messages that a home needs."""

    largest_frame: int = 1_500_000
    """Bytes of one message; a larger one closes the link."""
    frames_per_s: float = 50.0
    """Messages that a peer may send in the long run, each second."""
    frames_at_once: int = 400
    """Messages that it may send at once, as when it introduces itself."""
    bytes_per_s: float = 500_000.0
    """Bytes that it may send in the long run, each second."""
    bytes_at_once: int = 5_000_000
    """Bytes that it may send at once."""
    flood_patience_s: float = 30.0
    """How long a peer that is beyond its rate is merely read more slowly, before the link is closed."""
    waiting_frames: int = 1000
    """Messages to the peer that may wait until it reads."""
    waiting_bytes: int = 5_000_000
    """Bytes to the peer that may wait."""
    write_within_s: float = 20.0
    """How long one message to the peer may take to leave."""
    open_within_s: float = 10.0
    """How long the opening of a link may take, TLS included."""
    close_within_s: float = 1.0
    """How long its closing may take."""
    ping_every_s: float = 50.0
    """How often the peer is asked for a sign of life; S2 Connect allows no shorter pause."""
    pong_within_s: float = 20.0
    """How long its answer may take."""
