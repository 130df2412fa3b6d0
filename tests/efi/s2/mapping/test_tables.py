"""The tables of what the map loses and forgives are complete, and say of which messages."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import efi.s2.mapping
from efi.conversion import LeniencyKind, LossKind
from efi.messages import MESSAGE_CLASSES
from efi.s2.mapping.tables import DECLARING, LENIENCIES, LOSSES, LOSSES_FROM_S2, LOSSES_TO_S2
from efi.s2.messages import MESSAGE_CLASSES as S2_CLASSES
from efi.s2.profile import Profile

S2_NAMES = {name for profile in Profile for name in S2_CLASSES[profile]}


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(efi.s2.mapping.__path__, "efi.s2.mapping."):
        yield importlib.import_module(found.name)


def test_every_declaration_stands_in_the_tables() -> None:
    declaring = {
        module
        for module in modules()
        if module.__name__ != "efi.s2.mapping.tables"
        for name, value in vars(module).items()
        if isinstance(value, LossKind | LeniencyKind)
    }
    declared = {id(value) for module in declaring for value in vars(module).values() if isinstance(value, LossKind)}
    assert declared == {id(each) for each in LOSSES}
    assert set(DECLARING) <= declaring, "a module that declares nothing has no place in the tables"
    forgiven = {value for module in declaring for value in vars(module).values() if isinstance(value, LeniencyKind)}
    assert forgiven == set(LENIENCIES)


@pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: f"{kind.messages[0]} {kind.field}")
def test_a_loss_is_of_messages_of_one_side(kind: LossKind) -> None:
    ours = [name in MESSAGE_CLASSES for name in kind.messages]
    assert all(ours) or not any(ours)
    assert all(name in MESSAGE_CLASSES or name in S2_NAMES for name in kind.messages)
    assert kind.reason[0].islower() or kind.reason.startswith("S2")
    assert not kind.reason.endswith(".")


def test_the_sides_share_no_loss() -> None:
    assert not set(LOSSES_FROM_S2) & set(LOSSES_TO_S2)
    assert len({each.name for each in LENIENCIES}) == len(LENIENCIES)
