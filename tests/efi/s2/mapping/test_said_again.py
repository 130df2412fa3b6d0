"""A device that gives two messages one name is understood: some describe themselves anew in the very same words."""

import itertools

from efi.s2.common import ControlType
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.profile import Profile
from tests.efi.s2 import messages_of_s2 as m


def told(side: DeviceSide, message: object) -> list[str]:
    translation = side.hear(message, m.NOON)  # type: ignore[arg-type]
    assert translation.refusal is None, translation.refusal
    return [each.type for each in translation.to_efi]


def test_a_description_in_the_very_same_words_counts_again_after_another_control_type() -> None:
    numbers = itertools.count(1)
    side = DeviceSide("battery", profile=Profile.BETA, new_id=lambda: f"efi-{next(numbers)}")
    told(side, m.details(m.FRBC))
    description = m.battery()
    for _ in range(3):
        side.select(m.FRBC, m.NOON)
        assert "storage_system_description" in told(side, description)
        assert told(side, m.doing("rest")) + told(side, m.level(30)) == ["storage_state_update"]
        side.select(ControlType.NO_SELECTION, m.NOON)


def test_statuses_of_one_name_count_each() -> None:
    numbers = itertools.count(1)
    side = DeviceSide("battery", profile=Profile.BETA, new_id=lambda: f"efi-{next(numbers)}")
    told(side, m.details(m.FRBC))
    side.select(m.FRBC, m.NOON)
    told(side, m.battery())
    told(side, m.doing("rest"))
    status = m.level(10)
    for fill_level in (10.0, 20.0, 30.0):
        translation = side.hear(status.model_copy(update={"present_fill_level": fill_level}), m.NOON)
        assert [getattr(each, "fill_level", None) for each in translation.to_efi] == [fill_level]
