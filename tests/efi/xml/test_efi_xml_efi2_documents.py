"""Documents of EFI 2.0 made at random: read, or refused by rule; and what was read says the same when it is written."""

import pytest
from lxml import etree

from efi.xml.efi2.codec import Efi2Codec
from efi.xml.errors import InvalidXmlError, SenselessXmlError
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.schema.official import FILES, efi2_schema
from efi.xml.writer import render
from tests.efi.xml.documents import CHANGES, Maker, chance, serialised

SCHEMA = etree.XMLSchema(etree.parse(FILES / "efi-2.0.xsd"))


def survives(document: str) -> bool:
    """Whether a document is read; then what was read must come back equal, from documents that are valid."""
    names = NameTable()
    try:
        messages = Efi2Codec(names).read(parse(document.encode())).messages
    except (SenselessXmlError, InvalidXmlError) as error:
        assert error.refusals
        assert all(refusal.rule and refusal.path and refusal.fact and refusal.cure for refusal in error.refusals)
        return False
    written = Efi2Codec(names).write(messages)
    codec = Efi2Codec(names)
    read = []
    for made in written.messages:
        data = render(made).encode()
        if "<efi:currency>" not in document:
            SCHEMA.assertValid(etree.fromstring(data))
        read += codec.read(parse(data)).messages
    assert tuple(read) == messages
    assert not [loss for loss in written.losses if loss.path not in ("message_id", "currency")]
    return True


@pytest.mark.parametrize("seed", range(4))
def test_what_the_schema_allows_is_read_or_refused_by_rule(seed: int) -> None:
    schema = efi2_schema()
    made = [
        serialised(Maker(schema, chance("sane", seed, number), sane=True).document(), schema.namespace)
        for number in range(150)
    ]
    assert sum(map(survives, made)) > len(made) / 2


@pytest.mark.parametrize("seed", range(4))
def test_what_was_changed_is_read_or_refused_by_rule(seed: int) -> None:
    schema = efi2_schema()
    for number in range(150):
        random = chance("changed", seed, number)
        root = Maker(schema, random, sane=True).document()
        for _ in range(random.choice((1, 1, 2, 3))):
            random.choice(CHANGES)(random, root, schema)
        survives(serialised(root, schema.namespace))
