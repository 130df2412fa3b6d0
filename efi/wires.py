"""What every wire form can and cannot carry, gathered from what the mappings declare: the matter of docs/wires.md."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from types import ModuleType
from typing import TypeVar

from efi.conversion import LeniencyKind, LossKind

KindT = TypeVar("KindT", LossKind, LeniencyKind)


def declared(kind: type[KindT], modules: Iterable[ModuleType]) -> tuple[KindT, ...]:
    """All declarations of a kind that stand in modules, alone or as parts of others, each once, in their order."""
    found: dict[KindT, None] = {}
    for module in modules:
        for value in vars(module).values():
            found.update(dict.fromkeys(_within(kind, value)))
    return tuple(found)


def _within(kind: type[KindT], value: object) -> Iterator[KindT]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _within(kind, each)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _within(kind, getattr(value, part.name))


@dataclass(frozen=True, slots=True)
class WireForm:
    """One wire form and what its mapping declares."""

    title: str
    """Its name, for people."""
    carries: str
    """What it is and what it can carry, in a few sentences."""
    writing: tuple[LossKind, ...]
    """What the interface says and the form cannot carry."""
    reading: tuple[LossKind, ...]
    """What the form says and the interface cannot carry."""
    leniencies: tuple[LeniencyKind, ...]
    """What its reader forgives."""
