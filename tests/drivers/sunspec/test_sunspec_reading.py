"""Readings: values by the standard's names, and None for everything that cannot be trusted."""

from typing import Any

import pytest
from efpi_driver_sunspec.models import Model, model
from efpi_driver_sunspec.reading import Reading, repetitions
from sunspec2 import device as definitions
from sunspec_devices import Image, ModelImage, hybrid, ieee1547, meter


def layout(number: int) -> Model:
    found = model(number)
    assert found is not None
    return found


def read(number: int, **values: Any) -> Reading:
    image = Image(0, [ModelImage(number, values)])
    return Reading.of(layout(number), image.registers[2:-2])


def test_a_scaled_number_is_in_the_unit_of_the_standard() -> None:
    inverter = read(103, W=-1234, W_SF=1, PhVphA=2301, V_SF=-1)
    assert inverter.number("W") == -12340.0
    assert inverter.number("PhVphA") == 230.1


def test_without_its_scale_factor_a_number_is_not_believed() -> None:
    assert read(103, W=5).number("W") is None


@pytest.mark.parametrize("exponent", [11, -11, 300])
def test_an_absurd_scale_factor_is_not_believed(exponent: int) -> None:
    assert read(103, W=5, W_SF=exponent).number("W") is None


def test_values_that_the_device_does_not_implement_are_none() -> None:
    inverter = read(103, W_SF=0)
    assert inverter.number("W") is None
    assert not inverter.implements("W")
    assert inverter.word("St") is None
    assert inverter.words("Evt1") == ()
    assert inverter.number("NoSuchPoint") is None


def test_a_shorter_model_ends_early_and_a_longer_one_does_no_harm() -> None:
    image = Image(0, [ModelImage(103, {"W": 100, "W_SF": 0, "St": 4, "WH": 5, "WH_SF": 0}, registers=20)])
    short = Reading.of(layout(103), image.registers[2:-2])
    assert short.number("W") == 100.0
    assert short.number("WH") is None
    image = Image(0, [ModelImage(103, {"W": 100, "W_SF": 0}, registers=80)])
    assert Reading.of(layout(103), image.registers[2:-2]).number("W") == 100.0


def test_registers_that_could_not_be_read_leave_holes() -> None:
    registers: list[int | None] = list(
        Image(0, [ModelImage(103, {"W": 7, "W_SF": 0, "Hz": 5000, "Hz_SF": -2})]).registers[2:-2]
    )
    registers[layout(103).points["Hz"].offset] = None
    reading = Reading.of(layout(103), registers)
    assert reading.number("W") == 7.0
    assert reading.number("Hz") is None


def test_enumerations_and_bits_become_words() -> None:
    inverter = read(103, St=6, Evt1=0b10000001)
    assert inverter.word("St") == "shutting_down"
    assert inverter.words("Evt1") == ("ground_fault", "over_temp")


def test_a_value_beyond_the_standard_keeps_its_number() -> None:
    assert read(103, St=99).word("St") == "unknown_99"
    assert read(103, Evt1=1 << 30).words("Evt1") == ("bit_30",)


def test_repeated_inputs_are_scaled_by_the_models_own_factor() -> None:
    inputs = [{"ID": 1, "IDStr": "MPPT 1", "DCW": 123}, {"ID": 2, "IDStr": "StCha 3", "DCW": 45}]
    image = Image(0, [ModelImage(160, {"DCW_SF": 1, "N": 2}, inputs)])
    read_inputs = repetitions(layout(160), image.registers[2:-2])
    assert [(part.text("IDStr"), part.number("DCW")) for part in read_inputs] == [
        ("MPPT 1", 1230.0),
        ("StCha 3", 450.0),
    ]


@pytest.mark.parametrize(("declared", "expected"), [(1, 1), (2, 2), (60000, 2), (None, 2), (0, 0)])
def test_no_more_repetitions_are_believed_than_there_is_room_for(declared: int | None, expected: int) -> None:
    image = Image(0, [ModelImage(160, {"N": declared}, [{"ID": 1}, {"ID": 2}])])
    assert len(repetitions(layout(160), image.registers[2:-2])) == expected


@pytest.mark.parametrize("models", [hybrid({"meter": True}), ieee1547({}), meter({"meter": 213})])
def test_all_numbers_agree_with_pysunspec2(models: list[ModelImage]) -> None:
    compared = 0
    for one in models:
        registers = Image(0, [one]).registers[2:-2]
        ours = Reading.of(layout(one.id), registers)
        data = b"".join(register.to_bytes(2, "big") for register in registers)
        theirs = definitions.Model(one.id, model_len=registers[1], data=data)
        for name, point in theirs.points.items():
            kind = point.pdef["type"]
            if kind in ("string", "pad", "ipaddr", "eui48") or (ours.exponent(name) is None):
                continue
            expected = point.cvalue if point.is_impl() else None
            if kind.startswith("acc") and expected == 0:
                expected = None
            number = ours.number(name)
            assert number == (None if expected is None else pytest.approx(expected, rel=1e-6)), name
            compared += 1
    assert compared > 30
