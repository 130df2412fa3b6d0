"""What a device is, from its models: panels, battery or both, its ratings, and which way power flows."""

from collections.abc import Sequence
from typing import Any

import pytest
from efpi_driver_sunspec.battery import Battery
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.device import Values
from efpi_driver_sunspec.meter import Direction
from efpi_driver_sunspec.section import Section, identify
from sunspec_devices import Image, ModelImage, common, hybrid, ieee1547, inverter_values, meter_values

BANK = {
    "AHRtg": 100, "WHRtg": 480, "WChaRteMax": 250, "WDisChaRteMax": 300, "SoCMax": 950, "SoCMin": 50, "SoC": 420,
    "W": 1500, "State": 3, "AHRtg_SF": 0, "WHRtg_SF": 1, "WChaDisChaMax_SF": 1, "SoC_SF": -1, "W_SF": 0, "Evt1": 0,
}  # fmt: skip


def looked_at(models: Sequence[ModelImage], **how: Any) -> tuple[Section, Values]:
    image = Image(0, models)
    at = 0
    registers: dict[Found, Sequence[int | None]] = {}
    for number, one in enumerate(models):
        at = image.starts[number]
        length = image.registers[at + 1]
        registers[Found(one.id, at, length)] = image.registers[at : at + 2 + length]
    values = Values(registers)
    return identify(tuple(registers), values, **how), values


def battery_of(section: Section) -> Battery:
    assert section.battery is not None
    return section.battery


def test_inputs_named_for_panels_make_a_hybrid() -> None:
    section, _ = looked_at(hybrid({}))
    assert section.inverter is not None
    assert not battery_of(section).alone
    assert section.inverter.rated_w == 8000.0


def test_inputs_of_storage_only_make_a_battery() -> None:
    models = hybrid({})
    models[-1] = ModelImage(
        160, {"DCW_SF": 0, "N": 2}, [{"IDStr": "StCha 1", "DCW": 0}, {"IDStr": "StDisCha 2", "DCW": 70}]
    )
    section, _ = looked_at(models)
    assert section.inverter is None
    assert battery_of(section).alone


@pytest.mark.parametrize(
    ("behind", "panels", "battery"), [("panels", True, False), ("battery", False, True), ("both", True, True)]
)
def test_the_settings_have_the_last_word_on_what_is_behind(behind: str, panels: bool, battery: bool) -> None:
    section, _ = looked_at(hybrid({}), behind=behind)
    assert (section.inverter is not None, section.battery is not None) == (panels, battery)


def test_the_storage_ports_of_a_der_make_a_battery() -> None:
    section, _ = looked_at(ieee1547({}))
    assert section.inverter is None
    assert battery_of(section).alone
    assert section.ratings.capacity_wh == 10000.0
    assert (section.ratings.charge_w, section.ratings.discharge_w) == (4000.0, 5000.0)


def test_a_battery_bank_tells_level_power_and_ratings() -> None:
    models = [common("K", "P", "1"), ModelImage(103, inverter_values(W=47)), ModelImage(802, BANK)]
    section, values = looked_at(models)
    state = battery_of(section).state(values)
    assert (state.level, state.power_w) == (42.0, -1500.0)
    ratings = section.ratings
    assert (ratings.capacity_wh, ratings.charge_w, ratings.discharge_w) == (4800.0, 2500.0, 3000.0)
    assert (ratings.lowest, ratings.highest) == (5.0, 95.0)


def test_inputs_split_a_batterys_power_into_charging_and_discharging() -> None:
    for charging, discharging in ((400, 0), (0, 700)):
        models = hybrid({})
        inputs = [
            {"IDStr": "MPPT 1", "DCW": 3000},
            {"IDStr": "StCha 3", "DCW": charging},
            {"IDStr": "StDisCha 4", "DCW": discharging},
        ]
        models[-1] = ModelImage(160, {"DCW_SF": 0, "N": 3}, inputs)
        section, values = looked_at(models)
        assert battery_of(section).state(values).power_w == charging - discharging


def test_an_empty_battery_is_empty_and_not_unknown() -> None:
    section, values = looked_at(hybrid({"storage_values": {"ChaState": 0}}))
    assert battery_of(section).state(values).level == 0.0


def test_production_is_negative_and_consumption_at_night_positive() -> None:
    for told, expected in ((2500, -2500.0), (-12, 12.0), (0, 0.0)):
        models = hybrid({"storage": False})
        models[1] = ModelImage(103, inverter_values(W=told))
        section, values = looked_at(models)
        assert section.inverter is not None
        power = section.inverter.flow(values).power_w
        assert power == expected
        assert str(power) != "-0.0"


def test_an_unreadable_power_is_unknown_and_not_zero() -> None:
    models = hybrid({"storage": False})
    models[1] = ModelImage(103, inverter_values(W=None))
    section, values = looked_at(models)
    assert section.inverter is not None
    assert section.inverter.flow(values).power_w is None


@pytest.mark.parametrize(
    ("direction", "power", "consumed"),
    [
        (Direction.IMPORT_POSITIVE, 250.0, 4294967290.0),
        (Direction.EXPORT_POSITIVE, -250.0, 4294967290.0),
        (Direction.REVERSED, -250.0, 1000.0),
    ],
)
def test_a_meter_counts_as_its_settings_say(direction: Direction, power: float, consumed: float) -> None:
    models = [common("J", "U", "1"), ModelImage(203, {**meter_values(), "W": 250})]
    section, values = looked_at(models, direction=direction)
    flow = section.meters[0].flow(values)
    assert flow.power_w == power
    assert sum(flow.phases_w) == power
    assert flow.consumed is not None
    assert flow.consumed.reading_wh == consumed


def test_phases_that_do_not_add_up_are_not_believed() -> None:
    models = [common("J", "U", "1"), ModelImage(203, {**meter_values(), "W": 5000})]
    section, values = looked_at(models)
    assert section.meters[0].flow(values).phases_w == ()


def test_floating_point_is_preferred_where_a_device_offers_both() -> None:
    models = [common("A", "B", "1"), ModelImage(103, inverter_values(W=7)), ModelImage(113, {"W": 7.5})]
    section, values = looked_at(models)
    assert section.inverter is not None
    assert section.inverter.flow(values).power_w == -7.5


def test_a_nonsensical_reserve_is_ignored() -> None:
    section, _ = looked_at(hybrid({"storage_values": {"MinRsvPct": 30000}}))
    assert (section.ratings.lowest, section.ratings.highest) == (0.0, 100.0)
