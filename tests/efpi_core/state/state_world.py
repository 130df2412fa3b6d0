from datetime import UTC, datetime

from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from efpi_core.state.records import OpenAllocation

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def allocation(number: int, appliance: str = "generator") -> OpenAllocation:
    message = OutputAdjustableAllocation(
        message_id=f"app_1_{number}",
        appliance_id=appliance,
        timestamp=NOON,
        control_space_update_id="generator_1_1",
        reason="the sun is gone",
        selectors=(RunningModeSelector(mode_id="on", factor=0.5, start_time=NOON),),
    )
    return OpenAllocation(message, app="steering", given_at=NOON)
