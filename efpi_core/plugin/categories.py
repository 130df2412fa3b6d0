"""The four categories of flexibility, and how a message tells which one it belongs to."""

from enum import StrEnum

from efi.messages import AnyRegistration


class Category(StrEnum):
    """The kind of freedom an appliance has."""

    INFLEXIBLE = "inflexible"
    TIME_SHIFTABLE = "time_shiftable"
    STORAGE = "storage"
    OUTPUT_ADJUSTABLE = "output_adjustable"


def category_of(registration: AnyRegistration) -> Category:
    """The category under which an appliance registered."""
    return Category(registration.type.removesuffix("_registration"))
