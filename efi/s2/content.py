"""What the text of S2 demands of a message and its JSON schema cannot say: ranges, references within it, quantities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from efi.refusal import Refused, listed, refuse
from efi.s2.common import CommodityQuantity, NumberRange, Transition
from efi.s2.ddbc import (
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
)
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCSystemDescription,
)
from efi.s2.model import S2Message
from efi.s2.ombc import OMBCInstruction, OMBCStatus, OMBCSystemDescription
from efi.s2.pebc import (
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PEBCPowerEnvelopeLimitType,
)
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.ppbc import PPBCPowerProfileDefinition, PPBCPowerSequence, PPBCPowerSequenceContainer

SLACK = 1e-6
"""How far sums and factors may be off, relatively: senders count in floating point, some in single precision."""


def check_content(message: S2Message) -> None:
    """Refuse a message that its schema allows and that makes no sense: Refused names the first rule that it breaks.

    It is liberal where peers are careless and the meaning is plain: elements over the fill level may stand in any
    order, power ranges may fall, transitions may share an id, and numbers may be off by rounding.
    """
    rule = _RULES.get(type(message))
    if rule is not None:
        rule(message)


# Parts ----------------------------------------------------------------------------------------------------------------


def _each(parts: Iterable[Any], name: str, rule: Callable[[Any], None]) -> None:
    """Apply a rule to each part; its path is made up only where one breaks the rule."""
    for number, part in enumerate(parts):
        try:
            rule(part)
        except Refused as refused:
            inner = refused.refusal.path
            path = f"{name}.{number}.{inner}" if inner else f"{name}.{number}"
            raise Refused(refused.refusal._replace(path=path)) from None


def _ordered(span: NumberRange, path: str) -> None:
    if span.start_of_range > span.end_of_range:
        numbers = f"{span.start_of_range} to {span.end_of_range}"
        refuse("range_reversed", path, numbers, "it starts above its end", "swap them")


def _not_before(start: datetime, end: datetime | None, path: str) -> None:
    if end is not None and end < start:
        refuse("interval_reversed", path, end.isoformat(), f"it begins at {start.isoformat()}", "let it end later")


def _uncrossed(lower: float, upper: float, path: str) -> None:
    if lower > upper:
        refuse("limits_crossed", path, lower, f"the upper one is {upper}", "swap them")


def _each_quantity_once(values: Sequence[Any], path: str) -> None:
    if len(values) > 1:
        seen: set[CommodityQuantity] = set()
        for value in values:
            quantity = value.commodity_quantity
            if quantity in seen:
                refuse("repeated_quantity", path, quantity.value, "it stands there twice", "give each quantity once")
            seen.add(quantity)


def _each_id_once(parts: Sequence[Any], path: str) -> set[str]:
    ids = {part.id for part in parts}
    if len(ids) != len(parts):
        names = [part.id for part in parts]
        twice = next(name for name in names if names.count(name) > 1)
        refuse("repeated_id", path, twice, "two parts are called so", "give each a name of its own")
    return ids


def _contiguous(elements: Sequence[FRBCOperationModeElement | FRBCLeakageBehaviourElement]) -> None:
    """Fill levels without gaps: in any order, and each bound as exact as its sender counts."""
    _each(elements, "elements", _fill_levels)
    if len(elements) > 1:
        spans = sorted((each.fill_level_range.start_of_range, each.fill_level_range.end_of_range) for each in elements)
        slack = SLACK * max(1.0, spans[-1][1] - spans[0][0])
        for (_, end), (start, _) in pairwise(spans):
            if abs(start - end) > slack:
                refuse(
                    "ranges_not_contiguous",
                    "elements",
                    start,
                    f"the fill levels before end at {end}",
                    "let each range start where the last ended",
                )


def _fill_levels(part: Any) -> None:
    _ordered(part.fill_level_range, "fill_level_range")


def _power_ranges(mode: Any) -> None:
    _each_quantity_once(mode.power_ranges, "power_ranges")


def _power_values(element: Any) -> None:
    _each_quantity_once(element.power_values, "power_values")


def _frbc_mode(mode: FRBCOperationMode) -> None:
    _contiguous(mode.elements)
    _each(mode.elements, "elements", _power_ranges)


def _modes(part: Any) -> None:
    """Modes, the transitions among them, and their timers."""
    modes = _each_id_once(part.operation_modes, "operation_modes")
    timers = _each_id_once(part.timers, "timers")

    def among_them(transition: Transition) -> None:
        if transition.from_ not in modes:
            _unknown("from", transition.from_, modes, "operation mode")
        if transition.to not in modes:
            _unknown("to", transition.to, modes, "operation mode")
        if not timers.issuperset(transition.start_timers):
            _unknown("start_timers", listed(set(transition.start_timers) - timers), timers, "timer")
        if not timers.issuperset(transition.blocking_timers):
            _unknown("blocking_timers", listed(set(transition.blocking_timers) - timers), timers, "timer")

    _each(part.transitions, "transitions", among_them)


def _unknown(path: str, name: str, known: Iterable[str], what: str) -> None:
    refuse("unknown_id", path, name, f"there is no such {what}", f"name one of {listed(known)}")


def _frbc_actuator(actuator: FRBCActuatorDescription) -> None:
    _modes(actuator)
    _each(actuator.operation_modes, "operation_modes", _frbc_mode)


def _ddbc_actuator(actuator: DDBCActuatorDescription) -> None:
    _modes(actuator)
    _each(actuator.operation_modes, "operation_modes", _power_ranges)


def _allowed_range(allowed: PEBCAllowedLimitRange) -> None:
    _ordered(allowed.range_boundary, "range_boundary")


def _envelope(envelope: PEBCPowerEnvelope) -> None:
    _each(envelope.power_envelope_elements, "power_envelope_elements", _envelope_element)


def _envelope_element(element: PEBCPowerEnvelopeElement) -> None:
    _uncrossed(element.lower_limit, element.upper_limit, "lower_limit")


def _container(container: PPBCPowerSequenceContainer) -> None:
    _each_id_once(container.power_sequences, "power_sequences")
    _each(container.power_sequences, "power_sequences", _sequence)


def _sequence(sequence: PPBCPowerSequence) -> None:
    _each(sequence.elements, "elements", _power_values)


# Messages -------------------------------------------------------------------------------------------------------------


def _frbc_description(message: FRBCSystemDescription) -> None:
    _ordered(message.storage.fill_level_range, "storage.fill_level_range")
    _each_id_once(message.actuators, "actuators")
    _each(message.actuators, "actuators", _frbc_actuator)


def _ombc_description(message: OMBCSystemDescription) -> None:
    _modes(message)
    _each(message.operation_modes, "operation_modes", _power_ranges)


def _ddbc_description(message: DDBCSystemDescription) -> None:
    _each_id_once(message.actuators, "actuators")
    _each(message.actuators, "actuators", _ddbc_actuator)


def _power_constraints(message: PEBCPowerConstraints) -> None:
    _not_before(message.valid_from, message.valid_until, "valid_until")
    _each(message.allowed_limit_ranges, "allowed_limit_ranges", _allowed_range)
    limits: dict[CommodityQuantity, set[PEBCPowerEnvelopeLimitType]] = {}
    for each in message.allowed_limit_ranges:
        limits.setdefault(each.commodity_quantity, set()).add(each.limit_type)
    for quantity, kinds in limits.items():
        if len(kinds) < len(PEBCPowerEnvelopeLimitType):
            missing = next(kind for kind in PEBCPowerEnvelopeLimitType if kind not in kinds)
            refuse(
                "limit_missing",
                "allowed_limit_ranges",
                quantity.value,
                f"there is no {missing.value} of it",
                "allow at least one range for the upper and one for the lower limit",
            )


def _energy_constraint(message: PEBCEnergyConstraint) -> None:
    _not_before(message.valid_from, message.valid_until, "valid_until")
    _uncrossed(message.lower_average_power, message.upper_average_power, "lower_average_power")


def _pebc_instruction(message: PEBCInstruction) -> None:
    _each_quantity_once(message.power_envelopes, "power_envelopes")
    _each(message.power_envelopes, "power_envelopes", _envelope)


def _profile(message: PPBCPowerProfileDefinition) -> None:
    _not_before(message.start_time, message.end_time, "end_time")
    _each_id_once(message.power_sequences_containers, "power_sequences_containers")
    _each(message.power_sequences_containers, "power_sequences_containers", _container)


def _forecast(message: PowerForecast) -> None:
    _each(message.elements, "elements", _power_values)


def _target(message: FRBCFillLevelTargetProfile) -> None:
    _each(message.elements, "elements", _fill_levels)


def _measurement(message: PowerMeasurement) -> None:
    _each_quantity_once(message.values, "values")


def _leakage(message: FRBCLeakageBehaviour) -> None:
    _contiguous(message.elements)


def _factor(message: Any) -> None:
    factor = message.operation_mode_factor
    if not -SLACK <= factor <= 1 + SLACK:
        refuse("factor_out_of_range", "operation_mode_factor", factor, "a factor is 0 to 1", "keep it there")


_RULES: Mapping[type[S2Message], Callable[[Any], None]] = {
    PowerMeasurement: _measurement,
    PowerForecast: _forecast,
    PEBCPowerConstraints: _power_constraints,
    PEBCEnergyConstraint: _energy_constraint,
    PEBCInstruction: _pebc_instruction,
    PPBCPowerProfileDefinition: _profile,
    OMBCSystemDescription: _ombc_description,
    OMBCStatus: _factor,
    OMBCInstruction: _factor,
    FRBCSystemDescription: _frbc_description,
    FRBCActuatorStatus: _factor,
    FRBCLeakageBehaviour: _leakage,
    FRBCFillLevelTargetProfile: _target,
    FRBCInstruction: _factor,
    DDBCSystemDescription: _ddbc_description,
    DDBCSystemDescriptionWithDemand: _ddbc_description,
    DDBCActuatorStatus: _factor,
    DDBCInstruction: _factor,
}
