"""The site's connection to the grid, and the bounds on power that follow from it."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from efi.commodity import Phase
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.model import SiteModel, wrong

Watts = Annotated[float, Field(gt=0, le=1e9, json_schema_extra={"unit": "W"})]
"""An amount of power, above zero."""

ApplianceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{1,62}$")]
"""The name of one appliance."""


class Fuse(SiteModel):
    """The main fuse: what each phase may carry, either way."""

    phases: Literal[1, 3] = Field(title="Phases", description="How many phases the connection has.")
    current_a: float | None = Field(
        None,
        gt=0,
        le=10_000,
        title="Current",
        description="The fuse's rated current, each phase; give this or the power.",
        json_schema_extra={"unit": "A"},
        examples=[25],
    )
    power_w: Watts | None = Field(
        None, title="Power", description="The power of each phase; give this or the current.", examples=[5750]
    )
    voltage_v: float = Field(
        230.0,
        ge=50,
        le=1000,
        title="Voltage",
        description="Between a phase and neutral; turns the current into power.",
        json_schema_extra={"unit": "V"},
    )

    @model_validator(mode="after")
    def _one_rating(self) -> Self:
        if (self.current_a is None) == (self.power_w is None):
            raise wrong("fuse_rating", "a fuse needs one rating; give either current_a or power_w")
        return self

    @property
    def phase_power_w(self) -> float:
        """The power in W that each phase may carry."""
        return self.power_w if self.power_w is not None else (self.current_a or 0.0) * self.voltage_v

    def limits(self) -> Iterator[Limit]:
        """A bound on the sum, and with three phases one on each."""
        yield _symmetric("site.fuse", self.phase_power_w * self.phases, None, "main fuse")
        if self.phases == 3:
            for phase in Phase:
                yield _symmetric(f"site.fuse.{phase}", self.phase_power_w, phase, f"main fuse, phase {phase.upper()}")


def _symmetric(limit_id: str, power_w: float, phase: Phase | None, reason: str) -> Limit:
    return Limit(limit_id, LimitSource.FUSE, -power_w, power_w, phase, reason=reason)


class ApplianceLimit(SiteModel):
    """What the wiring of one appliance may carry."""

    consumption_w: Watts | None = Field(None, title="Consumption", description="The most it may draw.")
    production_w: Watts | None = Field(None, title="Production", description="The most it may produce.")

    def limit(self, appliance: str) -> Limit:
        """The bound on this appliance."""
        return Limit(
            f"site.appliance.{appliance}",
            LimitSource.FUSE,
            None if self.production_w is None else -self.production_w,
            self.consumption_w,
            appliance_id=appliance,
            reason="wiring",
        )


class GridLimits(SiteModel):
    """Bounds on power that no app and no person may pass."""

    fuse: Fuse | None = Field(None, title="Main fuse", description="What the building's connection can carry.")
    import_w: Watts | None = Field(
        None, title="Contracted power", description="The most that may be drawn from the grid, all phases together."
    )
    export_w: float | None = Field(
        None,
        ge=0,
        le=1e9,
        title="Feed-in limit",
        description="The most that may be given to the grid, all phases together; 0 for none at all.",
        json_schema_extra={"unit": "W"},
    )
    appliances: dict[ApplianceName, ApplianceLimit] = Field(
        default_factory=dict, title="Appliances", description="Bounds on single appliances, by their name."
    )

    def limits(self) -> tuple[Limit, ...]:
        """All of them as the gateway keeps them; their names begin with `site.`."""
        found = list(self.fuse.limits()) if self.fuse else []
        if self.import_w is not None:
            found.append(Limit("site.import", LimitSource.CONTRACT, None, self.import_w, reason="contracted power"))
        if self.export_w is not None:
            found.append(Limit("site.export", LimitSource.CONTRACT, -self.export_w, None, reason="feed-in limit"))
        found.extend(limit.limit(appliance) for appliance, limit in self.appliances.items())
        return tuple(found)
