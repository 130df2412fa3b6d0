"""From bytes of strangers to a tree: XML without document types, entities and instructions, within bounds.

A document may declare XML 1.1; it is read as XML 1.0, as other readers do, so what only 1.1 allows is refused.
"""

from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat  # nosec  # document types are refused before anything in them is looked at

from efi.refusal import Refusal
from efi.xml.errors import UnreadableXmlError
from efi.xml.tree import BLANKS, Element

ENCODINGS = frozenset(("utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"))
"""The encodings that a document may declare; without a declaration it is UTF-8, or UTF-16 with its mark."""

VERSIONS = frozenset(("1.0", "1.1"))

INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
"""The namespace of xsi:type and its like (XML Schema Part 1, 2.6)."""

XSI_TYPE = f"{INSTANCE}}}type"


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a document."""

    size: int = 4 << 20
    """In bytes."""
    depth: int = 32
    """Elements within elements."""
    elements: int = 100_000
    """Elements altogether."""
    attributes: int = 32
    """Attributes of one element."""
    text: int = 1 << 16
    """Characters of one element or attribute."""


LIMITS = Limits()


def parse(data: bytes, limits: Limits = LIMITS, *, lines: bool = True) -> Element:
    """Read a document; raises UnreadableXmlError with the line at which it stopped.

    Without `lines` no element knows its line, which is a little faster.
    """
    if len(data) > limits.size:
        raise UnreadableXmlError(
            [_refusal("document_too_large", f"it has {len(data)} bytes, more than {limits.size}", "part it")]
        )
    return _Reader(data, limits, lines=lines).read()


def _refusal(rule: str, fact: str, cure: str) -> Refusal:
    return Refusal(rule, "", None, fact, cure)


SHORTEST_ELEMENT = 4
"""The bytes of `<a/>`."""

_unmade = object.__new__


class _Reader:
    """Builds the tree of one document as its parts are met."""

    def __init__(self, data: bytes, limits: Limits, *, lines: bool) -> None:
        self._data = data
        self._limits = limits
        self._left = limits.elements
        self._document = Element("")
        self._open = [self._document]
        self._characters: list[str] = []
        self._length = 0
        self._scopes: dict[str, list[str]] = {}
        self._small = len(data) <= limits.text
        """Whether no text can be too long."""
        self._lines = lines
        self._deepest = limits.depth + 1
        few = len(data) < SHORTEST_ELEMENT * limits.elements
        self._parser = parser = expat.ParserCreate(None, "}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start if few else self._counted_start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters.append if self._small else self._measured_text
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartNamespaceDeclHandler = self._prefix
        parser.EndNamespaceDeclHandler = self._prefix_ends

    def read(self) -> Element:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            words = expat.ErrorString(error.code) or "it cannot be read"
            raise UnreadableXmlError(
                [self._at(error.lineno, "not_well_formed", words, "write it as XML 1.0")]
            ) from error
        except (LookupError, ValueError) as error:
            if isinstance(error, UnreadableXmlError):
                raise
            self._stop("not_well_formed", f"its encoding fails: {error}", "write it in UTF-8")
        finally:
            del self._parser  # with it goes the circle of the two, so that all is freed without a collection
        return self._document.children[0]

    def _stop(self, rule: str, fact: str, cure: str) -> NoReturn:
        raise UnreadableXmlError([self._at(self._parser.CurrentLineNumber, rule, fact, cure)])

    @staticmethod
    def _at(line: int, rule: str, fact: str, cure: str) -> Refusal:
        return _refusal(rule, f"line {line}: {fact}", cure)

    def _counted_start(self, tag: str, attributes: dict[str, str]) -> None:
        self._left -= 1
        if self._left < 0:
            self._stop("too_many_elements", f"it has more than {self._limits.elements} elements", "part it")
        self._start(tag, attributes)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = _unmade(Element)  # and filled here: a call of __init__ for every element costs as much again
        element.tag = tag
        element.attributes = attributes
        element.children = []
        element.text = ""
        element.line = self._parser.CurrentLineNumber if self._lines else 0
        element.scope = None
        if attributes:
            self._check(element, attributes)
        opened = self._open
        above = opened[-1]
        if self._characters:
            self._flush(above, within=True)
        above.children.append(element)
        opened.append(element)
        if len(opened) > self._deepest:
            self._stop("too_deep", f"elements stand more than {self._limits.depth} deep", "flatten it")

    def _check(self, element: Element, attributes: dict[str, str]) -> None:
        limits = self._limits
        if len(attributes) > limits.attributes:
            self._stop("too_many_attributes", f"an element has {len(attributes)} attributes", "leave some out")
        if not self._small and any(len(value) > limits.text for value in attributes.values()):
            self._stop("text_too_long", f"an attribute has more than {limits.text} characters", "shorten it")
        if XSI_TYPE in attributes:
            element.scope = {prefix: stack[-1] for prefix, stack in self._scopes.items() if stack}

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        characters = self._characters
        if not characters:
            return
        if self._small and not element.children:
            element.text = "".join(characters)
            characters.clear()
        else:
            self._flush(element, within=bool(element.children))

    def _measured_text(self, characters: str) -> None:
        self._length += len(characters)
        if self._length > self._limits.text:
            self._stop("text_too_long", f"an element has more than {self._limits.text} characters", "shorten it")
        self._characters.append(characters)

    def _flush(self, element: Element, *, within: bool) -> None:
        """Hand over the characters met since the last tag; between elements blanks say nothing."""
        text = "".join(self._characters)
        self._characters.clear()
        self._length = 0
        if within and not text.strip(BLANKS):
            return
        element.text += text
        if len(element.text) > self._limits.text:
            self._stop("text_too_long", f"an element has more than {self._limits.text} characters", "shorten it")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if version not in VERSIONS:
            self._stop("unknown_xml_version", f"it declares XML {version[:20]}", "declare version 1.0")
        if encoding is not None and encoding.lower() not in ENCODINGS:
            self._stop("unknown_encoding", f"it declares the encoding {encoding[:40]!a}", "write it in UTF-8")

    def _doctype(self, *declared: object) -> None:
        self._stop("document_type", "it declares a document type", "leave out <!DOCTYPE>")

    def _instruction(self, target: str, data: str) -> None:
        self._stop("processing_instruction", f"it holds the instruction <?{target[:40]}?>", "leave it out")

    def _prefix(self, prefix: str | None, namespace: str | None) -> None:
        self._scopes.setdefault(prefix or "", []).append(namespace or "")

    def _prefix_ends(self, prefix: str | None) -> None:
        self._scopes[prefix or ""].pop()
