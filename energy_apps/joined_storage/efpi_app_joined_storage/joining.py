"""What several storages say together: their messages as the messages of one, and its allocations as theirs."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from efi.commodity import Commodity
from efi.control_space import ControlSpace
from efi.messages import AnyUpdate
from efi.registration import DeviceClass
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorState,
    StorageAllocation,
    StorageMode,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.plugin.appliance import Stamp, UpdateStamp


def joint_actuator(member: str, actuator_id: str) -> str:
    """The name, within the joined storage, of a member's actuator."""
    return f"{member}:{actuator_id}"[:64]


def joined_registration(
    stamp: Stamp, name: str, members: dict[str, ControlSpace], level_from: str
) -> StorageRegistration:
    """One registration with the actuators of all members; commodities in the order of the members."""
    registrations = {
        member: space.registration
        for member, space in members.items()
        if isinstance(space.registration, StorageRegistration)
    }
    first = registrations[level_from]
    commodities = dict.fromkeys(
        commodity for registration in registrations.values() for commodity in registration.commodities
    )
    return StorageRegistration(
        **stamp,
        name=name,
        device_class=DeviceClass.AGGREGATE,
        commodities=tuple(commodities),
        currency=first.currency,
        processing_delay=max(registration.processing_delay for registration in registrations.values()),
        fill_level_label=first.fill_level_label,
        fill_level_unit=first.fill_level_unit,
        actuators=tuple(
            Actuator(
                actuator_id=joint_actuator(member, actuator.actuator_id),
                label=f"{registration.name} {actuator.label}".strip()[:200],
                commodities=_known(actuator.commodities, commodities),
            )
            for member, registration in registrations.items()
            for actuator in registration.actuators
        ),
    )


def _known(wanted: tuple[Commodity, ...], commodities: Iterable[Commodity]) -> tuple[Commodity, ...]:
    known = set(commodities)
    return tuple(commodity for commodity in wanted if commodity in known)


def joined_description(
    stamp: UpdateStamp, members: dict[str, ControlSpace], level_from: str, now: datetime
) -> StorageSystemDescription | None:
    """One description, of the fill levels of `level_from`; None while a member has not described itself.

    A mode that a member describes for levels beyond them is cut to them.
    """
    descriptions = {}
    for member, space in members.items():
        description = space.description_at(now)
        if not isinstance(description, StorageSystemDescription):
            return None
        descriptions[member] = description
    levels = descriptions[level_from].fill_level_range
    behaviours = tuple(
        behaviour.model_copy(
            update={
                "actuator_id": joint_actuator(member, behaviour.actuator_id),
                "modes": tuple(_within(mode, levels) for mode in behaviour.modes),
            }
        )
        for member, description in descriptions.items()
        for behaviour in description.actuators
        if all(_overlaps(mode, levels) for mode in behaviour.modes)
    )
    if len(behaviours) < sum(len(description.actuators) for description in descriptions.values()):
        return None
    return StorageSystemDescription(**stamp, fill_level_range=levels, actuators=behaviours)


def _overlaps(mode: StorageMode, levels: NumberRange) -> bool:
    return mode.fill_level_range.lower < levels.upper and levels.lower < mode.fill_level_range.upper


def _within(mode: StorageMode, levels: NumberRange) -> StorageMode:
    if mode.fill_level_range.lower in levels and mode.fill_level_range.upper in levels:
        return mode
    elements = []
    for element in mode.elements:
        lower, upper = levels.clamp(element.fill_level_range.lower), levels.clamp(element.fill_level_range.upper)
        if lower < upper:
            at_lower, at_upper = element.at_level(lower), element.at_level(upper)
            changes = {
                **dict(at_lower),
                "fill_level_range": NumberRange(lower=lower, upper=upper),
                "at_upper": None if element.at_upper is None else at_upper,
            }
            elements.append(element.model_copy(update=changes))
    return mode.model_copy(update={"elements": tuple(elements)})


def joined_state(stamp: UpdateStamp, members: dict[str, ControlSpace], level_from: str) -> StorageStateUpdate | None:
    """One state, at the fill level of `level_from`; None while a member has told none."""
    states = {member: space.state for member, space in members.items()}
    if not all(isinstance(state, StorageStateUpdate) for state in states.values()):
        return None
    level = states[level_from]
    assert isinstance(level, StorageStateUpdate)  # noqa: S101  # told to the type checker
    return StorageStateUpdate(
        **stamp,
        fill_level=level.fill_level,
        actuators=tuple(
            ActuatorState(**{**dict(actuator), "actuator_id": joint_actuator(member, actuator.actuator_id)})
            for member, state in states.items()
            if isinstance(state, StorageStateUpdate)
            for actuator in state.actuators
        ),
    )


def joined_rest(space: ControlSpace, now: datetime) -> Iterator[AnyUpdate]:
    """What is said of the storage itself, by the member whose level counts: leakage, usage, targets."""
    for update in (space.leakage_at(now), space.usage, space.targets):
        if update is not None:
            yield update


def by_member(allocation: StorageAllocation, members: dict[str, ControlSpace]) -> dict[str, list[ActuatorAllocation]]:
    """The parts of an allocation, by the member that is to carry them out, with the member's own actuator names."""
    owners = {
        joint_actuator(member, actuator.actuator_id): (member, actuator.actuator_id)
        for member, space in members.items()
        if isinstance(space.registration, StorageRegistration)
        for actuator in space.registration.actuators
    }
    parts: dict[str, list[ActuatorAllocation]] = {}
    for step in allocation.actuators:
        if step.actuator_id in owners:
            member, actuator_id = owners[step.actuator_id]
            parts.setdefault(member, []).append(step.model_copy(update={"actuator_id": actuator_id}))
    return parts
