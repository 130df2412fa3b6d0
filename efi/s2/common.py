"""The values that several control types of S2 share: commodities and their quantities, ranges, timers, transitions."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictBool, StringConstraints

from efi.s2.model import ID, Milliseconds, Number, S2Model


class Commodity(StrEnum):
    """What flows."""

    GAS = "GAS"
    HEAT = "HEAT"
    ELECTRICITY = "ELECTRICITY"
    OIL = "OIL"


class CommodityQuantity(StrEnum):
    """What a number is about, its unit included; positive is what the device takes, measured where it takes it."""

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and this one is looked up for every value

    ELECTRIC_POWER_L1 = "ELECTRIC.POWER.L1"
    """W on phase 1; a device on one phase calls it L1."""
    ELECTRIC_POWER_L2 = "ELECTRIC.POWER.L2"
    """W on phase 2."""
    ELECTRIC_POWER_L3 = "ELECTRIC.POWER.L3"
    """W on phase 3."""
    ELECTRIC_POWER_3_PHASE_SYMMETRIC = "ELECTRIC.POWER.3_PHASE_SYMMETRIC"
    """W of all three phases together, equally shared."""
    NATURAL_GAS_FLOW_RATE = "NATURAL_GAS.FLOW_RATE"
    """l/s."""
    HYDROGEN_FLOW_RATE = "HYDROGEN.FLOW_RATE"
    """g/s."""
    HEAT_TEMPERATURE = "HEAT.TEMPERATURE"
    """°C."""
    HEAT_FLOW_RATE = "HEAT.FLOW_RATE"
    """l/s of the medium that carries the heat."""
    HEAT_THERMAL_POWER = "HEAT.THERMAL_POWER"
    """W."""
    OIL_FLOW_RATE = "OIL.FLOW_RATE"
    """l/h, an hour and not a second."""


class ControlType(StrEnum):
    """How a device can be controlled."""

    POWER_ENVELOPE_BASED_CONTROL = "POWER_ENVELOPE_BASED_CONTROL"
    """PEBC: it keeps its power within limits."""
    POWER_PROFILE_BASED_CONTROL = "POWER_PROFILE_BASED_CONTROL"
    """PPBC: it runs programmes at a time of choice."""
    OPERATION_MODE_BASED_CONTROL = "OPERATION_MODE_BASED_CONTROL"
    """OMBC: it changes among modes."""
    FILL_RATE_BASED_CONTROL = "FILL_RATE_BASED_CONTROL"
    """FRBC: it fills and empties a storage."""
    DEMAND_DRIVEN_BASED_CONTROL = "DEMAND_DRIVEN_BASED_CONTROL"
    """DDBC: it meets a demand in one of several ways."""
    NOT_CONTROLABLE = "NOT_CONTROLABLE"
    """It only measures and forecasts (spelt so on the wire)."""
    NO_SELECTION = "NO_SELECTION"
    """None is active."""


class RoleType(StrEnum):
    """What a device does with a commodity."""

    ENERGY_PRODUCER = "ENERGY_PRODUCER"
    ENERGY_CONSUMER = "ENERGY_CONSUMER"
    ENERGY_STORAGE = "ENERGY_STORAGE"


_CODES = (
    "AED|ANG|AUD|CHE|CHF|CHW|EUR|GBP|LBP|LKR|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MOP|MRO|MUR|MVR|MWK|MXN|MXV|"
    "MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|PAB|PEN|PGK|PHP|PKR|PLN|PYG|QAR|RON|RSD|RUB|RWF|SAR|SBD|SCR|SDG|SEK|"
    "SGD|SHP|SLL|SOS|SRD|SSP|STD|SYP|SZL|THB|TJS|TMT|TND|TOP|TRY|TTD|TWD|TZS|UAH|UGX|USD|USN|UYI|UYU|UZS|VEF|"
    "VND|VUV|WST|XAG|XAU|XBA|XBB|XBC|XBD|XCD|XOF|XPD|XPF|XPT|XSU|XTS|XUA|XXX|YER|ZAR|ZMW|ZWL"
)

CURRENCIES = frozenset(_CODES.split("|"))
"""The currencies that S2 knows; some of ISO 4217 are not among them (JPY, CNY, DKK)."""

Currency = Annotated[str, StringConstraints(pattern=f"^({_CODES})$")]
"""A currency's code, one of `CURRENCIES`."""


class Role(S2Model):
    """What a device does with one commodity."""

    role: RoleType
    commodity: Commodity


class NumberRange(S2Model):
    """From one number to another, in the unit of its field."""

    start_of_range: Number
    """The number at operation mode factor 0, where the range belongs to a mode."""
    end_of_range: Number
    """The number at operation mode factor 1, where the range belongs to a mode."""


class PowerRange(S2Model):
    """The power of an operation mode in one quantity."""

    start_of_range: Number
    """The value at operation mode factor 0."""
    end_of_range: Number
    """The value at operation mode factor 1."""
    commodity_quantity: CommodityQuantity
    """What the values are about, and their unit."""


class PowerValue(S2Model):
    """A value of one quantity."""

    commodity_quantity: CommodityQuantity
    value: Number


class PowerForecastValue(S2Model):
    """An expected value of one quantity, and how uncertain it is."""

    value_upper_limit: Number | None = None
    """It will certainly not be above this."""
    value_upper_95PPR: Number | None = None  # noqa: N815  # the wire's name
    """The upper end of the range in which it is with 95 % probability."""
    value_upper_68PPR: Number | None = None  # noqa: N815  # the wire's name
    """The upper end of the range in which it is with 68 % probability."""
    value_expected: Number
    """The most likely value."""
    value_lower_68PPR: Number | None = None  # noqa: N815  # the wire's name
    """The lower end of the range in which it is with 68 % probability."""
    value_lower_95PPR: Number | None = None  # noqa: N815  # the wire's name
    """The lower end of the range in which it is with 95 % probability."""
    value_lower_limit: Number | None = None
    """It will certainly not be below this."""
    commodity_quantity: CommodityQuantity
    """What the values are about, and their unit."""


class Timer(S2Model):
    """A time that a transition starts, and that blocks transitions until it is over."""

    id: ID
    """Its name within the actuator, or within the description where there are no actuators."""
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    duration: Milliseconds
    """How long it runs."""


class Transition(S2Model):
    """A permitted change from one operation mode to another."""

    id: ID
    """Its name within the actuator, or within the description where there are no actuators."""
    from_: ID = Field(alias="from")
    """The operation mode that is left."""
    to: ID
    """The operation mode that is entered."""
    start_timers: tuple[ID, ...] = Field(max_length=1000, fail_fast=True)
    """The timers that it starts afresh."""
    blocking_timers: tuple[ID, ...] = Field(max_length=1000, fail_fast=True)
    """The timers that must be over before it."""
    transition_costs: Number | None = None
    """What it costs, in the currency of ResourceManagerDetails."""
    transition_duration: Milliseconds | None = None
    """How long it takes; None where that does not matter."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""
