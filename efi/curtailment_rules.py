"""What a curtailment may ask: limits that are on offer, long enough, and within the energy that must flow."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from efi.commodity import CommodityQuantity
from efi.control_space import ControlSpace
from efi.inflexible import (
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleEnergyEnvelope,
    LimitKind,
)
from efi.profile import intervals
from efi.refusal import listed, refuse
from efi.types import LARGEST, NumberRange


def check_curtailment(space: ControlSpace, allocation: InflexibleAllocation) -> None:
    """Every limit is on offer when it holds, lasts as long as it must, and leaves the energy that must flow."""
    for place, profile in enumerate(allocation.curtailments):
        path = f"curtailments.{place}."
        for kind in LimitKind:
            _check_side(space, allocation, profile, kind, path)
        for envelope in space.energy_envelopes:
            if envelope.quantity is profile.quantity:
                _check_envelope(profile, allocation.start_time, envelope, path)


def check_rest_of_curtailment(space: ControlSpace, allocation: InflexibleAllocation, now: datetime) -> None:
    """What is left of a curtailment that runs is still on offer; how long each limit must hold was judged before."""
    for place, profile in enumerate(allocation.curtailments):
        for number, (begins, ends, element) in enumerate(intervals(profile.elements, allocation.start_time)):
            if ends <= now:
                continue
            for kind, limit in ((LimitKind.LOWER, element.lower), (LimitKind.UPPER, element.upper)):
                if limit is not None:
                    where = f"curtailments.{place}.elements.{number}.{kind.value}"
                    _offered(space, allocation, profile.quantity, kind, max(begins, now), limit, where)


def _offered(
    space: ControlSpace,
    allocation: InflexibleAllocation,
    quantity: CommodityQuantity,
    kind: LimitKind,
    at: datetime,
    limit: float,
    where: str,
) -> CurtailmentOption:
    """The option that a limit rests on; the limit is one that it allows."""
    option = _option(space, quantity, kind, at, where, abnormal_condition=allocation.abnormal_condition)
    if not option.allows(limit):
        refuse(
            "limit_not_offered",
            where,
            limit,
            "this limit is not on offer",
            f"choose within {listed(f'{offered.lower} to {offered.upper}' for offered in option.ranges)}; "
            f"the closest is {option.closest(limit)}",
        )
    return option


def _check_side(
    space: ControlSpace, allocation: InflexibleAllocation, profile: CurtailmentProfile, kind: LimitKind, path: str
) -> None:
    for begins, held_for, limit, place in _held_limits(profile, allocation.start_time, kind):
        where = f"{path}elements.{place}.{kind.value}"
        option = _offered(space, allocation, profile.quantity, kind, begins, limit, where)
        if held_for < option.minimum_duration:
            refuse(
                "curtailment_too_short",
                where,
                limit,
                f"it holds for {held_for} and must for {option.minimum_duration}",
                "hold it longer",
            )


def _held_limits(
    profile: CurtailmentProfile, start: datetime, kind: LimitKind
) -> Iterator[tuple[datetime, timedelta, float, int]]:
    """Each limit with when it begins, how long it holds without a change, and its element's place."""
    held: tuple[datetime, timedelta, float, int] | None = None
    for place, (begins, _, element) in enumerate(intervals(profile.elements, start)):
        limit = element.upper if kind is LimitKind.UPPER else element.lower
        if held is not None and limit == held[2]:
            held = (held[0], held[1] + element.duration, held[2], held[3])
            continue
        if held is not None:
            yield held
        held = None if limit is None else (begins, element.duration, limit, place)
    if held is not None:
        yield held


def _option(
    space: ControlSpace,
    quantity: CommodityQuantity,
    kind: LimitKind,
    at: datetime,
    path: str,
    *,
    abnormal_condition: bool,
) -> CurtailmentOption:
    options = space.curtailment_options_at(at)
    found = options.option_for(quantity, kind, abnormal_condition) if options is not None else None
    if options is None or found is None:
        reserved = options is not None and options.option_for(quantity, kind, abnormal_condition=True) is not None
        offered = () if options is None else (f"{each.quantity} {each.limit}" for each in options.options)
        refuse(
            "abnormal_condition_only" if reserved else "curtailment_not_offered",
            path,
            quantity.value,
            "this limit is kept for emergencies of the grid" if reserved else "it cannot be limited so at that time",
            "allocate with `abnormal_condition`" if reserved else f"choose what is on offer: {listed(offered)}",
        )
    return found


def _check_envelope(
    profile: CurtailmentProfile, start: datetime, envelope: InflexibleEnergyEnvelope, path: str
) -> None:
    """The average that an envelope demands must be possible under the limits."""
    possible = _possible_average(profile, start, envelope)
    if possible is None:
        return
    if possible.upper < envelope.average.lower or possible.lower > envelope.average.upper:
        refuse(
            "energy_envelope_broken",
            f"{path}elements",
            f"an average of {possible.lower} to {possible.upper}",
            f"between {envelope.valid_from.isoformat()} and {envelope.valid_until.isoformat()} the average must "
            f"lie within {envelope.average.lower} to {envelope.average.upper}",
            "loosen the limits in that interval",
        )


def _possible_average(
    profile: CurtailmentProfile, start: datetime, envelope: InflexibleEnergyEnvelope
) -> NumberRange | None:
    """The averages that the limits allow over the envelope's interval; None where a side is free for a while."""
    covered, least, most = 0.0, 0.0, 0.0
    for begins, ends, element in intervals(profile.elements, start):
        seconds = (min(ends, envelope.valid_until) - max(begins, envelope.valid_from)).total_seconds()
        if seconds <= 0:
            continue
        covered += seconds
        least += seconds * (element.lower if element.lower is not None else -LARGEST)
        most += seconds * (element.upper if element.upper is not None else LARGEST)
    whole = (envelope.valid_until - envelope.valid_from).total_seconds()
    if covered < whole:
        return None
    return NumberRange(lower=max(least / whole, -LARGEST), upper=min(most / whole, LARGEST))
