"""The wire forms that the command knows, each told from the others by what a document holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pydantic import ValidationError

from efi.command.convert import Writer
from efi.command.documents import Document, Syntax
from efi.command.reading import Reading
from efi.command.s2_form import read_s2, speaks_s2
from efi.conversion import Conversion
from efi.errors import faults
from efi.messages import AnyMessage, dump_message, parse_message
from efi.refusal import Refusal
from efi.repeated_key import repeated_key
from efi.xml.errors import SenselessXmlError, UnreadableXmlError, XmlError
from efi.xml.interim.codec import InterimCodec
from efi.xml.interim.vocabulary import NAMESPACE
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.tree import Element
from efi.xml.writer import render

JSON = "json"
INTERIM = "interim"


@dataclass(frozen=True, slots=True)
class Settings:
    """What no document tells, and a conversion may need."""

    calorific_value: Fraction | None = None
    """J in a m³ of gas."""
    names: NameTable = field(default_factory=NameTable)
    """The numbers that stand for names in XML."""


class FormReader:
    """Reads documents of any form, as one conversation."""

    def __init__(self, settings: Settings) -> None:
        self._interim = InterimCodec(settings.names, settings.calorific_value)

    def read(self, document: Document) -> Reading:
        """Read a document in the form that it is in."""
        if document.syntax is Syntax.XML:
            return self._read_xml(document)
        if speaks_s2(document.data):
            return read_s2(document)
        return read_json(document)

    def _read_xml(self, document: Document) -> Reading:
        try:
            root = parse(document.data)
        except UnreadableXmlError as error:
            return Reading(document, refusals=error.refusals, unreadable=True)
        if root.namespace == NAMESPACE:
            name = root.children[0].local if root.children else root.local
            return _read_xml(document, INTERIM, name, lambda: self._interim.read(root))
        return Reading(document, refusals=(_unknown(root),), unreadable=True)


def _unknown(root: Element) -> Refusal:
    return Refusal(
        "unknown_namespace",
        root.local[:80],
        ascii(root.namespace[:80]),
        "it is of no generation of EFI",
        f"use {NAMESPACE} for the interim form, or {NAMESPACE}-2 for EFI 2.0",
    )


def _read_xml(document: Document, form: str, name: str, read: Callable[[], Conversion[AnyMessage]]) -> Reading:
    """What a document says; where it is valid, and fits into no message all the same, that is a doubt."""
    try:
        told = read()
    except SenselessXmlError as error:
        return Reading(document, form, name, doubts=error.refusals)
    except XmlError as error:
        return Reading(document, form, name, refusals=error.refusals)
    return Reading(document, form, name, told.messages, told.losses, told.leniencies, told.aliases)


def read_json(document: Document) -> Reading:
    """Read a message of the interface's own JSON form."""
    try:
        message = parse_message(document.data)
    except ValidationError as invalid:
        refusals = tuple(faults(invalid))
        unreadable = any(refusal.rule in _NO_JSON for refusal in refusals)
        return Reading(document, JSON, refusals=refusals, unreadable=unreadable)
    path = repeated_key(document.data)
    if path is not None:
        repeated = Refusal("repeated_key", path, None, "it stands twice in one object", "say it once")
        return Reading(document, JSON, message.type, refusals=(repeated,))
    return Reading(document, JSON, message.type, (message,))


_NO_JSON = frozenset(("json_invalid", "json_type"))


class JsonWriter:
    """Writes the interface's own JSON form, one message a line."""

    suffix = ".jsonl"

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write messages; nothing is ever lost."""
        return Conversion(tuple(dump_message(message).decode() for message in messages))


class InterimWriter:
    """Writes the interim form, one document a message."""

    suffix = ".xml"

    def __init__(self, settings: Settings) -> None:
        self._codec = InterimCodec(settings.names, settings.calorific_value)

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write messages; one that has no place in this form is lost by name."""
        told = self._codec.write(messages)
        return Conversion(tuple(map(render, told.messages)), told.losses, told.leniencies, told.aliases)


WRITERS: dict[str, Callable[[Settings], Writer]] = {
    INTERIM: InterimWriter,
    JSON: lambda _: JsonWriter(),
}
"""The forms that can be written."""
