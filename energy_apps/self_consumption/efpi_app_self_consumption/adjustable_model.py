"""What an output-adjustable appliance can do, made quick to ask."""

from efi.commodity import Phase
from efi.output_adjustable import OutputAdjustableSystemDescription
from efi.registration import DeviceClass
from efpi_app_self_consumption.options import Standpoint
from efpi_app_self_consumption.segment import UNKNOWN_COST, Fuel, Segment, segments
from efpi_app_self_consumption.ways import Ways

DEAR_BY_NATURE = frozenset((DeviceClass.GENERATOR, DeviceClass.MICRO_CHP))
"""What these make is never for nothing, even when they tell no cost."""


class AdjustableModel:
    """A system description of an output-adjustable appliance."""

    def __init__(
        self,
        description: OutputAdjustableSystemDescription,
        phases: tuple[Phase, ...],
        fuels: Fuel,
        device_class: DeviceClass,
    ) -> None:
        self.description_id = description.message_id
        self.ways = Ways(description)
        self.modes: dict[str, tuple[Segment, ...]] = {}
        for mode in description.modes:
            found = segments(
                mode.mode_id, mode.label, mode.continuous, mode.abnormal_condition_only, mode, (0.0, 0.0), phases, fuels
            )
            if device_class in DEAR_BY_NATURE:
                found = tuple(_priced(segment) for segment in found)
            self.modes[mode.mode_id] = found
        self.standpoint = Standpoint(self.ways, self.modes, {})
        """All that it can do; it knows no levels."""
        self.idle_w = min(
            (part.low.total for found in self.modes.values() for part in found if part.low.total >= 0.0), default=0.0
        )
        """The least that it can draw without producing, W."""


def _priced(segment: Segment) -> Segment:
    if segment.low.total >= 0.0 or segment.low_cost > 0.0 or segment.high_cost > 0.0:
        return segment
    return segment._replace(low_cost=UNKNOWN_COST, high_cost=UNKNOWN_COST)
