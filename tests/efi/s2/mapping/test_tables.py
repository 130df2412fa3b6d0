"""What the map declares to lose and to forgive says of which messages, and is told by these declarations alone."""

import pytest

from efi.conversion import LeniencyKind, LossKind
from efi.messages import MESSAGE_CLASSES
from efi.s2.messages import MESSAGE_CLASSES as S2_CLASSES
from efi.s2.profile import Profile
from efi.wires import declared, modules_of

S2_NAMES = {name for profile in Profile for name in S2_CLASSES[profile]}
MODULES = modules_of("efi.s2.mapping")
LOSSES = declared(LossKind, MODULES)


@pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: f"{kind.messages[0]} {kind.field}")
def test_a_loss_is_of_messages_of_one_side(kind: LossKind) -> None:
    ours = [name in MESSAGE_CLASSES for name in kind.messages]
    assert all(ours) or not any(ours)
    assert all(name in MESSAGE_CLASSES or name in S2_NAMES for name in kind.messages)
    assert kind.reason[0].islower() or kind.reason.startswith("S2")
    assert not kind.reason.endswith(".")


def test_every_leniency_has_a_name_of_its_own() -> None:
    leniencies = declared(LeniencyKind, MODULES)
    assert len({each.name for each in leniencies}) == len(leniencies) > 5
