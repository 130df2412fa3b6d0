"""How much of what is observed is kept."""

from pydantic import Field

from efpi_core.site.model import SiteModel


class HistoryWish(SiteModel):
    """Bounds of the history: of what is too much the oldest raw values go first, quarter hours then, days last."""

    size_mb: int = Field(
        1024,
        ge=16,
        le=1_000_000,
        title="Size",
        description="The most that the history may take on the disk.",
        json_schema_extra={"unit": "MB"},
    )
    detail_days: int | None = Field(
        None,
        ge=1,
        le=36_525,
        title="Detail",
        description="After so many days only quarter hours and days are kept; null: as long as there is room.",
        json_schema_extra={"unit": "d"},
    )
