"""PEBC as the interface's inflexible appliance."""

from efi.commodity import CommodityQuantity
from efi.inflexible import Consequence, LimitKind
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import QUANTITIES
from efi.s2.mapping.read.values import Fields, ordered
from efi.s2.pebc import (
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)

LIMITS = {
    PEBCPowerEnvelopeLimitType.UPPER_LIMIT: LimitKind.UPPER,
    PEBCPowerEnvelopeLimitType.LOWER_LIMIT: LimitKind.LOWER,
}
CONSEQUENCES = {
    PEBCPowerEnvelopeConsequenceType.VANISH: Consequence.VANISH,
    PEBCPowerEnvelopeConsequenceType.DEFER: Consequence.DEFER,
}


def options(message: PEBCPowerConstraints, notes: Notes) -> Fields:
    """The fields of InflexibleCurtailmentOptions; its name is the constraints' own, to which instructions refer."""
    ranges: dict[tuple[CommodityQuantity, LimitKind, bool], list[Fields]] = {}
    for place, allowed in enumerate(message.allowed_limit_ranges):
        quantity, per_unit = QUANTITIES[allowed.commodity_quantity]
        boundary = ordered(allowed.range_boundary, f"allowed_limit_ranges.{place}.range_boundary", notes)
        limits = {end: limit / per_unit for end, limit in boundary.items()}
        kind = (quantity, LIMITS[allowed.limit_type], allowed.abnormal_condition_only)
        ranges.setdefault(kind, []).append(limits)
    return {
        "message_id": message.id,
        "valid_from": message.valid_from,
        "valid_until": message.valid_until,
        "options": [
            {
                "quantity": quantity,
                "limit": limit,
                "ranges": limits,
                "consequence": CONSEQUENCES[message.consequence_type],
                "abnormal_condition_only": abnormal,
            }
            for (quantity, limit, abnormal), limits in ranges.items()
        ],
    }


def envelope(message: PEBCEnergyConstraint, notes: Notes) -> Fields:
    """The fields of an InflexibleEnergyEnvelope; its name is the constraint's own."""
    quantity, per_unit = QUANTITIES[message.commodity_quantity]
    return {
        "message_id": message.id,
        "valid_from": message.valid_from,
        "valid_until": message.valid_until,
        "quantity": quantity,
        "average": {
            "lower": message.lower_average_power / per_unit,
            "upper": message.upper_average_power / per_unit,
        },
    }
