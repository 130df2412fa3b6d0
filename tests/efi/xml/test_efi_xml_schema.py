"""The check of documents, beside lxml's (libxml2) over the same official schemas."""

import pytest
from lxml import etree

from efi.xml.parser import parse
from efi.xml.schema.definition import Schema
from efi.xml.schema.official import FILES, efi2_schema, interim_schema
from efi.xml.schema.validator import validate
from tests.efi.xml.documents import CHANGES, Maker, chance, serialised

ORACLES = {
    "efi-2.0.xsd": efi2_schema,
    "efi-interim-2016.xsd": interim_schema,
}


def oracle(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(FILES / name)))


OURS_ALONE = frozenset(("repeated_id",))
"""What the recommendation asks (Structures, cvc-id) and libxml2 does not look at in elements."""


def verdicts(document: str, schema: Schema, theirs: etree.XMLSchema) -> tuple[bool, bool]:
    data = document.encode()
    faults = [fault for fault in validate(parse(data), schema) if fault.rule not in OURS_ALONE]
    return not faults, theirs.validate(etree.fromstring(data))


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(4))
def test_what_a_schema_allows_is_accepted_by_both(name: str, seed: int) -> None:
    schema, theirs = ORACLES[name](), oracle(name)
    for number in range(60):
        made = serialised(Maker(schema, chance(seed, number)).document(), schema.namespace)
        ours, others = verdicts(made, schema, theirs)
        assert ours == others, f"{made}\n{theirs.error_log}\n{validate(parse(made.encode()), schema)[:3]}"


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(4))
def test_a_changed_document_meets_the_same_verdict(name: str, seed: int) -> None:
    schema, theirs = ORACLES[name](), oracle(name)
    seen = {True: 0, False: 0}
    for number in range(300):
        random = chance(seed, number)
        root = Maker(schema, random).document()
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            random.choice(CHANGES)(random, root, schema)
        made = serialised(root, schema.namespace)
        ours, others = verdicts(made, schema, theirs)
        assert ours == others, f"{made}\n{theirs.error_log}\n{validate(parse(made.encode()), schema)[:3]}"
        seen[ours] += 1
    assert min(seen.values()) > 10
