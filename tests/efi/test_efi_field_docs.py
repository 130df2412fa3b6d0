"""The docstrings beneath the fields can be read, for schemas, forms and help."""

import inspect
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel

from efi.commodity import CommodityQuantity
from efi.field_docs import _module_classes, field_docs, member_docs
from efi.storage import StorageStateUpdate


class Tariff(BaseModel):
    """What energy costs."""

    class Hour(BaseModel):
        """One hour."""

        price: float
        """Price of a kWh."""

    energy: float
    """Price of a kWh,

    without tax.
    """
    plain: int = 3
    standing: ClassVar[int] = 5
    """Not a field."""


class Reduced(Tariff):
    """A tariff with less to pay."""

    energy: float
    """A lower price."""


class Choice(StrEnum):
    """This or that."""

    THIS = "this"
    """The first."""
    THAT = "that"


def test_a_field_is_described_by_the_string_beneath_it() -> None:
    assert field_docs(Tariff) == {"energy": "Price of a kWh,\n\nwithout tax."}
    assert field_docs(Tariff.Hour) == {"price": "Price of a kWh."}


def test_an_inherited_field_keeps_its_description_unless_it_is_told_anew() -> None:
    assert field_docs(Reduced) == {"energy": "A lower price."}
    assert field_docs(StorageStateUpdate)["valid_from"].startswith("From when on it holds")


def test_the_members_of_a_choice_are_described() -> None:
    assert member_docs(Choice) == {"this": "The first."}
    assert member_docs(CommodityQuantity)["oil.flow_rate"] == "m³/s of oil."


def test_where_the_source_is_not_at_hand_nothing_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "getsourcefile", lambda _: str(Path("/nowhere/at/all.py")))
    _module_classes.cache_clear()
    try:
        assert field_docs(Tariff) == {}
    finally:
        _module_classes.cache_clear()
