"""What the schema allows and makes no sense is refused by name; what is careless, and plain, is not."""

import json
from datetime import timedelta
from typing import Any

import pytest

from efi.refusal import Refused
from efi.s2.codec import dump, parse
from efi.s2.common import CommodityQuantity
from efi.s2.content import check_content
from efi.s2.frbc import (
    FRBCFillLevelTargetProfile,
    FRBCFillLevelTargetProfileElement,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
)
from efi.s2.model import S2Message
from efi.s2.pebc import PEBCEnergyConstraint, PEBCPowerEnvelopeLimitType
from efi.s2.profile import Profile
from tests.efi.s2 import messages_of_s2 as m

LOWER, UPPER = PEBCPowerEnvelopeLimitType.LOWER_LIMIT, PEBCPowerEnvelopeLimitType.UPPER_LIMIT
L2 = CommodityQuantity.ELECTRIC_POWER_L2


def leakage(*levels: tuple[float, float]) -> FRBCLeakageBehaviour:
    return FRBCLeakageBehaviour(
        message_id="m1",
        valid_from=m.NOON,
        elements=tuple(
            FRBCLeakageBehaviourElement(fill_level_range=m.span(low, high), leakage_rate=0.1) for low, high in levels
        ),
    )


def targets(*levels: tuple[float, float]) -> FRBCFillLevelTargetProfile:
    return FRBCFillLevelTargetProfile(
        message_id="m1",
        start_time=m.NOON,
        elements=tuple(
            FRBCFillLevelTargetProfileElement(duration=1000, fill_level_range=m.span(low, high)) for low, high in levels
        ),
    )


def energy(lower: float, upper: float, hours: float = 1) -> PEBCEnergyConstraint:
    return PEBCEnergyConstraint(
        message_id="m1",
        id="e1",
        valid_from=m.NOON,
        valid_until=m.NOON + timedelta(hours=hours),
        upper_average_power=upper,
        lower_average_power=lower,
        commodity_quantity=m.L1,
    )


def changed(message: S2Message, *path: Any, to: Any) -> S2Message:
    """A message with something else in one place."""
    document = json.loads(dump(message))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = to
    return parse(json.dumps(document), Profile.BETA)


def twice(message: S2Message, *path: Any) -> S2Message:
    """A message with the first entry of a list once more."""
    part = json.loads(dump(message))
    for key in path:
        part = part[key]
    return changed(message, *path, to=[*part, part[0]])


def second_starts_at(fill_level: float) -> S2Message:
    """A mode of two elements of which the first ends at 50."""
    place = ("actuators", 0, "operation_modes", 0, "elements", 1, "fill_level_range", "start_of_range")
    return changed(m.battery(m.frbc_mode("a1", 1, 0, 50, 100)), *place, to=fill_level)


