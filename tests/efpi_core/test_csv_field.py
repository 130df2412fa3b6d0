"""A field of a CSV file is a text to a reader of CSV, and to a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.csv_field import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_a_text(text: str) -> None:
    assert read(csv_text(text)) == f"'{text}"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_other_text_is_read_as_it_was_written(text: str) -> None:
    assert read(csv_text(text)).removeprefix("'") == text.removeprefix("'")


def read(field: str) -> str:
    ((_, value, _),) = csv.reader(io.StringIO(f"a,{field},b\n", newline=""))
    return value
