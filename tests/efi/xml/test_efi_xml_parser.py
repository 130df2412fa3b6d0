"""What is read as XML, and what is not taken from strangers."""

import pytest

from efi.xml.errors import UnreadableXmlError
from efi.xml.parser import LIMITS, Limits, parse
from efi.xml.tree import path_of

BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>'


def test_names_text_lines_and_places() -> None:
    root = parse(b'<a xmlns="urn:a" xmlns:p="urn:p">\n <b p:c="1" d="2"> x<!-- y -->z </b>\n <b/>\n</a>')
    first, second = root.children
    assert (root.tag, root.text, root.local, root.namespace) == ("urn:a}a", "", "a", "urn:a")
    assert (first.tag, first.attributes, first.text) == ("urn:a}b", {"urn:p}c": "1", "d": "2"}, " xz ")
    assert (first.line, second.line) == (2, 3)
    assert path_of(root, second) == "a/b[2]"
    assert path_of(root, first, "urn:p}c") == "a/b[1]/@c"
    assert path_of(root, root) == "a"


def test_prefixes_are_kept_where_a_type_is_named() -> None:
    root = parse(
        b'<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="urn:1">'
        b'<b xmlns:p="urn:2" x:type="p:T"/><c x:type="p:T"/></a>'
    )
    assert [(child.scope or {}).get("p") for child in root.children] == ["urn:2", "urn:1"]
    assert root.scope is None


@pytest.mark.parametrize(
    "document",
    [
        "<?xml version='1.0'?><a>é</a>".encode(),
        "<?xml version='1.0' encoding='utf-16'?><a>é</a>".encode("utf-16"),
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>".encode("latin-1"),
        "<?xml version='1.0' encoding='windows-1252'?><a>é</a>".encode("cp1252"),
        "<?xml version='1.1' encoding='UTF-8' standalone='yes'?><a>é</a>".encode(),
        "\ufeff<a>é</a>".encode(),
        b"<a>&#233;</a>",
        "<a><![CDATA[é]]></a>".encode(),
    ],
)
def test_encodings_and_declarations(document: bytes) -> None:
    assert parse(document).text == "é"


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (b"", "not_well_formed"),
        (b"<a>", "not_well_formed"),
        (b"<a></b>", "not_well_formed"),
        (b"<a/><b/>", "not_well_formed"),
        (b"<a>\x00</a>", "not_well_formed"),
        (b"<a>\xff</a>", "not_well_formed"),
        (b'<a b="1" b="2"/>', "not_well_formed"),
        (b"<p:a/>", "not_well_formed"),
        (b"<a>&b;</a>", "not_well_formed"),
        (b"<?xml version='1.1'?><a>&#1;</a>", "not_well_formed"),
        (b"<?xml version='1.0' encoding='utf-16'?><a/>", "not_well_formed"),
        (b"<?xml version='2.0'?><a/>", "unknown_xml_version"),
        (b"<?xml version='1.0' encoding='idna'?><a/>", "unknown_encoding"),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", "unknown_encoding"),
        (b"<?xml version='1.0' encoding='zip'?><a/>", "unknown_encoding"),
        (BOMB, "document_type"),
        (OUTSIDE, "document_type"),
        (b"<!DOCTYPE a><a/>", "document_type"),
        (b"<?xml-stylesheet href='http://a/'?><a/>", "processing_instruction"),
        (b"<a><?php x?></a>", "processing_instruction"),
    ],
)
def test_what_is_not_taken_is_refused_by_name(document: bytes, rule: str) -> None:
    with pytest.raises(UnreadableXmlError) as refused:
        parse(document)
    (refusal,) = refused.value.refusals
    assert refusal.rule == rule
    assert refusal.fact
    assert refusal.cure


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (b"<a>" + b"x" * 200 + b"</a>", "document_too_large"),
        (b"<a>" * 9 + b"</a>" * 9, "too_deep"),
        (b"<a>" + b"<b/>" * 10 + b"</a>", "too_many_elements"),
        (b"<a " + b" ".join(b'a%d="1"' % number for number in range(5)) + b"/>", "too_many_attributes"),
        (b"<a>" + b"x" * 51 + b"</a>", "text_too_long"),
        (b"<a>" + b"x<b/>" * 9 + b"x" * 45 + b"</a>", "text_too_long"),
        (b'<a b="' + b"x" * 51 + b'"/>', "text_too_long"),
    ],
)
def test_what_is_beyond_a_bound_is_refused_by_name(document: bytes, rule: str) -> None:
    with pytest.raises(UnreadableXmlError) as refused:
        parse(document, Limits(size=150, depth=8, elements=10, attributes=4, text=50))
    assert refused.value.refusals[0].rule == rule


def test_a_document_at_the_bounds_is_read() -> None:
    depth = LIMITS.depth
    assert parse(b"<a>" * depth + b"</a>" * depth)
