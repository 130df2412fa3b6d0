"""All that the demo house says in a day leaves as EFI XML and comes back; what does not is told."""

from pathlib import Path

import pytest
from lxml import etree

from efi.messages import AnyMessage, parse_message
from efi.xml.codec import Generation, XmlCodec
from efi.xml.names import NameTable
from efi.xml.schema.official import FILES
from tests.efi.xml.differences import differing, unaccounted
from tests.efi.xml.test_efi_xml_efi2_all import arranged
from tests.support.real_gateway import efpi

SCHEMA = etree.XMLSchema(etree.parse(FILES / "efi-2.0.xsd"))


def said(folder: Path) -> list[AnyMessage]:
    """What the demo house's appliances and its energy app say in half a day."""
    told = efpi("simulate", "--site", "demo", "--days", 0.5, "--messages", "--out", folder)
    assert told.code == 0, told
    lines = (folder / "messages.jsonl").read_bytes().splitlines()
    return [arranged(parse_message(line)) for line in lines]


@pytest.mark.slow
def test_half_a_day_of_the_demo_house_leaves_as_efi_2_and_comes_back(tmp_path: Path) -> None:
    messages = said(tmp_path / "out")
    assert len({message.type for message in messages}) >= 10
    writer = XmlCodec()
    reader = XmlCodec(writer.names)
    for message in messages:
        written = writer.write([message], Generation.EFI_2)
        read: list[AnyMessage] = []
        for document in written.messages:
            SCHEMA.assertValid(etree.fromstring(document.encode()))
            told = reader.read(document.encode())
            assert not told.leniencies and not told.losses
            read += told.messages
        assert read, f"nothing of {message} can be told: {written.losses}"
        paths = differing(message.model_dump(), read[0].model_dump())
        assert not unaccounted(paths, written.losses), (message, read[0])
    kept = NameTable(writer.names.numbers)
    assert {name: kept.number(name) for name in writer.names.numbers} == writer.names.numbers
