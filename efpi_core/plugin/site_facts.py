"""What a plugin may know of the site: where it is, its currency and the price of energy."""

from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class PriceBand:
    """A price that holds every day from one local time to another, on some weekdays.

    `start` and `end` are minutes after local midnight; an `end` at or before `start` runs over midnight.
    """

    import_per_kwh: Decimal
    export_per_kwh: Decimal
    start: int = 0
    end: int = 1440
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """0 is Monday."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The place, the zone of its wall clock, and what energy costs there."""

    name: str = ""
    latitude: float | None = None
    """Degrees north."""
    longitude: float | None = None
    """Degrees east."""
    time_zone: str = "UTC"
    """IANA name."""
    currency: str = "EUR"
    prices: tuple[PriceBand, ...] = ()
    """The first band that holds counts; none means that prices are not known."""
    preferences: dict[str, str] = field(default_factory=dict)
    """The residents' wishes of the site as a whole, by name."""
    comfort: dict[str, dict[str, str]] = field(default_factory=dict)
    """Their wishes for single appliances: by the appliance's name or a pattern of names, then by the wish's name."""

    def wishes_for(self, appliance_id: str) -> dict[str, str]:
        """The residents' wishes for one appliance; of two on the same matter, its full name comes before a pattern."""
        wishes: dict[str, str] = {}
        for pattern, found in self.comfort.items():
            if fnmatchcase(appliance_id, pattern):
                wishes = found | wishes
        return wishes | self.comfort.get(appliance_id, {})
