"""The interface's inflexible appliance as PEBC."""

from collections.abc import Iterable

from efi.commodity import CommodityQuantity
from efi.conversion import LossKind
from efi.inflexible import (
    Consequence,
    CurtailmentOption,
    InflexibleCurtailmentOptions,
    InflexibleEnergyEnvelope,
    LimitKind,
)
from efi.registration import ControlSpaceRegistration
from efi.s2.common import CommodityQuantity as S2Quantity
from efi.s2.common import NumberRange
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.values import Quantities
from efi.s2.mapping.written_names import WrittenNames
from efi.s2.pebc import (
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)

MOST_RANGES = 100
"""How many ranges constraints may have in S2."""

MINIMUM_DURATION = LossKind(
    ("inflexible_curtailment_options",),
    "options.*.minimum_duration",
    "S2 cannot say how long a limit must last; one that is too short is rejected",
)
CONSEQUENCE = LossKind(
    ("inflexible_curtailment_options",),
    "options.*.consequence",
    "S2 tells one consequence of all limits; that of the first option is told",
)
LATER_RANGES = LossKind(
    ("inflexible_curtailment_options",),
    "options",
    f"constraints have at most {MOST_RANGES} ranges in S2; the later ones are left out",
)
SAME_QUANTITY = LossKind(
    ("inflexible_curtailment_options",),
    "options",
    "S2 has one name for what two options limit, as a total and its only phase; their limits are told as one",
)
NO_OPTIONS = LossKind(
    ("inflexible_curtailment_options",),
    "options",
    "S2 has no constraints without limits; those that were told before are taken back",
)

_LIMITS = {
    LimitKind.UPPER: PEBCPowerEnvelopeLimitType.UPPER_LIMIT,
    LimitKind.LOWER: PEBCPowerEnvelopeLimitType.LOWER_LIMIT,
}
_CONSEQUENCES = {
    Consequence.VANISH: PEBCPowerEnvelopeConsequenceType.VANISH,
    Consequence.DEFER: PEBCPowerEnvelopeConsequenceType.DEFER,
}


def constraints(
    message: InflexibleCurtailmentOptions,
    registration: ControlSpaceRegistration,
    quantities: Quantities,
    names: WrittenNames,
    notes: Notes,
) -> PEBCPowerConstraints | None:
    """Which limits can be chosen; None where none can."""
    if not message.options:
        notes.lost(NO_OPTIONS, "options", "none")
        return None
    consequence = message.options[0].consequence
    ranges: list[PEBCAllowedLimitRange] = []
    told: dict[S2Quantity, CommodityQuantity] = {}
    for place, option in enumerate(message.options):
        if option.minimum_duration:
            notes.lost(MINIMUM_DURATION, f"options.{place}.minimum_duration", option.minimum_duration)
        if option.consequence is not consequence:
            notes.lost(CONSEQUENCE, f"options.{place}.consequence", option.consequence.value)
        quantity, per_unit = quantities.of(option.quantity)
        if told.setdefault(quantity, option.quantity) is not option.quantity:
            notes.lost(SAME_QUANTITY, "options", option.quantity.value)
        ranges += (
            PEBCAllowedLimitRange(
                commodity_quantity=quantity,
                limit_type=_LIMITS[option.limit],
                range_boundary=NumberRange(
                    start_of_range=within.lower * per_unit, end_of_range=within.upper * per_unit
                ),
                abnormal_condition_only=option.abnormal_condition_only,
            )
            for within in option.ranges
        )
    opposite = list(_opposites(message.options, registration, quantities))
    room = MOST_RANGES - len(opposite)
    if len(ranges) > room:
        notes.lost(LATER_RANGES, "options", f"{len(ranges)} ranges")
    name = names.write_update(message.message_id)
    return PEBCPowerConstraints(
        message_id=name,
        id=name,
        valid_from=message.valid_from,
        valid_until=message.valid_until,
        consequence_type=_CONSEQUENCES[consequence],
        allowed_limit_ranges=(*ranges[:room], *opposite),
    )


def _opposites(
    options: Iterable[CurtailmentOption], registration: ControlSpaceRegistration, quantities: Quantities
) -> Iterable[PEBCAllowedLimitRange]:
    """S2 wants a limit of either kind for each quantity: where one is not on offer, a fixed one that limits nothing."""
    offered: dict[CommodityQuantity, set[LimitKind]] = {}
    for option in options:
        kinds = offered.setdefault(option.quantity, set())
        if not option.abnormal_condition_only:
            kinds.add(option.limit)
    for quantity, kinds in offered.items():
        theirs, per_unit = quantities.of(quantity)
        for kind in LimitKind:
            if kind not in kinds:
                limit = fixed_limit(quantity, kind, options, registration) * per_unit
                yield PEBCAllowedLimitRange(
                    commodity_quantity=theirs,
                    limit_type=_LIMITS[kind],
                    range_boundary=NumberRange(start_of_range=limit, end_of_range=limit),
                    abnormal_condition_only=False,
                )


def fixed_limit(
    quantity: CommodityQuantity,
    kind: LimitKind,
    options: Iterable[CurtailmentOption],
    registration: ControlSpaceRegistration,
) -> float:
    """The limit of a side that cannot be chosen: the most or the least that the appliance can do, as far as known."""
    known = [
        bound
        for option in options
        if option.quantity is quantity
        for within in option.ranges
        for bound in (within.lower, within.upper)
    ]
    known += [
        bound
        for limits in registration.power_limits
        if limits.quantity is quantity
        for bound in (limits.start, limits.end)
    ]
    return max(0.0, *known) if kind is LimitKind.UPPER else min(0.0, *known)


def energy(message: InflexibleEnergyEnvelope, quantities: Quantities, names: WrittenNames) -> PEBCEnergyConstraint:
    """How much energy must flow."""
    quantity, per_unit = quantities.of(message.quantity)
    name = names.write_update(message.message_id)
    return PEBCEnergyConstraint(
        message_id=uuid_of(f"{name}/message"),
        id=name,
        valid_from=message.valid_from,
        valid_until=message.valid_until,
        upper_average_power=message.average.upper * per_unit,
        lower_average_power=message.average.lower * per_unit,
        commodity_quantity=quantity,
    )
