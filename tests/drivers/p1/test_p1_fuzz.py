"""Whatever arrives, the reader answers with telegrams and named errors only, in bounded memory, in any slicing."""

import tracemalloc
from zoneinfo import ZoneInfo

import p1_synthetic as synthetic
import pytest
from efpi_driver_p1.decode import as_json, as_table
from efpi_driver_p1.errors import TelegramError
from efpi_driver_p1.framing import LONGEST_TELEGRAM, Framer
from efpi_driver_p1.reading import read_electricity, read_mbus
from efpi_driver_p1.stream import TelegramStream
from efpi_driver_p1.telegram import Telegram
from hypothesis import given, settings
from hypothesis import strategies as st
from test_p1_telegram import AMSTERDAM, read_all

telegrams = st.sampled_from(list(synthetic.ALL.values()))
p1_text = st.text("0123456789ABCDEF:.-()*/!\\kWhmSs3\r\n\0 ", max_size=400).map(str.encode)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A telegram with some of its bytes changed, lost or doubled."""
    data = bytearray(draw(telegrams))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                data[place] = draw(st.integers(0, 255))
            case 1:
                del data[place : place + draw(st.integers(1, 60))]
            case 2:
                data[place:place] = data[place : place + draw(st.integers(1, 60))]
            case _:
                data[place:place] = draw(st.binary(max_size=20))
        if not data:
            break
    return bytes(data)


@st.composite
def resealed(draw: st.DrawFn) -> bytes:
    """A telegram of invented lines under a right check sum, so that every parser of values is reached."""
    codes = st.sampled_from(
        [
            line.partition(b"(")[0].decode()
            for data in synthetic.ALL.values()
            for line in data.split(b"\r\n")
            if b"(" in line
        ]
    )
    group = st.one_of(
        st.text("0123456789.*-kWhSW:", max_size=30),
        st.from_regex(r"[0-9]{12}[SW]?", fullmatch=True),
        st.from_regex(r"[0-9]{1,25}[.,]?[0-9]{0,14}\*?[a-zA-Z0-9]{0,14}", fullmatch=True),
        st.text(st.characters(codec="latin-1", exclude_characters="()!/\r\n"), max_size=30),
    )
    lines = draw(st.lists(st.tuples(codes, st.lists(group, max_size=9)), max_size=12))
    text = "/XYZ5\\2M\n\n" + "\n".join(code + "".join(f"({value})" for value in values) for code, values in lines)
    body = text.replace("\n", "\r\n").encode("latin-1") + b"\r\n!"
    return body + f"{synthetic.independent_crc(body):04X}\r\n".encode()


def exercise(data: bytes) -> list[Telegram | TelegramError]:
    found = read_all(data)
    for number, one in enumerate(found):
        assert as_json(number, one) and as_table(number, one)
        if isinstance(one, Telegram):
            read_electricity(one)
            read_mbus(one)
        else:
            assert one.cure and one.detail
    return found


@given(st.lists(st.one_of(damaged(), p1_text, st.binary(max_size=300), telegrams), max_size=6).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_no_input_raises_and_every_piece_lies_inside_the_stream(data: bytes) -> None:
    last = 0
    for one in exercise(data):
        assert last <= one.offset <= one.offset + one.length <= len(data)
        last = one.offset + one.length


@pytest.mark.slow
@given(resealed())
@settings(max_examples=400, deadline=None)
def test_no_value_under_a_right_check_sum_raises(data: bytes) -> None:
    exercise(data)


@given(st.lists(damaged(), max_size=4), telegrams, telegrams)
@settings(max_examples=200, deadline=None)
def test_after_any_damage_the_second_of_two_good_telegrams_is_read(
    before: list[bytes], first: bytes, second: bytes
) -> None:
    found = read_all(b"".join(before) + first + second)
    assert isinstance(found[-1], Telegram) and found[-1].length == len(second.rstrip())


@given(st.data(), damaged(), telegrams)
@settings(max_examples=150, deadline=None)
def test_the_slicing_of_the_stream_changes_nothing(draw: st.DataObject, broken: bytes, good: bytes) -> None:
    data = broken + good + broken
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=30)))
    stream = TelegramStream(AMSTERDAM)
    sliced = [
        found
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
        for found in stream.feed(data[start:end])
    ] + stream.end()
    assert [_essence(one) for one in sliced] == [_essence(one) for one in read_all(data)]


def test_byte_by_byte_gives_the_same_as_at_once() -> None:
    data = b"\x01noise\xff" + b"".join(synthetic.ALL.values())
    stream = TelegramStream(AMSTERDAM)
    bytewise = [found for byte in data for found in stream.feed(bytes([byte]))] + stream.end()
    assert [_essence(one) for one in bytewise] == [_essence(one) for one in read_all(data)]


def test_memory_stays_bounded_under_an_endless_telegram_and_endless_noise() -> None:
    piece = b"1-0:1.8.1(000001.001*kWh)\r\n" * 40
    framer = Framer()
    framer.feed(b"/ISK5\\2X\r\n\r\n")
    tracemalloc.start()
    for _ in range(2000):
        framer.feed(piece)
    for _ in range(2000):
        framer.feed(b"\xf7" * 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * LONGEST_TELEGRAM


def test_a_zone_with_odd_offsets_is_no_trouble() -> None:
    assert all(isinstance(one, Telegram) for one in read_all(synthetic.DSMR_5, ZoneInfo("Asia/Kathmandu")))


def _essence(found: Telegram | TelegramError) -> tuple[object, ...]:
    kind = found.fault if isinstance(found, TelegramError) else found.lines
    return found.offset, found.length, kind
