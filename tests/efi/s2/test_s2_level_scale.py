"""Fill levels are told in another unit without changing what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efi.message import Message
from efi.s2.mapping.level_scale import LevelScale
from efi.storage import (
    StorageLeakageUpdate,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from tests.efi.strategies import MESSAGES, messages

STORAGE = (
    StorageRegistration,
    StorageSystemDescription,
    StorageStateUpdate,
    StorageLeakageUpdate,
    StorageUsageForecast,
    StorageTargetProfileUpdate,
)


@given(st.one_of([MESSAGES[kind] for kind in STORAGE]))
def test_a_level_told_in_another_unit_and_back_is_the_same(message: Message):
    there = LevelScale("halves", 2.0).told(message)
    back = LevelScale(getattr(message, "fill_level_unit", ""), 0.5).told(there)
    assert back == message


@given(MESSAGES[StorageSystemDescription], st.floats(0, 1))
def test_a_mode_does_the_same_in_another_unit(description: StorageSystemDescription, factor: float):
    told = LevelScale("thousandths", 1000.0).told(description)
    assert isinstance(told, StorageSystemDescription)
    for own, other in zip(description.actuators, told.actuators, strict=True):
        for mode, scaled in zip(own.modes, other.modes, strict=True):
            level = mode.elements[0].fill_level_range.lower
            rate, power = mode.fill_rate_at(level, factor), mode.electric_power_at(level, factor)
            assert rate is not None
            assert scaled.fill_rate_at(level * 1000.0, factor) == pytest.approx(rate * 1000.0)
            assert scaled.electric_power_at(level * 1000.0, factor) == power


@given(messages)
def test_what_tells_no_level_stays_as_it_is(message: Message):
    if not isinstance(message, STORAGE):
        assert LevelScale("MWh", 0.001).told(message) is message
