"""How a device is to be controlled, of all ways that it offers."""

from collections.abc import Collection, Sequence

from efi.s2.common import ControlType
from efpi_driver_s2.config import PREFERENCE, ControlWord

CONTROL_TYPES: dict[ControlWord, ControlType] = {
    "fill_rate": ControlType.FILL_RATE_BASED_CONTROL,
    "demand_driven": ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    "operation_mode": ControlType.OPERATION_MODE_BASED_CONTROL,
    "power_profile": ControlType.POWER_PROFILE_BASED_CONTROL,
    "power_envelope": ControlType.POWER_ENVELOPE_BASED_CONTROL,
    "measure": ControlType.NOT_CONTROLABLE,
}
"""The words of the settings in S2."""

DESCRIBED = frozenset(
    (
        ControlType.FILL_RATE_BASED_CONTROL,
        ControlType.OPERATION_MODE_BASED_CONTROL,
        ControlType.DEMAND_DRIVEN_BASED_CONTROL,
        ControlType.POWER_ENVELOPE_BASED_CONTROL,
    )
)
"""Control types under which a device always has something to tell; a machine may have no programme to run."""

DESCRIPTIONS = frozenset(
    ("FRBC.SystemDescription", "OMBC.SystemDescription", "DDBC.SystemDescription", "PEBC.PowerConstraints")
)
"""The messages by which it does."""


def chosen(offered: Collection[ControlType], *preferences: Sequence[ControlWord]) -> ControlType | None:
    """The first that is offered, by several preferences of which the first weighs most; None where none is known."""
    for word in (word for preference in (*preferences, PREFERENCE) for word in preference):
        if (control_type := CONTROL_TYPES[word]) in offered:
            return control_type
    return None
