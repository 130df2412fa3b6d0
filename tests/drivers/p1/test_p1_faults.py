"""Each fault of the line has its name, its place and a cure, and the next telegram is read."""

import random

import p1_synthetic as synthetic
import pytest
from efpi_driver_p1.errors import Fault, TelegramError
from efpi_driver_p1.framing import LONGEST_TELEGRAM, Framer
from efpi_driver_p1.telegram import Telegram
from test_p1_telegram import read_all

RANDOM = random.Random  # bytes for tests, no secrets
GOOD = synthetic.DSMR_5
ENCRYPTED = b"\xdb\x08SAGgp\x00\x12\x82\x03\xe5\x30" + RANDOM(1).randbytes(993)
HDLC = b"\x7e\xa0\x2a" + RANDOM(2).randbytes(40) + b"\x7e"
MBUS = b"\x68\xfa\xfa\x68\x53" + RANDOM(3).randbytes(250) + b"\x16"
SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" + RANDOM(4).randbytes(200)


def faults(data: bytes) -> list[Fault]:
    return [found.fault for found in read_all(data) if isinstance(found, TelegramError)]


def only_fault(data: bytes) -> TelegramError:
    """The one fault in bytes that stand between two good telegrams, both of which must be read."""
    first, *between, last = read_all(GOOD + data + GOOD)
    assert isinstance(first, Telegram) and isinstance(last, Telegram)
    (error,) = between
    assert isinstance(error, TelegramError)
    assert error.cure and error.cure in str(error)
    assert len(GOOD) - 2 <= error.offset <= len(GOOD) and error.length <= len(data) + 2
    return error


def test_a_changed_digit_is_a_wrong_crc_that_tells_both_sums() -> None:
    error = only_fault(GOOD.replace(b"01.250", b"01.350"))
    assert error.fault is Fault.WRONG_CRC and error.offset == len(GOOD) and error.length == len(GOOD) - 2
    assert GOOD[-6:-2].decode() in error.detail and error.header == "/Ene5\\XS210 ESMR 5.0"


def test_an_unprintable_byte_in_a_telegram_is_pointed_at() -> None:
    broken = GOOD.replace(b"(01.250*kW)", b"(01.2\xf30*kW)")
    error = only_fault(broken)
    assert error.fault is Fault.WRONG_CRC and f"f3 at byte {len(GOOD) + broken.index(0xF3)}" in error.detail


def test_a_telegram_cut_by_the_next_is_named_and_the_next_is_read() -> None:
    error = only_fault(GOOD[:400])
    assert error.fault is Fault.CUT and error.length == 400 and "next telegram" in error.detail


def test_a_telegram_cut_inside_a_line_without_line_end_is_named_too() -> None:
    cut = GOOD[: GOOD.index(b"(01.250") + 4]
    assert only_fault(cut).fault is Fault.CUT


def test_a_telegram_without_its_beginning_is_named() -> None:
    error = only_fault(GOOD[300:])
    assert error.fault is Fault.CUT and "first line is lost" in error.detail


def test_a_stream_that_ends_inside_a_telegram_is_named_by_its_length() -> None:
    found = read_all(GOOD + GOOD[:200])
    assert isinstance(found[0], Telegram)
    assert isinstance(found[1], TelegramError) and found[1].fault is Fault.CUT
    assert (found[1].offset, found[1].length) == (len(GOOD), 200)


@pytest.mark.parametrize("digits", [0, 1, 2, 3])
def test_a_cut_check_sum_is_refused(digits: int) -> None:
    cut = GOOD[: GOOD.rindex(b"!") + 1 + digits]
    expected = Fault.MISSING_CRC if digits == 0 else Fault.WRONG_CRC
    assert faults(cut) == [expected]
    assert only_fault(cut + b"\r\n").fault is expected


def test_a_stream_that_begins_inside_a_telegram_is_named_cut_start() -> None:
    first, second = read_all(GOOD[250:] + GOOD)
    assert isinstance(first, TelegramError) and first.fault is Fault.CUT_START
    assert (first.offset, first.length) == (0, len(GOOD) - 250)
    assert isinstance(second, Telegram) and second.offset == len(GOOD) - 250


def test_a_last_telegram_without_line_end_is_whole() -> None:
    assert all(isinstance(found, Telegram) for found in read_all(GOOD + GOOD.rstrip()))
    assert isinstance(read_all(synthetic.DSMR_22.rstrip())[0], Telegram)


def test_an_endless_telegram_is_refused_at_the_cap_and_skipped_to_the_next() -> None:
    endless = b"/ISK5\\2X\r\n\r\n" + b"1-0:1.8.1(000001.001*kWh)\r\n" * 4000
    found = read_all(GOOD + endless + GOOD)
    assert [type(one) for one in found] == [Telegram, TelegramError, Telegram]
    assert isinstance(found[1], TelegramError) and found[1].fault is Fault.TOO_LONG
    assert str(LONGEST_TELEGRAM) in found[1].detail


def test_telegrams_that_ran_into_each_other_are_no_telegram() -> None:
    lines, others = GOOD.splitlines(keepends=True), synthetic.BELGIUM.splitlines(keepends=True)
    mixed = b"".join(line for pair in zip(lines[1:-1], others[1:-1], strict=False) for line in pair)
    found = read_all(GOOD + lines[0] + mixed + lines[-1] + GOOD)
    assert [type(one) for one in found] == [Telegram, TelegramError, Telegram]


