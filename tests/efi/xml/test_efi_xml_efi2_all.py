"""Every message as EFI 2.0: valid, reported where it loses something, and otherwise as it was."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from efi.commodity import CommodityQuantity
from efi.conversion import Conversion
from efi.message import Message
from efi.messages import MESSAGE, AnyMessage
from efi.xml.efi2.codec import Efi2Codec
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.schema.official import FILES
from efi.xml.tree import Element
from efi.xml.writer import render
from tests.efi.strategies import MESSAGES
from tests.efi.xml.differences import differing, unaccounted

SCHEMA = etree.XMLSchema(etree.parse(FILES / "efi-2.0.xsd"))

ORDER = {quantity.value: place for place, quantity in enumerate((
    CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.GAS_FLOW, CommodityQuantity.HEAT_TEMPERATURE,
    CommodityQuantity.HEAT_FLOW, CommodityQuantity.HEAT_POWER,
))}  # fmt: skip
"""The order in which EFI 2.0 tells quantities; in the interface their order says nothing."""


def in_order(value: Any) -> Any:
    """A dumped message with its quantities in the order of EFI 2.0, and those that it cannot tell last."""
    if isinstance(value, dict):
        return {key: in_order(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        told = [in_order(each) for each in value]
        if told and all(isinstance(each, dict) and "quantity" in each and "limit" not in each for each in told):
            told.sort(key=lambda each: ORDER.get(each["quantity"], -1 if "electricity" in each["quantity"] else 99))
        return told
    return value


def arranged(message: AnyMessage) -> AnyMessage:
    return MESSAGE.validate_python(in_order(message.model_dump()))


def written_and_read(messages: tuple[AnyMessage, ...]) -> tuple[Conversion[Element], list[AnyMessage]]:
    """Messages written by one codec, valid by the official schema, and read by another that shares the names."""
    names = NameTable()
    written = Efi2Codec(names).write(messages)
    reader = Efi2Codec(names)
    read: list[AnyMessage] = []
    for document in written.messages:
        data = render(document).encode()
        SCHEMA.assertValid(etree.fromstring(data))
        told = reader.read(parse(data))
        assert not told.leniencies
        assert not told.losses
        read += told.messages
    return written, read


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_comes_back_but_for_what_is_reported(kind: type[Message]) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(MESSAGES[kind].map(arranged))
    def check(message: AnyMessage) -> None:
        written, read = written_and_read((message,))
        if not read:
            assert any(loss.reason for loss in written.losses)
            return
        assert len(read) == 1 or written.losses
        paths = differing(message.model_dump(), read[0].model_dump())
        assert not unaccounted(paths, written.losses), (message, read[0], written.losses)
        again, reread = written_and_read(tuple(read))
        assert reread == read
        assert not [loss for loss in again.losses if loss.path not in {each.path for each in written.losses}]

    check()
