"""EFI XML: any bytes are messages that come back from valid documents of either generation, or told by rule."""

from fractions import Fraction

from efi.messages import AnyMessage
from efi.xml.codec import Generation, XmlCodec, generation_of
from efi.xml.errors import XmlError
from efi.xml.parser import parse
from efi.xml.schema.official import efi2_schema, interim_schema
from efi.xml.schema.validator import Fault, validate
from tests.fuzz.target import Target

SCHEMAS = {Generation.INTERIM: interim_schema, Generation.EFI_2: efi2_schema}

CALORIFIC_VALUE = Fraction(35_170_000)


def feed(data: bytes) -> None:
    """Read a document; what is none is told by path, rule, fact and cure."""
    codec = XmlCodec(calorific_value=CALORIFIC_VALUE)
    try:
        told = codec.read(data)
    except XmlError as error:
        assert error.refusals
        for refusal in error.refusals:
            assert refusal.rule and refusal.fact and refusal.cure, refusal
            assert refusal.path or refusal.value is None, refusal
        return
    read_as = generation_of(parse(data))
    for generation in Generation:
        documents = codec.write(told.messages, generation).messages
        for document in documents:
            faults = validate(parse(document.encode()), SCHEMAS[generation]())
            assert not [fault for fault in faults if not _forgiven(fault)], document
        again = _read(codec, documents)
        if generation is read_as:
            assert again == told.messages, (told.messages, again)


def _read(codec: XmlCodec, documents: tuple[str, ...]) -> tuple[AnyMessage, ...]:
    reader = XmlCodec(codec.names, CALORIFIC_VALUE)
    return tuple(message for document in documents for message in reader.read(document.encode()).messages)


def _forgiven(fault: Fault) -> bool:
    """An id that stands twice, which is not written so on purpose; see the interim form's leniencies."""
    return fault.rule == "repeated_id"


TARGET = Target(
    "efi_xml",
    feed,
    words=(
        b"<!DOCTYPE a [<!ENTITY a 'b'>]>", b"<?xml version='1.0' encoding='utf-16'?>", b"<?pi ?>", b"<![CDATA[", b"]]>",
        b"<!--", b"-->", b"&#x10FFFF;", b"&amp;", b"&a;", b' xmlns="urn:x"', b' xsi:type="efi:Timer"',
        b' xsi:nil="true"', b"INF", b"-INF", b"NaN", b"1e400", b"1e-400", b"PT0S", b"P1Y", b"-PT1S",
        b"P99999999999999999999D",
        b"0001-01-01T00:00:00+14:00", b"9999-12-31T24:00:00-14:00", b"-0001-01-01T00:00:00", b"24:00:00", b"&#127;",
        b' efi:duration="PT0S"', b"2147483648", b"-2147483648", b"<efi:element/>", b"</efi:element>", b"CZK", b" ",
    ),
)  # fmt: skip