def test_telegrams_without_crc_that_ran_into_each_other_are_told_by_a_value_said_twice() -> None:
    other = synthetic.DSMR_22.replace(b"00412.118", b"00499.999")
    mixed = synthetic.DSMR_22.replace(b"!\r\n", b"") + b"".join(other.splitlines(keepends=True)[2:])
    error = only_fault(mixed)
    assert error.fault is Fault.INTERLEAVED and "00412.118" in error.detail and "00499.999" in error.detail


@pytest.mark.parametrize("damage", [b"(0000.#8*kW)", b"(0000.9\x808*kW)", b"0000.98*kW", b"(0000.98*kW", b"()()(((("])
def test_a_damaged_line_spoils_a_telegram_without_crc(damage: bytes) -> None:
    error = only_fault(synthetic.DSMR_22.replace(b"(0000.98*kW)", damage))
    assert error.fault is Fault.DAMAGED


def test_a_strange_line_under_a_right_crc_is_kept() -> None:
    (telegram,) = read_all(synthetic.seal("/ISK5\\2X\n\n1-0:1.7.0(00.1*kW)\nwhat is this\n1-0:2.7.0(--.-*kW)"))
    assert isinstance(telegram, Telegram)
    assert telegram.unread == ("what is this",)
    assert len(telegram.lines) == 2 and len(telegram.notes) == 2


def test_a_telegram_without_lines_is_empty() -> None:
    assert only_fault(synthetic.seal("/ISK5\\2X\n")).fault is Fault.EMPTY


def test_binary_noise_is_named_and_passed_over() -> None:
    noise = RANDOM(7).randbytes(900).replace(b"/", b"?")
    assert only_fault(noise).fault is Fault.WRONG_LINE_SETTINGS
    assert only_fault(b"\x01\x02\x03\xfe").fault is Fault.NOISE


def test_a_slow_line_read_too_fast_is_named_by_its_stretched_bits() -> None:
    stretched = bytes(RANDOM(8).choices([0x00, 0x80, 0xE0, 0xF8, 0xFE, 0xFF], k=600))
    error = only_fault(stretched)
    assert error.fault is Fault.WRONG_LINE_SETTINGS and "9600 7E1" in error.cure


def test_a_7e1_line_read_as_8n1_is_read_and_said() -> None:
    with_parity = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in synthetic.DSMR_22)
    found = read_all(with_parity[100:] + with_parity + with_parity)
    assert isinstance(found[0], TelegramError) and found[0].fault is Fault.CUT_START
    assert [type(one) for one in found[1:]] == [Telegram, Telegram]
    assert isinstance(found[1], Telegram) and any("7E1" in note for note in found[1].notes)


def test_a_7e1_line_whose_parity_fails_is_damaged() -> None:
    with_parity = bytearray(byte | 0x80 if byte.bit_count() % 2 else byte for byte in synthetic.DSMR_22)
    with_parity[synthetic.DSMR_22.index(b"412") + 1] ^= 0x01
    assert faults(bytes(with_parity)) == [Fault.DAMAGED]


@pytest.mark.parametrize(
    ("data", "fault", "word"),
    [
        (ENCRYPTED, Fault.ENCRYPTED, "SAG"),
        (HDLC, Fault.NOT_P1, "HDLC"),
        (MBUS, Fault.NOT_P1, "M-Bus"),
        (SML, Fault.NOT_P1, "SML"),
    ],
)
def test_other_protocols_are_called_by_their_names(data: bytes, fault: Fault, word: str) -> None:
    clean = data.replace(b"/", b"?")
    (error,) = read_all(clean)
    assert isinstance(error, TelegramError) and error.fault is fault and word in error.detail and error.cure


def test_encrypted_telegrams_are_named_long_before_the_stream_ends() -> None:
    framer = Framer()
    found = [one for _ in range(2) for one in framer.feed(ENCRYPTED.replace(b"/", b"?"))]
    assert found and isinstance(found[0], TelegramError) and found[0].fault is Fault.ENCRYPTED


def test_the_rest_of_a_very_long_telegram_is_one_fault_however_long_it_is() -> None:
    text = "\n".join(f"0-0:96.13.{number}({'41' * 1000})" for number in (0, 2, 3, 4, 5))
    long = synthetic.seal(f"/Lux5\\2X\n\n1-0:1.7.0(00.1*kW)\n{text}")
    assert faults(long[30:] + long) == [Fault.CUT_START]


def test_fill_bytes_between_telegrams_are_no_fault() -> None:
    assert faults(b"\0\0\r\n" + GOOD + b"\0\r\n \0" + GOOD + b"\0") == []


def test_what_a_gateway_adds_behind_a_telegram_is_noise_and_harms_nothing() -> None:
    added = b"  25803103\r\n" + b"\xff" * 33 + b"\r\n"
    found = read_all((synthetic.EASYMETER + added) * 3)
    assert sum(isinstance(one, Telegram) for one in found) == 3


def test_noise_reports_grow_rarer_the_longer_the_noise_lasts() -> None:
    assert len(read_all(b"\x01\x02\x03\x04\x05\x06\x07\x08" * 65_536)) < 20


def test_a_telegram_right_behind_noise_without_a_line_end_is_read() -> None:
    found = read_all(b"\x93\x11garbage" + GOOD)
    assert [type(one) for one in found] == [TelegramError, Telegram]
