"""The site document: what a gateway runs, where it stands, what energy costs there and which bounds hold."""

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints

from efpi_core.plugin.limits import Limit
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.site.grid import GridLimits
from efpi_core.site.history import HistoryWish
from efpi_core.site.model import (
    AppliancePattern,
    InstanceName,
    InstanceTemplate,
    SiteModel,
    Wish,
    WishName,
    wrong,
)
from efpi_core.site.tariff import TariffBand

MOST_ALIKE = 10_000
"""How many instances one entry may stand for."""


class Run(StrEnum):
    """Where an instance runs."""

    HOSTED = "hosted"
    """In a process of its own, so that its faults stay there."""
    INLINE = "inline"
    """Inside the gateway; for simulated appliances by the thousand."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise wrong(
            "unknown_time_zone",
            "'{name}' is no time zone that this machine knows; write an IANA name as 'Europe/Amsterdam'",
            name=name[:60],
        ) from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone."""

OfferName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
"""The name under which a plugin offers a driver or an app, as `simulated.battery`."""

Label = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1F\x7F]*$")]
"""A name for people."""


FORMAT = 1
"""The version of the document's format that this efpi reads."""


def _known_format(value: object) -> object:
    if value != FORMAT or isinstance(value, bool):
        shown = str(value)[:20]
        raise wrong("format", "this efpi reads format 1, not {shown}; write `efpi: 1`, or update efpi", shown=shown)
    return value


Format = Annotated[Literal[1], BeforeValidator(_known_format)]


class Location(SiteModel):
    """Where the building stands."""

    latitude: float = Field(ge=-90, le=90, title="Latitude", description="Degrees north.", examples=[52.37])
    longitude: float = Field(ge=-180, le=180, title="Longitude", description="Degrees east.", examples=[4.9])


class CpuExcess(StrEnum):
    """What becomes of an instance that takes more CPU time than it may."""

    THROTTLE = "throttle"
    """It goes on, and comes after the others."""
    RESTART = "restart"
    """It is started anew."""


class Budget(SiteModel):
    """What an instance may take of the machine; what is not given here is as its plugin declares."""

    memory_mb: int | None = Field(
        None, ge=8, le=65536, title="Memory", description="MB before it counts as leaking and is started anew."
    )
    cpu_share: float | None = Field(
        None, gt=0, le=64, title="CPU", description="Of one core, over half a minute; 0.2 is a fifth."
    )
    cpu_excess: CpuExcess = Field(
        CpuExcess.THROTTLE,
        title="Beyond it",
        description="throttle: it comes after the others. restart: it is started anew.",
    )


class InstanceEntry(SiteModel):
    """What the entries of appliances and apps share."""

    name: Label = Field("", title="Name", description="What people call it; `%n%` stands for its number.")
    config: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Settings",
        description="The plugin's own settings; `efpi plugins` shows them. In their strings `%n%` is the number.",
    )
    enabled: bool = Field(True, title="Enabled", description="false keeps the entry and does not run it.")
    run: Run = Field(
        Run.HOSTED, title="Runs", description="hosted: in a process of its own. inline: inside the gateway."
    )
    budget: Budget = Field(
        default_factory=Budget, title="May take", description="Memory and CPU time that it may take."
    )
    count: int | None = Field(
        None,
        ge=1,
        le=MOST_ALIKE,
        title="Count",
        description="How many alike; they are called name-1, name-2 …, or as `%n%` in the name says.",
    )


class ApplianceEntry(InstanceEntry):
    """One driver at work: one bus or connection to the world, which brings one appliance or many."""

    driver: OfferName = Field(title="Driver", description="The driver that speaks to it.", examples=["p1"])


class AppEntry(InstanceEntry):
    """One energy app at work."""

    app: OfferName = Field(title="App", description="The energy app to run.", examples=["self_consumption"])


class Site(SiteModel):
    """Everything that a gateway is told about the building it serves."""

    efpi: Format = Field(title="Format", description="The version of this document's format.", examples=[1])
    name: Label = Field("", title="Name", description="What people call the building.", examples=["Home"])
    location: Location | None = Field(
        None, title="Location", description="Where the building stands; sun and weather follow from it."
    )
    time_zone: TimeZone = Field(
        "UTC", title="Time zone", description="The zone of the clock on the wall.", examples=["Europe/Amsterdam"]
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        "EUR", title="Currency", description="ISO 4217 code of all prices.", examples=["EUR"]
    )
    tariff: tuple[TariffBand, ...] = Field(
        (),
        max_length=200,
        title="Tariff",
        description="What a kWh costs and earns; of the bands, the first that holds counts.",
    )
    limits: GridLimits = Field(
        default_factory=GridLimits, title="Limits", description="Bounds on power that nobody may pass."
    )
    appliances: dict[InstanceTemplate, ApplianceEntry] = Field(
        default_factory=dict, title="Appliances", description="The drivers to run, each under a name of its own."
    )
    apps: dict[InstanceTemplate, AppEntry] = Field(
        default_factory=dict, title="Apps", description="The energy apps to run, each under a name of its own."
    )
    connections: dict[AppliancePattern, InstanceName | None] = Field(
        default_factory=dict,
        title="Connections",
        description=(
            "Which app controls an appliance; null for none. `pv-*` names many; a full name comes before a pattern, "
            "an earlier pattern before a later. What is not named is connected where there is exactly one answer."
        ),
    )
    history: HistoryWish = Field(
        default_factory=HistoryWish, title="History", description="How much of what is observed is kept."
    )
    preferences: dict[WishName, Wish] = Field(
        default_factory=dict, title="Preferences", description="Wishes for the building as a whole, read by the apps."
    )
    comfort: dict[AppliancePattern, dict[WishName, Wish]] = Field(
        default_factory=dict,
        title="Comfort",
        description="Wishes for single appliances, read by the app that controls them; `pv-*` names many.",
    )

    def facts(self) -> SiteFacts:
        """What plugins may know of the site."""
        place = self.location
        return SiteFacts(
            name=self.name,
            latitude=None if place is None else place.latitude,
            longitude=None if place is None else place.longitude,
            time_zone=self.time_zone,
            currency=self.currency,
            prices=tuple(band.price_band() for band in self.tariff),
            preferences=dict(self.preferences),
            comfort={pattern: dict(wishes) for pattern, wishes in self.comfort.items()},
        )

    def grid_limits(self) -> tuple[Limit, ...]:
        """The bounds that the site sets; always in force."""
        return self.limits.limits()
