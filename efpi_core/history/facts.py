"""What the history must know of the house to make sense of its values."""

from dataclasses import dataclass, field

from efpi_core.plugin.site_facts import PriceBand

MOST_W = 250_000.0
"""What a connection of unknown size may carry: a large building's."""

MIB = 1 << 20

DEFAULT_BYTES = 1024 * MIB
"""A year of fifty values a second, on a card of 8 GB."""


@dataclass(frozen=True, slots=True)
class HistoryPolicy:
    """How much is kept. Of what is too much the oldest raw values go first, quarter hours then, days last."""

    most_bytes: int = DEFAULT_BYTES
    detail_days: int | None = None
    """Raw values older than this go, too; None keeps them while there is room."""


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """The site as the history sees it."""

    time_zone: str = "UTC"
    currency: str = "EUR"
    prices: tuple[PriceBand, ...] = ()
    most_w: float = MOST_W
    """What the connection to the grid can carry at most, for a while."""
    policy: HistoryPolicy = field(default_factory=HistoryPolicy)
    flows: tuple[tuple[str, str], ...] = ()
    """The grid meter's counters by name, each with "import" or "export"."""
