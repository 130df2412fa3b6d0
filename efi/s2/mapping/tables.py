"""All that the map between S2 and the interface may lose or forgive, as data: the tables of docs/wires.md."""

from types import ModuleType

from efi.conversion import LeniencyKind, LossKind
from efi.messages import MESSAGE_CLASSES
from efi.s2.mapping import asking, offering, placing
from efi.s2.mapping.controls import ppbc as power_profile
from efi.s2.mapping.read import actuators, allocations, details, frbc, levels, modes, profiles, values
from efi.s2.mapping.read import ppbc as read_ppbc
from efi.s2.mapping.write import costs, instructions, pebc, power, ppbc, steps
from efi.s2.mapping.write import ddbc as write_ddbc
from efi.s2.mapping.write import details as write_details
from efi.s2.mapping.write import frbc as write_frbc
from efi.s2.mapping.write import modes as write_modes
from efi.s2.mapping.write import values as write_values

DECLARING: tuple[ModuleType, ...] = (
    details,
    values,
    modes,
    actuators,
    levels,
    frbc,
    profiles,
    power_profile,
    read_ppbc,
    allocations,
    placing,
    write_details,
    write_values,
    power,
    costs,
    write_modes,
    write_frbc,
    steps,
    write_ddbc,
    pebc,
    ppbc,
    offering,
    instructions,
    asking,
)
"""The modules that declare what they lose and forgive, those that read S2 first."""


def _declared(kind: type) -> tuple[object, ...]:
    found = (value for module in DECLARING for value in vars(module).values() if isinstance(value, kind))
    return tuple(dict.fromkeys(found))


LOSSES: tuple[LossKind, ...] = tuple(each for each in _declared(LossKind) if isinstance(each, LossKind))
"""Every kind of loss, in either direction."""

LOSSES_FROM_S2 = tuple(each for each in LOSSES if each.messages[0] not in MESSAGE_CLASSES)
"""What S2 says and the interface cannot carry."""

LOSSES_TO_S2 = tuple(each for each in LOSSES if each.messages[0] in MESSAGE_CLASSES)
"""What the interface says and S2 cannot carry."""

LENIENCIES: tuple[LeniencyKind, ...] = tuple(each for each in _declared(LeniencyKind) if isinstance(each, LeniencyKind))
"""What is forgiven in S2's messages."""
