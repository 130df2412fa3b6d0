"""The settings of the self-consumption app; every one has a default that suits a home."""

from decimal import Decimal

from efpi_core.plugin.config import PluginConfig, setting


class SelfConsumptionConfig(PluginConfig):
    """How the app uses the sun of the own roof."""

    battery_from_grid: bool = setting(
        True,
        title="Fill batteries from the grid",
        description="In cheap hours, where the prices of the day make up for losses and wear.",
    )
    battery_to_grid: bool = setting(
        False, title="Batteries may feed in", description="Whether batteries may sell what they hold."
    )
    battery_to_cars: bool = setting(
        False, title="Batteries may charge cars", description="Whether batteries give back for what cars draw."
    )
    curtail_at: Decimal = setting(
        Decimal(0),
        title="Hold back production at",
        description="Production is held back when feeding in a kWh earns this or less, in the site's currency.",
        ge=-10,
        le=10,
    )
    gas_per_m3: Decimal | None = setting(
        None, title="Gas price", unit="1/m³", description="For appliances that burn gas and tell no cost.", ge=0, le=100
    )
    oil_per_m3: Decimal | None = setting(
        None, title="Oil price", unit="1/m³", description="For appliances that burn oil, beside a told cost.", ge=0
    )
    step_w: float = setting(
        75.0,
        title="Smallest change",
        unit="W",
        description="A running appliance is told a new power when it differs by this much.",
        ge=10,
        le=10_000,
    )
    start_after_s: float = setting(
        60.0,
        title="Start after",
        unit="s",
        description="So long there must be sun enough before an appliance is switched on.",
        ge=0,
        le=3600,
    )
    stop_after_s: float = setting(
        180.0,
        title="Stop after",
        unit="s",
        description="So long the sun must be missing before an appliance is switched off.",
        ge=0,
        le=3600,
    )
    stale_after_s: float = setting(
        60.0,
        title="Trust the meter for",
        unit="s",
        description="An older value of the meter is not acted on; with slow meters it is four of their rounds.",
        ge=5,
        le=3600,
    )
    caution: float = setting(
        0.3,
        title="Caution",
        description="How many standard deviations less sun than forecast the plan counts on.",
        ge=0,
        le=3,
    )
