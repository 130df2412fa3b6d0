"""Telegrams of every country and version become typed values."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import p1_synthetic as synthetic
import pytest
from efpi_driver_p1.errors import Fault, TelegramError
from efpi_driver_p1.reading import MeterKind, read_electricity, read_mbus
from efpi_driver_p1.stream import TelegramStream
from efpi_driver_p1.telegram import Telegram

CAPTURE = Path(__file__).parent / "fixtures" / "isk5_2m550t_2019-03-24.txt"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def read_all(data: bytes, zone: ZoneInfo = AMSTERDAM) -> list[Telegram | TelegramError]:
    stream = TelegramStream(zone)
    return stream.feed(data) + stream.end()


def read_one(data: bytes, zone: ZoneInfo = AMSTERDAM) -> Telegram:
    (found,) = read_all(data, zone)
    assert isinstance(found, Telegram), found
    return found


def value(telegram: Telegram, code: str) -> tuple[int | Decimal, str | None]:
    line = telegram.line(code)
    assert line is not None and line.quantity is not None
    return line.quantity.value, line.quantity.unit


@pytest.mark.parametrize("name", synthetic.ALL)
def test_telegrams_of_every_country_are_read_without_a_problem(name: str) -> None:
    telegram = read_one(synthetic.ALL[name])
    assert telegram.has_crc is (name in synthetic.WITH_CRC)
    assert telegram.unread == ()
    assert [line.problem for line in telegram.lines if line.problem] == []
    assert telegram.length == len(synthetic.ALL[name].rstrip())


def test_a_real_capture_gives_a_cut_start_and_then_only_telegrams() -> None:
    start, *rest = read_all(CAPTURE.read_bytes())
    assert isinstance(start, TelegramError) and start.fault is Fault.CUT_START and start.offset == 0
    assert len(rest) == 12
    assert all(isinstance(found, Telegram) and found.has_crc for found in rest)


def test_the_first_telegram_of_the_capture_has_the_values_on_its_lines() -> None:
    telegram = next(found for found in read_all(CAPTURE.read_bytes()) if isinstance(found, Telegram))
    assert telegram.header == r"/ISK5\2M550T-1012"
    assert (telegram.maker, telegram.model, telegram.version) == ("Iskraemeco", "M550T-1012", "DSMR 5.0")
    assert telegram.equipment == "E0044007131650618"
    assert telegram.time is not None and telegram.time.utc == datetime(2019, 3, 24, 14, 5, 19, tzinfo=UTC)
    assert value(telegram, "1-0:1.8.1") == (3432827 * 3600, "J")
    assert value(telegram, "1-0:1.7.0") == (378, "W")
    assert value(telegram, "1-0:32.7.0") == (Decimal("237.1"), "V")
    assert value(telegram, "1-0:71.7.0") == (2, "A")
    log = telegram.line("1-0:99.97.0")
    assert log is not None
    (failure,) = log.entries
    assert (failure.quantity.value, failure.quantity.unit) == (236, "s")
    assert failure.times[0].utc == datetime(2018, 4, 17, 18, 14, 58, tzinfo=UTC)


def test_energy_is_whole_joules_and_never_rounded() -> None:
    counted, _ = value(read_one(synthetic.DSMR_5), "1-0:2.8.2")
    assert counted == 400_004 * 3600 and isinstance(counted, int)
    assert value(read_one(synthetic.EASYMETER), "1-0:1.8.0") == (Decimal("187868817111.24"), "J")


def test_values_in_watts_and_in_kilowatts_mean_the_same() -> None:
    assert value(read_one(synthetic.SAGEMCOM_WATTS), "1-0:1.7.0") == (286, "W")
    assert value(read_one(synthetic.SAGEMCOM_WATTS), "1-0:1.8.0") == (6545766 * 3600, "J")
    assert value(read_one(synthetic.EASYMETER), "1-0:21.7.0") == (Decimal("747.85"), "W")


def test_the_gas_reading_over_two_lines_of_dsmr_2_is_joined() -> None:
    (gas,) = read_mbus(read_one(synthetic.DSMR_22))
    assert (gas.kind, gas.channel, gas.equipment) == (MeterKind.GAS, 1, "28101541006286712")
    assert (gas.reading.value, gas.reading.unit) == (Decimal("157.438"), "m3")
    assert gas.read_at is not None and gas.read_at.utc == datetime(2011, 4, 3, 12, tzinfo=UTC)
    assert gas.valve == 1


def test_several_values_in_one_old_reading_are_dated_by_their_distance() -> None:
    (gas,) = read_mbus(
        read_one(synthetic.DSMR_22.replace(b"(60)(1)", b"(60)(2)").replace(b"(00157.438)", b"(00157.438)(00158.000)"))
    )
    assert gas.reading.value == 158
    assert gas.read_at is not None and gas.read_at.utc == datetime(2011, 4, 3, 13, tzinfo=UTC)


def test_a_dsmr_3_meter_tells_its_text_message_and_its_heat_meter() -> None:
    telegram = read_one(synthetic.DSMR_3)
    message = telegram.line("0-0:96.13.0")
    assert message is not None and message.text == "Stromuitval om 14 maart"
    gas, heat = read_mbus(telegram)
    assert (gas.kind, heat.kind) == (MeterKind.GAS, MeterKind.HEAT)
    assert (heat.reading.value, heat.reading.unit, heat.key) == (17_042_000_000, "J", "heat-2")


def test_gas_heat_water_and_a_second_electricity_meter_stand_on_four_channels() -> None:
    meters = read_mbus(read_one(synthetic.DSMR_5))
    assert [(meter.channel, str(meter.kind), meter.device_type) for meter in meters] == [
        (1, "gas", 3),
        (2, "heat", 12),
        (3, "water", 7),
        (4, "electricity", 2),
    ]
    assert meters[3].reading.value == 55_500 * 3600
    assert meters[3].equipment == "534C41564530310D", "an id that decodes to a control character stays as digits"


def test_channels_without_a_meter_are_no_meters() -> None:
    assert read_mbus(read_one(synthetic.GAS_LOST)) == ()


def test_meters_of_the_first_version_stand_under_media_of_their_own() -> None:
    gas, water = read_mbus(read_one(synthetic.OLD_MEDIA))
    assert (gas.key, gas.equipment, gas.reading.value) == ("gas", "2222ABCD123456789", 100)
    assert (water.key, water.equipment, water.reading.value) == ("water", "WATE", Decimal("123.456"))


def test_a_belgian_telegram_tells_peaks_gas_and_water() -> None:
    telegram = read_one(synthetic.BELGIUM)
    assert telegram.version == "Belgium, e-MUCS P1 (50221)"
    peak = telegram.line("1-0:1.6.0")
    assert peak is not None and peak.quantity is not None
    assert (peak.quantity.value, peak.times[0].utc) == (5980, datetime(2024, 1, 9, 12, 45, 58, tzinfo=UTC))
    history = telegram.line("0-0:98.1.0")
    assert history is not None
    assert [entry.quantity.value for entry in history.entries] == [3695, 5980, 4318]
    assert [time.utc for time in history.entries[2].times] == [
        datetime(2023, 10, 31, 23, tzinfo=UTC),
        datetime(2023, 10, 10, 1, 54, 21, tzinfo=UTC),
    ]
    gas, water = read_mbus(telegram)
    assert (gas.kind, gas.equipment, gas.valve) == (MeterKind.GAS, "7FLO2119033733", 1)
    assert (water.kind, water.reading.value) == (MeterKind.WATER, Decimal("112.384"))
    place = telegram.line("0-1:96.1.2")
    assert place is not None and place.text == "541448920000000002"


def test_a_luxembourg_limit_has_two_signed_values() -> None:
    telegram = read_one(synthetic.LUXEMBOURG)
    limit = telegram.line("1-1:31.4.0")
    assert limit is not None and [quantity.value for quantity in limit.quantities] == [200, -200]
    assert telegram.equipment == "SAG1030700000001"
    assert value(telegram, "0-0:17.0.0") == (27_600, "VA")


def test_a_swedish_meter_counts_without_tariffs_and_keeps_winter_time_in_july() -> None:
    telegram = read_one(synthetic.SWEDEN)
    electricity = read_electricity(telegram)
    assert electricity.imported_j == 6_678_394 * 3600 and electricity.imported_by_tariff_j == {}
    assert {name: phase.power_w for name, phase in electricity.phases.items()} == {"l1": 1023, "l2": 350, "l3": 354}
    assert telegram.time is not None and telegram.time.utc == datetime(2022, 7, 15, 11, 11, 10, tzinfo=UTC)
    assert any("winter time" in note for note in telegram.notes)
    assert value(telegram, "1-0:4.8.0") == (1_020_971 * 3600, "var.s")


def test_a_meter_that_tells_net_power_gives_import_and_export_by_its_sign() -> None:
    electricity = read_electricity(read_one(synthetic.SWISS))
    assert electricity.power_w == -512
    assert [phase.power_w for phase in electricity.phases.values()] == [-500, 100, -112]


def test_electricity_that_is_counted_in_channel_1_is_read_too() -> None:
    text = synthetic.SWISS.decode().partition("!")[0].replace("\r", "").replace("1-0:", "1-1:")
    electricity = read_electricity(read_one(synthetic.seal(text)))
    assert electricity.power_w == -512 and electricity.imported_j == (4_512_310 + 1_201_007) * 3600


def test_unknown_codes_are_kept_as_they_are() -> None:
    line = read_one(synthetic.HUNGARY).line("0-0:96.50.68")
    assert line is not None and line.original == "ON" and line.meaning.name == "unknown code"


def test_power_is_import_minus_export_and_energy_is_the_sum_of_the_tariffs() -> None:
    electricity = read_electricity(read_one(synthetic.DSMR_5))
    assert electricity.power_w == -1250
    assert electricity.imported_j == (1_000_001 + 2_000_002) * 3600
    assert electricity.exported_by_tariff_j == {1: 300_003 * 3600, 2: 400_004 * 3600}
    assert electricity.phases["l2"].power_w == 150 and electricity.phases["l1"].power_w == -700
    assert electricity.tariff == 2


@pytest.mark.parametrize("ends", [b"\n", b"\r", b"\r\r\n", b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("name", synthetic.WITH_CRC)
def test_line_ends_that_a_tool_changed_do_not_spoil_the_check_sum(name: str, ends: bytes) -> None:
    telegram = read_one(synthetic.WITH_CRC[name].replace(b"\r\n", ends))
    assert telegram.has_crc and any("changed by a tool" in note for note in telegram.notes)


def test_dropped_empty_lines_do_not_spoil_the_check_sum() -> None:
    telegram = read_one(synthetic.DSMR_5.replace(b"\r\n\r\n", b"\n"))
    assert telegram.has_crc and any("empty lines" in note for note in telegram.notes)


def test_a_check_sum_in_small_letters_is_right_too() -> None:
    body, mark, crc = synthetic.DSMR_5.rpartition(b"!")
    assert read_one(body + mark + crc.lower()).has_crc


def test_hostile_text_comes_out_printable() -> None:
    bell = synthetic.seal("/ISK5\\2X\n\n1-0:1.7.0(00.1*kW)\n0-0:96.13.0(1B5B324A07)\n0-0:96.1.1(E280AE41)")
    telegram = read_one(bell)
    assert all((line.text or "").isprintable() for line in telegram.lines)


@pytest.mark.parametrize(
    ("header", "model"),
    [
        (rb"/ISk5\2MT382-1000", "MT382-1000"),
        (rb"/Ene5\XS210 ESMR 5.0", "XS210 ESMR 5.0"),
        (rb"/Ene5\T210-D ESMR5.0", "T210-D ESMR5.0"),
        (b"/KMP5 ZABF001587315111", "ZABF001587315111"),
    ],
)
def test_the_escape_before_the_model_is_no_part_of_it(header: bytes, model: str) -> None:
    assert read_one(header + b"\r\n\r\n1-0:1.8.1(00001.001*kWh)\r\n!\r\n").model == model
