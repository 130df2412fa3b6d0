"""Numbers that change their unit on the way into a document and back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efi.xml.scale import scaled, scaled_text

factors = st.sampled_from((3600, Fraction(1, 3600), 35_170_000, Fraction(1, 7), -1)).map(Fraction) | st.fractions(
    min_value=Fraction(1, 10**6), max_value=10**6
)


@given(st.floats(-1e15, 1e15), factors)
def test_a_number_comes_back_as_it_was(value: float, factor: Fraction) -> None:
    text = scaled_text(value, factor)
    assert scaled(text, factor) == value
    assert str(scaled(text, factor)) == str(value)
    assert len(text) < 35


@pytest.mark.parametrize(
    ("text", "factor", "value"),
    [
        ("1.1", Fraction(3600), 3960.0),
        ("1e3", Fraction(1, 1000), 1.0),
        ("0.3", Fraction(10), 3.0),
        ("1" + "0" * 200, Fraction(1), 1e200),
        ("1e308", Fraction(1000), float("inf")),
        ("-1e308", Fraction(1000), float("-inf")),
        ("-INF", Fraction(1000), float("-inf")),
        ("1e-999999999", Fraction(1000), 0.0),
    ],
)
def test_texts_are_reckoned_exactly(text: str, factor: Fraction, value: float) -> None:
    assert scaled(text, factor) == value
