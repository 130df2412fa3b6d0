"""When to halt work that runs, because too much is drawn, and when to let it go on."""

from collections.abc import Iterable
from typing import NamedTuple

from efi.time_shiftable import SequenceAction
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.headroom import Headroom

LEAST_SLACK_S = 600.0
"""Work with less time to spare is not halted, and is resumed."""

LEAST_HALT_S = 120.0
"""A halt lasts at least so long."""

RESUME_MARGIN_W = 150.0
"""So much room beyond its own power must there be before work goes on."""


class RunningWork(NamedTuple):
    """A step that runs or is halted, and may be halted."""

    appliance_id: str
    sequence_id: str
    flow: Flow
    """What it draws when it runs, W."""
    halted_s: float | None
    """For how long it is halted; None while it runs."""
    longest_halt_s: float
    slack_s: float
    """How much later it could end without missing its deadline."""


def halts(running: Iterable[RunningWork], headroom: Headroom) -> list[tuple[RunningWork, SequenceAction]]:
    """What to halt and what to resume; `headroom` is brought up to date."""
    actions = []
    for work in sorted(running, key=lambda each: (-each.flow.total, each.appliance_id)):
        if work.halted_s is None:
            if headroom.overdrawn_w > 0.0 and work.flow.total > 0.0 and work.slack_s > LEAST_SLACK_S:
                headroom.add(Flow(0.0, 0.0, 0.0, 0.0).minus(work.flow))
                actions.append((work, SequenceAction.INTERRUPT))
        elif _must_resume(work) or (work.halted_s >= LEAST_HALT_S and headroom.fits(work.flow, RESUME_MARGIN_W)):
            headroom.add(work.flow)
            actions.append((work, SequenceAction.RESUME))
    return actions


def _must_resume(work: RunningWork) -> bool:
    halted = work.halted_s or 0.0
    return work.slack_s <= LEAST_SLACK_S or halted + LEAST_HALT_S >= work.longest_halt_s
