"""Every message in the interim form: valid, reported where it loses something, and otherwise as it was."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from efi.conversion import Conversion
from efi.message import Message
from efi.messages import AnyMessage
from efi.xml.interim.codec import InterimCodec
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.schema.official import FILES
from efi.xml.tree import Element
from efi.xml.writer import render
from tests.efi.strategies import MESSAGES
from tests.efi.xml.differences import differing, unaccounted

SCHEMA = etree.XMLSchema(etree.parse(FILES / "efi-interim-2016.xsd"))

CALORIFIC_VALUE = Fraction(35_170_000)


def written_and_read(messages: tuple[AnyMessage, ...], **options: Any) -> tuple[Conversion[Element], list[AnyMessage]]:
    """Messages written by one codec, valid by the official schema, and read by another that shares the names."""
    names = NameTable()
    written = InterimCodec(names, **options).write(messages)
    reader = InterimCodec(names, **options)
    read: list[AnyMessage] = []
    for document in written.messages:
        data = render(document).encode()
        SCHEMA.assertValid(etree.fromstring(data))
        read += reader.read(parse(data)).messages
    return written, read


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_comes_back_but_for_what_is_reported(kind: type[Message]) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(MESSAGES[kind], st.sampled_from((None, CALORIFIC_VALUE)))
    def check(message: AnyMessage, calorific_value: Fraction | None) -> None:
        written, read = written_and_read((message,), calorific_value=calorific_value)
        if not read:
            assert any(loss.reason for loss in written.losses)
            return
        assert len(read) == 1
        assert type(read[0]) is type(message) or written.losses
        paths = differing(message.model_dump(), read[0].model_dump())
        assert not unaccounted(paths, written.losses), (message, read[0])
        again, reread = written_and_read(tuple(read), calorific_value=calorific_value)
        assert reread == read
        assert not [loss for loss in again.losses if loss.path not in {each.path for each in written.losses}]

    check()
