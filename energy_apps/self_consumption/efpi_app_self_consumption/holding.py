"""What is remembered of holding an appliance back, and when that is changed or ended."""

import math

from efi.commodity import ELECTRIC_POWERS
from efi.inflexible import InflexibleCurtailmentOptions, LimitKind
from efpi_app_self_consumption.curtailment_policy import Curtailable, Curtailment, offered
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.standing import Circumstances

LASTING_S = 1800.0
"""A curtailment is asked for so long, and renewed before: without us it ends by itself."""

RENEWED_S = 600.0
"""It is renewed when it lasts no longer than this, or two rounds of decisions."""

CHANGE_SHARE = 0.05
"""A limit that differs by less than this share is left as it is."""


def curtailable(member: Member, at: Circumstances) -> tuple[Curtailable, InflexibleCurtailmentOptions] | None:
    """How an appliance can be held back; None when it cannot, or its power is not known."""
    options = member.space.curtailment_options_at(at.now) if member.controlled else None
    if options is None or not options.options or member.moved.reading is None or member.forbearance.active(at.now_s):
        return None
    held = member.held
    if held is not None and at.now_s >= held.until_s:
        held = member.held = None
    forecast = member.forecast()
    facts = Curtailable(
        member.appliance_id,
        member.moved.reading.flow.total,
        member.phases,
        offered(options.options, LimitKind.LOWER, member.phases, abnormal=at.abnormal),
        offered(options.options, LimitKind.UPPER, member.phases, abnormal=at.abnormal),
        held.lower_w if held is not None else None,
        forecast.at(at.slots) if forecast is not None else None,
    )
    for envelope in member.space.energy_envelopes:
        if envelope.quantity in ELECTRIC_POWERS and envelope.valid_from <= at.now < envelope.valid_until:
            facts.least_average_w = max(facts.least_average_w, envelope.average.lower)
            facts.most_average_w = min(facts.most_average_w, envelope.average.upper)
    return facts, options


def to_change(wanted: Curtailment, held: Held | None, step_w: float, now_s: float, resolution_s: float) -> bool:
    """Whether a wanted curtailment, or freedom, is to be told."""
    free = wanted.lower_w is None and wanted.upper_w is None
    if held is None:
        return not free
    if now_s < held.since_s + held.shortest_s and not wanted.by_limit:
        return False
    if free:
        return True
    if held.until_s - now_s <= max(RENEWED_S, 2.0 * resolution_s):
        return True
    return _differs(wanted.lower_w, held.lower_w, step_w) or _differs(wanted.upper_w, held.upper_w, step_w)


def _differs(wanted: float | None, held: float | None, step_w: float) -> bool:
    if wanted is None or held is None:
        return wanted is not held
    return not math.isclose(wanted, held, rel_tol=CHANGE_SHARE, abs_tol=step_w)
