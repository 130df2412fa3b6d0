"""Segments, options and levers for the unit tests, made by hand."""

from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.lever import Lever, Patience, Worth
from efpi_app_self_consumption.options import Options, Standpoint
from efpi_app_self_consumption.segment import Segment
from efpi_app_self_consumption.tariff import J_PER_KWH, Price
from efpi_app_self_consumption.ways import Ways

from efi.commodity import Phase
from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.running_mode import Transition
from tests.energy_apps.self_consumption.small_world import BEGIN

PHASES = tuple(Phase)
KWH_J = J_PER_KWH


def price(bought: float = 0.30, sold: float = 0.08) -> Price:
    """Prices per kWh."""
    return Price(bought / J_PER_KWH, sold / J_PER_KWH)


def segment(
    mode_id: str,
    low: float,
    high: float | None = None,
    *,
    rate: float | None = None,
    phases: tuple[Phase, ...] = PHASES,
    cost: float = 0.0,
    abnormal: bool = False,
) -> Segment:
    """A stretch between two powers; `rate` is the level's movement for each J, the power itself where not given."""
    top = low if high is None else high
    per_j = 1.0 if rate is None else rate
    return Segment(
        mode_id=mode_id,
        label=mode_id,
        continuous=top != low,
        low_factor=0.0,
        high_factor=1.0,
        low=Flow.on(low, phases),
        high=Flow.on(top, phases),
        low_rate=low * per_j,
        high_rate=top * per_j,
        low_cost=cost,
        high_cost=cost,
        abnormal_only=abnormal,
    )


def options(*segments: Segment, mode_id: str = "off", bounds: tuple[float, float] = (0.0, 1e9)) -> Options:
    """All of the segments' modes can be had from one another."""
    names = tuple(dict.fromkeys((mode_id, *(each.mode_id for each in segments))))
    ways = Ways(
        OutputAdjustableSystemDescription(
            message_id="m1",
            appliance_id="a1",
            timestamp=BEGIN,
            valid_from=BEGIN,
            modes=tuple(OutputAdjustableMode(mode_id=name) for name in names),
            transitions=tuple(Transition(from_mode=a, to_mode=b) for a in names for b in names if a != b),
        )
    )
    grouped = {name: tuple(each for each in segments if each.mode_id == name) for name in names}
    return Standpoint(ways, grouped, dict.fromkeys(names, bounds)).options(mode_id, frozenset(), False)


def lever(
    name: str,
    *segments: Segment,
    worth: Worth | None = None,
    mode_id: str = "off",
    set_w: float = 0.0,
    patience: Patience = Patience(),  # noqa: B008  # a tuple
    **more: object,
) -> Lever:
    """A lever that stands in one of its modes."""
    return Lever(
        name,
        "main",
        Flow.on(set_w, PHASES),
        mode_id,
        options(*segments, mode_id=mode_id),
        worth or Worth(),
        set_w=set_w,
        patience=patience,
        **more,  # type: ignore[arg-type]  # the test says what it means
    )
