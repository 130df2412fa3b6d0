"""What the registrations of all appliances have in common."""

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar, cast

from efi.commodity import Commodity, Phase, PowerRanges, electric_range
from efi.registration import EnergyRole, Role
from efi.storage import Actuator

MAIN = "main"
"""The one actuator that each simulated storage has."""
ELECTRICITY = (Commodity.ELECTRICITY,)


Thing = TypeVar("Thing", bound=Hashable)


@lru_cache(maxsize=256)
def _first(thing: Hashable) -> Hashable:
    return thing


def one_of(thing: Thing) -> Thing:
    """The one object that stands for all equal ones, so that a thousand appliances alike share it."""
    return cast(Thing, _first(thing))


@lru_cache(maxsize=64)
def roles(role: EnergyRole) -> tuple[Role, ...]:
    """The part in the flow of electricity."""
    return (Role(commodity=Commodity.ELECTRICITY, role=role),)


@lru_cache(maxsize=64)
def limits(lowest_w: float, highest_w: float, phases: tuple[Phase, ...]) -> PowerRanges:
    """The least and the most that is ever drawn, W."""
    return electric_range(lowest_w, highest_w, phases)


@lru_cache(maxsize=64)
def actuators(label: str) -> tuple[Actuator, ...]:
    """The one actuator of a storage."""
    return (Actuator(actuator_id=MAIN, label=label, commodities=ELECTRICITY),)
