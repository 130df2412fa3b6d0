"""The verdict of the reader, leniencies included, beside libxml2's: nothing else is accepted, and nothing less."""

import pytest
from lxml import etree

from efi.conversion import Leniency
from efi.xml.codec import Generation, XmlCodec
from efi.xml.errors import InvalidXmlError, SenselessXmlError, UnreadableXmlError
from efi.xml.schema.official import FILES, efi2_schema, interim_schema
from tests.efi.xml.documents import CHANGES, Maker, chance, elements_of, serialised

SCHEMAS = {
    Generation.EFI_2: ("efi-2.0.xsd", efi2_schema),
    Generation.INTERIM: ("efi-interim-2016.xsd", interim_schema),
}

ODD = (
    "1e", "1E+", "1.e-", "NaN ", " NaN", "PT1.S", "PT.5S", "P1DT1H.5S", " PT1S", "PT1S ", "2026-03-29T01:00:00Z\n",
    " 2026-03-29T01:00:00", "2026-03-29T01:00:59.99999999999999999999Z", " aa ", " 1 ", "\t1\n", " true", "1\n",
)  # fmt: skip
"""Texts of which libxml2 and the recommendation think differently, or that stand near those."""

UNLIKE_LIBXML2 = "2026-03-29T01:00:59.99999999999999999999Z"
"""libxml2 rounds the seconds to 60 and refuses them; the recommendation does not."""


def accepted(data: bytes) -> tuple[bool, tuple[Leniency, ...]]:
    """Whether the reader takes a document as one of its schema, and what it forgave."""
    try:
        return True, XmlCodec().read(data).leniencies
    except SenselessXmlError:
        return True, ()
    except (InvalidXmlError, UnreadableXmlError) as error:
        assert error.refusals
        return False, ()


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_else_is_accepted_than_by_libxml2_but_by_name_and_nothing_less(
    generation: Generation, seed: int
) -> None:
    name, schema_of = SCHEMAS[generation]
    schema, theirs = schema_of(), etree.XMLSchema(etree.parse(FILES / name))
    read = 0
    for number in range(250):
        random = chance("verdict", seed, number)
        root = Maker(schema, random, sane=True).document()
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            random.choice(CHANGES)(random, root, schema)
        for _ in range(random.choice((0, 1, 1, 2))):
            element = random.choice(elements_of(root))
            if element.attributes and random.random() < 0.5:
                element.attributes[random.choice(list(element.attributes))] = random.choice(ODD)
            elif not element.children:
                element.text = random.choice(ODD)
        document = serialised(root, schema.namespace)
        data = document.encode()
        ours, leniencies = accepted(data)
        if theirs.validate(etree.fromstring(data)):
            assert ours, document
        elif ours and UNLIKE_LIBXML2 not in document:
            told = {leniency.name for leniency in leniencies}
            assert told - {"zoneless_time", "repeated_id"} or not read_at_all(data), document
        read += ours
    assert read > 30


def read_at_all(data: bytes) -> bool:
    """Whether messages come of a document; what makes no sense has no leniencies to tell."""
    try:
        return bool(XmlCodec().read(data).messages)
    except SenselessXmlError:
        return False