WRONG = [
    (twice(m.measured(), "values"), "repeated_quantity", "values"),
    (
        twice(m.battery(), "actuators", 0, "operation_modes", 0, "elements", 0, "power_ranges"),
        "repeated_quantity",
        "actuators.0.operation_modes.0.elements.0.power_ranges",
    ),
    (twice(m.heater(), "operation_modes", 1, "power_ranges"), "repeated_quantity", "operation_modes.1.power_ranges"),
    (m.curtail(envelopes=2), "repeated_quantity", "power_envelopes"),
    (
        twice(m.wash(), "power_sequences_containers", 0, "power_sequences", 0, "elements", 0, "power_values"),
        "repeated_quantity",
        "power_sequences_containers.0.power_sequences.0.elements.0.power_values",
    ),
    (twice(m.battery(), "actuators"), "repeated_id", "actuators"),
    (twice(m.battery(), "actuators", 0, "operation_modes"), "repeated_id", "actuators.0.operation_modes"),
    (twice(m.battery(), "actuators", 0, "timers"), "repeated_id", "actuators.0.timers"),
    (twice(m.heater(), "operation_modes"), "repeated_id", "operation_modes"),
    (twice(m.wash(), "power_sequences_containers"), "repeated_id", "power_sequences_containers"),
    (
        twice(m.wash(), "power_sequences_containers", 0, "power_sequences"),
        "repeated_id",
        "power_sequences_containers.0.power_sequences",
    ),
    (changed(m.heater(), "transitions", 1, "from", to="hot"), "unknown_id", "transitions.1.from"),
    (changed(m.heater(), "transitions", 0, "to", to="hot"), "unknown_id", "transitions.0.to"),
    (
        changed(m.battery(), "actuators", 0, "transitions", 0, "start_timers", to=["pause", "break"]),
        "unknown_id",
        "actuators.0.transitions.0.start_timers",
    ),
    (
        changed(m.battery(), "actuators", 0, "transitions", 0, "blocking_timers", to=["break"]),
        "unknown_id",
        "actuators.0.transitions.0.blocking_timers",
    ),
    (m.battery(m.frbc_mode("a1", 1, 0, 50), m.frbc_mode("a2", 1, 50, 0)), "range_reversed", None),
    (second_starts_at(51), "ranges_not_contiguous", "actuators.0.operation_modes.0.elements"),
    (second_starts_at(49), "ranges_not_contiguous", "actuators.0.operation_modes.0.elements"),
    (
        changed(m.battery(), "storage", "fill_level_range", "start_of_range", to=101),
        "range_reversed",
        "storage.fill_level_range",
    ),
    (leakage((0, 50), (60, 100)), "ranges_not_contiguous", "elements"),
    (leakage((50, 0)), "range_reversed", "elements.0.fill_level_range"),
    (targets((0, 50), (50, 40)), "range_reversed", "elements.1.fill_level_range"),
    (m.doing(factor=1.01), "factor_out_of_range", "operation_mode_factor"),
    (m.doing(factor=-0.5), "factor_out_of_range", "operation_mode_factor"),
    (changed(m.heat(), "operation_mode_factor", to=2), "factor_out_of_range", "operation_mode_factor"),
    (
        m.curtailment(m.limit_range(LOWER, -5000, 0), m.limit_range(LOWER, -6000, -5000)),
        "limit_missing",
        "allowed_limit_ranges",
    ),
    (
        m.curtailment(m.limit_range(LOWER, 0, -5000), m.limit_range(UPPER, 0, 0)),
        "range_reversed",
        "allowed_limit_ranges.0.range_boundary",
    ),
    (m.curtailment(until=m.NOON - timedelta(hours=1)), "interval_reversed", "valid_until"),
    (m.curtail(lower=10, upper=-10), "limits_crossed", "power_envelopes.0.power_envelope_elements.0.lower_limit"),
    (energy(5, 4), "limits_crossed", "lower_average_power"),
    (energy(4, 5, hours=-1), "interval_reversed", "valid_until"),
    (changed(m.wash(), "end_time", to="2026-06-01T11:59:59Z"), "interval_reversed", "end_time"),
]


@pytest.mark.parametrize(("message", "rule", "path"), WRONG)
def test_what_makes_no_sense_is_refused_by_name_and_place(message: S2Message, rule: str, path: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check_content(message)
    assert caught.value.refusal.rule == rule
    assert path in (None, caught.value.refusal.path)
    assert caught.value.refusal.sentence.isprintable()


@pytest.mark.parametrize(
    "message",
    [
        m.battery(),
        m.heater(),
        m.wash(),
        m.curtailment(),
        m.curtail(),
        energy(4, 4),
        targets((50, 50)),
        # careless, and plain
        leakage((50, 100), (0, 50)),
        leakage((0, 0.1 + 0.2), (0.3, 1)),
        m.doing(factor=1.0000001),
        twice(m.battery(), "actuators", 0, "transitions"),
        changed(m.heater(), "operation_modes", 1, "power_ranges", 0, "end_of_range", to=-3000),
        changed(m.battery(), "actuators", 0, "operation_modes", 0, "elements", 0, "running_costs",
                to={"start_of_range": 2, "end_of_range": 1}),
        changed(m.measured(), "values", to=[{"commodity_quantity": each.value, "value": 1} for each in (m.L1, L2)]),
        m.curtailment(until=m.NOON),
    ],
)  # fmt: skip
def test_what_makes_sense_is_taken(message: S2Message) -> None:
    check_content(message)
