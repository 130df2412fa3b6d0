"""Names on their way into EFI XML and back."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from efi.types import IDENTIFIER_PATTERN
from efi.xml.names import LEAST, MOST, NameTable, identifier_of, made_number, name_of, number_in, xml_name

NCNAME = re.compile(r"[A-Za-z_\u00C0-\u00FF][A-Za-z0-9_.\-\u00C0-\u00FF]*")

identifiers = st.from_regex(IDENTIFIER_PATTERN, fullmatch=True) | st.lists(
    st.sampled_from(("_x003A_", "_x005F_", "_x002E_", "_x0041_", "x003A_", "_", "_x", "a", "1", ":", "-")),
    min_size=2,
    max_size=8,
).map("".join)
numbers = st.integers(LEAST, MOST)


@given(identifiers)
@example("_x005F_x003A_")
@example("_x0041_")
@example("_x0000_0")
@example("_x110000_")
@example("_x002E_a")
def test_an_identifier_becomes_an_xml_name_and_comes_back(identifier: str) -> None:
    for apart in (0, 1, 2):
        name = xml_name(identifier, apart=apart)
        assert NCNAME.fullmatch(name), name
        if len(identifier) <= 64:
            assert identifier_of(name) == identifier


@given(st.from_regex(IDENTIFIER_PATTERN, fullmatch=True))
def test_the_same_identifier_can_be_written_three_times_in_one_document(identifier: str) -> None:
    assert len({xml_name(identifier, apart=apart) for apart in (0, 1, 2)}) == 3


@given(st.text("abZ019_.-éx0F", min_size=1, max_size=12).filter(NCNAME.fullmatch))
def test_an_xml_name_that_holds_no_escapes_comes_back_as_it_was(name: str) -> None:
    identifier = identifier_of(name)
    if "_x0" not in name:
        assert identifier is not None
        assert xml_name(identifier) == name
    elif identifier is not None:
        assert identifier_of(xml_name(identifier)) == identifier


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("message-003", "message-003"),
        ("0f8fad5b-d9cb-469f", "_x0030_f8fad5b-d9cb-469f"),
        ("urn:uuid", "urn_x003A_uuid"),
        ("meter_x002E_1", "meter.1"),
        ("_x006D_", "m"),
        ("-1", "_x002D_1"),
    ],
)
def test_names_as_people_meet_them(identifier: str, name: str) -> None:
    assert xml_name(identifier) == name
    assert identifier_of(name) == identifier


def test_a_name_that_is_too_long_stands_for_nothing() -> None:
    assert identifier_of("a" * 64) == "a" * 64
    assert identifier_of("a" * 65) is None
    assert identifier_of("a" + "." * 20) is None


@given(numbers)
def test_a_number_comes_back_without_any_note(number: int) -> None:
    name = NameTable().name(number)
    assert re.fullmatch(IDENTIFIER_PATTERN, name)
    table = NameTable()
    assert table.number(name) == number
    assert table.numbers == {}


@given(st.lists(identifiers, unique=True))
def test_names_of_one_table_have_numbers_of_their_own_and_come_back(names: list[str]) -> None:
    table = NameTable()
    told = {name: table.number(name) for name in names}
    assert len(set(told.values())) == len(names)
    assert all(LEAST <= number <= MOST for number in told.values())
    for known in (table, NameTable(table.numbers)):
        assert {name: known.name(number) for name, number in told.items()} == {name: name for name in names}
        assert {name: known.number(name) for name in names} == told


def test_every_table_gives_a_name_the_same_number() -> None:
    assert NameTable().number("charge") == NameTable().number("charge") == made_number("charge")


def test_a_number_that_is_taken_goes_to_nobody_else() -> None:
    table = NameTable()
    taken = made_number("charge")
    assert table.number(name_of(taken)) == taken
    assert table.number("charge") == taken + 1
    assert table.name(taken + 1) == "charge"
    other = NameTable()
    assert other.number("charge") == taken
    assert other.number(name_of(taken)) != taken
    assert other.numbers[name_of(taken)] == other.number(name_of(taken))


def test_names_that_look_like_numbers_and_are_none() -> None:
    assert number_in("007") is None
    assert number_in("7") is None
    assert number_in("-0") is None
    assert number_in("99999999999") is None
    assert number_in("4294967296") is None
    assert number_in("٣٣") is None
