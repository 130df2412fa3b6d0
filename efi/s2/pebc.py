"""Power envelope based control (PEBC): a device that keeps its power within limits, as a curtailable PV system."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import CommodityQuantity, NumberRange
from efi.s2.model import ID, Milliseconds, NamedMessage, Number, S2Model, Timestamp


class PEBCPowerEnvelopeLimitType(StrEnum):
    """Which limit is meant."""

    UPPER_LIMIT = "UPPER_LIMIT"
    LOWER_LIMIT = "LOWER_LIMIT"


class PEBCPowerEnvelopeConsequenceType(StrEnum):
    """What becomes of the energy that a limit holds back."""

    VANISH = "VANISH"
    """It is lost."""
    DEFER = "DEFER"
    """It comes later."""


class PEBCAllowedLimitRange(S2Model):
    """Where a limit may be put."""

    commodity_quantity: CommodityQuantity
    """What is limited, and its unit."""
    limit_type: PEBCPowerEnvelopeLimitType
    range_boundary: NumberRange
    """The values that may be chosen for the limit, from the lowest to the highest."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""


class PEBCPowerConstraints(NamedMessage):
    """Which limits the energy manager may choose."""

    message_type: Literal["PEBC.PowerConstraints"] = "PEBC.PowerConstraints"
    id: ID
    """Names the constraints; instructions refer to it."""
    valid_from: Timestamp
    valid_until: Timestamp | None = None
    """Until when; None for no known end."""
    consequence_type: PEBCPowerEnvelopeConsequenceType
    allowed_limit_ranges: tuple[PEBCAllowedLimitRange, ...] = Field(min_length=2, max_length=100, fail_fast=True)
    """At least one for the upper and one for the lower limit; several of a kind are alternatives."""


class PEBCEnergyConstraint(NamedMessage):
    """How much energy the device must and may take between two instants, as average powers."""

    message_type: Literal["PEBC.EnergyConstraint"] = "PEBC.EnergyConstraint"
    id: ID
    valid_from: Timestamp
    valid_until: Timestamp
    upper_average_power: Number
    """The most that it will take on average."""
    lower_average_power: Number
    """The least that it must have on average."""
    commodity_quantity: CommodityQuantity
    """What the powers are about, and their unit."""


class PEBCPowerEnvelopeElement(S2Model):
    """Limits for some time."""

    duration: Milliseconds
    upper_limit: Number
    lower_limit: Number


class PEBCPowerEnvelope(S2Model):
    """The limits of one quantity over time."""

    id: ID
    commodity_quantity: CommodityQuantity
    power_envelope_elements: tuple[PEBCPowerEnvelopeElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""


class PEBCInstruction(NamedMessage):
    """The energy manager sets limits."""

    message_type: Literal["PEBC.Instruction"] = "PEBC.Instruction"
    id: ID
    """Names the instruction; its status refers to it."""
    execution_time: Timestamp
    """When the envelopes begin; in the past: at once."""
    abnormal_condition: StrictBool
    power_constraints_id: ID
    """The constraints that it rests on."""
    power_envelopes: tuple[PEBCPowerEnvelope, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one for each quantity."""
