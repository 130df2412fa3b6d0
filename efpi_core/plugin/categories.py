"""The categories of flexibility, and how a message tells which one it belongs to."""

from enum import StrEnum

from efi.messages import AnyRegistration


class Category(StrEnum):
    """The kind of freedom an appliance has."""

    INFLEXIBLE = "inflexible"
    TIME_SHIFTABLE = "time_shiftable"
    STORAGE = "storage"
    OUTPUT_ADJUSTABLE = "output_adjustable"
    DEMAND_DRIVEN = "demand_driven"
    """Serves a demand with one of several actuators; EFI has no such category, S2 has (DDBC)."""


def category_of(registration: AnyRegistration) -> Category:
    """The category under which an appliance registered."""
    return Category(registration.type.removesuffix("_registration"))
