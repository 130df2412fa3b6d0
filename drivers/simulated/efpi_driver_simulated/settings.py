"""Settings that all simulated appliances share."""

from pathlib import Path
from typing import Literal

from efi.commodity import Phase
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.site_facts import SiteFacts
from efpi_driver_simulated.faults import FaultSetting
from efpi_driver_simulated.local_days import LocalDays, days_of
from efpi_driver_simulated.sources import SHIPPED_PLACE, TYPICAL_SEED, Tables, Wanted
from efpi_driver_simulated.sun import Place

PhaseChoice = Literal["l1", "l2", "l3", "three"]

ON_PHASES: dict[PhaseChoice, tuple[Phase, ...]] = {
    "l1": (Phase.L1,),
    "l2": (Phase.L2,),
    "l3": (Phase.L3,),
    "three": (Phase.L1, Phase.L2, Phase.L3),
}


class LifeSettings(PluginConfig):
    """What every simulated appliance can be told."""

    phases: PhaseChoice = setting("l1", title="Phases", description="The phase it hangs on, or all three alike.")
    seed: int | None = setting(
        None,
        title="Seed",
        description="Fixes what the residents do with it; without it each instance draws a seed once and keeps it.",
        example=7,
        ge=0,
        le=2**31,
    )
    faults: tuple[FaultSetting, ...] = setting(
        (), title="Faults", description="How it is to misbehave: offline, slow, refuse, garbage.", max_length=20
    )
    obey_faults_of: str | None = setting(
        None,
        title="Troublemaker",
        description="The instance of `simulated.trouble` that may make it misbehave while it runs.",
        example="trouble",
    )


class WeatherSettings(LifeSettings):
    """What an appliance can be told that stands in the weather, or in a household's use of the day."""

    tables: Tables = setting(
        "auto",
        title="Tables",
        description=(
            "Where weather and household use come from. auto: the shipped tables near Brussels, the built-in model "
            "elsewhere. built_in: always the model. made: tables that pvlib and demandlib make at the first start."
        ),
    )
    weather_seed: int = setting(
        TYPICAL_SEED, title="Weather seed", description="Another number is another year of weather.", ge=0, le=2**31
    )
    tables_directory: Path | None = setting(
        None, title="Tables directory", description="Where made tables are kept.", role="file"
    )

    def wanted(self, *, live: bool) -> Wanted:
        """What is asked of the sources."""
        return Wanted(self.tables, self.weather_seed, self.tables_directory, time_stands=not live)


def place_of(site: SiteFacts) -> Place:
    """Where the site stands; Brussels when it does not say."""
    if site.latitude is None or site.longitude is None:
        return SHIPPED_PLACE
    return Place(site.latitude, site.longitude)


def days_at(site: SiteFacts) -> LocalDays:
    """The calendar on the site's walls."""
    return days_of(site.time_zone)
