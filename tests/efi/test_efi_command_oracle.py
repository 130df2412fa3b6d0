"""`efi validate` beside lxml (libxml2) over the official schemas: what they accept, and what they refuse."""

import pytest
from lxml import etree

from efi.command.documents import Document, Syntax
from efi.command.forms import WRITERS, FormReader, Settings
from efi.command.reading import Reading
from efi.xml.schema.definition import Schema
from efi.xml.schema.official import FILES, efi2_schema, interim_schema
from tests.efi.xml.documents import CHANGES, Maker, chance, serialised

ORACLES = {"interim": ("efi-interim-2016.xsd", interim_schema), "2.0": ("efi-2.0.xsd", efi2_schema)}

SEEDS = 300


def made(schema: Schema, seed: int) -> str:
    """A document made by chance from the schema; two of three are changed, so that some of them are wrong."""
    random = chance("command", seed)
    root = Maker(schema, random).document()
    for _ in range(seed % 3):
        random.choice(CHANGES)(random, root, schema)
    return serialised(root, schema.namespace)


def read(text: str, settings: Settings) -> Reading:
    return FormReader(settings).read(Document("made", Syntax.XML, text.encode()))


@pytest.mark.parametrize("form", ORACLES)
def test_what_the_official_schema_accepts_is_accepted_and_nothing_else_without_a_leniency(form: str) -> None:
    name, compiled = ORACLES[form]
    official = etree.XMLSchema(etree.parse(FILES / name))
    schema = compiled()
    understood = refused = forgiven = 0
    for seed in range(SEEDS):
        text = made(schema, seed)
        settings = Settings()
        reading = read(text, settings)
        if official.validate(etree.fromstring(text.encode())):
            assert reading.valid, (text, reading.refusals)
        elif reading.valid:
            assert reading.leniencies or reading.doubts, text
            forgiven += 1
        else:
            refused += 1
            assert all(refusal.rule and refusal.cure for refusal in reading.refusals)
        if not reading.messages:
            continue
        understood += 1
        for again in WRITERS[form](settings).write(reading.messages).messages:
            official.assertValid(etree.fromstring(again.encode()))
            assert read(again, settings).messages
    assert min(understood, refused, forgiven) > 3, (understood, refused, forgiven)
