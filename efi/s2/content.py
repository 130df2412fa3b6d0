"""What the text of S2 demands of a message and its JSON schema cannot say: ranges, references within it, quantities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from efi.refusal import listed, refuse
from efi.s2.common import CommodityQuantity, NumberRange, PowerRange, Timer, Transition
from efi.s2.ddbc import (
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
)
from efi.s2.frbc import (
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationModeElement,
    FRBCSystemDescription,
)
from efi.s2.model import S2Message
from efi.s2.ombc import OMBCInstruction, OMBCStatus, OMBCSystemDescription
from efi.s2.pebc import (
    PEBCEnergyConstraint,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeLimitType,
)
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.ppbc import PPBCPowerProfileDefinition

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


def _ordered(span: NumberRange, path: str) -> None:
    if span.start_of_range > span.end_of_range:
        refuse(
            "range_reversed",
            path,
            f"{span.start_of_range} to {span.end_of_range}",
            "it starts above its end",
            "swap them",
        )


def _not_before(start: datetime, end: datetime | None, path: str) -> None:
    if end is not None and end < start:
        refuse("interval_reversed", path, end.isoformat(), f"it begins at {start.isoformat()}", "let it end later")


def _within(factor: float) -> None:
    if not -SLACK <= factor <= 1 + SLACK:
        refuse("factor_out_of_range", "operation_mode_factor", factor, "a factor is 0 to 1", "keep it there")


def _each_quantity_once(values: Sequence[Any], path: str) -> None:
    if len(values) > 1:
        seen: set[CommodityQuantity] = set()
        for value in values:
            quantity = value.commodity_quantity
            if quantity in seen:
                refuse("quantity_repeated", path, quantity.value, "it stands there twice", "give each quantity once")
            seen.add(quantity)


def _each_id_once(parts: Sequence[Any], path: str) -> set[str]:
    ids = {part.id for part in parts}
    if len(ids) != len(parts):
        names = [part.id for part in parts]
        twice = next(name for name in names if names.count(name) > 1)
        refuse("id_repeated", path, twice, "two parts are called so", "give each a name of its own")
    return ids


_Levels = FRBCOperationModeElement | FRBCLeakageBehaviourElement


def _contiguous(elements: Sequence[_Levels], path: str) -> None:
    for number, element in enumerate(elements):
        _ordered(element.fill_level_range, f"{path}.{number}.fill_level_range")
    if len(elements) > 1:
        spans = sorted((each.fill_level_range.start_of_range, each.fill_level_range.end_of_range) for each in elements)
        slack = SLACK * max(1.0, spans[-1][1] - spans[0][0])
        for (_, end), (start, _) in pairwise(spans):
            if abs(start - end) > slack:
                refuse(
                    "ranges_not_contiguous",
                    path,
                    start,
                    f"the fill levels before end at {end}",
                    "let each range start where the last ended",
                )


def _modes(
    modes: Sequence[Any], transitions: Iterable[Transition], timers: Sequence[Timer], path: str, modes_name: str
) -> None:
    """The parts that hang together: modes, the transitions among them, and their timers."""
    mode_ids = _each_id_once(modes, f"{path}{modes_name}")
    timer_ids = _each_id_once(timers, f"{path}timers") if timers else set()
    for number, transition in enumerate(transitions):
        if transition.from_ not in mode_ids or transition.to not in mode_ids:
            end = "to" if transition.from_ in mode_ids else "from"
            _unknown(f"{path}transitions.{number}.{end}", _end_of(transition, end), mode_ids, "operation mode")
        for field in ("start_timers", "blocking_timers"):
            for place, timer in enumerate(getattr(transition, field)):
                if timer not in timer_ids:
                    _unknown(f"{path}transitions.{number}.{field}.{place}", timer, timer_ids, "timer")


def _end_of(transition: Transition, end: str) -> str:
    return transition.to if end == "to" else transition.from_


def _unknown(path: str, name: str, known: Iterable[str], what: str) -> None:
    refuse("unknown_id", path, name, f"there is no such {what}", f"name one of {listed(known)}")


def _power_ranges(ranges: Sequence[PowerRange], path: str) -> None:
    if len(ranges) > 1:
        _each_quantity_once(ranges, path)


# Messages -------------------------------------------------------------------------------------------------------------


def _frbc_description(message: FRBCSystemDescription) -> None:
    _ordered(message.storage.fill_level_range, "storage.fill_level_range")
    _each_id_once(message.actuators, "actuators")
    for number, actuator in enumerate(message.actuators):
        path = f"actuators.{number}."
        _modes(actuator.operation_modes, actuator.transitions, actuator.timers, path, "operation_modes")
        for place, mode in enumerate(actuator.operation_modes):
            _contiguous(mode.elements, f"{path}operation_modes.{place}.elements")
            for index, element in enumerate(mode.elements):
                _power_ranges(element.power_ranges, f"{path}operation_modes.{place}.elements.{index}.power_ranges")


def _ombc_description(message: OMBCSystemDescription) -> None:
    _modes(message.operation_modes, message.transitions, message.timers, "", "operation_modes")
    for place, mode in enumerate(message.operation_modes):
        _power_ranges(mode.power_ranges, f"operation_modes.{place}.power_ranges")


def _ddbc_description(message: DDBCSystemDescription) -> None:
    _each_id_once(message.actuators, "actuators")
    for number, actuator in enumerate(message.actuators):
        path = f"actuators.{number}."
        _modes(actuator.operation_modes, actuator.transitions, actuator.timers, path, "operation_modes")
        for place, mode in enumerate(actuator.operation_modes):
            _power_ranges(mode.power_ranges, f"{path}operation_modes.{place}.power_ranges")


def _power_constraints(message: PEBCPowerConstraints) -> None:
    _not_before(message.valid_from, message.valid_until, "valid_until")
    limits: dict[CommodityQuantity, set[PEBCPowerEnvelopeLimitType]] = {}
    for number, each in enumerate(message.allowed_limit_ranges):
        _ordered(each.range_boundary, f"allowed_limit_ranges.{number}.range_boundary")
        limits.setdefault(each.commodity_quantity, set()).add(each.limit_type)
    for quantity, kinds in limits.items():
        if len(kinds) < 2:
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
    if message.lower_average_power > message.upper_average_power:
        refuse(
            "limits_crossed",
            "lower_average_power",
            message.lower_average_power,
            f"the upper one is {message.upper_average_power}",
            "swap them",
        )


def _envelopes(message: PEBCInstruction) -> None:
    _each_quantity_once(message.power_envelopes, "power_envelopes")
    for number, envelope in enumerate(message.power_envelopes):
        for place, element in enumerate(envelope.power_envelope_elements):
            if element.lower_limit > element.upper_limit:
                refuse(
                    "limits_crossed",
                    f"power_envelopes.{number}.power_envelope_elements.{place}.lower_limit",
                    element.lower_limit,
                    f"the upper limit is {element.upper_limit}",
                    "swap them",
                )


def _profile(message: PPBCPowerProfileDefinition) -> None:
    _not_before(message.start_time, message.end_time, "end_time")
    _each_id_once(message.power_sequences_containers, "power_sequences_containers")
    for number, container in enumerate(message.power_sequences_containers):
        path = f"power_sequences_containers.{number}.power_sequences"
        _each_id_once(container.power_sequences, path)
        for place, sequence in enumerate(container.power_sequences):
            for index, element in enumerate(sequence.elements):
                if len(element.power_values) > 1:
                    _each_quantity_once(element.power_values, f"{path}.{place}.elements.{index}.power_values")


def _forecast(message: PowerForecast) -> None:
    for number, element in enumerate(message.elements):
        if len(element.power_values) > 1:
            _each_quantity_once(element.power_values, f"elements.{number}.power_values")


def _target(message: FRBCFillLevelTargetProfile) -> None:
    for number, element in enumerate(message.elements):
        _ordered(element.fill_level_range, f"elements.{number}.fill_level_range")


_WithFactor = OMBCStatus | OMBCInstruction | FRBCActuatorStatus | FRBCInstruction | DDBCActuatorStatus | DDBCInstruction


def _factor(message: _WithFactor) -> None:
    _within(message.operation_mode_factor)


def _measurement(message: PowerMeasurement) -> None:
    _each_quantity_once(message.values, "values")


def _leakage(message: FRBCLeakageBehaviour) -> None:
    _contiguous(message.elements, "elements")


_RULES: Mapping[type[S2Message], Callable[[Any], None]] = {
    PowerMeasurement: _measurement,
    PowerForecast: _forecast,
    PEBCPowerConstraints: _power_constraints,
    PEBCEnergyConstraint: _energy_constraint,
    PEBCInstruction: _envelopes,
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
