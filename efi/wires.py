"""What every wire form can and cannot carry, gathered from what the mappings declare: the matter of docs/wires.md."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from types import ModuleType
from typing import TypeVar

from efi.conversion import LeniencyKind, LossKind
from efi.messages import MESSAGE_TYPES

KindT = TypeVar("KindT", LossKind, LeniencyKind)


@dataclass(frozen=True, slots=True)
class WireForm:
    """One wire form, and where its mapping stands."""

    title: str
    """Its name, for people."""
    carries: str
    """What it is, and how it is carried, in a few sentences."""
    packages: tuple[str, ...]
    """The packages whose modules declare what is lost and forgiven."""

    @property
    def modules(self) -> list[ModuleType]:
        """The modules of its mapping."""
        return [module for package in self.packages for module in modules_of(package)]

    @property
    def writing(self) -> tuple[LossKind, ...]:
        """What the interface says and the form cannot carry."""
        return tuple(kind for kind in declared(LossKind, self.modules) if _is_ours(kind))

    @property
    def reading(self) -> tuple[LossKind, ...]:
        """What the form says and the interface cannot carry."""
        return tuple(kind for kind in declared(LossKind, self.modules) if not _is_ours(kind))

    @property
    def leniencies(self) -> tuple[LeniencyKind, ...]:
        """What its reader forgives."""
        return declared(LeniencyKind, self.modules)


_OF_BOTH = ("efi.xml.leniencies", "efi.xml.mending", "efi.xml.reading", "efi.xml.writing")
"""What both forms of EFI XML have in common."""

_INTERIM = f"""
One root `efiMessage` that holds one message, namespace `http://www.flexiblepower.org/efi`; of the branch's
revisions 9789638 is written, the last whose own example files fit it. Its ids are XML names: `0f8f` is
written `_x0030_f8f` (ISO/IEC 9075-14) and comes back. Actuators, modes, timers and steps are numbered: `07`
is 7, and for a word a number is made from it, which the table of names turns back. A measure is written
without an SI prefix and read with any. Flows are told in W; gas needs `--calorific-value`. The change of a
fill level over an element becomes a rate, positive where it drains. Energy is told in Wh, positive when
consumed. A curtailed power keeps between 0 and the value; a range on offer bounds production where it is
negative and consumption where it is positive, and is parted at 0. A mode without a way out is told with one
to itself, and a state without timers with the timer {-(2**31)}, since the schema demands one; both are left
out in reading.
"""

_EFI_2 = """
One root a message, namespace `http://www.flexiblepower.org/efi-2`, elements and attributes qualified. Ids are
written as they are. Actuators, modes, timers, steps and their alternatives are numbered: `07` is 7, and for a
word a number is made from it, which the table of names turns back. Power is told in W, gas and heat in m³/s,
temperatures in °C. Where the schema asks for more than the interface knows, or for less, the tables tell what
becomes of it.
"""

_S2 = """
S2 (EN 50491-12-2) as JSON, in the profiles 0.0.2-beta and 1.0.0. It is a conversation, so that one message
may become several or wait for another: a device's messages become an appliance's under the control type that
was selected, and an allocation becomes one instruction for each part of it. Gas and oil are told in l/s and
l/h, hydrogen in g/s, durations in milliseconds; names that are no UUIDs are written as UUIDs made from them.
"""

FORMS = (
    WireForm(
        "EFI XML of 2016, the interim form",
        _INTERIM,
        ("efi.xml.interim", *_OF_BOTH),
    ),
    WireForm("EFI 2.0", _EFI_2, ("efi.xml.efi2", *_OF_BOTH)),
    WireForm("S2", _S2, ("efi.s2.mapping",)),
)
"""The wire forms, in the order of the page."""


def modules_of(package: str) -> list[ModuleType]:
    """A module, or a package and all modules in it and beneath, in the order of their names."""
    root = importlib.import_module(package)
    names = sorted(each.name for each in pkgutil.walk_packages(getattr(root, "__path__", ()), f"{package}."))
    return [root, *(importlib.import_module(name) for name in names)]


def declared(kind: type[KindT], modules: Iterable[ModuleType]) -> tuple[KindT, ...]:
    """All declarations of a kind that stand in modules, alone or as parts of others, each once, in their order."""
    found: dict[KindT, None] = {}
    for module in modules:
        for value in list(vars(module).values()):
            found.update(dict.fromkeys(_within(kind, value)))
    return tuple(found)


def _within(kind: type[KindT], value: object) -> Iterator[KindT]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _within(kind, each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _within(kind, each)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _within(kind, getattr(value, part.name))


def _is_ours(kind: LossKind) -> bool:
    return all(message in MESSAGE_TYPES for message in kind.messages)
