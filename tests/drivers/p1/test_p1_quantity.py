"""Numbers as meters write them."""

from decimal import Decimal

import pytest
from efpi_driver_p1.quantity import Quantity, read_number, read_quantity


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("003432.827*kWh", 12_358_177_200, "J"),
        ("00.378*kW", 378, "W"),
        ("378*W", 378, "W"),
        ("-00.378*kW", -378, "W"),
        ("+1.5*kW", 1500, "W"),
        ("0,378*kW", 378, "W"),
        ("7*kw", 7000, "W"),
        ("1*MW", 1_000_000, "W"),
        ("12.*kW", 12_000, "W"),
        ("001.001*GJ", 1_001_000_000, "J"),
        ("1*MJ", 1_000_000, "J"),
        ("002*A", 2, "A"),
        ("230.0*V", 230, "V"),
        ("00912.384*m3", Decimal("912.384"), "m3"),
        ("5*dm3", Decimal("0.005"), "m3"),
        ("1.5*kvarh", 5_400_000, "var.s"),
        ("0000000236*s", 236, "s"),
        ("3*furlong", 3, "furlong"),
        ("42", 42, None),
    ],
)
def test_a_number_with_its_unit_becomes_si_exactly(text: str, value: int | Decimal, unit: str | None) -> None:
    found = read_quantity(text)
    assert found == Quantity(value, unit)
    assert type(found.value) is type(value)


@pytest.mark.parametrize("text", ["", "*kWh", "12*", "1.2.3*kW", "0x12*W", "1e5*W", "NaN*W", "--1*W", "١*W", "9" * 30])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_quantity(text) is None


def test_milliwatts_in_sloppy_letters_are_not_taken_for_megawatts() -> None:
    assert read_quantity("5*mw") == Quantity(5, "mw")


def test_blanks_around_a_number_do_not_matter() -> None:
    assert read_number(" 00.5 ") == Decimal("0.5")
