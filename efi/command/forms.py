"""The wire forms that the command knows, each told from the others by what a document holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pydantic import ValidationError

from efi.command.convert import Writer
from efi.command.documents import Document, Syntax
from efi.command.reading import Reading
from efi.command.s2_form import S2, S2Reader, S2Writer, speaks_s2
from efi.conversion import Conversion
from efi.errors import faults
from efi.messages import AnyMessage, dump_message, parse_message
from efi.refusal import Refusal
from efi.repeated_key import repeated_key
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.profile import Profile
from efi.xml.codec import Generation, XmlCodec, generation_of
from efi.xml.errors import SenselessXmlError, UnreadableXmlError, XmlError
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.tree import Element

JSON = "json"


@dataclass(frozen=True, slots=True)
class Settings:
    """What no document tells, and a conversion may need."""

    calorific_value: Fraction | None = None
    """J in a m³ of gas."""
    names: NameTable = field(default_factory=NameTable)
    """The numbers that stand for names in XML."""
    profile: Profile | None = None
    """The profile of S2; None reads both, and writes the newer."""
    fill_level_unit: str | None = None
    """The unit of fill levels that S2 tells without one."""


class FormReader:
    """Reads documents of any form, as one conversation."""

    def __init__(self, settings: Settings) -> None:
        self._xml = XmlCodec(settings.names, settings.calorific_value)
        self._s2 = S2Reader(settings.profile, DeviceSettings(fill_level_unit=settings.fill_level_unit))

    def read(self, document: Document) -> Reading:
        """Read a document in the form that it is in."""
        if document.syntax is Syntax.XML:
            return self._read_xml(document)
        if speaks_s2(document.data):
            return self._s2.read(document)
        return read_json(document)

    def _read_xml(self, document: Document) -> Reading:
        """What a document says; where it is valid, and fits into no message all the same, that is a doubt."""
        try:
            root = parse(document.data)
        except UnreadableXmlError as error:
            return Reading(document, refusals=error.refusals, unreadable=True)
        try:
            generation = generation_of(root)
        except UnreadableXmlError as error:
            return Reading(document, refusals=error.refusals)
        name = _name_of(root, generation)
        try:
            told = self._xml.read_tree(root)
        except SenselessXmlError as error:
            return Reading(document, generation.value, name, doubts=error.refusals)
        except XmlError as error:
            return Reading(document, generation.value, name, refusals=error.refusals)
        return Reading(document, generation.value, name, told.messages, told.losses, told.leniencies, told.aliases)


def _name_of(root: Element, generation: Generation) -> str:
    """The name of the message that a document holds."""
    inner = generation is Generation.INTERIM and root.children
    return (root.children[0] if inner else root).local[:80]


def read_json(document: Document) -> Reading:
    """Read a message of the interface's own JSON form."""
    if not document.data.strip():
        return Reading(document, JSON, refusals=(_EMPTY,), unreadable=True)
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


_EMPTY = Refusal("empty", "", None, "nothing is written in it", "write a message")
_NO_JSON = frozenset(("json_invalid", "json_type"))


class JsonWriter:
    """Writes the interface's own JSON form, one message a line."""

    suffix = ".jsonl"

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write messages; nothing is ever lost."""
        return Conversion(tuple(dump_message(message).decode() for message in messages))


class XmlWriter:
    """Writes EFI XML of one generation, one document a message."""

    suffix = ".xml"

    def __init__(self, generation: Generation, settings: Settings) -> None:
        self._generation = generation
        self._codec = XmlCodec(settings.names, settings.calorific_value)

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write messages; one that has no place in this form is lost by name."""
        return self._codec.write(messages, self._generation)


WRITERS: dict[str, Callable[[Settings], Writer]] = {
    "interim": lambda settings: XmlWriter(Generation.INTERIM, settings),
    "2.0": lambda settings: XmlWriter(Generation.EFI_2, settings),
    S2: lambda settings: S2Writer(settings.profile),
    JSON: lambda _: JsonWriter(),
}
"""The forms that can be written."""
